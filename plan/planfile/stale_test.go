package planfile

import (
	"fmt"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"mercator/plan"
	"mercator/schema"
	"mercator/schema/diag"
)

// updating is the update of a bell that lives.
func updating(t testing.TB) plan.Change {
	return plan.Change{
		Address: "bell.lag", Kind: "bell", Action: plan.Update, Place: "orgId=o1", ID: "b1",
		Before:  bell(t, `{"id": "b1", "event": "OLD", "zones": ["a", "b"]}`),
		Desired: bell(t, `{"event": "NEW", "zones": ["a", "b"]}`),
		Diffs: []plan.Diff{
			{Path: "event", Op: plan.DiffChange, Old: cty.StringVal("OLD"), New: cty.StringVal("NEW")},
			{Path: "hooks[1]", Label: "MAIL", Op: plan.DiffRemove, Old: hook(t, `{"type": "MAIL", "handle": "h1"}`)},
			{Path: "hooks[0].token", Label: "CHAT", Op: plan.DiffChange, Sensitive: true},
		},
	}
}

func hook(t testing.TB, text string) cty.Value {
	return bell(t, `{"hooks": [`+text+`]}`).GetAttr("hooks").Index(cty.Zero)
}

func deleting(t testing.TB, before string) plan.Change {
	return plan.Change{Address: "bell.old", Kind: "bell", Action: plan.Delete, Place: "orgId=o1", ID: "b9", Before: bell(t, before), Desired: bell(t, "")}
}

func TestRule_R27_Fingerprint(t *testing.T) {
	k := catalog(t).Kind("bell")
	print := func(c plan.Change) Fingerprint {
		t.Helper()
		f, err := Print(k, &c)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	old := `{"id": "b9", "event": "OLD", "zones": ["a", "b"], "hooks": [{"type": "A", "handle": "h"}, {"type": "B"}]}`
	for _, tc := range []struct {
		name     string
		from     plan.Change
		with     func(*plan.Change)
		same     bool
		identity bool // whether the identities are the same
	}{
		{"nothing", updating(t), func(*plan.Change) {}, true, true},
		{"what the server owns", updating(t), func(c *plan.Change) { c.Before = bell(t, `{"id": "b1", "event": "OLD", "zones": ["b", "a"]}`) }, true, true},
		{"a live value", updating(t), func(c *plan.Change) { c.Diffs[0].Old = cty.StringVal("OTHER") }, false, true},
		{"a further difference", updating(t), func(c *plan.Change) {
			c.Diffs = append(c.Diffs, plan.Diff{Path: "zones[2]", Op: plan.DiffRemove, Old: cty.StringVal("c")})
		}, false, true},
		{"no difference any more", updating(t), func(c *plan.Change) { c.Diffs = nil }, false, true},
		{"another order in Atlas", updating(t), func(c *plan.Change) { c.Diffs[1].Path = "hooks[0]"; c.Diffs[0], c.Diffs[1] = c.Diffs[1], c.Diffs[0] }, true, true},
		{"a handle", updating(t), func(c *plan.Change) { c.Diffs[1].Old = hook(t, `{"type": "MAIL", "handle": "h2"}`) }, true, true},
		{"a removed element", updating(t), func(c *plan.Change) { c.Diffs[1].Old = hook(t, `{"type": "SMS", "handle": "h1"}`) }, false, true},
		{"a secret", updating(t), func(c *plan.Change) { c.Diffs = c.Diffs[:2] }, true, true},
		{"the id", updating(t), func(c *plan.Change) { c.ID = "b2" }, false, false},
		{"the place", updating(t), func(c *plan.Change) { c.Place = "orgId=o2" }, false, false},
		{"the key", updating(t), func(c *plan.Change) { c.Key = "x" }, false, false},
		{"a deleted object's argument", deleting(t, old), func(c *plan.Change) { c.Before = bell(t, strings.Replace(old, "OLD", "NEW", 1)) }, false, true},
		{"a deleted object's order", deleting(t, old), func(c *plan.Change) { c.Before = bell(t, strings.Replace(old, `["a", "b"]`, `["b", "a"]`, 1)) }, false, true},
		{"a deleted object's order without a meaning", deleting(t, old), func(c *plan.Change) {
			c.Before = bell(t, strings.Replace(old, `{"type": "A", "handle": "h"}, {"type": "B"}`, `{"type": "B"}, {"type": "A", "handle": "i"}`, 1))
		}, true, true},
		{"what the server owns of a deleted object", deleting(t, old), func(c *plan.Change) { c.Before = bell(t, strings.Replace(old, `"b9"`, `"b8"`, 1)) }, true, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			before := print(tc.from)
			changed := tc.from
			changed.Diffs = append([]plan.Diff(nil), tc.from.Diffs...)
			tc.with(&changed)
			after := print(changed)
			if got := before.Live == after.Live; got != tc.same {
				t.Errorf("the live side is the same: %v, want %v", got, tc.same)
			}
			if got := before.Identity == after.Identity; got != tc.identity {
				t.Errorf("the identity is the same: %v, want %v (%q, %q)", got, tc.identity, before.Identity, after.Identity)
			}
			if before.Asked != after.Asked {
				t.Error("what is asked for differs")
			}
		})
	}
}

func TestRule_R27_Stale(t *testing.T) {
	c := catalog(t)
	base := func() *plan.Plan {
		return &plan.Plan{
			Lineage: "l1", Connections: map[string]plan.Connection{"": {OrgID: "o1"}},
			Changes: []plan.Change{updating(t), deleting(t, `{"event": "OLD"}`), {Address: "bell.new", Kind: "bell", Action: plan.Create, Before: bell(t, ""), Desired: bell(t, `{"event": "X"}`)}},
		}
	}
	change := func(i int, with func(*plan.Change)) func(*plan.Plan) {
		return func(p *plan.Plan) { with(&p.Changes[i]) }
	}
	for _, tc := range []struct {
		name  string
		fresh func(*plan.Plan)
		src   func(*Source)
		line  string
		want  []string
	}{
		{"nothing", func(*plan.Plan) {}, nil, "l1", nil},
		{"the serial", func(p *plan.Plan) { p.Serial = 99 }, nil, "l1", nil},
		{"the folder", nil, func(s *Source) { s.Dir = "/elsewhere" }, "l1", nil},
		{"another state", nil, nil, "l2", []string{"made on another state (lineage l1, not l2)"}},
		{"no state any more", nil, nil, "", []string{"not there any more"}},
		{"files", nil, func(s *Source) { s.Files = map[string]string{"b.hcl": "1", "main.hcl": "changed"} }, "l1",
			[]string{"the file b.hcl is new", "the file main.hcl changed"}},
		{"a file less", nil, func(s *Source) { s.Files = nil }, "l1", []string{"the file main.hcl is gone"}},
		{"a variable", nil, func(s *Source) { s.Variables = map[string]string{"region": "other"} }, "l1", []string{"the variable region has another value"}},
		{"a connection", func(p *plan.Plan) { p.Connections = map[string]plan.Connection{"": {OrgID: "o2"}} }, nil, "l1", []string{"the connection leads to another organization"}},
		{"appeared", change(2, func(c *plan.Change) { c.ID, c.Action = "b7", plan.Adopt }), nil, "l1", []string{"bell.new appeared in Atlas"}},
		{"vanished", change(0, func(c *plan.Change) { c.ID, c.Place, c.Action = "", "", plan.Create }), nil, "l1", []string{"bell.lag vanished from Atlas"}},
		{"made anew", change(0, func(c *plan.Change) { c.ID = "b8" }), nil, "l1", []string{"bell.lag is another object in Atlas now"}},
		{"a live value", change(0, func(c *plan.Change) { c.Diffs[0].Old = cty.StringVal("THIRD") }), nil, "l1", []string{"bell.lag changed in Atlas (now to be changed: event, hooks[1], hooks[0].token)"}},
		{"a deleted object's value", change(1, func(c *plan.Change) { c.Before = bell(t, `{"event": "IN USE"}`) }), nil, "l1", []string{"bell.old changed in Atlas"}},
		{"a lookup", change(2, func(c *plan.Change) { c.Desired = bell(t, `{"event": "Y"}`) }), nil, "l1", []string{"bell.new is asked for with other arguments"}},
		{"a flag", change(1, func(c *plan.Change) { c.Action = plan.Forget }), nil, "l1", []string{"bell.old would be planned as forget now, not as delete"}},
		{"one less", func(p *plan.Plan) { p.Changes = p.Changes[1:] }, nil, "l1", []string{"bell.lag was in the plan and is not any more"}},
		{"one more", func(p *plan.Plan) { p.Changes = append(p.Changes, plan.Change{Address: "bell.z", Kind: "bell"}) }, nil, "l1", []string{"bell.z is in the plan now and was not"}},
		{"an error", func(p *plan.Plan) { p.Diagnostics.Add(diag.Errorf("blocked", "An engine lives there", "")) }, nil, "l1", []string{"the plan would have an error now: An engine lives there"}},
		{"a warning", func(p *plan.Plan) { p.Diagnostics.Add(diag.Warningf("w", "w", "")) }, nil, "l1", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f, err := New(base(), source, "1", c)
			if err != nil {
				t.Fatal(err)
			}
			text, err := f.encode()
			if err != nil {
				t.Fatal(err)
			}
			if f, err = parse(text); err != nil {
				t.Fatal(err)
			}
			fresh, now := base(), source
			if tc.fresh != nil {
				tc.fresh(fresh)
			}
			if tc.src != nil {
				tc.src(&now)
			}
			got := Stale(f, fresh, now, tc.line, c)
			if len(got) != len(tc.want) {
				t.Fatalf("got %q, want %q", got, tc.want)
			}
			for i := range got {
				if !strings.Contains(got[i], tc.want[i]) {
					t.Errorf("got %q, want %q", got[i], tc.want[i])
				}
			}
		})
	}
}

// TestSecretsAreNoReason compares a plan that was read, where secrets are placeholders, with one that has them.
func TestSecretsAreNoReason(t *testing.T) {
	text, err := saved(t).encode()
	if err != nil {
		t.Fatal(err)
	}
	f, err := parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if got := Stale(f, small(t), source, "d3b0", catalog(t)); got != nil {
		t.Errorf("got %q, want no reason", got)
	}
}

// longPlan has n changes.
func longPlan(t testing.TB, n int) *plan.Plan {
	p := &plan.Plan{}
	v := bell(t, `{"event": "LAG", "tags": {"a": "b"}, "hooks": [{"type": "CHAT"}, {"type": "MAIL"}]}`)
	for i := range n {
		p.Changes = append(p.Changes, plan.Change{
			Address: schema.Address("bell.x").Key(fmt.Sprint(i)), Kind: "bell", Action: plan.Update, ID: fmt.Sprint(i), Before: v, After: v, Desired: v,
			Diffs: []plan.Diff{{Path: "event", Op: plan.DiffChange, Old: cty.StringVal("a"), New: cty.StringVal("b")}},
		})
	}
	return p
}

// saveAndCompare saves a plan, reads it, and holds it against itself. It returns how long the saved plan is.
func saveAndCompare(t testing.TB, c *schema.Catalog, p *plan.Plan) int {
	t.Helper()
	f, err := New(p, source, "1", c)
	if err != nil {
		t.Fatal(err)
	}
	text, err := f.encode()
	if err != nil {
		t.Fatal(err)
	}
	if f, err = parse(text); err != nil {
		t.Fatal(err)
	}
	if got := Stale(f, p, source, "", c); got != nil {
		t.Errorf("got %q, want no reason", got)
	}
	return len(text)
}

// TestLongPlans keeps the cost in proportion: ten times the changes take about ten times the memory.
func TestLongPlans(t *testing.T) {
	c := catalog(t)
	var allocated [2]float64
	for i, n := range []int{300, 3000} {
		p := longPlan(t, n)
		allocated[i] = testing.AllocsPerRun(1, func() { saveAndCompare(t, c, p) })
	}
	if allocated[1] > 20*allocated[0] {
		t.Errorf("%.0f allocations for 300 changes, %.0f for 3,000", allocated[0], allocated[1])
	}
}

// BenchmarkSavedPlan prints what it costs to save a plan, to read it, and to hold it against itself.
func BenchmarkSavedPlan(b *testing.B) {
	c := catalog(b)
	for _, n := range []int{100, 1000, 10_000} {
		p := longPlan(b, n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			size := 0
			for b.Loop() {
				size = saveAndCompare(b, c, p)
			}
			b.ReportMetric(float64(size), "bytes")
		})
	}
}
