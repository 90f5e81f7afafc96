package config_test

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"mercator/schema"
	"mercator/schema/config"
	"mercator/schema/diag"
)

// seeds adds the files of every story.
func seeds(f *testing.F, suffix string) {
	for _, pattern := range []string{"testdata/good/*.txtar", "testdata/bad/*.txtar"} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, path := range paths {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				f.Fatal(err)
			}
			for _, file := range archive.Files {
				if strings.HasSuffix(file.Name, suffix) {
					f.Add(string(file.Data))
				}
			}
		}
	}
}

// check holds the findings against what every finding has.
func check(t *testing.T, diags diag.List) {
	t.Helper()
	known := map[string]bool{}
	for _, c := range config.Codes() {
		known[c.Code] = true
	}
	for _, d := range diags {
		if !known[d.Code] || d.Summary == "" || d.Severity == 0 {
			t.Errorf("an incomplete finding: %+v", d)
		}
		if strings.Contains(d.Error(), "hunter2-from-env") {
			t.Errorf("a finding shows a secret: %v", d)
		}
	}
}

func FuzzLoad(f *testing.F) {
	seeds(f, ".hcl")
	f.Fuzz(func(t *testing.T, src string) {
		dir := write(t, map[string]string{"main.hcl": src})
		c, diags := config.Load(dir, options(t, map[string]string{"SECRET": "hunter2-from-env"}))
		e, more := c.Evaluate(nil)
		diags = append(diags, more...)
		check(t, diags)
		for name, masked := range c.Excerpts() {
			if len(masked) != len(c.Sources()[name]) {
				t.Errorf("the excerpts of %s have another length", name)
			}
		}
		if diags.HasErrors() {
			return
		}
		for _, r := range e.Desired.Resources {
			if a, err := schema.ParseAddress(string(r.Address)); err != nil || a != r.Address {
				t.Errorf("the address %s reads as %s, %v", r.Address, a, err)
			}
			again, diags := e.Resolve(r.Address, nil)
			if diags.HasErrors() || !again.Value.RawEquals(r.Value) {
				t.Errorf("%s resolves to something else: %v", r.Address, diags)
			}
		}
	})
}

func FuzzLoadJSON(f *testing.F) {
	seeds(f, ".json")
	f.Fuzz(func(t *testing.T, src string) {
		_, _, diags := config.Validate(write(t, map[string]string{"main.hcl.json": src}), options(t, nil))
		check(t, diags)
	})
}

func FuzzEval(f *testing.F) {
	for _, tc := range calls {
		f.Add(tc.expression)
	}
	e := evaluation(f)
	f.Fuzz(func(t *testing.T, expression string) {
		v, diags := e.Eval(expression, nil)
		check(t, diags)
		if diags.HasErrors() && v.IsKnown() {
			t.Errorf("%q has the value %#v and %v", expression, v, diags)
		}
	})
}

func FuzzFormat(f *testing.F) {
	seeds(f, ".hcl")
	f.Fuzz(func(t *testing.T, src string) {
		once, diags := config.Format([]byte(src), "main.hcl")
		check(t, diags)
		if diags.HasErrors() {
			if string(once) != src {
				t.Error("a broken file was changed")
			}
			return
		}
		twice, diags := config.Format(once, "main.hcl")
		if diags.HasErrors() {
			t.Fatalf("what was formatted does not parse: %v\n%s", diags, once)
		}
		if !bytes.Equal(once, twice) {
			t.Errorf("formatting is not idempotent:\n%q\n%q", once, twice)
		}
	})
}

// FuzzModule reads a text as the root and as a module of it that is called three times.
func FuzzModule(f *testing.F) {
	seeds(f, ".hcl")
	f.Fuzz(func(t *testing.T, src string) {
		dir := write(t, map[string]string{
			"main.hcl":   src,
			"m.hcl":      "module \"fuzzed\" {\n source = \"./m\"\n}\nmodule \"again\" {\n source = \"./m\"\n count = 2\n}\n",
			"m/main.hcl": src,
		})
		_, _, diags := config.Validate(dir, options(t, map[string]string{"SECRET": "hunter2-from-env"}))
		check(t, diags)
	})
}
