package config_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"mercator/schema/config"
)

// readme is where functions and limits are listed, between two comments.
const (
	readme     = "../../README.md"
	tablesFrom = "<!-- tables: written by go test ./schema/config -update -->\n"
	tablesTo   = "<!-- end of tables -->\n"
)

// TestReadmeTables holds the lists of functions and limits in the README against the table of the language.
func TestReadmeTables(t *testing.T) {
	raw, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(raw), tablesFrom)
	listed, after, ended := strings.Cut(rest, tablesTo)
	if !found || !ended {
		t.Fatalf("the README has no place for the tables: %q and %q", tablesFrom, tablesTo)
	}
	want := languageTables()
	if listed == want {
		return
	}
	if !*update {
		t.Fatalf("the README lists something else (-update rewrites it):\n%s", config.Diff("README.md", []byte(listed), []byte(want)))
	}
	if err := os.WriteFile(readme, []byte(before+tablesFrom+want+tablesTo+after), 0o644); err != nil { //nolint:gosec // it is read by everybody
		t.Fatal(err)
	}
}

func languageTables() string {
	var b strings.Builder
	b.WriteString("\n| group | functions |\n| --- | --- |\n")
	gather(config.Functions(), func(f config.Function) string { return f.Group }, func(group, names string) {
		fmt.Fprintf(&b, "| %s | %s |\n", group, names)
	})
	b.WriteString("\n| not offered | why, and what to do instead |\n| --- | --- |\n")
	gather(config.Absent(), func(f config.Function) string { return f.Description }, func(why, names string) {
		fmt.Fprintf(&b, "| %s | %s |\n", names, why)
	})
	b.WriteString("\n| limit | most |\n| --- | --- |\n")
	for _, l := range config.Limits() {
		fmt.Fprintf(&b, "| %s | %d |\n", l.Name, l.Most)
	}
	b.WriteString("\n")
	return b.String()
}

// gather calls row with the names of the functions that have a word in common, in the order in which the words come.
func gather(functions []config.Function, word func(config.Function) string, row func(word, names string)) {
	names := map[string][]string{}
	var words []string
	for _, f := range functions {
		w := word(f)
		if names[w] == nil {
			words = append(words, w)
		}
		names[w] = append(names[w], "`"+f.Name+"`")
	}
	for _, w := range words {
		slices.Sort(names[w])
		row(w, strings.Join(names[w], ", "))
	}
}

// TestAbsentFunctionsSayWhy calls what is not offered and reads the reason in the finding.
func TestAbsentFunctionsSayWhy(t *testing.T) {
	e := evaluation(t)
	for _, f := range config.Absent() {
		if slices.ContainsFunc(config.Functions(), func(o config.Function) bool { return o.Name == f.Name }) {
			t.Errorf("%s is offered", f.Name)
		}
		_, diags := e.Eval(f.Name+"()", nil)
		if len(diags) != 1 || diags[0].Code != "unknown_function" || diags[0].Detail != f.Description || diags[0].Range.IsZero() {
			t.Errorf("%s() gives %v, want the reason %q", f.Name, diags, f.Description)
		}
	}
}
