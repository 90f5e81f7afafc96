// Package atlasdata gives tests what is known of the real Atlas: recorded exchanges and the OpenAPI document.
// Neither is part of the project. They are looked for in the folder that MERCATOR_ATLAS_DATA names, else in
// ../shared/atlas beside the repository; a test that finds neither is skipped.
package atlasdata

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// Recording is one exchange with the real Atlas.
type Recording struct {
	// File is the path below the folder of recordings.
	File    string `json:"-"`
	Method  string `json:"method"`
	Path    string `json:"path"` // the template of the specification
	Version string `json:"apiVersion"`
	Status  int    `json:"status"`
	Request any    `json:"requestBody"`
	Body    any    `json:"body"`
}

// Dir returns the folder of Atlas data, or skips the test.
func Dir(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("MERCATOR_ATLAS_DATA")
	if dir == "" {
		dir = filepath.Join(Root(t), "..", "shared", "atlas")
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no Atlas data: MERCATOR_ATLAS_DATA is not set and %s is not there", dir)
	}
	return dir
}

// Root returns the repository: the folder of go.mod, above the one that the test runs in.
func Root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("no go.mod above the test's folder")
		}
		dir = up
	}
}

// Recordings returns all recorded exchanges, by file name; a folder without any skips the test.
func Recordings(t testing.TB) []Recording {
	t.Helper()
	dir := filepath.Join(Dir(t), "recordings")
	var out []Recording
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".json" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var r Recording
		if err := json.Unmarshal(text, &r); err != nil {
			return err
		}
		r.File, err = filepath.Rel(dir, path)
		out = append(out, r)
		return err
	})
	if os.IsNotExist(err) || err == nil && len(out) == 0 {
		t.Skipf("no recordings in %s", dir)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}
