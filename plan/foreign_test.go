package plan_test

import (
	"testing"

	"mercator/schema"
)

// TestRule_R30_FilesOfAnotherConfiguration: files that declare nothing of what the state owns are those of another
// configuration, and delete nothing unless somebody says that all of it is meant.
func TestRule_R30_FilesOfAnotherConfiguration(t *testing.T) {
	foreign := func() *world {
		return newWorld(t).has("shelf", root, m{"id": "s1", "name": "a"}, m{"id": "s2", "name": "b"}).
			knows("shelf.a", root, "s1", m{}).knows("shelf.b", root, "s2", m{}).want("shelf.other", m{})
	}
	for name, tc := range map[string]struct {
		change func(*world)
		codes  []string
	}{
		"nothing is known":      {func(*world) {}, []string{"foreign_state"}},
		"nothing is declared":   {func(w *world) { w.in.Desired.Resources = nil }, []string{"foreign_state"}},
		"one is known":          {func(w *world) { w.want("shelf.a", m{}) }, nil},
		"one has another label": {func(w *world) { w.want("shelf.z", m{"name": "a"}) }, nil},
		"one is moved": {func(w *world) {
			w.want("shelf.z", m{})
			w.in.Desired.Moves = []schema.Move{{From: "shelf.a", To: "shelf.z"}}
		}, nil},
		"one is removed on purpose": {func(w *world) { w.in.Desired.Removals = []schema.Removal{{From: "shelf.b", Destroy: true}} }, nil},
		"all is allowed":            {func(w *world) { w.in.Options.AllowDestroy = []string{"all"} }, nil},
		"each is allowed":           {func(w *world) { w.in.Options.AllowDestroy = []string{"shelf.a", "shelf.b"} }, nil},
		"one is allowed":            {func(w *world) { w.in.Options.AllowDestroy = []string{"shelf.a"} }, []string{"foreign_state"}},
		"it is a destruction":       {func(w *world) { w.in.Options.Destroy = true }, nil},
		"it is drift":               {func(w *world) { w.in.Options.SkipSecrets = true }, nil},
		"nothing would be deleted":  {func(w *world) { adopted(w.in.Prior.Resources["shelf.a"]); adopted(w.in.Prior.Resources["shelf.b"]) }, nil},
		"it is not in the plan":     {func(w *world) { w.in.Options.Targets = []schema.Address{"shelf.other"} }, []string{"partial_plan"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := foreign()
			tc.change(w)
			expectCodes(t, w.plan(), tc.codes...)
		})
	}
}
