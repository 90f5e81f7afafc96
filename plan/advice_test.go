package plan_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"mercator/plan"
	"mercator/schema"
	"mercator/schema/diag"
)

// advised are the toys with advice: boxes should be locked, and of their parts not all should be red.
func advised(t *testing.T, check func(schema.Transition) diag.List) *schema.Catalog {
	t.Helper()
	var kinds []schema.Kind
	for _, name := range toys.Names() {
		k := *toys.Kind(name)
		if name == "box" {
			k.Advice = []schema.Advice{
				{Code: "unlocked", Summary: "is not locked", Why: "Things get lost.", Mend: "Lock it.",
					When: []schema.Condition{{Attribute: "locked", Values: []string{"false"}, Unset: true}}},
				{Code: "all_red", Level: schema.AdviceOff, Summary: "is all red", Why: "It hurts.", Mend: "Paint it.",
					When: []schema.Condition{{Attribute: "parts", Every: []schema.Condition{{Attribute: "color", Values: []string{"red"}}}}}},
			}
			k.Hooks.Check = check
		}
		kinds = append(kinds, k)
	}
	c, err := schema.NewCatalog(kinds...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func accepting(code string) func(*schema.Resource) {
	return func(r *schema.Resource) {
		r.Accepted = []schema.Acceptance{{Code: code, Reason: "it is a test", Range: diag.Range{File: "main.hcl", Start: diag.Pos{Line: 90, Column: 1, Byte: 900}}}}
	}
}

// unknownly makes an argument unknown.
func unknownly(name string) func(*schema.Resource) {
	return func(r *schema.Resource) {
		values := r.Value.AsValueMap()
		values[name] = cty.UnknownVal(values[name].Type())
		r.Value = cty.ObjectVal(values)
	}
}

// told lists findings in short: severity, code and address.
func told(list diag.List) []string {
	var out []string
	for _, d := range list {
		out = append(out, fmt.Sprintf("%s %s %s", d.Severity, d.Code, d.Address))
	}
	return out
}

func TestAdvice(t *testing.T) {
	off := func(w *world) { w.in.Desired.Advice = map[string]schema.Level{"unlocked": schema.AdviceOff} }
	for name, c := range map[string]struct {
		given func(w *world)
		want  []string
		// alone is what validation says of the same files; nil where it says the same.
		alone []string
	}{
		"what is not set of a new one": {func(w *world) { w.want("shelf.a.box.a", m{}) }, []string{"warning unlocked shelf.a.box.a"}, nil},
		"what is right":                {func(w *world) { w.want("shelf.a.box.a", m{"locked": true}) }, nil, nil},
		"what is not known":            {func(w *world) { w.want("shelf.a.box.a", m{}, unknownly("locked")) }, nil, nil},
		"what is live": {func(w *world) {
			w.want("shelf.a.box.a", m{}).has("box", inside("s1"), m{"id": "b1", "name": "a", "locked": true, "state": "IDLE"}).
				knows("shelf.a.box.a", inside("s1"), "b1", m{})
		}, nil, []string{"warning unlocked shelf.a.box.a"}},
		"what will be": {func(w *world) {
			w.want("shelf.a.box.a", m{"locked": false}).has("box", inside("s1"), m{"id": "b1", "name": "a", "locked": true, "state": "IDLE"}).
				knows("shelf.a.box.a", inside("s1"), "b1", m{"locked": true})
		}, []string{"warning unlocked shelf.a.box.a"}, nil},
		"as an error": {func(w *world) {
			w.in.Desired.Advice = map[string]schema.Level{"unlocked": schema.AdviceError}
			w.want("shelf.a.box.a", m{})
		}, []string{"error unlocked shelf.a.box.a"}, nil},
		"not at all": {func(w *world) { off(w); w.want("shelf.a.box.a", m{}) }, nil, nil},
		"off by itself, and turned on": {func(w *world) {
			w.in.Desired.Advice = map[string]schema.Level{"all_red": schema.AdviceWarning}
			w.want("shelf.a.box.a", m{"locked": true, "parts": []any{m{"color": "red"}, m{"color": "Red"}}})
			w.want("shelf.a.box.b", m{"locked": true, "parts": []any{m{"color": "red"}, m{"color": "blue"}}})
		}, []string{"warning all_red shelf.a.box.a"}, nil},
		"accepted":          {func(w *world) { w.want("shelf.a.box.a", m{}, accepting("unlocked")) }, nil, nil},
		"accepted, and off": {func(w *world) { off(w); w.want("shelf.a.box.a", m{}, accepting("unlocked")) }, nil, nil},
		"accepted by a block of which one deserves it": {func(w *world) {
			w.want("shelf.a.box.a", m{"locked": true}, accepting("unlocked")).want("shelf.a.box.b", m{}, accepting("unlocked"))
		}, nil, nil},
		"accepted for nothing": {func(w *world) { w.want("shelf.a.box.a", m{"locked": true}, accepting("unlocked")) },
			[]string{"warning unused_acceptance shelf.a.box.a"}, nil},
		"accepted, and not known yet": {func(w *world) { w.want("shelf.a.box.a", m{}, unknownly("locked"), accepting("unlocked")) }, nil, nil},
		"accepted as the files have it, and live it is right": {func(w *world) {
			w.want("shelf.a.box.a", m{}, accepting("unlocked")).has("box", inside("s1"), m{"id": "b1", "name": "a", "locked": true, "state": "IDLE"}).
				knows("shelf.a.box.a", inside("s1"), "b1", m{})
		}, nil, nil},
		"a limited plan does not know of all that is accepted": {func(w *world) {
			w.want("shelf.a.box.a", m{"locked": true}, accepting("unlocked"))
			w.in.Options.Targets = []schema.Address{"shelf.a.box.a"}
		}, []string{"warning partial_plan "}, []string{"warning unused_acceptance shelf.a.box.a"}},
		"past its time": {func(w *world) {
			w.want("shelf.a.guest.g", m{"until": "2026-03-01T11:00:00Z"}).knows("shelf.a.guest.g", inside("s1"), "", m{"until": "2026-03-01T11:00:00Z"})
		}, []string{"warning expired shelf.a.guest.g"}, nil},
		"nothing of a destruction":     {func(w *world) { w.in.Options.Destroy = true; w.want("shelf.a.box.a", m{}) }, nil, []string{"warning unlocked shelf.a.box.a"}},
		"nothing where none is wanted": {func(w *world) { w.in.Options.SkipAdvice = true; w.want("shelf.a.box.a", m{}) }, nil, []string{"warning unlocked shelf.a.box.a"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := shelf(t)
			w.in.Catalog = advised(t, nil)
			c.given(w)
			if got := told(w.plan().Diagnostics); !slices.Equal(got, c.want) {
				t.Errorf("the plan says %q, want %q", got, c.want)
			}
			want := c.want
			if c.alone != nil {
				want = c.alone
			}
			if got := told(plan.Review(w.in.Catalog, w.in.Desired, now)); !slices.Equal(got, want) {
				t.Errorf("the files alone say %q, want %q", got, want)
			}
		})
	}
}

// TestAdviceOnceForABlock: a block that makes many resources is told of once, and where its argument stands.
func TestAdviceOnceForABlock(t *testing.T) {
	w := shelf(t)
	w.in.Catalog = advised(t, nil)
	block := func(r *schema.Resource) {
		r.Range = diag.Range{File: "main.hcl", Start: diag.Pos{Line: 50, Column: 1}}
		r.Ranges = map[string]diag.Range{"locked": {File: "main.hcl", Start: diag.Pos{Line: 51, Column: 3}}}
	}
	for i := range 40 {
		w.want(fmt.Sprintf("shelf.a.box.a[%d]", i), m{"name": fmt.Sprint("a", i), "locked": false}, block)
	}
	found := w.want("shelf.a.box.b", m{}).plan().Diagnostics
	if got := told(found); !slices.Equal(got, []string{"warning unlocked shelf.a.box.a[0]", "warning unlocked shelf.a.box.b"}) {
		t.Fatalf("got %q", got)
	}
	many, one := found[0], found[1]
	if many.Range.Start.Line != 51 || many.Argument != "locked" || !strings.Contains(many.Detail, "for 39 more of the block") {
		t.Errorf("got %+v", many)
	}
	if want := `Here locked is false. Things get lost. Lock it.`; !strings.HasPrefix(many.Detail, want) || !strings.HasSuffix(many.Detail, `accept = { unlocked = "..." }`) {
		t.Errorf("it says %q", many.Detail)
	}
	if strings.Contains(one.Detail, "more of the block") || !strings.Contains(one.Detail, "locked is not set") {
		t.Errorf("one says %q", one.Detail)
	}
}

// TestReviewRunsTheKindsChecks: what a kind refuses whatever is live is found without Atlas, which the hook can tell.
func TestReviewRunsTheKindsChecks(t *testing.T) {
	var seen []schema.Transition
	w := shelf(t)
	w.in.Catalog = advised(t, func(c schema.Transition) diag.List {
		seen = append(seen, c)
		return diag.List{diag.Errorf("too_heavy", "It is too heavy", "").About("weight")}
	})
	w.want("shelf.a.box.a", m{"weight": 900.0}) // no advice: its error comes first
	if got := told(plan.Review(w.in.Catalog, w.in.Desired, now)); !slices.Equal(got, []string{"error too_heavy shelf.a.box.a"}) {
		t.Errorf("got %q", got)
	}
	if len(seen) != 1 || seen[0].Before.IsKnown() || !slices.Equal(seen[0].Changed, []string{"name", "weight"}) {
		t.Errorf("the check saw %+v", seen)
	}
}
