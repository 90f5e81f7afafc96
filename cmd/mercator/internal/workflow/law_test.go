package workflow_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mercator/plan"
	"mercator/provider/sandbox"
	"mercator/schema"
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
	tried := cases
	if testing.Short() { // of which rapid tries a fifth, and at least one here
		cases = max(cases, 5)
		tried = cases / 5
	}
	set := map[string]string{"rapid.checks": fmt.Sprint(cases), "rapid.nofailfile": "true"}
	if tried < lawFull {
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
	return tried
}

// lawTally counts what became of the cases.
type lawTally struct {
	cases, steps, refused, faulty, failed, upgrades int
	codes                                           map[string]int
}

// count counts the upgrades of a plan that went through.
func (t *lawTally) count(p *plan.Plan) {
	for i := range p.Changes {
		if slices.ContainsFunc(p.Changes[i].Calls, func(call schema.Call) bool { return call.Verb == schema.CallUpgrade }) {
			t.upgrades++
		}
	}
}

func (t *lawTally) String() string {
	return fmt.Sprintf("%d cases with %d configurations; %d cases met a plan error %v; %d applies had faults, %d of them failed; %d upgrades",
		t.cases, t.steps, t.refused, t.codes, t.faulty, t.failed, t.upgrades)
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

// excuses are the plan errors that a script may lead to, and what in it does.
var excuses = map[string]func(c *lawCase) bool{
	"prevent_destroy":       func(c *lawCase) bool { return c.ever(func(b *lawBlock) bool { return b.protect != nil && *b.protect }) },
	"termination_protected": func(c *lawCase) bool { return c.everSet("termination_protection_enabled", true) },
	// What a new object needs may have been released while the old one had it.
	"cluster_shape":        func(c *lawCase) bool { return c.byHand() || c.refusedBefore || c.step > 0 },
	"only_at_birth":        func(c *lawCase) bool { return c.everSet("delete_after_date", nil) },
	"upgrade_impossible":   func(c *lawCase) bool { return c.everSet("global_cluster_self_managed_sharding", true) },
	"cluster_paused":       func(c *lawCase) bool { return c.everSet("paused", true) },
	"replace_holds_data":   func(c *lawCase) bool { return c.everSet("region_usage_restrictions", nil) },
	"adopted_replace":      func(c *lawCase) bool { return c.byHand() },
	"rename_target_exists": func(c *lawCase) bool { return c.byHand() },
	"deletion_blocked":     func(c *lawCase) bool { return c.byHand() || c.refusedBefore },
	// A project that has both another label and another name is another project.
	"parent_changed": func(c *lawCase) bool {
		return c.ever(func(b *lawBlock) bool { return b.outside && catalog.Kind(b.kind).HoldsData })
	},
	// What is to be made anew, or was refused before, may have expired meanwhile.
	"expiry_out_of_range":   func(c *lawCase) bool { return c.byHand() && c.everSet("delete_after_date", nil) },
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
	"CLUSTER_REPLICATION_FACTOR_INVALID", "COMPUTE_AUTO_SCALING_MAX_INSTANCE_SIZE_REQUIRED", "COMPUTE_AUTO_SCALING_MIN_INSTANCE_SIZE_REQUIRED",
	"COMPUTE_AUTO_SCALING_SCALE_DOWN_ENABLED_INVALID"}

// lasting is Atlas's refusal to give an expiry to a user that had none; the plan does not foresee it.
const lasting = "PERMANENT_ENTITY_CANNOT_BE_MADE_TEMPORARY"

// excused reports whether an apply may fail so: where Atlas refused to make something of which the file says too
// little.
func (c *lawCase) excused(p *plan.Plan, errs diag.List) bool {
	for _, d := range errs {
		i := slices.IndexFunc(p.Changes, func(ch plan.Change) bool { return string(ch.Address) == d.Address })
		creates := i >= 0 && (p.Changes[i].Action == plan.Create || p.Changes[i].Action == plan.Replace || slices.ContainsFunc(p.Changes[i].Diffs,
			func(d plan.Diff) bool { return d.Op == plan.DiffAdd && strings.HasSuffix(d.Path, "]") })) // a shard, a region, a notification
		if strings.Contains(d.Error(), lasting) { // a user that was there already, by another hand
			c.tally.codes[lasting]++
			continue
		}
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
