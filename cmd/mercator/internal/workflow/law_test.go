package workflow_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
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

// lawCases is how many sequences a plain "go test" tries. MERCATOR_LAW_CASES asks for another number; from lawFull
// on the coverage of arguments is demanded.
const (
	lawCases = 40
	lawFull  = 500
)

// TestLaw is the promise of the whole: whatever sequence of configurations is applied, with whatever changes by
// hand between them, a plan after an apply is empty and Atlas holds what the files say; and where requests fail at
// random, applying again comes to the same, with nothing twice and nothing without an owner.
func TestLaw(t *testing.T) {
	cases := setLawCases(t)
	cover := newLawCover()
	tally := &lawTally{codes: map[string]int{}}
	rapid.Check(t, func(rt *rapid.T) {
		script := rapid.Custom(drawLawScript).Draw(rt, "script")
		c := newLawCase(t, rt, script, cover, tally)
		c.run()
	})
	t.Log(tally.String())
	t.Log(cover.table())
	if tally.refused*3 > tally.cases {
		t.Errorf("%d of %d cases met a plan error; the generator must mostly avoid them", tally.refused, tally.cases)
	}
	if cases >= lawFull {
		if missing := cover.missing(); len(missing) > 0 {
			t.Errorf("never tried:\n%s", strings.Join(missing, "\n"))
		}
	}
}

// setLawCases tells rapid how much to try and returns it. A short run always tries the same, so that it is not red
// by chance; -rapid.seed chooses another.
func setLawCases(t *testing.T) int {
	cases := lawCases
	if text := os.Getenv("MERCATOR_LAW_CASES"); text != "" {
		if _, err := fmt.Sscan(text, &cases); err != nil || cases < 1 {
			t.Fatalf("MERCATOR_LAW_CASES=%q: want a number from 1 on", text)
		}
	}
	set := map[string]string{"rapid.checks": fmt.Sprint(cases), "rapid.nofailfile": "true"}
	if cases < lawFull {
		set["rapid.seed"] = "1"
	}
	given := map[string]bool{}
	flag.Visit(func(f *flag.Flag) { given[f.Name] = true })
	for name, value := range set {
		f := flag.Lookup(name)
		if given[name] {
			continue
		}
		old := f.Value.String()
		if err := f.Value.Set(value); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Value.Set(old) })
	}
	return cases
}

// lawTally counts what became of the cases.
type lawTally struct {
	cases, steps, refused, faulty, failed int
	codes                                 map[string]int
}

func (t *lawTally) String() string {
	return fmt.Sprintf("%d cases with %d configurations; %d cases met a plan error %v; %d applies had faults, %d of them failed",
		t.cases, t.steps, t.refused, t.codes, t.faulty, t.failed)
}

// lawStep is one configuration and what happens before it is applied.
type lawStep struct {
	estate  *lawEstate
	advance time.Duration
	hands   []lawHand
	// faults strike while it is applied, tries times, before it is applied in peace.
	faults []sandbox.Fault
	tries  int
}

type lawScript struct{ steps []lawStep }

// GoString writes a script as people read it.
func (s lawScript) GoString() string {
	var b strings.Builder
	for i, step := range s.steps {
		fmt.Fprintf(&b, "\n# step %d", i+1)
		if step.advance > 0 {
			fmt.Fprintf(&b, ", %v later", step.advance)
		}
		for _, h := range step.hands {
			fmt.Fprintf(&b, ", by hand: %v", h)
		}
		for _, f := range step.faults {
			fmt.Fprintf(&b, ", fault: %v nth %d every %d", f, f.Nth, f.Every)
		}
		if step.tries > 0 {
			fmt.Fprintf(&b, " in %d applies", step.tries)
		}
		b.WriteString("\n" + step.estate.hcl())
	}
	return b.String()
}

// drawLawScript makes a sequence of three configurations or more.
func drawLawScript(t *rapid.T) lawScript {
	g := &lawGen{t: t, estate: &lawEstate{next: 1}, forms: map[string]string{}}
	var s lawScript
	for i := range 3 + g.n(3) {
		step := lawStep{}
		if i == 0 {
			g.start()
		} else {
			if g.chance(35) {
				step.advance = time.Duration(lawPick(g, 1, 30, 100)) * time.Hour
			}
			g.elapsed += step.advance
			for range g.n(4) {
				step.hands = append(step.hands, g.hand())
			}
			g.step()
		}
		if g.chance(30) {
			step.faults, step.tries = g.faults(), 1+g.n(2)
		}
		step.estate = g.estate.clone()
		s.steps = append(s.steps, step)
	}
	return s
}

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

// excuses are the plan errors that a script may lead to, and what in it does.
var excuses = map[string]func(c *lawCase) bool{
	"prevent_destroy":       func(c *lawCase) bool { return c.ever(func(b *lawBlock) bool { return b.protect != nil && *b.protect }) },
	"termination_protected": func(c *lawCase) bool { return c.everSet("termination_protection_enabled", true) },
	"cluster_paused":        func(c *lawCase) bool { return c.everSet("paused", true) },
	"replace_holds_data":    func(c *lawCase) bool { return c.everSet("region_usage_restrictions", nil) },
	"adopted_replace":       func(c *lawCase) bool { return c.byHand() },
	"deletion_blocked":      func(c *lawCase) bool { return c.byHand() || c.refusedBefore },
	"version_downgrade":     func(c *lawCase) bool { return c.everSet("mongo_db_major_version", "7.0") },
	"name_taken":            func(c *lawCase) bool { return true },
	"secret_needed":         func(c *lawCase) bool { return true },
	"argument_missing":      func(c *lawCase) bool { return c.byHand() || c.refusedBefore || c.step > 0 },
	"cluster_shape_missing": func(c *lawCase) bool { return c.byHand() || c.refusedBefore || c.step > 0 },
}

// refusal makes sure that a plan with errors wrote nothing and has a good reason.
func (c *lawCase) refusal(_ *lawEstate, errs diag.List) {
	for _, call := range c.box.Calls() {
		if call.Mutating {
			c.rt.Fatalf("%sa plan with errors wrote: %s %s\n%s", c.at(), call.Method, call.Path, lawList(errs))
		}
	}
	for _, d := range errs {
		if excuse := excuses[d.Code]; excuse == nil || !excuse(c) {
			c.rt.Fatalf("%sthe plan has an error without a reason:\n%s", c.at(), lawList(errs))
		}
		c.tally.codes[d.Code]++
	}
	c.refusedBefore = true
}

// incomplete are refusals of Atlas that a creation may meet where the file released an argument before, so that it
// no longer says all that a new object needs.
var incomplete = []string{"MISSING_THRESHOLD", "MISSING_METRIC_THRESHOLD", "MISSING_ATTRIBUTE", "INVALID_OPERATOR_FOR_EVENT_TYPE", "EMAIL_OR_SMS_REQUIRED_FOR_GROUP_NOTIFICATION",
	"CLUSTER_REPLICATION_FACTOR_INVALID", "COMPUTE_AUTO_SCALING_MAX_INSTANCE_SIZE_REQUIRED", "COMPUTE_AUTO_SCALING_MIN_INSTANCE_SIZE_REQUIRED"}

// excused reports whether an apply may fail so: where Atlas refused to make something of which the file says too
// little.
func (c *lawCase) excused(p *plan.Plan, errs diag.List) bool {
	for _, d := range errs {
		i := slices.IndexFunc(p.Changes, func(ch plan.Change) bool { return string(ch.Address) == d.Address })
		creates := i >= 0 && (p.Changes[i].Action == plan.Create || p.Changes[i].Action == plan.Replace)
		code := slices.IndexFunc(incomplete, func(code string) bool { return strings.Contains(d.Error(), code) })
		if !creates || code < 0 || c.step == 0 {
			return false
		}
		c.tally.codes[incomplete[code]]++
	}
	c.refusedBefore = len(errs) > 0 || c.refusedBefore
	return len(errs) > 0
}

func (c *lawCase) byHand() bool {
	return slices.ContainsFunc(c.script.steps[:c.step+1], func(s lawStep) bool { return len(s.hands) > 0 || s.advance > 0 })
}

// ever reports whether a block of this or an earlier configuration is so.
func (c *lawCase) ever(is func(*lawBlock) bool) bool {
	for _, s := range c.script.steps[:c.step+1] {
		for _, p := range s.estate.projects {
			if is(p) || slices.ContainsFunc(p.children, is) {
				return true
			}
		}
	}
	return false
}

func (c *lawCase) everSet(name string, value any) bool {
	return c.ever(func(b *lawBlock) bool { v, set := b.args[name]; return set && (value == nil || v == value) })
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
