package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/peterh/liner"
)

func TestHistory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache", "mercator")
	h := historyIn(dir)
	if len(h.lines) > 0 {
		t.Fatalf("it begins with %q", h.lines)
	}
	h.add([]string{"1 + 1"})
	other := historyIn(dir)
	h.add([]string{"[", "2]"})
	other.add([]string{"3"})
	if got, want := historyIn(dir).lines, []string{"1 + 1", "[", "2]", "3"}; !slices.Equal(got, want) {
		t.Errorf("it holds %q, want %q", got, want)
	}
	if mode := modeOf(t, h.file); mode != 0o600 {
		t.Errorf("its mode is %v", mode)
	}
	if mode := modeOf(t, dir); mode != 0o700 {
		t.Errorf("the folder's mode is %v", mode)
	}
}

func modeOf(t *testing.T, path string) os.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}

// TestHistoryIsBounded holds that the file does not grow for ever, and that others cannot read what they could.
func TestHistoryIsBounded(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "console_history")
	var all strings.Builder
	for i := range liner.HistoryLimit + 50 {
		fmt.Fprintf(&all, "%d\n", i)
	}
	if err := os.WriteFile(file, []byte(all.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		h := historyIn(dir)
		if len(h.lines) != liner.HistoryLimit || h.lines[0] != "50" {
			t.Fatalf("%d lines, the first %q", len(h.lines), h.lines[0])
		}
		text, err := os.ReadFile(file)
		if err != nil || strings.Count(string(text), "\n") != liner.HistoryLimit || modeOf(t, file) != 0o600 {
			t.Errorf("the file has %d lines and mode %v (%v)", strings.Count(string(text), "\n"), modeOf(t, file), err)
		}
	}
}

// TestHistoryIsNotNeeded holds that a console goes on where nothing can be kept.
func TestHistoryIsNotNeeded(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink(filepath.Join(dir, "elsewhere"), filepath.Join(dir, "console_history")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, in := range []string{dir, filepath.Join(dir, "file")} {
		h := historyIn(in)
		h.add([]string{"1"})
		if h.file != "" {
			t.Errorf("it is kept in %s", h.file)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "elsewhere")); !os.IsNotExist(err) {
		t.Error("it was written through a symbolic link")
	}
}
