package workflow_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"
	"pgregory.net/rapid"

	"mercator/apply/state"
	"mercator/apply/state/local"
	"mercator/cmd/mercator/internal/workflow"
	"mercator/plan"
	"mercator/provider"
	"mercator/provider/atlas"
	"mercator/provider/sandbox"
	"mercator/schema"
	"mercator/schema/config"
	"mercator/schema/diag"
)

// lawTB lets the rig's helpers fail a case instead of the test, so that it shrinks.
type lawTB struct {
	testing.TB
	rt *rapid.T
}

func (t lawTB) Helper()                           {}
func (t lawTB) Fatal(args ...any)                 { t.rt.Fatal(args...) }
func (t lawTB) Fatalf(format string, args ...any) { t.rt.Fatalf(format, args...) }
func (t lawTB) Error(args ...any)                 { t.rt.Error(args...) }
func (t lawTB) Errorf(format string, args ...any) { t.rt.Errorf(format, args...) }
func (t lawTB) Cleanup(f func())                  { t.rt.Cleanup(f) }

func (t lawTB) TempDir() string {
	dir, err := os.MkdirTemp("", "law")
	if err != nil {
		t.rt.Fatal(err)
	}
	t.rt.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// lawCase is one script under way.
type lawCase struct {
	*rig
	rt      *rapid.T
	script  lawScript
	cover   *lawCover
	tally   *lawTally
	step    int
	applied *lawEstate // the last configuration that went through
	// refusedBefore and handed say that the script left the straight road, which excuses some plan errors.
	refusedBefore bool
}

func newLawCase(t *testing.T, rt *rapid.T, script lawScript, cover *lawCover, tally *lawTally) *lawCase {
	tally.cases++
	return &lawCase{rig: newRig(lawTB{t, rt}, sandbox.Options{Polls: 1}), rt: rt, script: script, cover: cover, tally: tally}
}

func (c *lawCase) run() {
	for i := range c.script.steps {
		c.step = i
		c.tally.steps++
		step := &c.script.steps[i]
		c.clock.advance(step.advance)
		for _, h := range step.hands {
			h.do(c)
		}
		step.estate.secrets(c.env)
		c.write(step.estate.hcl())
		before := c.look()
		for range step.tries {
			c.applyWithFaults(step.faults)
		}
		c.apply1(step.estate, before)
	}
	if c.refusedBefore {
		c.tally.refused++
	}
}

// at names the step, for failures.
func (c *lawCase) at() string { return fmt.Sprintf("step %d: ", c.step+1) }

// applyWithFaults applies while requests go wrong; it may fail, and then says why.
func (c *lawCase) applyWithFaults(faults []sandbox.Fault) {
	if err := c.box.SetFaults(faults...); err != nil {
		c.rt.Fatal(err)
	}
	a, err := c.lawApply()
	c.tally.faulty++
	if err != nil || !a.Result.OK() || a.Plan.Diagnostics.HasErrors() {
		c.tally.failed++
	}
	if err := c.box.SetFaults(); err != nil {
		c.rt.Fatal(err)
	}
}

// apply1 applies in peace and holds the outcome against the law.
func (c *lawCase) apply1(e *lawEstate, before lawLook) {
	c.box.ResetCalls()
	a, err := c.lawApply()
	if err != nil {
		c.rt.Fatalf("%sthe apply: %v", c.at(), err)
	}
	if errs := a.Plan.Diagnostics.Errors(); len(errs) > 0 {
		c.refusal(e, errs)
		return
	}
	if errs := a.Result.All().Errors(); len(errs) > 0 || !a.Ran {
		if c.excused(a.Plan, errs) {
			return
		}
		c.rt.Fatalf("%sthe apply did not go through (refused %v):\n%v\n%s", c.at(), a.Refused, lawList(errs), lawDescribe(a.Plan))
	}
	p, err := c.lawOpen().Plan(context.Background(), plan.Options{})
	if err != nil {
		c.rt.Fatalf("%sthe plan after the apply: %v", c.at(), err)
	}
	if lawSiblings(a.Plan, p) {
		if _, err := c.lawApply(); err != nil {
			c.rt.Fatal(err)
		}
		if p, err = c.lawOpen().Plan(context.Background(), plan.Options{}); err != nil {
			c.rt.Fatal(err)
		}
	}
	if !p.Empty() || p.Diagnostics.HasErrors() {
		c.rt.Fatalf("%sthe plan after the apply is not empty:\n%s\nthe apply had:\n%s", c.at(), lawDescribe(p), lawDescribe(a.Plan))
	}
	c.tally.count(a.Plan)
	c.check(e, before)
	c.cover.count(c.applied, e)
	c.applied = e
}

// lawSiblings reports whether a plan deletes nothing but what Atlas itself put into projects that were made just
// before. Where such a kind is exclusive, one more apply is needed: nobody could know these objects when the first
// plan was agreed to.
func lawSiblings(before, p *plan.Plan) bool {
	made := map[schema.Address]bool{}
	for _, ch := range before.Changes {
		made[ch.Address] = ch.Kind == "project" && (ch.Action == plan.Create || ch.Action == plan.Replace)
	}
	deletions := 0
	for _, ch := range p.Changes {
		if ch.Action == plan.NoOp {
			continue
		}
		if ch.Action != plan.Delete || !ch.Exclusive || ch.Kind != "alert_config" || !made[ch.Parent] {
			return false
		}
		deletions++
	}
	return deletions > 0 && !p.Diagnostics.HasErrors()
}

// lawDescribe writes what a plan would do, in short.
func lawDescribe(p *plan.Plan) string {
	var b strings.Builder
	for i := range p.Changes {
		c := &p.Changes[i]
		if c.Action == plan.NoOp && !c.Writes() {
			continue
		}
		fmt.Fprintf(&b, "%s %s\n", c.Action, c.Address)
		for _, d := range c.Diffs {
			fmt.Fprintf(&b, "    %s %s %s -> %s\n", d.Op, d.Path, lawText(d.Old), lawText(d.New))
		}
	}
	for _, s := range p.StateOnly {
		fmt.Fprintf(&b, "state: %s %s %s\n", s.Kind, s.Address, s.Text)
	}
	return b.String() + lawList(p.Diagnostics)
}

// lawText writes a value without what is null in it.
func lawText(v cty.Value) string {
	if v == cty.NilVal {
		return "nothing"
	}
	v, _ = v.UnmarkDeep()
	switch {
	case v.IsNull():
		return "null"
	case !v.IsKnown():
		return "unknown"
	case v.CanIterateElements():
		var parts []string
		for it := v.ElementIterator(); it.Next(); {
			k, el := it.Element()
			if !el.IsNull() {
				parts = append(parts, strings.Trim(lawText(k), `"`)+"="+lawText(el))
			}
		}
		return "{" + strings.Join(parts, " ") + "}"
	case v.Type() == cty.Number:
		return schema.NumberText(v.AsBigFloat())
	case v.Type() == cty.Bool:
		return fmt.Sprint(v.True())
	default:
		return fmt.Sprintf("%q", v.AsString())
	}
}

func lawList(list diag.List) string {
	var b strings.Builder
	for _, d := range list {
		b.WriteString(d.Code + " " + d.Error() + "\n")
	}
	return b.String()
}

// lawApply applies with everything allowed, one step at a time, so that a case is the same whenever it runs.
func (c *lawCase) lawApply() (workflow.Applied, error) {
	all := []string{"all"}
	return c.lawOpen().Apply(context.Background(), workflow.ApplyOptions{
		Plan: plan.Options{AllowDestroy: all, AllowAdopt: all}, Operation: "apply", Parallelism: 1})
}

// lawOpen opens the configuration with a client whose pauses take no time.
func (c *lawCase) lawOpen() *workflow.Session {
	s, diags := workflow.Open(workflow.Options{
		Catalog: catalog, Dir: c.dir, Now: c.clock.Now(), Version: "0.1.0", Clock: beatless{c.clock},
		Getenv:    func(name string) string { return c.env[name] },
		LookupEnv: func(name string) (string, bool) { v, ok := c.env[name]; return v, ok },
		Store: func(config.State) (state.Store, error) {
			return local.New(filepath.Join(c.dir, "mercator.state.json"), catalog, c.clock), nil
		},
		Connect: func(conn workflow.Connection) (provider.Provider, error) {
			return atlas.New(atlas.Config{BaseURL: conn.Environment.BaseURL, Credentials: conn.Environment.Credentials, Version: "0.1.0",
				Clock: &leaping{now: c.clock.Now()}, Concurrency: 4, Transport: c.transport()})
		},
	})
	if diags.HasErrors() {
		c.rt.Fatalf("%sthe configuration does not open:\n%s", c.at(), lawList(diags))
	}
	return s
}

// leaping is the clock of a client: to wait is to be later.
type leaping struct {
	mu  sync.Mutex
	now time.Time
}

func (l *leaping) Now() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now
}

func (l *leaping) Sleep(ctx context.Context, d time.Duration) error {
	l.mu.Lock()
	l.now = l.now.Add(max(d, 0))
	l.mu.Unlock()
	return ctx.Err()
}

// lawState reads the state.
func (c *lawCase) lawState() *state.State {
	st, err := local.New(filepath.Join(c.dir, "mercator.state.json"), catalog, c.clock).Read(context.Background())
	if err != nil {
		c.rt.Fatal(err)
	}
	return st
}
