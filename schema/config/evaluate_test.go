package config_test

import (
	"os"
	"path/filepath"
	"testing"

	"mercator/schema"
	"mercator/schema/config"
)

// write puts files into a new folder.
func write(tb testing.TB, files map[string]string) string {
	tb.Helper()
	dir := tb.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	return dir
}

// evaluate loads one file and evaluates it, and fails on any error.
func evaluate(tb testing.TB, text string, known config.Known) *config.Evaluation {
	tb.Helper()
	c, diags := config.Load(write(tb, map[string]string{"main.hcl": text}), options(tb, map[string]string{"SECRET": "hunter2"}))
	e, more := c.Evaluate(known)
	if err := append(diags, more...).Err(); err != nil {
		tb.Fatal(err)
	}
	return e
}

func find(tb testing.TB, e *config.Evaluation, addr schema.Address) schema.Resource {
	tb.Helper()
	for _, r := range e.Desired.Resources {
		if r.Address == addr {
			return r
		}
	}
	var have []schema.Address
	for _, r := range e.Desired.Resources {
		have = append(have, r.Address)
	}
	tb.Fatalf("there is no %s among %q", addr, have)
	return schema.Resource{}
}
