package config_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"mercator/schema/config"
)

// readme is where the functions are listed, between two comments.
const (
	readme        = "../../README.md"
	functionsFrom = "<!-- functions: written by go test ./schema/config -update -->\n"
	functionsTo   = "<!-- end of functions -->\n"
)

// TestReadmeListsFunctions holds the lists of functions in the README against the table of the language.
func TestReadmeListsFunctions(t *testing.T) {
	raw, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(raw), functionsFrom)
	listed, after, ended := strings.Cut(rest, functionsTo)
	if !found || !ended {
		t.Fatalf("the README has no place for the functions: %q and %q", functionsFrom, functionsTo)
	}
	want := functionTables()
	if listed == want {
		return
	}
	if !*update {
		t.Fatalf("the README lists other functions (-update rewrites it):\n%s", config.Diff("README.md", []byte(listed), []byte(want)))
	}
	if err := os.WriteFile(readme, []byte(before+functionsFrom+want+functionsTo+after), 0o644); err != nil { //nolint:gosec // it is read by everybody
		t.Fatal(err)
	}
}

func functionTables() string {
	var b strings.Builder
	b.WriteString("\n| group | functions |\n| --- | --- |\n")
	gather(config.Functions(), func(f config.Function) string { return f.Group }, func(group, names string) {
		fmt.Fprintf(&b, "| %s | %s |\n", group, names)
	})
	b.WriteString("\n| not offered | why, and what to do instead |\n| --- | --- |\n")
	gather(config.Absent(), func(f config.Function) string { return f.Description }, func(why, names string) {
		fmt.Fprintf(&b, "| %s | %s |\n", names, why)
	})
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
