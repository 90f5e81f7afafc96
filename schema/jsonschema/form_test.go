package jsonschema_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
)

// former turns a file in native syntax into the same in JSON.
type former struct {
	src []byte
}

func jsonForm(t *testing.T, src []byte, name string) map[string]any {
	t.Helper()
	file, diags := hclsyntax.ParseConfig(src, name, hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return former{src}.body(file.Body.(*hclsyntax.Body))
}

func (f former) body(b *hclsyntax.Body) map[string]any {
	out := map[string]any{}
	for name, a := range b.Attributes {
		out[name] = f.argument(name, a.Expr)
	}
	for _, inner := range b.Blocks {
		at, name := out, inner.Type
		for _, label := range inner.Labels {
			if at[name] == nil {
				at[name] = map[string]any{}
			}
			at, name = at[name].(map[string]any), label
		}
		list, _ := at[name].([]any)
		at[name] = append(list, f.body(inner.Body))
	}
	return out
}

// argument writes what some arguments take as it is: references and types. A kind may have a type too, which is a text.
func (f former) argument(name string, x hclsyntax.Expression) any {
	if _, text := x.(*hclsyntax.TemplateExpr); text {
		return f.value(x)
	}
	switch name {
	case "type", "from", "to":
		if _, quoted := x.(*hclsyntax.TemplateExpr); quoted { // an argument of that name
			return f.value(x)
		}
		return f.text(x)
	case "depends_on", "ignore_changes":
		if list, ok := x.(*hclsyntax.TupleConsExpr); ok {
			out := []any{}
			for _, item := range list.Exprs {
				out = append(out, f.text(item))
			}
			return out
		}
		return f.text(x)
	}
	return f.value(x)
}

func (f former) text(x hclsyntax.Expression) string { return string(x.Range().SliceBytes(f.src)) }

func (f former) value(x hclsyntax.Expression) any {
	switch x := x.(type) {
	case *hclsyntax.LiteralValueExpr:
		switch v := x.Val; {
		case v.IsNull():
			return nil
		case v.Type() == cty.Bool:
			return v.True()
		default:
			return json.Number(schema.NumberText(v.AsBigFloat()))
		}
	case *hclsyntax.TupleConsExpr:
		out := []any{}
		for _, item := range x.Exprs {
			out = append(out, f.value(item))
		}
		return out
	case *hclsyntax.ObjectConsExpr:
		out := map[string]any{}
		for _, item := range x.Items {
			out[f.key(item.KeyExpr)] = f.value(item.ValueExpr)
		}
		return out
	case *hclsyntax.TemplateExpr:
		if x.IsStringLiteral() {
			v, _ := x.Value(nil)
			return strings.NewReplacer("${", "$${", "%{", "%%{").Replace(v.AsString())
		}
	}
	return "${" + f.text(x) + "}"
}

func (f former) key(x hclsyntax.Expression) string {
	key := x.(*hclsyntax.ObjectConsKeyExpr)
	if word := hcl.ExprAsKeyword(key); word != "" && !key.ForceNonLiteral {
		return word
	}
	if v, ok := f.value(key.Wrapped).(string); ok {
		return v
	}
	return f.text(key)
}
