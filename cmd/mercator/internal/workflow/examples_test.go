package workflow_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mercator/plan"
	"mercator/provider/sandbox"
)

// example copies a configuration of the repository into the rig.
func (r *rig) example(name string) *rig {
	r.t.Helper()
	from := filepath.Join("..", "..", "..", "..", "examples", name)
	if err := os.CopyFS(r.dir, os.DirFS(from)); err != nil {
		r.t.Fatal(err)
	}
	return r
}

func TestExamplesApplyAndStayApplied(t *testing.T) {
	for _, name := range []string{"quickstart", "estate"} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, sandbox.Options{Polls: 2}).example(name)
			a := r.converge()
			t.Logf("%s: %+v", name, a.Result.Summary())
			if name == "estate" {
				p := r.plan(plan.Options{Destroy: true})
				if !p.Diagnostics.HasErrors() {
					t.Error("a protected cluster can be destroyed")
				}
				r.edit("variables.hcl", "protected = true", "protected = false")
				r.converge()
			}
			r.apply(plan.Options{Destroy: true})
			if left := r.box.List(sandbox.Project, ""); len(left) != 0 {
				t.Errorf("destroy left %d projects", len(left))
			}
		})
	}
}

// edit replaces text in one file of the configuration.
func (r *rig) edit(name, old, replacement string) {
	r.t.Helper()
	path := filepath.Join(r.dir, name)
	text, err := os.ReadFile(path)
	if err != nil {
		r.t.Fatal(err)
	}
	if !strings.Contains(string(text), old) {
		r.t.Fatalf("%s has no %q", name, old)
	}
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(string(text), old, replacement)), 0o600); err != nil {
		r.t.Fatal(err)
	}
}
