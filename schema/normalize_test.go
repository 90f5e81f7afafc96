package schema_test

import (
	"testing"

	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
	"mercator/schema/diag"
)

func TestNormalizeFillsTheNaturalKey(t *testing.T) {
	fails := false
	c, err := schema.NewCatalog(schema.Kind{
		Name:     "guest",
		Identity: schema.Identity{Binds: schema.ByKey, Key: []string{"house", "name"}},
		Attributes: []schema.Attribute{
			{Name: "name", Type: schema.TypeString},
			{Name: "house", Type: schema.TypeString, DefaultBy: &schema.DefaultBy{
				Attributes: []string{"title"}, Unset: "none", Then: "palace", Else: "inn"}},
			{Name: "title", Type: schema.TypeString},
			{Name: "bed", Type: schema.TypeString, Default: cty.StringVal("narrow")},
		},
		Hooks: schema.Hooks{Normalize: func(v cty.Value) (cty.Value, diag.List) {
			if fails {
				return cty.NilVal, diag.List{diag.Errorf("wrong", "wrong", "wrong")}
			}
			return with(v, map[string]cty.Value{"title": cty.StringVal("king")}), nil
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	k := c.Kind("guest")
	given := with(schema.NullObject(k.Attributes), map[string]cty.Value{"name": cty.StringVal("Ann")})
	v, found := k.Normalize(given)
	if len(found) > 0 || v.GetAttr("house").AsString() != "palace" {
		t.Errorf("house is %#v (%v), want the default for what the hook made of it", v.GetAttr("house"), found)
	}
	if !v.GetAttr("bed").IsNull() {
		t.Error("a default outside the natural key was filled in")
	}
	chosen, _ := k.Normalize(with(given, map[string]cty.Value{"house": cty.StringVal("barn")}))
	if chosen.GetAttr("house").AsString() != "barn" {
		t.Error("a house that the file names was overwritten")
	}
	fails = true
	if v, found = k.Normalize(given); !found.HasErrors() || !v.RawEquals(given) {
		t.Error("after an error the value must be as it was given")
	}
}
