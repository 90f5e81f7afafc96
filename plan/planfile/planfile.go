// Package planfile keeps a plan between the run that made it and the run that applies it.
//
// The file is JSON: a head with a magic word, a format version and a digest, and the content behind them. Values
// carry their types, so that a file can be shown without anything else. What is unknown stays unknown, a sensitive
// value is replaced by a placeholder that says "resolve this again from the environment" (R25), and hashes of
// secrets are left out. Beside the plan stands what it rests on: digests of the configuration and a fingerprint of
// every live object, by which Stale tells a plan that is as good as new from one that is not (R27).
package planfile

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/zclconf/go-cty/cty"

	"mercator/plan"
	"mercator/schema"
)

// File is a saved plan.
type File struct {
	// Mercator is the version that made the file.
	Mercator string
	Source   Source
	// Plan is the plan. Sensitive values in one that was read are unknown and marked; see Read.
	Plan *plan.Plan
	// Fingerprints say what each address of the plan rests on.
	Fingerprints map[schema.Address]Fingerprint
}

// Source is the configuration that a plan was made of.
type Source struct {
	// Dir is the configuration's folder as the user gave it: a relative one stays relative to the working folder.
	// The run that applies a plan often has its checkout in another place than the run that made it, and the
	// digests, not the place, make sure that it is the same configuration.
	Dir string
	// Files are the Digests of all files that were read, by name relative to Dir.
	Files map[string]string
	// Variables are the Digests of the values of variables that are not sensitive, by name.
	Variables map[string]string
}

// Digest returns the digest of a file's content, or of a variable's value as JSON, as Source takes it.
func Digest(content []byte) string {
	sum := sha256.Sum256(content)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// New returns the saved form of a plan, with its fingerprints. A plan with errors is refused, since it can't be
// applied, and so is one that holds a write-only argument in clear, which no correct planner makes. version is
// Mercator's own.
func New(p *plan.Plan, source Source, version string, catalog *schema.Catalog) (*File, error) {
	if p.Diagnostics.HasErrors() {
		return nil, fmt.Errorf("a plan with errors cannot be applied and is not saved; mend what it says and plan again")
	}
	f := &File{Mercator: version, Source: source, Plan: p, Fingerprints: make(map[schema.Address]Fingerprint, len(p.Changes))}
	for i := range p.Changes {
		c := &p.Changes[i]
		k := catalog.Kind(c.Kind)
		if k == nil {
			return nil, fmt.Errorf("%s: this version of Mercator has no kind %q", c.Address, c.Kind)
		}
		if path := clearSecret(k, c); path != "" {
			return nil, fmt.Errorf("%s: %s is write-only and stands in the plan in clear; the plan is not saved. This is a mistake in Mercator, please report it", c.Address, path)
		}
		print, err := Print(k, c)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.Address, err)
		}
		f.Fingerprints[c.Address] = print
	}
	return f, nil
}

// clearSecret returns the path of a write-only attribute whose value is known and not marked, or "".
func clearSecret(k *schema.Kind, c *plan.Change) string {
	if !hasSecret(k.Attributes) {
		return ""
	}
	for _, v := range []cty.Value{c.Before, c.After, c.Desired} {
		if path, found := clearIn(k.Attributes, v, nil); found {
			return schema.PathString(path)
		}
	}
	for i := range c.Diffs {
		d := &c.Diffs[i]
		a := schema.FindPath(k.Attributes, plain(d.Path))
		if d.Sensitive || a == nil { // the values of a sensitive one are dropped
			continue
		}
		for _, v := range []cty.Value{d.Old, d.New} {
			if _, found := clearAttribute(a, v, nil); found {
				return d.Path
			}
		}
	}
	return ""
}

func secret(a *schema.Attribute) bool { return a.WriteOnly || a.OnceShown }

func hasSecret(attrs []schema.Attribute) bool {
	return slices.ContainsFunc(attrs, func(a schema.Attribute) bool { return secret(&a) || hasSecret(a.Nested) })
}

// shut reports whether there is nothing to look at in a value: it is absent, unknown, null, or marked.
func shut(v cty.Value) bool { return v == cty.NilVal || v.IsMarked() || !v.IsKnown() || v.IsNull() }

// clearIn returns the path of the first secret in clear inside an object.
func clearIn(attrs []schema.Attribute, v cty.Value, at cty.Path) (path cty.Path, found bool) {
	if shut(v) || !v.Type().IsObjectType() {
		return nil, false
	}
	for i := range attrs {
		a := &attrs[i]
		if !v.Type().HasAttribute(a.Name) || !secret(a) && !hasSecret(a.Nested) {
			continue
		}
		if path, found = clearAttribute(a, v.GetAttr(a.Name), at.GetAttr(a.Name)); found {
			return path, true
		}
	}
	return nil, false
}

func clearAttribute(a *schema.Attribute, v cty.Value, at cty.Path) (path cty.Path, found bool) {
	switch {
	case shut(v):
		return nil, false
	case secret(a):
		return at, true
	case v.Type().IsObjectType():
		return clearIn(a.Nested, v, at)
	case a.Nested == nil || !v.CanIterateElements():
		return nil, false
	}
	for it := v.ElementIterator(); it.Next(); {
		i, el := it.Element()
		if path, found = clearIn(a.Nested, el, at.Index(i)); found {
			return path, true
		}
	}
	return nil, false
}

// plain takes the brackets out of a path as users write it: hooks[0].token is hooks.token.
func plain(path string) string {
	out := make([]byte, 0, len(path))
	depth := 0
	for i := 0; i < len(path); i++ {
		switch path[i] {
		case '[':
			depth++
		case ']':
			depth--
		default:
			if depth <= 0 {
				out = append(out, path[i])
			}
		}
	}
	return string(out)
}
