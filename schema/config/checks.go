package config

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"mercator/schema"
	"mercator/schema/diag"
)

// condition is a condition with its error message: of a validation, a precondition, a postcondition or an assertion.
type condition struct {
	holds, message *expr
	rng            diag.Range
}

// checkDecl is a check block: assertions about the whole, which warn and stop nothing.
type checkDecl struct {
	name    string
	asserts []*condition
	rng     diag.Range
}

func (l *loader) declareCondition(b *hcl.Block, s scope) *condition {
	got := l.take(b.Body, shape{what: article(b.Type) + " block", args: []string{"condition", "error_message"}})
	c := &condition{rng: rangeOf(b.DefRange)}
	for name, x := range map[string]**expr{"condition": &c.holds, "error_message": &c.message} {
		if a := got.args[name]; a != nil {
			*x = l.expr(a.Expr, s)
		} else {
			l.add(missing(article(b.Type)+" block", name, c.rng))
		}
	}
	return c
}

func (l *loader) declareCheck(b *hcl.Block) {
	c := &checkDecl{name: b.Labels[0], rng: rangeOf(b.DefRange)}
	for _, old := range l.module.checks {
		if old.name == c.name {
			l.add(duplicate("check", c.name, c.rng, old.rng))
			return
		}
	}
	got := l.take(b.Body, shape{what: "a check", blocks: map[string]labels{"assert": {}}})
	for _, inner := range got.blocks {
		c.asserts = append(c.asserts, l.declareCondition(inner, scope{}))
	}
	if len(got.blocks) == 0 {
		l.add(diag.Errorf(codeMissingArgument, "The check asserts nothing",
			"Write assert { condition = ..., error_message = \"...\" } in it.").At(c.rng))
	}
	l.module.checks = append(l.module.checks, c)
}

// verdict is what became of a condition; a worse one is greater.
type verdict int

const (
	holds verdict = iota + 1
	notKnown
	fails
	unclear // for reasons that have been reported
)

// judge evaluates a condition.
func (e *Evaluation) judge(c *condition, f frame) verdict {
	if c.holds == nil || c.message == nil {
		return unclear
	}
	v, clean := e.eval(c.holds, f)
	if !clean {
		return unclear
	}
	v, marks := v.UnmarkDeep()
	converted, err := convert.Convert(v, cty.Bool)
	switch {
	case failedIn(marks):
		return unclear
	case !v.IsKnown():
		return notKnown
	case err != nil || converted.IsNull():
		e.add(diag.Errorf(codeWrongType, "The condition is not true or false", "Found %s. "+trueOrFalse, describe(v, true)).
			At(rangeOf(c.holds.Range())).On(address(f)))
		return unclear
	case converted.False():
		return fails
	default:
		return holds
	}
}

// checked names what has conditions.
type checked struct {
	kind schema.CheckKind
	name string
}

// outcome is what the conditions of one thing came to: the worst verdict, and the messages of those that fail.
type outcome struct {
	worst    verdict
	problems []string
}

// statuses are what the verdicts are called in results.
var statuses = map[verdict]schema.CheckStatus{holds: schema.CheckPasses, notKnown: schema.CheckUnknown, fails: schema.CheckFails, unclear: schema.CheckErrors}

// record adds what became of one condition to the outcome of what has it. problem is the message of one that fails.
func (e *Evaluation) record(of checked, v verdict, problem string) {
	o := e.checked[of]
	o.worst = max(o.worst, v)
	if v == fails {
		o.problems = append(o.problems, problem)
	}
	e.checked[of] = o
}

// verdicts returns what all conditions came to, those of the root's variables included.
func (e *Evaluation) verdicts() []schema.Check {
	out := slices.Clone(e.cfg.validated)
	for of, o := range e.checked {
		out = append(out, schema.Check{Kind: of.kind, Name: of.name, Status: statuses[o.worst], Problems: o.problems})
	}
	slices.SortFunc(out, func(a, b schema.Check) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name)) })
	return out
}

// check reports the conditions that are known not to hold.
func (e *Evaluation) check(conditions []*condition, f frame, code string, of checked) {
	what := of.name
	if of.kind == schema.CheckVariable {
		what = "the variable " + what
	}
	for _, c := range conditions {
		v, message := e.judge(c, f), ""
		if v == fails {
			message = e.message(c.message, f)
			e.add(diag.Errorf(code, fmt.Sprintf("A condition of %s does not hold", what), "%s", message).
				At(rangeOf(c.holds.Range())).On(address(f)))
		}
		e.record(of, v, message)
	}
}

// assert evaluates the check blocks in one instance of a module.
func (e *Evaluation) assert(m *module, home *instance) {
	f := frame{home: home}
	for _, c := range m.checks {
		name := inModule(home, c.name)
		open := false
		for _, a := range c.asserts {
			v, message := e.judge(a, f), ""
			switch v {
			case fails:
				message = e.message(a.message, f)
				e.note(&e.failed, diag.Warningf(codeCheckFailed, fmt.Sprintf("The check %s fails", name), "%s", message).
					At(rangeOf(a.holds.Range())))
			case notKnown:
				open = true
			}
			e.record(checked{schema.CheckBlock, name}, v, message)
		}
		if open {
			e.note(&e.open, diag.Warningf(codeCheckOpen, fmt.Sprintf("The check %s is not known yet", name),
				"It depends on what only Atlas can tell, and is made again at the end of an apply.").At(c.rng))
		}
	}
}

// Checks returns a warning for each assertion of a check block that fails, and one for each check that cannot be made
// before more is known.
func (e *Evaluation) Checks() (failed, open diag.List) { return e.failed.Sort(), e.open.Sort() }

// message evaluates an error message; a secret in it is not shown.
func (e *Evaluation) message(x *expr, f frame) string {
	v, clean := e.eval(x, f)
	if !clean {
		return "Its error message cannot be computed."
	}
	v, marks := v.UnmarkDeep()
	if _, secret := marks[schema.Sensitive]; secret {
		return "Its error message holds a sensitive value and is not shown."
	}
	text, err := convert.Convert(v, cty.String)
	if err != nil || !text.IsKnown() || text.IsNull() {
		return "Its error message is not a text."
	}
	return text.AsString()
}
