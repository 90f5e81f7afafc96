package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"pgregory.net/rapid"

	"mercator/schema"
	"mercator/schema/config"
	"mercator/schema/diag"
)

// What is public must not depend on what is secret: an expression that holds a secret looks the same whatever the
// secret is. The expressions are those of the tables of answers, each part of which is made a secret in turn.

// canary is a text that must not be seen anywhere.
const canary = "canary-7391"

// secrets are values that stand in place of a part of an expression, of every type that functions take.
var secrets = []string{`"` + canary + `"`, `7391`, `2`, `true`, `null`, `[]`, `["` + canary + `"]`, `{ ` + canary + ` = 1 }`, `[1, 2]`,
	`local.list`, `{ a = 1, b = "` + canary + `" }`, `"10.7.0.0/16"`, `"2031-02-03T04:05:06Z"`, `"2h"`, `"abc"`}

// hidden is what is shown of a value that is secret as a whole.
const hidden = "(sensitive)"

// part is a place inside an expression, and the functions in whose arguments it stands.
type part struct {
	from, to  int
	functions []string
}

// replaced puts another text in the place of the part.
func (p part) replaced(text, by string) string { return text[:p.from] + by + text[p.to:] }

// parts returns the places of an expression where another expression can stand. A text between quotes is none.
func parts(text string) []part {
	all, calls := visit(text)
	return slices.DeleteFunc(all, func(p part) bool {
		_, more := visit(p.replaced(text, "sensitive(1)"))
		_, inside := visit(text[p.from:p.to])
		return more != calls-inside+1
	})
}

// visit returns the expressions inside a text, and how many of them are calls.
func visit(text string) (parts []part, calls int) {
	x, hd := hclsyntax.ParseExpression([]byte(text), "x", hcl.InitialPos)
	if hd.HasErrors() {
		return nil, 0
	}
	f := &partFinder{}
	hclsyntax.Walk(x, f) //nolint:errcheck // the walker has no findings
	return f.parts, f.calls
}

type partFinder struct {
	parts     []part
	functions []string // under way
	calls     int
}

// Enter implements hclsyntax.Walker.
func (f *partFinder) Enter(n hclsyntax.Node) hcl.Diagnostics {
	switch x := n.(type) {
	case *hclsyntax.AnonSymbolExpr, *hclsyntax.ObjectConsKeyExpr:
		return nil
	case hclsyntax.Expression:
		f.parts = append(f.parts, part{x.Range().Start.Byte, x.Range().End.Byte, slices.Clone(f.functions)})
	}
	if call, ok := n.(*hclsyntax.FunctionCallExpr); ok {
		f.functions = append(f.functions, call.Name)
		f.calls++
	}
	return nil
}

// Exit implements hclsyntax.Walker.
func (f *partFinder) Exit(n hclsyntax.Node) hcl.Diagnostics {
	if _, ok := n.(*hclsyntax.FunctionCallExpr); ok {
		f.functions = f.functions[:len(f.functions)-1]
	}
	return nil
}

// texts are the expressions of the tables that have a value, but for those that lift the veil on purpose.
func texts() []string {
	var out []string
	for _, c := range calls {
		out = append(out, c.expression)
	}
	for _, answers := range [][]answer{operatorAnswers, templateAnswers, conditionalAnswers, forAnswers, splatAnswers, accessAnswers,
		unknownAnswers, sensitiveAnswers, textAnswers, collectionAnswers, encodingAnswers, otherAnswers} {
		for _, a := range answers {
			if !strings.HasPrefix(a.want, "error ") {
				out = append(out, a.expression)
			}
		}
	}
	return slices.DeleteFunc(out, func(text string) bool { return strings.Contains(text, "nonsensitive(") })
}

// TestNothingPublicDependsOnSecrets makes each part of each expression a secret, and then another one.
func TestNothingPublicDependsOnSecrets(t *testing.T) {
	e := evaluation(t)
	reached := map[string]int{}
	for _, text := range texts() {
		for _, p := range parts(text) {
			expression := p.replaced(text, "sensitive("+text[p.from:p.to]+")")
			view, marked, ok := look(t, e, expression)
			if _, diags := e.Eval(text[p.from:p.to], nil); !ok || diags.HasErrors() && diags[0].Code != "unknown_reference" {
				continue // a failure in a branch that is not taken has no value
			}
			same := 0
			for _, s := range secrets {
				other := p.replaced(text, "sensitive("+s+")")
				switch otherView, _, ok := look(t, e, other); {
				case !ok:
				case otherView == view:
					same++
				case otherView == hidden || view == hidden: // the type of a secret, which is none, decides how much is hidden
				default:
					t.Errorf("%s = %s,\nand %s = %s", expression, view, other, otherView)
				}
			}
			if !marked && same == 0 {
				t.Errorf("%s = %s is public, and nothing shows that the secret does not count", expression, view)
			}
			for _, f := range p.functions {
				reached[f]++
			}
		}
	}
	for _, f := range config.Functions() {
		if takesNothing := f.Name == "plantimestamp"; !takesNothing && f.Name != "nonsensitive" && reached[f.Name] == 0 {
			t.Errorf("no secret reached the function %s", f.Name)
		}
	}
}

// look evaluates an expression and returns what everybody may see of it, whether that is less than the whole, and
// whether there is a value. Neither that nor a finding may show a secret.
func look(t interface{ Errorf(string, ...any) }, e *config.Evaluation, expression string) (view string, marked, ok bool) {
	v, diags := e.Eval(expression, nil)
	view = show(v)
	for _, text := range []string{view, fmt.Sprint(diags)} {
		if strings.Contains(text, canary) || strings.Contains(text, "hunter2") {
			t.Errorf("%s shows a secret: %s", expression, text)
		}
	}
	return view, v.HasMarkDeep(schema.Sensitive), !diags.HasErrors()
}

// TestNestedSecretsStayHidden puts expressions with secrets into each other, mostly where they do not fit, and reads
// values, findings and the excerpts of files for them.
func TestNestedSecretsStayHidden(t *testing.T) {
	all := texts()
	e := evaluation(t)
	rapid.Check(t, func(rt *rapid.T) {
		expression := rapid.SampledFrom([]string{`"` + canary + `"`, `{ ` + canary + ` = 1 }`, `["` + canary + `"]`}).Draw(rt, "secret")
		expression = "sensitive(" + expression + ")"
		for range rapid.IntRange(1, 4).Draw(rt, "depth") {
			text := rapid.SampledFrom(all).Draw(rt, "around")
			if places := parts(text); len(places) > 0 {
				expression = rapid.SampledFrom(places).Draw(rt, "place").replaced(text, expression)
			}
		}
		look(rt, e, expression)
	})
}

// TestSecretsStayOutOfExcerpts loads files in which expressions with secrets fail, and reads what is shown of them.
func TestSecretsStayOutOfExcerpts(t *testing.T) {
	all := texts()
	dir := write(t, map[string]string{"main.hcl": ""})
	main := filepath.Join(dir, "main.hcl")
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.SampledFrom(all).Draw(rt, "expression")
		if places := parts(text); len(places) > 0 {
			text = rapid.SampledFrom(places).Draw(rt, "place").replaced(text, `sensitive("`+canary+`")`)
		}
		files := []byte(console + "output \"o\" {\n  value = " + text + "\n}\nproject \"p\" {\n  nodes = " + text + "\n  tags = " + text + "\n}\n")
		if err := os.WriteFile(main, files, 0o600); err != nil {
			rt.Fatal(err)
		}
		c, diags := config.Load(dir, options(t, map[string]string{"HOME_REGION": "EU"}))
		e, more := c.Evaluate(nil)
		var b strings.Builder
		if err := diag.WriteText(&b, append(diags, more...), diag.TextOptions{Sources: c.Excerpts(), Width: 100}); err != nil {
			rt.Fatal(err)
		}
		b.WriteString(dump(e.Desired))
		if strings.Contains(b.String(), canary) || strings.Contains(b.String(), "hunter2") {
			rt.Errorf("%s is shown:\n%s", text, b.String())
		}
	})
}

// TestKeysOfSecretsStayHidden puts secrets whose keys are secret as well where they do not fit.
func TestKeysOfSecretsStayHidden(t *testing.T) {
	for _, text := range []string{
		"team \"t\" {\n  members = sensitive({ " + canary + " = 1 })\n}",
		"project \"p\" {\n  tags = sensitive({ " + canary + " = [] })\n}",
		"cluster \"c\" {\n  project = \"65f0\"\n  size = \"M10\"\n  specs = sensitive([{ " + canary + " = 1 }])\n}",
		"variable \"v\" {\n  type = map(number)\n  sensitive = true\n  default = { " + canary + " = \"x\" }\n}",
		"module \"m\" {\n  source = \"./m\"\n  v = sensitive({ " + canary + " = \"x\" })\n}",
	} {
		diags := validate(t, map[string]string{"main.hcl": text, "m/main.hcl": "variable \"v\" { type = map(number) }"})
		if !diags.HasErrors() || strings.Contains(fmt.Sprint(diags), canary) {
			t.Errorf("%s\ngives %v", text, diags)
		}
	}
}
