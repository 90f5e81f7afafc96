package config

import (
	"fmt"
	"math/big"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"mercator/schema"
	"mercator/schema/diag"
)

// addressExpr is an address written as a reference, in moved, removed and import blocks.
type addressExpr struct {
	address schema.Address
	rng     diag.Range
}

// addressOf reads a reference without variables as an address and checks it against the kinds.
func addressOf(x hcl.Expression, catalog *schema.Catalog) (schema.Address, *diag.Diagnostic) {
	bad := func(detail string, args ...any) (schema.Address, *diag.Diagnostic) {
		d := diag.Errorf(codeInvalidAddress, "This is no resource address", detail, args...)
		return "", &d
	}
	traversal, hd := hcl.AbsTraversalForExpr(x)
	if hd.HasErrors() {
		return bad("Write a reference without quotes and without variables: project.payments[\"prod\"].cluster.orders.")
	}
	var addr schema.Address
	var parent *schema.Kind
	for i := 0; i < len(traversal); {
		name := rootOrName(traversal[i])
		k := catalog.Kind(name)
		switch {
		case k == nil:
			return bad("%q is not a kind of resource.%s", name, didYouMean(name, catalog.Names()))
		case parent != nil && k.Parent != parent.Name:
			return bad("%s does not live in %s.", capital(article(name)), article(parent.Name))
		}
		i++
		label := ""
		if !k.Singleton || parent == nil {
			if label = step(traversal, i); label == "" {
				return bad("The label after %q is missing.", name)
			}
			i++
		}
		addr, parent = addr.Child(name, label), k
		for ; i < len(traversal); i++ {
			index, ok := traversal[i].(hcl.TraverseIndex)
			if !ok {
				break
			}
			if index.Key.Type() != cty.Number {
				addr = addr.Key(index.Key.AsString())
				continue
			}
			n, accuracy := index.Key.AsBigFloat().Int64()
			if accuracy != big.Exact || n < 0 {
				return bad("The key %s is not a whole number from 0.", schema.NumberText(index.Key.AsBigFloat()))
			}
			addr = addr.Index(int(n))
		}
	}
	return addr, nil
}

func rootOrName(step hcl.Traverser) string {
	switch step := step.(type) {
	case hcl.TraverseRoot:
		return step.Name
	case hcl.TraverseAttr:
		return step.Name
	default:
		return ""
	}
}

// addresses fills in moves, removals and imports and holds them against what is declared.
func (e *Evaluation) addresses() {
	declared := map[schema.Address]bool{}
	if len(e.cfg.root.moves)+len(e.cfg.root.removals) > 0 {
		declared = e.declared()
	}
	for _, m := range e.cfg.root.moves {
		switch {
		case m.from.address.Kind() != m.to.address.Kind():
			e.add(diag.Errorf(codeInvalidAddress, "A move cannot change the kind",
				"%s and %s are of different kinds.", m.from.address, m.to.address).At(m.rng))
		case m.from.address == m.to.address:
			e.add(diag.Errorf(codeInvalidAddress, "The move leads nowhere", "Both addresses are %s.", m.to.address).At(m.rng))
		case declared[m.from.address]:
			e.add(diag.Errorf(codeStillDeclared, "What was moved is still declared",
				"%s exists in the files. Remove its block, or the moved block.", m.from.address).At(m.rng))
		default:
			e.Desired.Moves = append(e.Desired.Moves, schema.Move{From: m.from.address, To: m.to.address, Range: m.rng})
		}
	}
	for _, r := range e.cfg.root.removals {
		destroy := true
		if r.destroy != nil {
			destroy = e.truth(r.destroy, "destroy", true)
		}
		if declared[r.from.address] {
			e.add(diag.Errorf(codeStillDeclared, "What was removed is still declared",
				"%s exists in the files. Remove its block, or the removed block.", r.from.address).At(r.rng))
			continue
		}
		e.Desired.Removals = append(e.Desired.Removals, schema.Removal{From: r.from.address, Destroy: destroy, Range: r.rng})
	}
	for _, i := range e.cfg.imports {
		if _, ok := e.resources[i.to.address]; !ok {
			e.add(diag.Errorf(codeImportTarget, "The import has no target",
				"%s is not declared; write its block, with its key where it is repeated.", i.to.address).At(i.to.rng))
			continue
		}
		if id, ok := e.identity(i); ok {
			e.Desired.Imports = append(e.Desired.Imports, schema.Import{To: i.to.address, ID: id, Range: i.rng})
		}
	}
}

// declared returns the addresses that are declared: those of resources, and of blocks that stand for several.
func (e *Evaluation) declared() map[schema.Address]bool {
	out := make(map[schema.Address]bool, len(e.index))
	for addr := range e.index {
		for {
			out[addr] = true
			block := addr.Block()
			if block == addr {
				break
			}
			addr = block
		}
	}
	return out
}

func (e *Evaluation) truth(x *expr, name string, otherwise bool) bool {
	v, clean := e.eval(x, frame{})
	if !clean {
		return otherwise
	}
	v, marks := v.UnmarkDeep()
	if failedIn(marks) {
		return otherwise
	}
	converted, err := convert.Convert(v, cty.Bool)
	if err != nil || !converted.IsKnown() || converted.IsNull() {
		e.add(diag.Errorf(codeWrongType, fmt.Sprintf("%s is not true or false", name), "Found %s.", describe(v, true)).At(rangeOf(x.Range())))
		return otherwise
	}
	return converted.True()
}

// identity reads an import's id: a text, or an object of natural key attributes.
func (e *Evaluation) identity(i *importDecl) (map[string]string, bool) {
	v, clean := e.eval(i.id, frame{})
	if !clean {
		return nil, false
	}
	at := rangeOf(i.id.Range())
	v, marks := v.UnmarkDeep()
	if failedIn(marks) {
		return nil, false
	}
	if _, secret := marks[schema.Sensitive]; secret {
		e.add(diag.Errorf(codeSensitiveKey, "The id is sensitive", "It is shown and stored. Write nonsensitive(...) if it is no secret.").At(at))
		return nil, false
	}
	k := e.cfg.options.Catalog.Kind(i.to.address.Kind())
	wrong := func() (map[string]string, bool) {
		e.add(diag.Errorf(codeWrongType, "The id is not a text or an object",
			"Found %s; write the id in Atlas, or an object with the natural key, for example { %s = \"...\" }.",
			describe(v, false), firstOr(k.Identity.Key, "id")).At(at))
		return nil, false
	}
	switch {
	case !v.IsWhollyKnown() || v.IsNull():
		return wrong()
	case v.Type() == cty.String:
		return map[string]string{"id": v.AsString()}, true
	case !v.Type().IsObjectType() && !v.Type().IsMapType():
		return wrong()
	}
	out := map[string]string{}
	for it := v.ElementIterator(); it.Next(); {
		name, el := it.Element()
		text, err := convert.Convert(el, cty.String)
		if err != nil || text.IsNull() {
			return wrong()
		}
		if name.AsString() != "id" && k.Attribute(name.AsString()) == nil {
			e.add(diag.Errorf(codeUnknownArgument, fmt.Sprintf("There is no argument %q", name.AsString()),
				"%s has none of that name.%s", capital(article(k.Name)), among(name.AsString(), k.Identity.Key)).At(at))
			return nil, false
		}
		out[name.AsString()] = text.AsString()
	}
	return out, true
}

func firstOr(names []string, otherwise string) string {
	if len(names) > 0 {
		return names[0]
	}
	return otherwise
}
