package schema

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strings"
	"unicode"
)

// Catalog is a checked set of kinds. The zero value is empty.
type Catalog struct {
	kinds map[string]*Kind
	names []string
}

// NewCatalog fills in what kinds leave to convention (API names, limits), checks them against each other and
// returns the set. The error joins every mistake found; it is a programming error of the kinds' author.
func NewCatalog(kinds ...Kind) (*Catalog, error) {
	c := &Catalog{kinds: map[string]*Kind{}}
	var errs []error
	for _, k := range kinds {
		if _, ok := c.kinds[k.Name]; ok {
			errs = append(errs, fmt.Errorf("kind %s: declared twice", k.Name))
		}
		if k.Credential != nil && Find(k.Attributes, SecretFile) == nil { // they are there in a kind of another catalog
			k.Attributes = slices.Concat(k.Attributes, deliveries(k.Credential))
		}
		k.Attributes = complete(k.Attributes)
		if k.Identity.Pattern != "" {
			k.Identity.pattern, _ = regexp.Compile(k.Identity.Pattern) // a wrong pattern is reported by check
		}
		c.kinds[k.Name] = &k
		c.names = append(c.names, k.Name)
		k.ty = ObjectType(k.Attributes)
	}
	sort.Strings(c.names)
	for _, name := range c.names {
		for _, problem := range c.check(c.kinds[name]) {
			errs = append(errs, fmt.Errorf("kind %s: %s", name, problem))
		}
	}
	return c, errors.Join(errs...)
}

// Kind returns the kind of that name, or nil.
func (c *Catalog) Kind(name string) *Kind { return c.kinds[name] }

// Names returns the names of all kinds, sorted.
func (c *Catalog) Names() []string { return slices.Clone(c.names) }

// Children returns the kinds that live in the given one, sorted; with "" those of an organization.
func (c *Catalog) Children(parent string) []*Kind {
	var out []*Kind
	for _, name := range c.names {
		if k := c.kinds[name]; k.Parent == parent {
			out = append(out, k)
		}
	}
	return out
}

// Collections returns the kinds of which the given one can hold any number, sorted: those that can be exclusive in it.
// What it has one of from the start is none of them, since there is always one, nor is what was done at one time.
func (c *Catalog) Collections(parent string) []*Kind {
	return slices.DeleteFunc(c.Children(parent), func(k *Kind) bool { return k.Singleton || k.Once })
}

// complete derives the API names that are left out and remembers the types, on a copy.
func complete(attrs []Attribute) []Attribute {
	out := slices.Clone(attrs)
	for i := range out {
		a := &out[i]
		if a.API == "" {
			a.API = CamelCase(a.Name)
		}
		a.Forms = slices.Clone(a.Forms)
		for f := range a.Forms {
			a.Forms[f].re, _ = a.Forms[f].compile() // a wrong pattern is reported by check
		}
		if a.Nested != nil {
			a.Nested = complete(a.Nested)
		}
		a.ty = a.CtyType()
	}
	return out
}

// CamelCase turns a snake_case argument into the usual JSON name: region_name becomes regionName.
func CamelCase(name string) string {
	var b strings.Builder
	up := false
	for _, r := range name {
		if r == '_' {
			up = true
			continue
		}
		if up {
			r = unicode.ToUpper(r)
		}
		up = false
		b.WriteRune(r)
	}
	return b.String()
}

// checkRotates returns the attributes of a secret of a credential that has several.
func checkRotates(k *Kind, r *Rotation, bad func(string, ...any)) []Attribute {
	list := Find(k.Attributes, r.Secrets)
	if list == nil {
		return nil
	}
	if id, expires := Find(list.Nested, r.ID), Find(list.Nested, r.Expires); list.Owner != Server || id == nil || expires == nil || expires.Type != TypeTime {
		bad("the secrets in %s need an id and a time", r.Secrets)
	}
	if lasts := Find(k.Attributes, r.Lasts); lasts != nil && (!lasts.Initial || !lasts.Required || lasts.Type != TypeInteger) {
		bad("%s must be a required number of hours that is taken once", r.Lasts)
	}
	if r.Mint == nil || r.Revoke == nil || r.Most < 2 || !slices.Contains(Params(r.Revoke.Path), r.Param) {
		bad("its secrets can be made and revoked, and two at least can be there at a time")
	}
	return list.Nested
}

// FindPath returns the attribute at a dotted path without indices, or nil. Names may hold dots themselves (limits).
func FindPath(attrs []Attribute, path string) *Attribute {
	if a := Find(attrs, path); a != nil {
		return a
	}
	for i := range attrs {
		if rest, ok := strings.CutPrefix(path, attrs[i].Name+"."); ok {
			if a := FindPath(attrs[i].Nested, rest); a != nil {
				return a
			}
		}
	}
	return nil
}

// PathParam returns the attribute that fills a path parameter of one object's endpoints: the one that
// Identity.Params names, else the one whose API field is called like the parameter; nil where it belongs to the
// object's Place.
func (k *Kind) PathParam(param string) *Attribute {
	if name, ok := k.Identity.Params[param]; ok {
		return k.Attribute(name)
	}
	for i := range k.Attributes {
		if a := &k.Attributes[i]; a.API == param && a.Forms == nil && a.FromPlace == "" {
			return a
		}
	}
	return nil
}

// AllEndpoints returns every endpoint of the kind, its parts' included, in a fixed order.
func (k *Kind) AllEndpoints() []*Endpoint {
	all := []*Endpoint{k.Endpoints.List, k.Endpoints.Get, k.Endpoints.Create, k.Endpoints.Update, k.Endpoints.Delete, k.Endpoints.Find}
	all = append(all, k.Endpoints.Partial...)
	if k.Validate != nil {
		all = append(all, k.Validate.Endpoint)
	}
	for i := range k.Upgrades {
		all = append(all, k.Upgrades[i].Call)
	}
	for _, p := range k.Parts {
		all = append(all, p.Read)
		all = append(all, p.Endpoints()...)
		if m := p.Members; m != nil && m.Text != nil {
			all = append(all, m.Text.IDs)
		}
	}
	if k.Credential != nil && k.Credential.Rotation != nil {
		all = append(all, k.Credential.Rotation.Mint, k.Credential.Rotation.Revoke)
	}
	return slices.DeleteFunc(all, func(e *Endpoint) bool { return e == nil })
}

// Swept reports whether all objects of the kind in a place can be read: by a list, or of a singleton by itself.
func (k *Kind) Swept() bool {
	return k.Endpoints.List != nil || k.Singleton && k.Endpoints.Get != nil
}

// Endpoint returns the endpoint with the given operationId, or nil.
func (k *Kind) Endpoint(operation string) *Endpoint {
	for _, e := range k.AllEndpoints() {
		if e.Operation == operation {
			return e
		}
	}
	return nil
}

// Part returns the part that fills an attribute, or nil.
func (k *Kind) Part(attribute string) *Part {
	for i := range k.Parts {
		if k.Parts[i].Attribute == attribute {
			return &k.Parts[i]
		}
	}
	return nil
}

// Attribute returns the top-level attribute of that name, or nil.
func (k *Kind) Attribute(name string) *Attribute { return Find(k.Attributes, name) }

// HasSecrets reports whether any attribute, at any depth, is write-only.
func (k *Kind) HasSecrets() bool { return hasSecrets(k.Attributes) }

func hasSecrets(attrs []Attribute) bool {
	for i := range attrs {
		if attrs[i].HasSecrets() {
			return true
		}
	}
	return false
}

// HasSecrets reports whether the attribute, or one at any depth inside of it, is write-only.
func (a *Attribute) HasSecrets() bool { return a.WriteOnly || hasSecrets(a.Nested) }
