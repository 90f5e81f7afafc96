package config

import (
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"mercator/schema"
	"mercator/schema/diag"
)

// rangeAt returns where the value at a path inside an expression is written, as near as the text tells: lists
// and objects that are written out are followed, whatever is computed is taken as a whole.
func rangeAt(x hcl.Expression, path cty.Path) diag.Range {
	for len(path) > 0 {
		inner := within(x, path[0])
		if inner == nil {
			break
		}
		x, path = inner, path[1:]
	}
	return rangeOf(x.Range())
}

// keyRangeAt returns where the key of the last step is written, or else what rangeAt returns.
func keyRangeAt(x hcl.Expression, path cty.Path) diag.Range {
	last := len(path) - 1
	for i := 0; i < last; i++ {
		inner := within(x, path[i])
		if inner == nil {
			return rangeOf(x.Range())
		}
		x = inner
	}
	if fields, hd := hcl.ExprMap(x); !hd.HasErrors() && last >= 0 {
		for _, f := range fields {
			if key, ok := literalKey(f.Key); ok && key == stepName(path[last]) {
				return rangeOf(f.Key.Range())
			}
		}
	}
	return rangeOf(x.Range())
}

func within(x hcl.Expression, step cty.PathStep) hcl.Expression {
	if p, ok := x.(*hclsyntax.ParenthesesExpr); ok {
		x = p.Expression
	}
	if index, ok := step.(cty.IndexStep); ok && index.Key.Type() == cty.Number {
		elements, hd := hcl.ExprList(x)
		if i, _ := index.Key.AsBigFloat().Int64(); !hd.HasErrors() && i >= 0 && i < int64(len(elements)) {
			return elements[i]
		}
		return nil
	}
	fields, hd := hcl.ExprMap(x)
	if hd.HasErrors() {
		return nil
	}
	for _, f := range fields {
		if key, ok := literalKey(f.Key); ok && key == stepName(step) {
			return f.Value
		}
	}
	return nil
}

// placeInside notes where the parts of an argument are written, by their paths: fields of objects and elements of
// lists, as far as the text shows them.
func placeInside(places map[string]diag.Range, a *schema.Attribute, at cty.Path, x hcl.Expression) {
	if p, ok := x.(*hclsyntax.ParenthesesExpr); ok {
		x = p.Expression
	}
	if len(at) > 1 {
		places[schema.PathString(at)] = rangeOf(x.Range())
	}
	if elements, hd := hcl.ExprList(x); !hd.HasErrors() && a.Type == schema.TypeList {
		element := *a
		if element.Type = a.Of; a.Nested != nil {
			element.Type = schema.TypeObject
		}
		for i, el := range elements {
			if !writtenOut(el) {
				return // what is null does not count, and moves those behind it
			}
			placeInside(places, &element, append(slices.Clone(at), cty.IndexStep{Key: cty.NumberIntVal(int64(i))}), el)
		}
	}
	fields, hd := hcl.ExprMap(x)
	if hd.HasErrors() || a.Type != schema.TypeObject {
		return
	}
	for _, f := range fields {
		key, ok := literalKey(f.Key)
		if field := schema.Find(a.Nested, key); ok && field != nil {
			path := append(slices.Clone(at), cty.GetAttrStep{Name: key})
			placeInside(places, field, path, f.Value)
			places[schema.PathString(path)] = rangeOf(hcl.RangeBetween(f.Key.Range(), f.Value.Range()))
		}
	}
}

// writtenOut reports whether an expression is a value that is not null, as it stands there.
func writtenOut(x hcl.Expression) bool {
	switch x.(type) {
	case *hclsyntax.ObjectConsExpr, *hclsyntax.TupleConsExpr, *hclsyntax.TemplateExpr:
		return true
	}
	if _, native := x.(hclsyntax.Expression); native {
		return false
	}
	_, noObject := hcl.ExprMap(x)
	_, noList := hcl.ExprList(x)
	return !noObject.HasErrors() || !noList.HasErrors()
}

func stepName(step cty.PathStep) string {
	switch s := step.(type) {
	case cty.GetAttrStep:
		return s.Name
	case cty.IndexStep:
		if v, err := convert.Convert(s.Key, cty.String); err == nil && v.IsKnown() && !v.IsNull() {
			return v.AsString()
		}
	}
	return ""
}
