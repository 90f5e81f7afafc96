package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"mercator/schema"
	"mercator/schema/diag"
)

// variable is a variable block.
type variable struct {
	name        string
	ty          cty.Type
	defaults    *typeexpr.Defaults
	fallback    cty.Value // NilVal where the variable is required
	description string
	sensitive   bool
	nullable    bool
	validations []*condition
	rng         diag.Range
}

// EnvPrefix is what precedes a variable's name in the environment.
const EnvPrefix = "MERCATOR_VAR_"

func (l *loader) declareVariable(b *hcl.Block) {
	got := l.take(b.Body, shape{what: "a variable",
		args:   []string{"type", "default", "description", "sensitive", "nullable"},
		blocks: map[string]labels{"validation": {}}})
	v := &variable{name: b.Labels[0], ty: cty.DynamicPseudoType, rng: rangeOf(b.DefRange)}
	if old := l.module.variables[v.name]; old != nil {
		l.add(duplicate("variable", v.name, v.rng, old.rng))
		return
	}
	l.module.variables[v.name] = v
	v.description = l.constantText(got.args["description"])
	v.sensitive = l.constantBool(got.args["sensitive"], false)
	v.nullable = l.constantBool(got.args["nullable"], true)
	if a := got.args["type"]; a != nil {
		ty, defaults, hd := typeexpr.TypeConstraintWithDefaults(a.Expr)
		if hd.HasErrors() {
			l.add(diag.Errorf(codeInvalidVariable, "The type is not valid",
				"%s Types are string, number, bool, any, list(T), set(T), map(T), tuple([T, ...]) and object({ name = T, other = optional(T, default) }).",
				hd[0].Detail).At(rangeOf(*hd[0].Subject)))
			ty, defaults = cty.DynamicPseudoType, nil
		}
		v.ty, v.defaults = ty, defaults
	}
	if a := got.args["default"]; a != nil {
		l.variableDefault(v, a)
	}
	for _, c := range got.blocks {
		v.validations = append(v.validations, l.declareCondition(c, scope{early: true, validates: v}))
	}
}

func (l *loader) variableDefault(v *variable, a *hcl.Attribute) {
	v.fallback = cty.NullVal(v.ty) // so that a wrong default is not also a missing value
	value, ok := l.constant(a)
	if !ok {
		v.fallback = cty.UnknownVal(v.ty)
		return
	}
	converted, err := v.convert(value)
	if err != nil {
		l.add(diag.Errorf(codeInvalidVariable, "The default does not have the variable's type", "%s.",
			typeMismatch(err, v, v.sensitive)).At(mismatchAt(err, a.Expr)))
		v.fallback = cty.UnknownVal(v.ty)
		return
	}
	if converted.IsNull() && !v.nullable {
		l.add(diag.Errorf(codeInvalidVariable, "The default is null although the variable is not nullable",
			"Give another default, or remove nullable = false.").At(rangeOf(a.Expr.Range())))
	}
	v.fallback = converted
}

func (v *variable) convert(value cty.Value) (cty.Value, error) {
	if v.defaults != nil && !value.IsNull() {
		value = v.defaults.Apply(value)
	}
	return convert.Convert(value, v.ty)
}

// mismatchAt returns where the part of a value is written that does not fit a type.
func mismatchAt(err error, x hcl.Expression) diag.Range {
	if p, ok := err.(cty.PathError); ok {
		return rangeAt(x, p.Path)
	}
	return rangeOf(x.Range())
}

// typeMismatch says in what a value does not fit its variable. What stands in a secret is not told, its keys included.
func typeMismatch(err error, v *variable, secret bool) string {
	if secret {
		return fmt.Sprintf("What does not fit is not shown, since the value is sensitive (the type is %s)", typeexpr.TypeString(v.ty))
	}
	text := capital(err.Error())
	if p, ok := err.(cty.PathError); ok && len(p.Path) > 0 {
		text = schema.PathString(p.Path) + ": " + err.Error()
	}
	return fmt.Sprintf("%s (the type is %s)", text, typeexpr.TypeString(v.ty))
}

// given is a value that some source has for a variable, and where it stands.
type given struct {
	value cty.Value
	where string
	x     hcl.Expression // nil where it does not come from a file
}

// readVariables collects the values in order of precedence, later sources over earlier ones, checks them against
// the types and runs the validations.
func (l *loader) readVariables() {
	values := map[string]given{}
	for _, name := range sortedKeys(l.root.variables) {
		if text, ok := l.options.Environ(EnvPrefix + name); ok {
			l.givenText(values, name, text, "the environment variable "+EnvPrefix+name)
		}
	}
	for _, path := range l.variableFiles() {
		l.givenFile(values, path)
	}
	for _, in := range l.options.Inputs {
		if in.File != "" {
			l.givenFile(values, in.File)
			continue
		}
		if l.root.variables[in.Name] == nil {
			l.add(diag.Errorf(codeUndeclaredVariable, fmt.Sprintf("There is no variable %q", in.Name),
				"--var gives it a value, and no variable block declares it.%s", didYouMean(in.Name, sortedKeys(l.root.variables))))
			continue
		}
		l.givenText(values, in.Name, in.Value, "--var "+in.Name)
	}
	all := make(map[string]cty.Value, len(l.root.variables))
	for _, name := range sortedKeys(l.root.variables) {
		all[name] = l.settle(l.root.variables[name], values)
	}
	l.varValues = cty.ObjectVal(all)
}

// variableFiles returns the folder's files of variable values in the order in which they count.
func (l *loader) variableFiles() []string {
	entries, err := os.ReadDir(l.dir)
	if err != nil {
		return nil // reported by readFiles
	}
	var fixed, auto []string
	for _, e := range entries {
		switch name := e.Name(); {
		case e.IsDir() || strings.HasPrefix(name, "."):
		case name == "mercator.vars.hcl" || name == "mercator.vars.hcl.json":
			fixed = append(fixed, filepath.Join(l.dir, name))
		case strings.HasSuffix(name, ".auto.vars.hcl") || strings.HasSuffix(name, ".auto.vars.hcl.json"):
			auto = append(auto, filepath.Join(l.dir, name))
		}
	}
	return append(fixed, auto...)
}

func (l *loader) givenFile(values map[string]given, path string) {
	body := l.parse(openFile(path))
	if body == nil {
		return
	}
	attrs, hd := body.JustAttributes()
	for _, d := range hd {
		l.add(syntaxError(d))
	}
	for name, a := range attrs {
		if l.root.variables[name] == nil {
			l.add(diag.Warningf(codeUndeclaredVariable, fmt.Sprintf("There is no variable %q", name),
				"The file gives it a value, and no variable block declares it.%s", didYouMean(name, sortedKeys(l.root.variables))).
				At(rangeOf(a.NameRange)))
			continue
		}
		if v, ok := l.constant(a); ok {
			values[name] = given{value: v, where: path, x: a.Expr}
		} else {
			values[name] = given{value: cty.DynamicVal, where: path}
		}
	}
}

// givenText takes a value from the command line or the environment: text for a variable of type string, else an
// HCL expression.
func (l *loader) givenText(values map[string]given, name, text, where string) {
	v := l.root.variables[name]
	if v.ty == cty.String || v.ty == cty.DynamicPseudoType && !looksLikeExpression(text) {
		values[name] = given{value: cty.StringVal(text), where: where}
		return
	}
	value, problem := parseValue(text, where)
	if problem != "" {
		l.add(diag.Errorf(codeVariableValue, fmt.Sprintf("The value of the variable %q is not valid", name),
			"%s gives it what is no %s: %s", capital(where), typeexpr.TypeString(v.ty), problem).At(v.rng))
		value = cty.DynamicVal
	}
	values[name] = given{value: value, where: where}
}

// looksLikeExpression reports whether a text for a variable without type is meant as an expression.
func looksLikeExpression(text string) bool {
	text = strings.TrimSpace(text)
	return text == "true" || text == "false" || text == "null" || strings.HasPrefix(text, "[") || strings.HasPrefix(text, "{") ||
		strings.HasPrefix(text, `"`) || isNumber(text)
}

func isNumber(text string) bool {
	_, err := cty.ParseNumberVal(text)
	return err == nil
}

// parseValue evaluates a constant expression. Its problem never repeats the text, which may be secret.
func parseValue(text, where string) (v cty.Value, problem string) {
	const hint = "write an HCL value such as 3, true, [\"a\", \"b\"] or {a = 1}."
	if len(text) > MaxFile || guardNative([]byte(text), where, hclsyntax.LexExpression) != nil {
		return cty.DynamicVal, "it is too long or nested too deeply."
	}
	x, hd := hclsyntax.ParseExpression([]byte(text), where, hcl.InitialPos)
	if hd.HasErrors() {
		return cty.DynamicVal, "it does not parse; " + hint
	}
	if v, hd = x.Value(nil); hd.HasErrors() {
		return cty.DynamicVal, "it is not a constant; " + hint
	}
	return v, ""
}

// settle returns a variable's value: the given one or the default, converted, validated later and marked.
func (l *loader) settle(v *variable, values map[string]given) cty.Value {
	value, ok := values[v.name]
	result := v.fallback
	switch {
	case ok:
		result = l.accept(v, value)
	case v.fallback == cty.NilVal:
		l.add(diag.Errorf(codeMissingVariable, fmt.Sprintf("The variable %q has no value", v.name),
			"It has no default. Set %s%s, pass --var %s=..., or write it to mercator.vars.hcl.", EnvPrefix, v.name, v.name).At(v.rng))
		result = cty.UnknownVal(v.ty)
	}
	if v.sensitive {
		result = result.Mark(schema.Sensitive)
	}
	return result
}

func (l *loader) accept(v *variable, g given) cty.Value {
	if !g.value.IsKnown() {
		return cty.UnknownVal(v.ty)
	}
	converted, err := v.convert(g.value)
	if err != nil {
		at := v.rng
		if g.x != nil {
			at = mismatchAt(err, g.x)
		}
		l.add(diag.Errorf(codeVariableValue, fmt.Sprintf("The value of the variable %q does not have its type", v.name),
			"From %s: %s.", g.where, typeMismatch(err, v, v.sensitive)).At(at))
		return cty.UnknownVal(v.ty)
	}
	if converted.IsNull() && !v.nullable {
		if v.fallback != cty.NilVal {
			return v.fallback
		}
		l.add(diag.Errorf(codeVariableValue, fmt.Sprintf("The variable %q is null", v.name),
			"From %s; the variable is not nullable and has no default.", g.where).At(v.rng))
		return cty.UnknownVal(v.ty)
	}
	return converted
}

// Variables returns the values of all variables, by name; those of sensitive ones are marked.
func (c *Config) Variables() map[string]cty.Value { return c.varValues.AsValueMap() }
