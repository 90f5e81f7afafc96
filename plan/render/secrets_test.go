package render_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"
	"pgregory.net/rapid"

	"mercator/plan"
	"mercator/plan/render"
	"mercator/schema"
	"mercator/schema/diag"
)

// anyValue draws a value of the attribute's type. Texts that hold the canary are marked, or stand unmarked in a
// write-only attribute, as after a mistake somewhere before rendering; sometimes a whole object is marked.
func anyValue(t *rapid.T, a *schema.Attribute) cty.Value {
	ty := a.CtyType()
	switch rapid.IntRange(0, 9).Draw(t, "form") {
	case 0:
		return cty.NullVal(ty)
	case 1:
		return cty.UnknownVal(ty)
	}
	switch a.Type {
	case schema.TypeObject:
		return marked(t, anyObject(t, a.Nested))
	case schema.TypeList:
		n := rapid.IntRange(0, 3).Draw(t, "length")
		if n == 0 {
			return cty.ListValEmpty(ty.ElementType())
		}
		elements := make([]cty.Value, n)
		for i := range elements {
			if a.Nested != nil {
				elements[i] = anyObject(t, a.Nested)
			} else {
				elements[i] = anyText(t, false)
			}
		}
		return marked(t, cty.ListVal(elements))
	case schema.TypeMap, schema.TypePairs:
		return marked(t, cty.MapVal(map[string]cty.Value{"a": anyText(t, false), "b c": anyText(t, false)}))
	case schema.TypeBool:
		return cty.BoolVal(rapid.Bool().Draw(t, "bool"))
	case schema.TypeNumber, schema.TypeInteger:
		return cty.NumberIntVal(rapid.Int64().Draw(t, "number"))
	default:
		return anyText(t, a.WriteOnly)
	}
}

func marked(t *rapid.T, v cty.Value) cty.Value {
	if rapid.IntRange(0, 5).Draw(t, "mark") == 0 {
		return v.Mark(schema.Sensitive)
	}
	// A value that is not marked as a whole keeps its marks inside.
	return v
}

func anyText(t *rapid.T, secret bool) cty.Value {
	if secret {
		return cty.StringVal(canary)
	}
	text := rapid.SampledFrom([]string{"", "plain", "two\nlines", `{"json":true}`, strings.Repeat("long ", 30), canary, canary + "\nline"}).Draw(t, "text")
	if strings.Contains(text, canary) {
		return cty.StringVal(text).Mark(schema.Sensitive)
	}
	return cty.StringVal(text)
}

func anyObject(t *rapid.T, attrs []schema.Attribute) cty.Value {
	values := map[string]cty.Value{}
	for i := range attrs {
		values[attrs[i].Name] = anyValue(t, &attrs[i])
	}
	return cty.ObjectVal(values)
}

// anyDiffs draws differences of whole attributes, of elements and of leaves, some with values although they are
// sensitive.
func anyDiffs(t *rapid.T, k *schema.Kind) []plan.Diff {
	var out []plan.Diff
	for range rapid.IntRange(0, 3).Draw(t, "diffs") {
		a := rapid.SampledFrom(k.Attributes).Draw(t, "attribute")
		d := plan.Diff{Path: a.Name, Op: plan.DiffChange, Old: anyValue(t, &a), New: anyValue(t, &a)}
		if a.Nested != nil && a.Type == schema.TypeList && rapid.Bool().Draw(t, "inside") {
			element := schema.Attribute{Name: a.Name, Type: schema.TypeObject, Nested: a.Nested}
			d.Path, d.Label = a.Name+"[1]", "second"
			d.Old, d.New = anyValue(t, &element), anyValue(t, &element)
			if rapid.Bool().Draw(t, "leaf") {
				leaf := rapid.SampledFrom(a.Nested).Draw(t, "leaf attribute")
				d.Path += "." + leaf.Name
				d.Old, d.New = anyValue(t, &leaf), anyValue(t, &leaf)
			}
		}
		switch d.Op = rapid.SampledFrom([]plan.DiffOp{plan.DiffAdd, plan.DiffRemove, plan.DiffChange}).Draw(t, "op"); d.Op {
		case plan.DiffAdd:
			d.Old = cty.NilVal
		case plan.DiffRemove:
			d.New = cty.NilVal
		}
		d.Sensitive = rapid.Bool().Draw(t, "sensitive")
		out = append(out, d)
	}
	return out
}

func anyPlan(t *rapid.T, c *schema.Catalog) *plan.Plan {
	p := &plan.Plan{Now: now}
	actions := []plan.Action{plan.NoOp, plan.Create, plan.Update, plan.Replace, plan.Delete, plan.Adopt, plan.Forget}
	for i := range rapid.IntRange(1, 3).Draw(t, "changes") {
		k := c.Kind(rapid.SampledFrom(c.Names()).Draw(t, "kind"))
		address := schema.Address("").Child(k.Name, "x").Index(i)
		p.Changes = append(p.Changes, plan.Change{
			Address: address, Kind: k.Name, Action: rapid.SampledFrom(actions).Draw(t, "action"),
			Before: anyObject(t, k.Attributes), After: marked(t, anyObject(t, k.Attributes)), Desired: marked(t, anyObject(t, k.Attributes)),
			Diffs: anyDiffs(t, k), Secrets: []string{"password"},
		})
		p.Drift = append(p.Drift, plan.Drift{Address: address, Kind: k.Name, Diffs: anyDiffs(t, k)})
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "outputs") {
		o := plan.OutputChange{
			Name: fmt.Sprint("o", i), Action: rapid.SampledFrom([]plan.Action{plan.Create, plan.Update, plan.Delete}).Draw(t, "output action"),
			Before: anyText(t, false), After: anyObject(t, c.Kind("bell").Attributes), Sensitive: rapid.Bool().Draw(t, "sensitive output"),
		}
		if o.Sensitive {
			o.Before, o.After = cty.StringVal(canary), cty.TupleVal([]cty.Value{cty.StringVal(canary)})
		} else {
			o.After = mask(o.After)
		}
		p.Outputs = append(p.Outputs, o)
	}
	p.Diagnostics = diag.List{diag.Warningf("w", "warning", "detail")}
	return p
}

// mask marks every text with the canary: an output's value has no descriptor that says what is write-only.
func mask(v cty.Value) cty.Value {
	v, _ = cty.Transform(v, func(_ cty.Path, v cty.Value) (cty.Value, error) {
		if raw, _ := v.Unmark(); raw.Type() == cty.String && raw.IsKnown() && !raw.IsNull() && strings.Contains(raw.AsString(), canary) {
			return v.Mark(schema.Sensitive), nil
		}
		return v, nil
	})
	return v
}

// TestNoSecretIsShown draws plans with secrets anywhere in them, and looks for them in every output.
func TestNoSecretIsShown(t *testing.T) {
	c := catalog(t)
	rapid.Check(t, func(r *rapid.T) {
		p := anyPlan(r, c)
		o := render.Options{Catalog: c, Width: rapid.IntRange(20, 120).Draw(r, "width"), Color: rapid.Bool().Draw(r, "colour")}
		for _, format := range render.Formats() {
			for name, out := range map[string][]byte{"plan": rendered(t, format, o, p), "drift": drifted(t, format, o, p)} {
				if strings.Contains(string(out), canary) {
					r.Fatalf("the %s as %s shows a secret:\n%s", name, format, out)
				}
			}
		}
	})
}

// TestSameBytes renders twice what holds maps.
func TestSameBytes(t *testing.T) {
	c := catalog(t)
	for _, format := range render.Formats() {
		first := string(rendered(t, format, render.Options{Catalog: c}, mixed(t, c)))
		for range 5 {
			if again := string(rendered(t, format, render.Options{Catalog: c}, mixed(t, c))); again != first {
				t.Fatalf("%s: two renderings of one plan differ:\n%s\n%s", format, first, again)
			}
		}
	}
}

// FuzzPaths renders differences at paths that no plan makes: nothing may fail or hang.
func FuzzPaths(f *testing.F) {
	for _, path := range []string{"", "name", "hooks[0].token", `tags["a\"b"]`, "specs[0].regions[12].electable.size", "a..b", "[", `["`, "limits.site.engines.x", "x[99999999999]", "hooks[12345678].x"} {
		f.Add(path, 60)
	}
	f.Fuzz(func(t *testing.T, path string, width int) {
		c := catalog(t)
		diffs := []plan.Diff{set(path, str("old"), str("new")), {Path: path, Op: plan.DiffAdd, Sensitive: true, New: str(canary), Replaces: true}}
		p := &plan.Plan{
			Changes: []plan.Change{{Address: "bell.x", Kind: "bell", Action: plan.Replace, Diffs: diffs}},
			Drift:   []plan.Drift{{Address: "bell.x", Kind: "bell", Diffs: diffs}},
		}
		for _, format := range render.Formats() {
			if out := rendered(t, format, render.Options{Catalog: c, Width: width % 200}, p); strings.Contains(string(out), canary) && !strings.Contains(path, canary) {
				t.Errorf("a secret is shown:\n%s", out)
			}
		}
	})
}
