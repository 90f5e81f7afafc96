package schema

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/zclconf/go-cty/cty"

	"mercator/schema/diag"
)

// Level says how a piece of advice is given.
type Level string

// The levels.
const (
	// AdviceError makes it an error: nothing is applied that deserves it.
	AdviceError Level = "error"
	// AdviceWarning makes it a warning.
	AdviceWarning Level = "warning"
	// AdviceOff does not give it.
	AdviceOff Level = "off"
)

// Levels returns the words that settings may use, the strictest first.
func Levels() []string {
	return []string{string(AdviceError), string(AdviceWarning), string(AdviceOff)}
}

// Advice is something that works and that people regret: what is wrong with it, why it matters, and how to mend it.
// It is given as a diagnostic of its code, at the level that the settings choose, unless the block accepts it.
type Advice struct {
	// Code is stable, in snake_case.
	Code string
	// Level is how it is given where the settings say nothing; "" means as a warning.
	Level Level
	// Subject is what it is about where that is no resource: "a variable".
	Subject string
	// Summary says what is wrong, as what follows the name of who deserves it: "can be reached from everywhere".
	Summary string
	// Why says what can come of it, and Mend what to do, in sentences.
	Why, Mend string
	// When are the conditions on the kind's attributes that all hold where the advice is deserved.
	When []Condition
}

// LevelOf returns the level at which the advice is given under some settings.
func (a *Advice) LevelOf(settings map[string]Level) Level {
	if level, ok := settings[a.Code]; ok {
		return level
	}
	if a.Level == "" {
		return AdviceWarning
	}
	return a.Level
}

// Finding makes the diagnostic that gives the advice to somebody; found says what was seen, in words or "". The level
// must not be [AdviceOff].
func (a *Advice) Finding(level Level, who, found string) diag.Diagnostic {
	severity := diag.Warning
	if level == AdviceError {
		severity = diag.Error
	}
	if found != "" {
		found = "Here " + found + ". "
	}
	return diag.Diagnostic{Severity: severity, Code: a.Code, Summary: who + " " + a.Summary, Detail: found + a.Why + " " + a.Mend}
}

// Acceptance is what a block says about advice that its resources deserve and that is not to be given.
type Acceptance struct {
	Code, Reason string
	Range        diag.Range
}

// Verdict is what can be said of a piece of advice and a value.
type Verdict struct {
	// Deserved says that all conditions hold, Certain that nothing which is not known can change that.
	Deserved, Certain bool
	// Path is where the first condition was met, and Found says what stands there.
	Path  cty.Path
	Found string
}

// Judge holds a value of the kind's type against the conditions of a piece of advice. What is not set counts with its
// default; what is not known makes the verdict uncertain.
func (k *Kind) Judge(a *Advice, v cty.Value, now time.Time) Verdict {
	m := judge{now}.all(a.When, k.Attributes, element{value: v})
	return Verdict{Deserved: m.holds, Certain: m.certain, Path: m.path, Found: m.found}
}

// AllAdvice returns the advice that a resource of the kind can deserve: the kind's own, and that what is temporary has
// passed its time (R39).
func (k *Kind) AllAdvice() []Advice {
	out := slices.Clone(k.Advice)
	for i := range k.Attributes {
		if a := &k.Attributes[i]; a.Within != nil {
			out = append(out, Advice{Code: "expired", Summary: "has expired", When: []Condition{{Attribute: a.Name, Past: true}},
				Why:  "Atlas removes it at its expiry, so the block asks for nothing any more, and whoever reads it believes that it does.",
				Mend: "Remove it from the files, or write a later time where it is still needed."})
		}
	}
	return out
}

// LanguageAdvice returns the advice about the files themselves, which no resource deserves.
func LanguageAdvice() []Advice {
	return []Advice{
		{Code: "unused_variable", Subject: "a variable", Summary: "is not used",
			Why:  "Whoever sets it believes that it has an effect.",
			Mend: "Remove the variable and the values that are given to it, or use it."},
		{Code: "unused_local", Subject: "a local value", Summary: "is not used",
			Why:  "It is computed and nothing depends on it: mostly something is left of a change, or a name is misspelt elsewhere.",
			Mend: "Remove it, or use it."},
		{Code: "unused_acceptance", Subject: "accepted advice", Summary: "is not deserved",
			Why:  "The block accepts advice that none of its resources deserves, so that it would hide the advice on the day on which one does.",
			Mend: "Remove it from accept."},
	}
}

// AdviceOf is a piece of advice and the kinds whose resources can deserve it; none where it is about the files.
type AdviceOf struct {
	Advice
	Kinds []string
}

// Sentence says what is wrong of anybody who deserves the advice.
func (a *AdviceOf) Sentence() string {
	who := a.Subject
	switch {
	case len(a.Kinds) == 1 && strings.ContainsAny(a.Kinds[0][:1], "aeiou"):
		who = "an " + a.Kinds[0]
	case len(a.Kinds) == 1:
		who = "a " + a.Kinds[0]
	case len(a.Kinds) > 1:
		who = "a resource"
	}
	return strings.ToUpper(who[:1]) + who[1:] + " " + a.Summary
}

// Advice returns everything that is advised, by code.
func (c *Catalog) Advice() []AdviceOf {
	var out []AdviceOf
	for _, a := range LanguageAdvice() {
		out = append(out, AdviceOf{Advice: a})
	}
	for _, name := range c.names {
		for _, a := range c.kinds[name].AllAdvice() {
			if i := slices.IndexFunc(out, func(have AdviceOf) bool { return have.Code == a.Code }); i >= 0 {
				out[i].Kinds = append(out[i].Kinds, name)
				continue
			}
			out = append(out, AdviceOf{Advice: a, Kinds: []string{name}})
		}
	}
	slices.SortFunc(out, func(a, b AdviceOf) int { return strings.Compare(a.Code, b.Code) })
	return out
}

// checkAdvice finds what is inconsistent in a kind's advice. A Part is left out of what conditions may look at: it is
// read only where somebody sets it, so that its absence says nothing.
func (c *Catalog) checkAdvice(k *Kind, bad func(string, ...any)) {
	for i := range k.Advice {
		a := &k.Advice[i]
		if a.Code == "" || a.Summary == "" || a.Why == "" || a.Mend == "" || len(a.When) == 0 {
			bad("the advice %q lacks code, summary, why, mend or conditions", a.Code)
		}
		for _, cond := range a.When {
			if k.Part(cond.Attribute) != nil {
				bad("the advice %s looks at the part %s", a.Code, cond.Attribute)
			}
		}
		checkConditions(k.Attributes, a.When, func(name string) {
			bad("the advice %s looks at %q, which is not there", a.Code, name)
		})
	}
}

// checkConditions calls missing with every attribute that conditions speak of and that is not there.
func checkConditions(attrs []Attribute, conds []Condition, missing func(string)) {
	for _, cond := range conds {
		a := Find(attrs, cond.Attribute)
		if a == nil {
			missing(cond.Attribute)
			continue
		}
		checkConditions(a.Nested, slices.Concat(cond.Some, cond.Every), missing)
	}
}

// found says in words what an attribute is.
func found(at cty.Path, value cty.Value, secret bool) string {
	switch text, ok := textOf(value); {
	case secret:
		return PathString(at) + " is sensitive"
	case ok:
		return fmt.Sprintf("%s is %s", PathString(at), text)
	case value.IsNull():
		return PathString(at) + " is not set"
	default:
		return PathString(at) + " is empty"
	}
}
