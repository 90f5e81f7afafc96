package config_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"golang.org/x/tools/txtar"

	"mercator/schema"
	"mercator/schema/config"
	"mercator/schema/diag"
)

// corpora are where the seeds are: the examples, and what stands in the archives of tests.
var corpora = []string{"testdata/good/*.txtar", "testdata/bad/*.txtar", "../../examples/*/*", "../../examples/*/*/*",
	"../../cmd/mercator/testdata/script/*.txtar", "../../cmd/mercator/internal/badinput/testdata/*.txtar"}

// corpus returns the files of the corpora with a suffix, by where they stand.
func corpus(tb testing.TB, suffix string) map[string]string {
	tb.Helper()
	out := map[string]string{}
	for _, pattern := range corpora {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			tb.Fatal(err)
		}
		for _, path := range paths {
			if strings.HasSuffix(path, suffix) {
				raw, err := os.ReadFile(path)
				if err != nil {
					tb.Fatal(err)
				}
				out[path] = string(raw)
			}
			if !strings.HasSuffix(path, ".txtar") {
				continue
			}
			archive, err := txtar.ParseFile(path)
			if err != nil {
				tb.Fatal(err)
			}
			for _, file := range archive.Files {
				if strings.HasSuffix(file.Name, suffix) {
					out[path+":"+file.Name] = string(file.Data)
				}
			}
		}
	}
	if len(out) < 10 {
		tb.Fatalf("the corpora have only %d files *%s", len(out), suffix)
	}
	return out
}

// seeds adds the files of the corpora.
func seeds(f *testing.F, suffix string) {
	for _, text := range corpus(f, suffix) {
		f.Add(text)
	}
}

// largest is how many bytes a case may have in use.
const largest = 1 << 30

// slowest is how long a case may take: while fuzzing, when nothing else is at work, it is a short time.
func slowest() time.Duration {
	if f := flag.Lookup("test.fuzzworker"); f != nil && f.Value.String() == "true" {
		return 5 * time.Second
	}
	return time.Minute
}

// within runs a case inside of these bounds. What passes them cannot be ended: the process reports it and goes on.
func within(t *testing.T, run func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		run()
	}()
	end := time.NewTimer(slowest())
	defer end.Stop()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case <-done:
			return
		case <-end.C:
			t.Fatalf("it takes longer than %s", slowest())
		case <-look.C:
			var m runtime.MemStats
			if runtime.ReadMemStats(&m); m.HeapAlloc > largest {
				t.Fatalf("it has %d bytes in use", m.HeapAlloc)
			}
		}
	}
}

// few is how many instances a fuzzed configuration may have: what many cost is measured elsewhere.
const few = 500

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
		within(t, func() { fuzzLoad(t, src) })
	})
}

func fuzzLoad(t *testing.T, src string) {
	dir := write(t, map[string]string{"main.hcl": src})
	c, diags := config.Load(dir, options(t, map[string]string{"SECRET": "hunter2-from-env"}))
	c.Limit(few)
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
}

func FuzzLoadJSON(f *testing.F) {
	seeds(f, ".json")
	f.Fuzz(func(t *testing.T, src string) {
		_, _, diags := config.Validate(write(t, map[string]string{"main.hcl.json": src}), options(t, nil))
		check(t, diags)
	})
}

func FuzzEval(f *testing.F) {
	for _, text := range texts() {
		f.Add(text)
	}
	e := evaluation(f)
	f.Fuzz(func(t *testing.T, expression string) {
		within(t, func() {
			v, diags := e.Eval(expression, nil)
			check(t, diags)
			if diags.HasErrors() && v.IsKnown() {
				t.Errorf("%q has the value %#v and %v", expression, v, diags)
			}
		})
	})
}

func FuzzFormat(f *testing.F) {
	seeds(f, ".hcl")
	f.Fuzz(func(t *testing.T, src string) {
		within(t, func() { formatted(t, src) })
	})
}

// TestFormatCorpus formats every file that the repository has.
func TestFormatCorpus(t *testing.T) {
	for name, src := range corpus(t, ".hcl") {
		t.Run(name, func(t *testing.T) { formatted(t, src) })
	}
}

// formatted makes sure that formatting says the same as before, that formatting again changes nothing, and that a broken
// file stays as it is.
func formatted(t *testing.T, src string) {
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
		t.Errorf("what was formatted does not parse: %v\n%s", diags, once)
		return
	}
	if !bytes.Equal(once, twice) {
		t.Errorf("formatting is not idempotent:\n%q\n%q", once, twice)
	}
	if before, after := words(src), words(string(once)); !slices.Equal(before, after) {
		t.Errorf("formatting changes what it says:\n%q\n%q", before, after)
	}
}

// words are what a text consists of but for the space between.
func words(src string) []string {
	tokens, _ := hclsyntax.LexConfig([]byte(src), "main.hcl", hcl.InitialPos)
	var out []string
	for _, token := range tokens {
		if token.Type != hclsyntax.TokenEOF {
			out = append(out, string(token.Bytes))
		}
	}
	return out
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
