package schema_test

import (
	"slices"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
)

// letter is a toy kind with an argument of several API forms and arguments that depend on siblings.
func letter(t *testing.T) *schema.Kind {
	t.Helper()
	c, err := schema.NewCatalog(schema.Kind{
		Name:     "letter",
		Identity: schema.Identity{Binds: schema.ByKey, Key: []string{"to"}, Params: map[string]string{"receiver": "to"}},
		Ignored:  []string{".links"},
		Attributes: []schema.Attribute{
			{Name: "to", Type: schema.TypeString, Forms: []schema.Form{
				{API: "street", Pattern: `[A-Z].*`}, {API: "box", Pattern: `[0-9]+`}}},
			{Name: "kind", Type: schema.TypeString, Enum: []string{"PLAIN", "REGISTERED"}, Default: cty.StringVal("PLAIN")},
			{Name: "receipt", Type: schema.TypeString,
				AllowedWhen:  []schema.Condition{{Attribute: "kind", Values: []string{"REGISTERED"}}},
				RequiredWhen: []schema.Condition{{Attribute: "kind", Values: []string{"REGISTERED"}}}},
			{Name: "keep", Type: schema.TypeBool, DefaultBy: &schema.DefaultBy{
				Cases: [][3]string{{"urgent", "true", "true"}}, Else: "false"}},
			{Name: "urgent", Type: schema.TypeBool},
			{Name: "office_id", Type: schema.TypeString, Owner: schema.Server, FromPlace: "officeId"},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c.Kind("letter")
}

func TestMisfits(t *testing.T) {
	k := letter(t)
	str := cty.StringVal
	null := cty.NullVal(cty.String)
	for _, tc := range []struct {
		name          string
		kind, receipt cty.Value
		creating      bool
		want          []string
	}{
		{"fits", str("registered"), str("r"), true, nil},
		{"not allowed", str("PLAIN"), str("r"), true, []string{"argument_not_allowed receipt"}},
		{"not allowed by default", null, str("r"), false, []string{"argument_not_allowed receipt"}},
		{"missing", str("REGISTERED"), null, true, []string{"argument_missing receipt"}},
		{"missing in an update is unmanaged", str("REGISTERED"), null, false, nil},
		{"unknown value of the enum", str("COURIER"), str("r"), true, nil},
		{"unknown sibling", cty.UnknownVal(cty.String), str("r"), true, nil},
		{"neither", null, null, true, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v := with(schema.NullObject(k.Attributes), map[string]cty.Value{"kind": tc.kind, "receipt": tc.receipt})
			var got []string
			for _, m := range k.Misfits(v, tc.creating) {
				got = append(got, m.Finding.Code+" "+schema.PathString(m.Path))
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestForms(t *testing.T) {
	k := letter(t)
	for text, field := range map[string]string{"Elm Road": "street", "4711": "box"} {
		v := with(schema.NullObject(k.Attributes), map[string]cty.Value{"to": cty.StringVal(text)})
		j, err := schema.Encode(k.Attributes, v, schema.ByAPI)
		if err != nil || j[field] != text || len(j) != 1 {
			t.Errorf("%q is written as %v (%v), want the field %s alone", text, j, err, field)
		}
		back, unknown := k.Answer(map[string]any{field: text, "links": []any{}})
		if got := back.GetAttr("to"); got.AsString() != text || len(unknown) > 0 {
			t.Errorf("%s %q is read as %#v, unknown %q", field, text, got, unknown)
		}
	}
	v := with(schema.NullObject(k.Attributes), map[string]cty.Value{"to": cty.StringVal("elm road")})
	if j, err := schema.Encode(k.Attributes, v, schema.ByAPI); err == nil {
		t.Errorf("a text of no form is written as %v, want an error", j)
	}
	if j, err := schema.Encode(k.Attributes, v, schema.ByName); err != nil || j["to"] != "elm road" {
		t.Errorf("in our own files it is %v (%v), want it under its name", j, err)
	}
	both, _ := k.Answer(map[string]any{"box": "7", "street": "Elm Road"})
	if got := both.GetAttr("to").AsString(); got != "Elm Road" {
		t.Errorf("of two forms the first counts: got %q", got)
	}
}

func TestPathParam(t *testing.T) {
	k := letter(t)
	if a := k.PathParam("receiver"); a == nil || a.Name != "to" {
		t.Errorf("receiver is filled by %v, want to", a)
	}
	if a := k.PathParam("kind"); a == nil || a.Name != "kind" {
		t.Errorf("kind is filled by %v, want kind", a)
	}
	if a := k.PathParam("officeId"); a != nil {
		t.Errorf("officeId is filled by %s, want nil: it belongs to the place", a.Name)
	}
}

func TestDefaultByTakesTheAttributesType(t *testing.T) {
	k := letter(t)
	v := schema.NullObject(k.Attributes)
	if got := k.Effective(v, "keep"); !got.RawEquals(cty.False) {
		t.Errorf("keep is %#v, want false", got)
	}
	if got := k.Effective(with(v, map[string]cty.Value{"urgent": cty.True}), "keep"); !got.RawEquals(cty.True) {
		t.Errorf("keep of an urgent letter is %#v, want true", got)
	}
}

func TestFindPathWithDotsInNames(t *testing.T) {
	attrs := []schema.Attribute{{Name: "limits", Type: schema.TypeObject,
		Nested: []schema.Attribute{{Name: "a.b.users", Type: schema.TypeInteger}}}}
	if a := schema.FindPath(attrs, "limits.a.b.users"); a == nil || a.Name != "a.b.users" {
		t.Errorf("limits.a.b.users finds %v", a)
	}
	if a := schema.FindPath(attrs, "limits.a.b"); a != nil {
		t.Errorf("limits.a.b finds %s, want nothing", a.Name)
	}
}

func with(v cty.Value, changes map[string]cty.Value) cty.Value {
	values := v.AsValueMap()
	for name, value := range changes {
		values[name] = value
	}
	return cty.ObjectVal(values)
}
