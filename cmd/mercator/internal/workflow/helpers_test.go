package workflow_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"mercator/apply"
	"mercator/apply/state"
	"mercator/apply/state/local"
	"mercator/cmd/mercator/internal/workflow"
	"mercator/plan"
	"mercator/plan/render"
	"mercator/provider/sandbox"
	"mercator/schema"
	"mercator/schema/config"
	"mercator/schema/diag"
)

// project is the id of the project of a name.
func (r *rig) project(name string) string {
	r.t.Helper()
	id, ok := r.box.ProjectID(name)
	if !ok {
		r.t.Fatalf("there is no project %q", name)
	}
	return id
}

// put makes an object by hand, as somebody in the UI would.
func (r *rig) put(kind sandbox.Kind, project string, doc map[string]any) *rig {
	r.t.Helper()
	id := ""
	if kind != sandbox.Project {
		id = r.project(project)
	}
	if err := r.box.Put(kind, id, doc); err != nil {
		r.t.Fatal(err)
	}
	return r
}

// change changes an object by hand.
func (r *rig) change(kind sandbox.Kind, project, key string, fields map[string]any) {
	r.t.Helper()
	if err := r.box.Change(kind, r.project(project), key, fields); err != nil {
		r.t.Fatal(err)
	}
}

// remove deletes an object by hand.
func (r *rig) remove(kind sandbox.Kind, project, key string) {
	r.t.Helper()
	if err := r.box.Delete(kind, r.project(project), key); err != nil {
		r.t.Fatal(err)
	}
}

// live is an object as it stands, nil if it is not there.
func (r *rig) live(kind sandbox.Kind, project, key string) map[string]any {
	r.t.Helper()
	doc, _ := r.box.Get(kind, r.project(project), key)
	return doc
}

// faults lets requests go wrong.
func (r *rig) faults(faults ...sandbox.Fault) {
	r.t.Helper()
	if err := r.box.SetFaults(faults...); err != nil {
		r.t.Fatal(err)
	}
}

// operations are the calls since the last ResetCalls that pass the filter, in order.
func (r *rig) operations(keep func(sandbox.Call) bool) []string {
	var out []string
	for _, c := range r.box.Calls() {
		if keep(c) {
			out = append(out, c.Operation)
		}
	}
	return out
}

// writes are the calls that changed something, or tried to.
func (r *rig) writes() []string {
	return r.operations(func(c sandbox.Call) bool { return c.Mutating })
}

// read returns the state.
func (r *rig) read() *state.State {
	r.t.Helper()
	st, err := local.New(filepath.Join(r.dir, "mercator.state.json"), catalog, r.clock).Read(context.Background())
	if err != nil {
		r.t.Fatal(err)
	}
	return st
}

// set binds a variable's value, as --var does.
func (r *rig) set(name, value string) *rig {
	r.inputs = append(r.inputs, config.Input{Name: name, Value: value})
	return r
}

// mistakes are the findings of a configuration that does not open.
func (r *rig) mistakes() diag.List {
	r.t.Helper()
	s, diags := workflow.Open(r.options())
	if s != nil {
		r.t.Fatalf("the configuration opens: %v", diags)
	}
	return diags
}

// alone applies where no human answers, with the flags given.
func (r *rig) alone(options plan.Options) workflow.Applied {
	r.t.Helper()
	a, err := r.open().Apply(context.Background(), workflow.ApplyOptions{Plan: options, Operation: "apply"})
	if err != nil {
		r.t.Fatal(err)
	}
	return a
}

// lines writes what a plan does in Atlas, a line per change: its action, address, and what differs.
func lines(p *plan.Plan) []string {
	var out []string
	for i := range p.Changes {
		c := &p.Changes[i]
		if c.Action == plan.NoOp && !c.Writes() {
			continue
		}
		line := string(c.Action) + " " + string(c.Address)
		for _, d := range c.Diffs {
			line += " " + d.Path
		}
		out = append(out, line)
	}
	return out
}

func expect(t *testing.T, p *plan.Plan, want ...string) {
	t.Helper()
	if got := lines(p); !slices.Equal(got, want) {
		t.Errorf("the plan does\n %s\nwant\n %s\n%s", strings.Join(got, "\n "), strings.Join(want, "\n "), describe(p))
	}
}

func codes(list diag.List) []string {
	var out []string
	for _, d := range list {
		out = append(out, d.Code)
	}
	return out
}

func expectCodes(t *testing.T, list diag.List, want ...string) {
	t.Helper()
	if got := codes(list); !slices.Equal(got, want) {
		t.Errorf("findings %q, want %q: %v", got, want, list)
	}
}

// finding returns the finding of a code.
func finding(t *testing.T, list diag.List, code string) diag.Diagnostic {
	t.Helper()
	i := slices.IndexFunc(list, func(d diag.Diagnostic) bool { return d.Code == code })
	if i < 0 {
		t.Fatalf("no finding %s among %v", code, list)
	}
	return list[i]
}

// says fails where a text lacks one of the words.
func says(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("%q is not in: %s", w, text)
		}
	}
}

// find returns the change of an address.
func find(t *testing.T, p *plan.Plan, a schema.Address) *plan.Change {
	t.Helper()
	for i := range p.Changes {
		if p.Changes[i].Address == a {
			return &p.Changes[i]
		}
	}
	t.Fatalf("the plan has no change of %s\n%s", a, describe(p))
	return nil
}

// outcome returns what became of an address.
func outcome(t *testing.T, r apply.Result, a schema.Address) apply.Outcome {
	t.Helper()
	for _, o := range r.Outcomes {
		if o.Address == a {
			return o
		}
	}
	t.Fatalf("nothing became of %s: %+v", a, r.Outcomes)
	return apply.Outcome{}
}

func equal(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

// requestHook is what a fault's hooks get.
type requestHook = *http.Request

const hour = time.Hour

// applyAll are options under which everything is allowed.
func applyAll() workflow.ApplyOptions {
	return workflow.ApplyOptions{Operation: "apply", Plan: plan.Options{AllowDestroy: []string{"all"}, AllowAdopt: []string{"all"}}}
}

// forget loses the state.
func (r *rig) forget() {
	r.t.Helper()
	if err := os.Remove(filepath.Join(r.dir, "mercator.state.json")); err != nil {
		r.t.Fatal(err)
	}
}

// tryOpen opens a configuration that may have mistakes.
func (r *rig) tryOpen() (*workflow.Session, diag.List) { return workflow.Open(r.options()) }

// render shows a plan in a format.
func (r *rig) render(p *plan.Plan, format string) string {
	r.t.Helper()
	renderer, err := render.New(format, render.Options{Catalog: catalog, Width: 120})
	if err != nil {
		r.t.Fatal(err)
	}
	var b strings.Builder
	if err := renderer.Plan(&b, p); err != nil {
		r.t.Fatal(err)
	}
	return b.String()
}
