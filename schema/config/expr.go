package config

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"mercator/schema/diag"
)

// expr is an expression with what was found out about it before it is evaluated.
type expr struct {
	hcl.Expression
	// traversal is set for an element of depends_on, which is a reference and not a value.
	traversal hcl.Traversal
	scope     scope
	uses      usage
	// bad says that a mistake in it has been reported, so that it is not evaluated.
	bad bool
}

// scope says where an expression stands: which names it can see.
type scope struct {
	// module is the one in whose files the expression stands.
	module *module
	// block is the innermost block in an instance of which the expression is evaluated; nil at the top level.
	block *block
	// expanding says that the expression repeats a block inside block, whose parent is then block itself.
	expanding bool
	// noParent says that the expression is the parent argument itself.
	noParent bool
	// early allows only what is known before resources are looked at.
	early bool
	// self allows self.
	self bool
	// validates is the variable whose validation the expression belongs to.
	validates *variable
}

// expr registers an expression, to be analysed when everything is declared.
func (l *loader) expr(x hcl.Expression, s scope) *expr {
	s.module = l.module
	e := &expr{Expression: x, scope: s}
	l.pending = append(l.pending, e)
	return e
}

// constant evaluates an argument that takes no references, only literal values.
func (l *loader) constant(a *hcl.Attribute) (cty.Value, bool) {
	if refs := a.Expr.Variables(); len(refs) > 0 {
		l.add(diag.Errorf(codeNotAllowedHere, "References cannot be used here",
			"%q takes a literal value only.", a.Name).At(rangeOf(refs[0].SourceRange())))
		return cty.DynamicVal, false
	}
	v, hd := a.Expr.Value(nil)
	for _, d := range hd {
		l.add(diag.Errorf(codeNotAllowedHere, "This is no literal value",
			"%q takes a literal value only. %s", a.Name, d.Detail).At(rangeOf(*d.Subject)))
	}
	return v, !hd.HasErrors() && v.IsWhollyKnown() // what the parser could not read is unknown
}

// constantText returns a literal text, "" for no argument and for a wrong one, which is reported.
func (l *loader) constantText(a *hcl.Attribute) string {
	v := l.constantOf(a, cty.String)
	if v.IsNull() {
		return ""
	}
	return v.AsString()
}

// constantBool returns a literal truth value, otherwise for no argument and for a wrong one, which is reported.
func (l *loader) constantBool(a *hcl.Attribute, otherwise bool) bool {
	v := l.constantOf(a, cty.Bool)
	if v.IsNull() {
		return otherwise
	}
	return v.True()
}

func (l *loader) constantOf(a *hcl.Attribute, want cty.Type) cty.Value {
	if a == nil {
		return cty.NullVal(want)
	}
	v, ok := l.constant(a)
	if !ok {
		return cty.NullVal(want)
	}
	converted, err := convert.Convert(v, want)
	if err != nil {
		l.add(diag.Errorf(codeWrongType, "The value has the wrong type", "Found %s; %q takes %s.",
			describe(v, false), a.Name, typeWords[want.FriendlyName()]).At(rangeOf(a.Expr.Range())))
		return cty.NullVal(want)
	}
	return converted
}
