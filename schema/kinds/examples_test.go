package kinds_test

import (
	"path/filepath"
	"testing"
	"time"

	"mercator/plan"
	"mercator/schema"
	"mercator/schema/config"
	"mercator/schema/kinds/internal/atlasdata"
)

// examples are the folders of the examples: those of whole configurations, and one for each kind that is shown alone.
func examples(t *testing.T) []string {
	names := []string{"examples/quickstart", "examples/estate"}
	found, err := filepath.Glob(filepath.Join(atlasdata.Root(t), "examples", "kinds", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range found {
		names = append(names, "examples/kinds/"+filepath.Base(dir))
	}
	return names
}

// TestExamplesPlan holds that the examples are without a finding, also in the plan of an empty organization, and
// that between them they show every kind.
func TestExamplesPlan(t *testing.T) {
	c := catalog(t)
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	const orgID = "5f0000000000000000000001"
	org := schema.Place("").With("orgId", orgID)
	shown := map[string]int{}
	for _, name := range examples(t) {
		loaded, found := config.Load(filepath.Join(atlasdata.Root(t), name), config.Options{
			Catalog: c, Now: now, Environ: func(string) (string, bool) { return "", false }})
		evaluation, more := loaded.Evaluate(nil)
		for _, d := range append(found, more...) {
			t.Errorf("%s: %s %s", name, d.Range, d.Error())
		}
		if t.Failed() {
			return
		}
		built := plan.Build(plan.Input{Catalog: c, Now: now, Desired: evaluation.Desired,
			Live:        schema.NewLive([]schema.LiveSweep{{Kind: "project", Place: org}}, nil),
			Places:      map[string]schema.Place{"": org},
			Connections: map[string]plan.Connection{"": {OrgID: orgID}}})
		for _, d := range built.Diagnostics {
			t.Errorf("%s: %s", name, d.Error())
		}
		for _, change := range built.Changes {
			if change.Action != plan.Create {
				t.Errorf("%s: %s is planned as %v, want a creation", name, change.Address, change.Action)
			}
			shown[change.Kind]++
		}
	}
	for _, name := range c.Names() {
		if shown[name] == 0 {
			t.Errorf("no example has a %s", name)
		}
	}
	t.Logf("%v", shown)
}
