package plan

import (
	"fmt"
	"time"

	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
	"mercator/schema/diag"
)

// Review returns what the files by themselves tell about the resources that they ask for: arguments that do not go
// together, what the kinds' own checks refuse whatever is live, and advice. The files must be without errors; what
// depends on Atlas is left to the plan.
func Review(catalog *schema.Catalog, desired schema.Desired, now time.Time) diag.List {
	b := NewSurvey(Input{Catalog: catalog, Desired: desired, Now: now}).declared
	b.begin()
	for _, n := range b.nodes {
		b.misfits(n)
		b.hook(n, schema.Transition{Before: cty.UnknownVal(n.kind.Type()), After: n.value, Changed: setIn(n.kind, n.value)})
	}
	b.advise()
	return b.diags.Sort()
}

// setIn returns the top-level arguments that a value sets.
func setIn(kind *schema.Kind, v cty.Value) []string {
	v, _ = v.Unmark()
	var out []string
	for i := range kind.Attributes {
		if name := kind.Attributes[i].Name; isSet(v, name) {
			out = append(out, name)
		}
	}
	return out
}

// adviser gives a piece of advice once for each block that deserves it, however many resources it makes.
type adviser struct {
	*builder
	// given are the findings, in order, and at which place each stands.
	given []given
	place map[placedCode]int
	// accepted are the acceptances of all blocks, and whether any resource deserves the advice or may do so.
	accepted map[placedCode]*acceptance
	wrong    map[string]bool
}

type placedCode struct {
	code string
	at   diag.Range
}

// given is a finding and how many further resources of its block deserve it.
type given struct {
	diag.Diagnostic
	more int
}

type acceptance struct {
	address schema.Address
	reason  string
	needed  bool
}

// advise gives the advice that the declared resources deserve. A resource that has errors gets none: they come first.
func (b *builder) advise() {
	a := adviser{builder: b, place: map[placedCode]int{}, accepted: map[placedCode]*acceptance{}, wrong: map[string]bool{}}
	for _, d := range b.diags.Errors() {
		a.wrong[d.Address] = true
	}
	advice := map[*schema.Kind][]schema.Advice{}
	for _, n := range b.nodes {
		if n.desired == nil {
			continue
		}
		if _, ok := advice[n.kind]; !ok {
			advice[n.kind] = n.kind.AllAdvice()
		}
		for i := range advice[n.kind] {
			a.judge(n, &advice[n.kind][i])
		}
	}
	for _, g := range a.given {
		if g.more > 0 {
			g.Detail += fmt.Sprintf(" The same goes for %d more of the block.", g.more)
		}
		g.Detail += fmt.Sprintf("\n\nWhere it is right, the block says why: accept = { %s = \"...\" }", g.Code)
		b.diags.Add(g.Diagnostic)
	}
	if len(b.in.Options.Targets)+len(b.in.Options.Excludes) == 0 { // else not all of a block may be there
		a.unused()
	}
}

// judge gives one piece of advice to one resource, unless its block accepts it.
func (a *adviser) judge(n *node, advice *schema.Advice) {
	verdict := n.kind.Judge(advice, a.willBe(n), a.in.Now)
	for _, accepted := range n.desired.Accepted {
		if accepted.Code != advice.Code {
			continue
		}
		key := placedCode{accepted.Code, accepted.Range}
		if a.accepted[key] == nil {
			a.accepted[key] = &acceptance{address: n.address, reason: accepted.Reason}
		}
		alone := n.kind.Judge(advice, n.full, a.in.Now) // as validation sees it, without Atlas
		a.accepted[key].needed = a.accepted[key].needed || n.broken || verdict.Deserved || !verdict.Certain || alone.Deserved || !alone.Certain
		return
	}
	level := advice.LevelOf(a.in.Desired.Advice)
	if !verdict.Deserved || level == schema.AdviceOff || n.broken || a.wrong[string(n.address)] {
		return
	}
	at := n.placeOf(schema.PathString(verdict.Path))
	key := placedCode{advice.Code, at}
	if i, ok := a.place[key]; ok && !at.IsZero() {
		a.given[i].more++
		return
	}
	a.place[key] = len(a.given)
	d := advice.Finding(level, string(n.address), verdict.Found).On(string(n.address)).About(schema.PathString(verdict.Path)).At(at)
	a.given = append(a.given, given{Diagnostic: d})
}

// willBe is what advice is held against: the object as it will be once the plan is carried out. What the file leaves
// out of a new one is not set, whatever Atlas may choose.
func (a *adviser) willBe(n *node) cty.Value {
	if n.live == nil || n.change.Action == Create || n.change.Action == Replace {
		return n.value
	}
	return n.change.After
}

// unused tells of acceptances that no resource of their block needs.
func (a *adviser) unused() {
	for _, advice := range schema.LanguageAdvice() {
		level := advice.LevelOf(a.in.Desired.Advice)
		if advice.Code != "unused_acceptance" || level == schema.AdviceOff {
			continue
		}
		for key, accepted := range a.accepted {
			if !accepted.needed {
				a.diags.Add(advice.Finding(level, "The advice "+key.code, fmt.Sprintf("the reason is %q", accepted.reason)).On(string(accepted.address)).At(key.at))
			}
		}
	}
}
