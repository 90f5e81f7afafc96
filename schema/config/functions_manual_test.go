package config_test

import (
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"mercator/schema"
	"mercator/schema/config"
)

// TestManuals evaluates the example of every function and what the manual says that it gives.
func TestManuals(t *testing.T) {
	dir := write(t, map[string]string{"main.hcl": "", "greeting.txt": "hello\n", "hello.tpl": "Hello, ${name}!"})
	c, diags := config.Load(dir, options(t, nil))
	e, more := c.Evaluate(nil)
	if err := append(diags, more...).Err(); err != nil {
		t.Fatal(err)
	}
	for _, m := range config.Manuals() {
		if !strings.HasPrefix(m.Signature, m.Name+"(") || m.Description == "" || m.Group == "" {
			t.Errorf("%s: %+v", m.Name, m)
		}
		if !strings.Contains(m.Example, m.Name+"(") {
			t.Errorf("the example of %s is %q", m.Name, m.Example)
			continue
		}
		got, diags := e.Eval(m.Example, nil)
		if err := diags.Err(); err != nil {
			t.Errorf("%s: %v", m.Example, err)
			continue
		}
		if m.Result == "(sensitive)" {
			if !got.HasMark(schema.Sensitive) {
				t.Errorf("%s is not sensitive", m.Example)
			}
			continue
		}
		want, diags := e.Eval(m.Result, nil)
		if err := diags.Err(); err != nil {
			t.Errorf("%s gives %s, which is no expression: %v", m.Example, m.Result, err)
			continue
		}
		if same, err := convert.Convert(want, got.Type()); err != nil || !same.RawEquals(got) {
			t.Errorf("%s = %s, and not %s (%v)", m.Example, show(got), m.Result, err)
		}
	}
}

// TestManualsShowWhatIsShown holds the results that are texts, numbers and truth values to the one way of writing them.
func TestManualsShowWhatIsShown(t *testing.T) {
	c, _ := config.Load(write(t, map[string]string{"main.hcl": ""}), options(t, nil))
	e, _ := c.Evaluate(nil)
	for _, m := range config.Manuals() {
		if v, diags := e.Eval(m.Result, nil); !diags.HasErrors() && v.Type().IsPrimitiveType() && v.Type() != cty.String && show(v) != m.Result {
			t.Errorf("%s: %s is written %s", m.Name, m.Result, show(v))
		}
	}
}

// TestSignatures pins the forms of signatures: of our own functions and those of libraries, with types and without, and
// with a last parameter that repeats.
func TestSignatures(t *testing.T) {
	got := map[string]string{}
	for _, m := range config.Manuals() {
		got[m.Name] = m.Signature
	}
	for _, want := range []string{"plantimestamp()", "index(list, value)", "substr(text string, offset number, length number)",
		"join(separator string, list list(string)...)", "try(expression...)", "env(name string, default string...)",
		"convert(value, type)", "transpose(map map(list(string)))"} {
		if name, _, _ := strings.Cut(want, "("); got[name] != want {
			t.Errorf("%s is written %s", want, got[name])
		}
	}
}
