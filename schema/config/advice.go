package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
	"mercator/schema/diag"
)

// Advice: the settings choose its levels, blocks accept it with a reason, and what is advised about the files
// themselves is found here. Both are written out, so that a review sees what is accepted and why.

// declareLevels reads the levels of the settings.
func (l *loader) declareLevels(a *hcl.Attribute) {
	var codes []string
	for _, known := range l.options.Catalog.Advice() {
		codes = append(codes, known.Code)
	}
	l.settings.Advice = map[string]schema.Level{}
	l.texts(a, `advice = { CODE = "LEVEL" }`, func(code, level string, at, value diag.Range) {
		switch {
		case !slices.Contains(codes, code):
			l.add(diag.Errorf(codeAdvice, fmt.Sprintf("There is no advice %q", shorten(code)),
				`"mercator explain" lists all advice.%s`, didYouMean(code, codes)).At(at))
		case !slices.Contains(schema.Levels(), level):
			l.add(diag.Errorf(codeAdvice, fmt.Sprintf("%q is no level of advice", shorten(level)),
				"Advice is given as an error, as a warning, or not at all: write one of %s.", quoted(schema.Levels())).At(value))
		default:
			l.settings.Advice[code] = schema.Level(level)
		}
	})
}

// declareAccept reads what a block accepts.
func (l *loader) declareAccept(b *block, a *hcl.Attribute) {
	var own, all []string
	for _, known := range b.kind.AllAdvice() {
		own = append(own, known.Code)
	}
	for _, known := range l.options.Catalog.Advice() {
		all = append(all, known.Code)
	}
	l.texts(a, `accept = { CODE = "why that is right here" }`, func(code, reason string, at, value diag.Range) {
		switch {
		case slices.Contains(all, code) && !slices.Contains(own, code):
			l.add(diag.Errorf(codeAdvice, fmt.Sprintf("%s never gets the advice %s", capital(article(b.kind.Name)), code),
				"Remove it.%s", among("", own)).At(at))
		case !slices.Contains(own, code):
			l.add(diag.Errorf(codeAdvice, fmt.Sprintf("There is no advice %q", shorten(code)),
				"accept names advice that %s can get.%s", article(b.kind.Name), among(code, own)).At(at))
		case strings.TrimSpace(reason) == "":
			l.add(diag.Errorf(codeAdvice, fmt.Sprintf("Nothing says why %s is accepted", code),
				"Whoever reads the file next has to judge whether it still holds. Write the reason between the quotes.").At(value))
		default:
			b.accepted = append(b.accepted, schema.Acceptance{Code: code, Reason: reason, Range: at})
		}
	})
}

// texts reads an object of literal texts, in the order of its keys; shape shows what is expected.
func (l *loader) texts(a *hcl.Attribute, shape string, each func(key, value string, at, valueAt diag.Range)) {
	v, ok := l.constant(a)
	if !ok {
		return
	}
	if v.IsNull() || !v.Type().IsObjectType() {
		l.add(diag.Errorf(codeAdvice, fmt.Sprintf("%s is not an object", a.Name), "Found %s; write %s.", describe(v, false), shape).
			At(rangeOf(a.Expr.Range())))
		return
	}
	for _, key := range sortedKeys(v.AsValueMap()) {
		value := v.GetAttr(key)
		at, valueAt := pairAt(a.Expr, key)
		if value.IsNull() || value.Type() != cty.String {
			l.add(diag.Errorf(codeAdvice, fmt.Sprintf("%s has no text under %q", a.Name, shorten(key)),
				"Found %s; write %s.", describe(value, false), shape).At(valueAt))
			continue
		}
		each(key, value.AsString(), at, valueAt)
	}
}

// pairAt returns where a key of an object stands, and where its value does.
func pairAt(x hcl.Expression, key string) (at, value diag.Range) {
	pairs, _ := hcl.ExprMap(x)
	for _, p := range pairs {
		if k, hd := p.Key.Value(nil); !hd.HasErrors() && k.Type() == cty.String && k.AsString() == key {
			return rangeOf(p.Key.Range()), rangeOf(p.Value.Range())
		}
	}
	return rangeOf(x.Range()), rangeOf(x.Range())
}

// adviseUnused tells of variables and locals that none of the expressions refers to, in the root and in every module. A
// variable's own validations do not count.
func (l *loader) adviseUnused(expressions []*expr) {
	used := map[any]bool{}
	for _, x := range expressions {
		for _, r := range x.uses.refs {
			switch v := x.scope.module.variables[r.name]; {
			case r.to == toLocal:
				used[r.local] = true
			case r.to == toVariable && v != x.scope.validates:
				used[v] = true
			}
		}
	}
	l.root.visit(func(m *module) {
		for _, name := range sortedKeys(m.variables) {
			if v := m.variables[name]; !used[v] {
				l.advise(codeUnusedVariable, "var."+name, v.rng)
			}
		}
		for _, name := range sortedKeys(m.locals) {
			if v := m.locals[name]; !used[v] {
				l.advise(codeUnusedLocal, "local."+name, v.rng)
			}
		}
	})
}

// advise gives advice about the files at the level that the settings choose.
func (l *loader) advise(code, who string, at diag.Range) {
	for _, a := range schema.LanguageAdvice() {
		if level := a.LevelOf(l.settings.Advice); a.Code == code && level != schema.AdviceOff {
			l.advised.Add(a.Finding(level, who, "").At(at))
		}
	}
}

// Advice returns what is advised about the files themselves. It is for a configuration without errors: what is wrong
// may be what would have used a name.
func (c *Config) Advice() diag.List { return once(slices.Clone(c.advised).Sort()) }
