package render_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"

	"mercator/plan"
	"mercator/plan/render"
	"mercator/schema"
)

func rendered(t testing.TB, format string, o render.Options, p *plan.Plan) []byte {
	t.Helper()
	r, err := render.New(format, o)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := r.Plan(&b, p); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func drifted(t testing.TB, format string, o render.Options, p *plan.Plan) []byte {
	t.Helper()
	r, err := render.New(format, o)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := r.Drift(&b, p); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestGoldenText(t *testing.T) {
	c := catalog(t)
	plans := map[string]*plan.Plan{
		"empty": {Now: now}, "creations": creations(t, c), "mixed": mixed(t, c),
	}
	for name, p := range plans {
		for _, width := range []int{60, 80} {
			t.Run(fmt.Sprint(name, width), func(t *testing.T) {
				got := rendered(t, "text", render.Options{Width: width, Catalog: c}, p)
				golden(t, fmt.Sprintf("%s.%d.txt", name, width), got)
				fitting(t, got, width)
			})
		}
		t.Run(name+" in colour", func(t *testing.T) {
			got := rendered(t, "text", render.Options{Width: 80, Color: true, Catalog: c}, p)
			golden(t, name+".colour.txt", got)
			if plain := rendered(t, "text", render.Options{Width: 80, Catalog: c}, p); string(plain) != uncoloured(got) {
				t.Errorf("colours change more than colours:\n%s", got)
			}
		})
	}
	for _, width := range []int{60, 80} {
		got := drifted(t, "text", render.Options{Width: width, Catalog: c}, plans["mixed"])
		golden(t, fmt.Sprintf("drift.%d.txt", width), got)
		fitting(t, got, width)
	}
	golden(t, "drift.none.txt", drifted(t, "text", render.Options{Catalog: c}, plans["empty"]))
}

// fitting fails for lines that are too wide. Addresses and commands are never broken, so that they can be copied,
// nor is the summary, so that scripts can look for it.
func fitting(t *testing.T, text []byte, width int) {
	t.Helper()
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		whole := strings.Contains(line, "site.") || strings.Contains(line, "--allow") || strings.HasPrefix(line, "Plan:")
		if utf8.RuneCountInString(line) > width && !whole {
			t.Errorf("%d columns where %d are there: %s", utf8.RuneCountInString(line), width, line)
		}
		if strings.TrimRight(line, " ") != line {
			t.Errorf("spaces at the end of %q", line)
		}
	}
}

func uncoloured(b []byte) string {
	s := string(b)
	for {
		start := strings.IndexByte(s, '\x1b')
		if start < 0 {
			return s
		}
		end := strings.IndexByte(s[start:], 'm')
		s = s[:start] + s[start+end+1:]
	}
}

func TestNoColourCodesWithoutColour(t *testing.T) {
	c := catalog(t)
	if out := rendered(t, "text", render.Options{Catalog: c}, mixed(t, c)); bytes.ContainsRune(out, '\x1b') {
		t.Errorf("there are escape codes in %q", out)
	}
}

func TestValuesCannotCommandTheTerminal(t *testing.T) {
	c := catalog(t)
	evil := "\x1b[2J\u202e\x07"
	address := siteDev.Child("gate", "office").Key(evil)
	p := &plan.Plan{Changes: []plan.Change{{
		Address: address, Kind: "gate", Action: plan.Update, Key: evil, ID: evil,
		Reasons: []plan.Reason{{Text: evil}},
		Diffs: []plan.Diff{
			set("comment", str(evil), str("a\n"+evil+"\n")),
			{Path: "tags[\"" + evil + "\"]", Label: evil, Op: plan.DiffAdd, New: str(evil)},
			{Path: "hooks[0].x" + evil, Label: evil, Op: plan.DiffAdd, New: str(evil)},
		},
		Risks: []plan.RiskNote{{Risk: schema.Billable, Note: evil}},
	}}, Unmanaged: []plan.Unmanaged{{Kind: "gate", Place: schema.Place(evil), Key: evil}}}
	out := rendered(t, "text", render.Options{Catalog: c}, p)
	for _, r := range evil {
		if r != '[' && r != '2' && r != 'J' && bytes.ContainsRune(out, r) {
			t.Errorf("%U reaches the terminal in\n%s", r, out)
		}
	}
}

func TestSummaryLine(t *testing.T) {
	changes := func(actions ...plan.Action) *plan.Plan {
		p := &plan.Plan{}
		for i, a := range actions {
			p.Changes = append(p.Changes, plan.Change{Address: schema.Address("site.x").Index(i), Kind: "site", Action: a})
		}
		return p
	}
	for _, tc := range []struct {
		p    *plan.Plan
		want string
	}{
		{changes(plan.Create, plan.Create, plan.Update, plan.Adopt, plan.Adopt, plan.Adopt), "Plan: 2 to create, 1 to update, 0 to replace, 0 to delete, 3 to adopt.\n"},
		{changes(plan.Replace, plan.Delete, plan.Forget), "Plan: 0 to create, 0 to update, 1 to replace, 1 to delete, 0 to adopt, 1 to forget.\n"},
		{changes(plan.NoOp), "No changes. What is live matches the configuration.\n"},
	} {
		if out := string(rendered(t, "text", render.Options{}, tc.p)); !strings.Contains(out, tc.want) {
			t.Errorf("%q is missing in\n%s", tc.want, out)
		}
	}
}

func TestFlagsThatWereGivenAreNotAskedFor(t *testing.T) {
	c := catalog(t)
	p := mixed(t, c)
	p.Blast = nil
	out := string(rendered(t, "text", render.Options{Catalog: c, Command: "mercator apply plan.json"}, p))
	want := `Flags needed where no human answers:

  mercator apply plan.json \
    --allow-destroy 'site.shop["prod"].engine.cache' \
    --allow-destroy 'site.shop["prod"].gate._["0.0.0.0/0"]' \
    --allow-destroy site.attic \
    --allow-adopt 'site.shop["prod"].person.app'
`
	if !strings.Contains(out, want) {
		t.Errorf("want %s\nin %s", want, out)
	}
	p.AllowDestroy = []string{`site.shop["prod"].engine.cache`, `site.shop["prod"].gate._`, "site.attic"}
	out = string(rendered(t, "text", render.Options{Catalog: c}, p))
	if want := "\n  mercator apply --allow-adopt 'site.shop[\"prod\"].person.app'\n"; !strings.Contains(out, want) {
		t.Errorf("want %s\nin %s", want, out)
	}
	p.AllowAdopt = []string{"all"}
	if out = string(rendered(t, "text", render.Options{Catalog: c}, p)); strings.Contains(out, "Flags needed") {
		t.Errorf("all that is needed was given, and still flags are asked for:\n%s", out)
	}
}

func TestUnknownFormatNamesTheKnownOnes(t *testing.T) {
	_, err := render.New("yaml", render.Options{})
	if err == nil || !strings.Contains(err.Error(), "text, json") {
		t.Errorf("got %v, want an error that lists the formats", err)
	}
}

func TestDestroyingIsSaidOnce(t *testing.T) {
	c := catalog(t)
	p := &plan.Plan{Destroying: true}
	for i := range 3 {
		p.Changes = append(p.Changes, plan.Change{Address: schema.Address("bell.x").Index(i), Kind: "bell", Action: plan.Delete, ID: "b",
			Reasons: []plan.Reason{{Code: "destroy", Text: "everything that the state owns is removed"}}})
	}
	want := `Everything that the state owns is removed:

  - bell.x[0]  (id b)
  - bell.x[1]  (id b)
  - bell.x[2]  (id b)

Plan: 0 to create, 0 to update, 0 to replace, 3 to delete, 0 to adopt.
`
	if got := string(rendered(t, "text", render.Options{Catalog: c}, p)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, fmt.Errorf("the pipe is broken") }

func TestErrorsOfTheWriterComeOut(t *testing.T) {
	c := catalog(t)
	for _, format := range render.Formats() {
		r, _ := render.New(format, render.Options{Catalog: c})
		if err := r.Plan(failing{}, mixed(t, c)); err == nil {
			t.Errorf("%s: Plan hides the error of its writer", format)
		}
		if err := r.Drift(failing{}, mixed(t, c)); err == nil {
			t.Errorf("%s: Drift hides the error of its writer", format)
		}
	}
}

// longPlan has n changes, as many objects that are not managed, and as many that drifted.
func longPlan(t testing.TB, c *schema.Catalog, n int) *plan.Plan {
	p := &plan.Plan{Now: now}
	for i := range n {
		address := siteDev.Child("person", "p").Index(i)
		v := value(t, c, "person", `{"name": "app", "roles": [{"role": "read", "database": "orders"}, {"role": "write", "database": "orders"}]}`)
		p.Changes = append(p.Changes, plan.Change{
			Address: address, Kind: "person", Action: plan.Create, Before: cty.NullVal(v.Type()), Desired: v, After: v,
			Risks: []plan.RiskNote{{Risk: schema.GrantsAccess}}, Roles: []string{"Site Owner"}, NeedsAllow: "allow-adopt",
		})
		p.Unmanaged = append(p.Unmanaged, plan.Unmanaged{Kind: "person", Place: "orgId=o", Key: fmt.Sprint(i)})
		p.Drift = append(p.Drift, plan.Drift{Address: address, Kind: "person", Diffs: []plan.Diff{set("name", str("a"), str("b"))}})
	}
	return p
}

// TestLongPlans keeps the cost in proportion: ten times the changes take about ten times the memory, which work that
// grows faster does not.
func TestLongPlans(t *testing.T) {
	c := catalog(t)
	for _, format := range render.Formats() {
		var allocated [2]float64
		for i, n := range []int{300, 3000} {
			p := longPlan(t, c, n)
			allocated[i] = testing.AllocsPerRun(1, func() { rendered(t, format, render.Options{Catalog: c}, p) })
		}
		if allocated[1] > 20*allocated[0] {
			t.Errorf("%s: %.0f allocations for 300 changes, %.0f for 3,000", format, allocated[0], allocated[1])
		}
	}
}

// BenchmarkRender prints what plans of different lengths cost in each format.
func BenchmarkRender(b *testing.B) {
	c := catalog(b)
	for _, format := range render.Formats() {
		for _, n := range []int{100, 1000, 10_000} {
			p := longPlan(b, c, n)
			b.Run(fmt.Sprintf("%s/%d", format, n), func(b *testing.B) {
				b.ReportAllocs()
				var out []byte
				for b.Loop() {
					out = rendered(b, format, render.Options{Catalog: c}, p)
				}
				b.ReportMetric(float64(len(out)), "bytes-out")
			})
		}
	}
}

// TestConditionsAreCounted: whoever reads a plan sees what its conditions came to.
func TestConditionsAreCounted(t *testing.T) {
	c := catalog(t)
	p := &plan.Plan{Now: now, Checks: []schema.Check{
		{Kind: schema.CheckResource, Name: "site.a", Status: schema.CheckPasses}, {Kind: schema.CheckOutput, Name: "output.b", Status: schema.CheckPasses},
		{Kind: schema.CheckBlock, Name: "c", Status: schema.CheckFails, Problems: []string{"It is not so."}},
		{Kind: schema.CheckResource, Name: "site.d", Status: schema.CheckUnknown}}}
	const want = "Conditions: 2 hold, 1 not known before the apply, 1 fail."
	for _, format := range []string{"text", "markdown", "html"} {
		if out := string(rendered(t, format, render.Options{Catalog: c}, p)); !strings.Contains(out, want) {
			t.Errorf("%s lacks %q:\n%s", format, want, out)
		}
	}
	if out := string(rendered(t, "text", render.Options{Catalog: c}, &plan.Plan{Now: now})); strings.Contains(out, "Conditions") {
		t.Errorf("there are none:\n%s", out)
	}
}

// A replacement that leaves the old object is no loss of it, and is shown as one more.
func TestWhatAReplacementLeaves(t *testing.T) {
	c := catalog(t)
	p := mixed(t, c)
	for i := range p.Changes {
		if ch := &p.Changes[i]; ch.Action == plan.Replace {
			ch.CreateFirst, ch.Leaves, ch.Removal = true, true, nil
		}
	}
	shown := string(rendered(t, "text", render.Options{Catalog: c, Width: 80}, p))
	if strings.Contains(shown, "+/-") || strings.Contains(shown, "-/+") || !strings.Contains(shown, "# another one is made, and the one before stays as it is") {
		t.Errorf("it is shown as a loss:\n%s", shown)
	}
	if shown := string(rendered(t, "json", render.Options{Catalog: c}, p)); !strings.Contains(shown, `["create","forget"]`) {
		t.Errorf("programs see no forgetting:\n%s", shown)
	}
}
