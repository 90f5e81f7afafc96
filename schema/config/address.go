package config

import (
	"fmt"
	"math/big"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
	"mercator/schema/diag"
)

// addressExpr is an address written as a reference, in moved, removed and import blocks. Its keys may be computed
// where the block is repeated.
type addressExpr struct {
	steps []addressStep
	rng   diag.Range
}

type addressStep struct {
	kind, label string
	keys        []addressKey
}

// addressKey is a key between brackets: a constant, or an expression.
type addressKey struct {
	constant cty.Value
	x        *expr
	rng      hcl.Range
}

// addressPart is one name or key of a reference that is taken apart.
type addressPart struct {
	name string
	key  *addressKey
}

// addressArgument reads an argument that holds an address; computed is the scope of computed keys, nil where they
// are not allowed.
func (l *loader) addressArgument(got content, what, name string, at diag.Range, computed *scope) *addressExpr {
	a := got.args[name]
	if a == nil {
		l.add(missing(what, name, at))
		return nil
	}
	parts, ok := l.addressParts(a.Expr, computed)
	if !ok {
		l.add(diag.Errorf(codeInvalidAddress, "This is no resource address",
			"Write a reference without quotes and without variables: project.payments[\"prod\"].cluster.orders.").At(rangeOf(a.Expr.Range())))
		return nil
	}
	steps, problem := l.addressSteps(parts)
	if problem != "" {
		l.add(diag.Errorf(codeInvalidAddress, "This is no resource address", "%s", problem).At(rangeOf(a.Expr.Range())))
		return nil
	}
	return &addressExpr{steps: steps, rng: rangeOf(a.Expr.Range())}
}

// addressParts takes a reference apart; it reports whether the expression is one.
func (l *loader) addressParts(x hcl.Expression, computed *scope) ([]addressPart, bool) {
	switch native := x.(type) {
	case *hclsyntax.IndexExpr:
		parts, ok := l.addressParts(native.Collection, computed)
		if !ok || computed == nil {
			return nil, false
		}
		return append(parts, addressPart{key: &addressKey{x: l.expr(native.Key, *computed), rng: native.Key.Range()}}), true
	case *hclsyntax.RelativeTraversalExpr:
		parts, ok := l.addressParts(native.Source, computed)
		if !ok {
			return nil, false
		}
		return appendParts(parts, native.Traversal)
	}
	traversal, hd := hcl.AbsTraversalForExpr(x)
	if hd.HasErrors() {
		return nil, false
	}
	return appendParts(nil, traversal)
}

func appendParts(parts []addressPart, t hcl.Traversal) ([]addressPart, bool) {
	for _, step := range t {
		switch step := step.(type) {
		case hcl.TraverseRoot:
			parts = append(parts, addressPart{name: step.Name})
		case hcl.TraverseAttr:
			parts = append(parts, addressPart{name: step.Name})
		case hcl.TraverseIndex:
			parts = append(parts, addressPart{key: &addressKey{constant: step.Key, rng: step.SrcRange}})
		default:
			return nil, false
		}
	}
	return parts, true
}

// addressSteps checks the parts of an address against the kinds: calls of modules first, then a resource and what it
// lives in. A module alone stands for all that is in it.
func (l *loader) addressSteps(parts []addressPart) (steps []addressStep, problem string) {
	catalog := l.options.Catalog
	var parent *schema.Kind
	for i := 0; i < len(parts); {
		name := parts[i].name
		k := catalog.Kind(name)
		if name == callKind.Name && parent == nil {
			k = callKind
		}
		switch {
		case k == nil:
			return nil, fmt.Sprintf("%q is not a kind of resource.%s", name, didYouMean(name, catalog.Names()))
		case parent != nil && k.Parent != parent.Name:
			return nil, fmt.Sprintf("%s does not live in %s.", capital(article(name)), article(parent.Name))
		}
		step := addressStep{kind: name}
		i++
		if !k.Singleton || parent == nil {
			if i == len(parts) || parts[i].name == "" {
				return nil, fmt.Sprintf("The label after %q is missing.", name)
			}
			step.label = parts[i].name
			i++
		}
		for ; i < len(parts) && parts[i].key != nil; i++ {
			step.keys = append(step.keys, *parts[i].key)
			if problem := wrongKey(parts[i].key.constant); problem != "" {
				return nil, problem
			}
		}
		steps = append(steps, step)
		if k != callKind {
			parent = k
		}
	}
	return steps, ""
}

// wrongKey says what is wrong with a constant key, "" for nothing.
func wrongKey(v cty.Value) string {
	if v == cty.NilVal || v.Type() != cty.Number {
		return ""
	}
	if n, accuracy := v.AsBigFloat().Int64(); accuracy != big.Exact || n < 0 {
		return fmt.Sprintf("The key %s is not a whole number from 0.", schema.NumberText(v.AsBigFloat()))
	}
	return ""
}

// address computes an address; ok is false where a key is wrong, which is reported.
func (e *Evaluation) address(a *addressExpr, f frame) (addr schema.Address, ok bool) {
	if f.home != nil {
		addr = f.home.addr
	}
	for _, step := range a.steps {
		addr = addr.Child(step.kind, step.label)
		for _, k := range step.keys {
			v := k.constant
			if k.x != nil {
				if v, ok = e.addressKey(k, f); !ok {
					return "", false
				}
			}
			if v.Type() == cty.Number {
				n, _ := v.AsBigFloat().Int64()
				addr = addr.Index(int(n))
			} else {
				addr = addr.Key(v.AsString())
			}
		}
	}
	return addr, true
}

func (e *Evaluation) addressKey(k addressKey, f frame) (cty.Value, bool) {
	v, clean := e.eval(k.x, f)
	if !clean {
		return v, false
	}
	v, marks := v.Unmark()
	problem := ""
	switch _, secret := marks[schema.Sensitive]; {
	case failedIn(marks):
		return v, false
	case secret:
		problem = "It is sensitive, and addresses are shown."
	case !v.IsKnown() || v.IsNull() || v.Type() != cty.String && v.Type() != cty.Number:
		problem = fmt.Sprintf("Found %s; a key is a text or a number that is known.", describe(v, false))
	default:
		problem = wrongKey(v)
	}
	if problem != "" {
		e.add(diag.Errorf(codeInvalidAddress, "This is no key of an address", "%s", problem).At(rangeOf(k.rng)))
	}
	return v, problem == ""
}
