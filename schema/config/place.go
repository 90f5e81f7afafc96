package config

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

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
	if object, ok := x.(*hclsyntax.ObjectConsExpr); ok && last >= 0 {
		for _, it := range object.Items {
			if key, ok := literalKey(it.KeyExpr); ok && key == stepName(path[last]) {
				return rangeOf(it.KeyExpr.Range())
			}
		}
	}
	return rangeOf(x.Range())
}

func within(x hcl.Expression, step cty.PathStep) hcl.Expression {
	if p, ok := x.(*hclsyntax.ParenthesesExpr); ok {
		x = p.Expression
	}
	switch x := x.(type) {
	case *hclsyntax.TupleConsExpr:
		index, ok := step.(cty.IndexStep)
		if !ok || index.Key.Type() != cty.Number {
			return nil
		}
		if i, _ := index.Key.AsBigFloat().Int64(); i >= 0 && i < int64(len(x.Exprs)) {
			return x.Exprs[i]
		}
	case *hclsyntax.ObjectConsExpr:
		name := stepName(step)
		for _, it := range x.Items {
			if key, ok := literalKey(it.KeyExpr); ok && key == name {
				return it.ValueExpr
			}
		}
	}
	return nil
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
