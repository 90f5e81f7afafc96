package schema_test

import (
	"testing"

	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
)

func TestSecretText(t *testing.T) {
	marked := cty.StringVal("a").Mark(schema.Sensitive)
	for name, c := range map[string]struct {
		value cty.Value
		text  string
		ok    bool
	}{
		"string":         {cty.StringVal("a\"b"), "a\"b", true},
		"marked":         {marked, "a", true},
		"whole number":   {cty.NumberIntVal(27017), "27017", true},
		"number":         {cty.MustParseNumberVal("0.10"), "0.1", true},
		"bool":           {cty.True, "true", true},
		"null":           {cty.NullVal(cty.String), "null", true},
		"list":           {cty.ListVal([]cty.Value{marked, cty.StringVal("b")}), `["a","b"]`, true},
		"map":            {cty.MapVal(map[string]cty.Value{"y": cty.StringVal("b"), "x": marked}), `{"x":"a","y":"b"}`, true},
		"empty list":     {cty.ListValEmpty(cty.String), `[]`, true},
		"unknown":        {cty.UnknownVal(cty.String), "", false},
		"unknown inside": {cty.ListVal([]cty.Value{cty.UnknownVal(cty.String)}), "", false},
		"nothing":        {cty.NilVal, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			if text, ok := schema.SecretText(c.value); text != c.text || ok != c.ok {
				t.Errorf("text %q, %v; want %q, %v", text, ok, c.text, c.ok)
			}
		})
	}
}
