package jsonschema_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	checker "github.com/santhosh-tekuri/jsonschema/v6"

	"mercator/schema"
	"mercator/schema/config"
	"mercator/schema/diag"
	"mercator/schema/jsonschema"
	"mercator/schema/kinds"
)

func catalog(t testing.TB) *schema.Catalog {
	t.Helper()
	c, err := kinds.Catalog()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// plain returns a value as a reader of its JSON has it.
func plain(t testing.TB, v any) any {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	out, err := checker.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// compiled returns the schema at a fragment of the document, "" for the whole. Compiling holds the document against
// the meta-schema.
func compiled(t testing.TB, document map[string]any, fragment string) *checker.Schema {
	t.Helper()
	c := checker.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("mercator.json", plain(t, document)); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("mercator.json" + fragment)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func configuration(t testing.TB) *checker.Schema {
	return compiled(t, jsonschema.Configuration(catalog(t)), "")
}

// options are those with which the tests load configurations.
func options(t testing.TB) config.Options {
	return config.Options{Catalog: catalog(t), Now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
		Environ: func(string) (string, bool) { return "", false }}
}

// load has the language read files in JSON.
func load(t testing.TB, files ...any) (*config.Evaluation, diag.List) {
	t.Helper()
	dir := t.TempDir()
	for i, file := range files {
		text, err := json.Marshal(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.hcl.json", i)), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, diags := config.Load(dir, options(t))
	e, more := c.Evaluate(nil)
	return e, append(diags, more...)
}

func parse(t testing.TB, text string) any {
	t.Helper()
	v, err := checker.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}
