package workflow_test

import (
	"path/filepath"
	"testing"

	"mercator/plan"
	"mercator/provider/sandbox"
)

// TestExamplesOfKinds applies the example of each kind that has one of its own, finds nothing to do afterwards, and
// destroys it.
func TestExamplesOfKinds(t *testing.T) {
	folders, err := filepath.Glob(filepath.Join("..", "..", "..", "..", "examples", "kinds", "*"))
	if err != nil || len(folders) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, folder := range folders {
		kind := filepath.Base(folder)
		t.Run(kind, func(t *testing.T) {
			r := newRig(t, sandbox.Options{Polls: 1}).example("kinds/" + kind)
			r.secrets = filepath.Join(r.dir, "secrets")
			r.converge()
			shown := 0
			for _, b := range r.read().Resources {
				if b.Kind == kind {
					shown++
				}
			}
			if shown == 0 {
				t.Errorf("the example has no %s", kind)
			}
			a := r.apply(plan.Options{Destroy: true})
			if a.Plan.Diagnostics.HasErrors() {
				return // it protects something
			}
			if errs := a.Result.All().Errors(); len(errs) > 0 || len(r.read().Resources) > 0 {
				t.Errorf("after its destruction the state has %d resources: %v", len(r.read().Resources), errs)
			}
		})
	}
}
