package kinds_test

import (
	"bytes"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"mercator/schema/kinds/internal/atlasdata"
)

var update = flag.Bool("update", false, "write anew which of the API's operations are used")

// usage says who uses an operation of the API.
type usage struct{ kind, command map[string]bool }

// operationInSource is an endpoint that is described outside of kinds, for a command or for the client itself.
var operationInSource = regexp.MustCompile(`\bOperation:\s*"(\w+)",\s*Method:`)

// used returns the operations that kinds describe, and those that the rest of the program calls by itself.
func used(t *testing.T) usage {
	t.Helper()
	u := usage{map[string]bool{}, map[string]bool{}}
	c := catalog(t)
	for _, name := range c.Names() {
		for _, e := range c.Kind(name).AllEndpoints() {
			u.kind[e.Operation] = true
		}
	}
	root := atlasdata.Root(t)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (path == filepath.Join(root, "schema") || path == filepath.Join(root, "provider", "sandbox")):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(path)
		for _, m := range operationInSource.FindAllSubmatch(text, -1) {
			u.command[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	delete(u.command, "oauthToken") // is no operation of the document
	return u
}

func (u usage) all() []string {
	both := maps.Clone(u.kind)
	maps.Copy(both, u.command)
	return slices.Sorted(maps.Keys(both))
}

// TestCoverageOnlyGrows keeps the list of the operations that are used. It only grows: an operation leaves it by hand,
// if that is meant.
func TestCoverageOnlyGrows(t *testing.T) {
	path := filepath.Join("testdata", "operations.txt")
	text, err := os.ReadFile(path)
	if err != nil && !(*update && os.IsNotExist(err)) {
		t.Fatal(err)
	}
	now, before := used(t).all(), strings.Fields(string(text))
	for _, id := range before {
		if !slices.Contains(now, id) {
			t.Errorf("the operation %s was used and is not any more; if that is meant, take it out of %s by hand", id, path)
		}
	}
	if slices.Equal(before, now) || t.Failed() {
		return
	}
	if !*update {
		t.Fatalf("%s is not the sorted list of what is used; run this test with -update", path)
	}
	if err := os.WriteFile(path, []byte(strings.Join(now, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
}

// The README's table lies between these lines.
const (
	coverageBegins = "<!-- operations: written by go test ./schema/kinds -run Coverage -update -->\n"
	coverageEnds   = "<!-- end of operations -->\n"
)

// tally counts the operations of a tag.
type tally struct{ all, kind, command, neither int }

func (n *tally) add(id string, u usage) {
	n.all++
	switch {
	case u.kind[id]:
		n.kind++
	case u.command[id]:
		n.command++
	default:
		n.neither++
	}
}

// TestCoverage counts the operations of the official document by who uses them, and holds the README's table against
// that.
func TestCoverage(t *testing.T) {
	spec, u := atlasdata.OpenAPI(t), used(t)
	tags, total := map[string]*tally{}, tally{}
	for _, id := range spec.Operations() {
		o, _ := spec.Operation(id)
		if tags[o.Tag] == nil {
			tags[o.Tag] = &tally{}
		}
		tags[o.Tag].add(id, u)
		total.add(id, u)
	}
	for _, id := range u.all() {
		if _, ok := spec.Operation(id); !ok {
			t.Errorf("the specification has no operation %s", id)
		}
	}
	t.Logf("of %d operations %d are used by a kind, %d by a command alone, %d by neither", total.all, total.kind, total.command, total.neither)
	compareCoverage(t, coverageTable(tags, total))
}

// coverageTable has a row for each tag of which something is used, and names the others, one a line, so that two
// changes seldom meet. Where they do, writing the table anew settles it: all between the two lines is replaced.
func coverageTable(tags map[string]*tally, total tally) string {
	var b bytes.Buffer
	row := func(name string, n tally) {
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d |\n", name, n.all, n.kind, n.command, n.neither)
	}
	b.WriteString("\n| area | operations | used by a kind | by a command alone | by neither |\n| --- | --- | --- | --- | --- |\n")
	var others []string
	for _, tag := range slices.Sorted(maps.Keys(tags)) {
		if n := tags[tag]; n.kind+n.command > 0 {
			row(tag, *n)
		} else {
			others = append(others, fmt.Sprintf("- %s (%d)\n", tag, n.all))
		}
	}
	row("**all**", total)
	if len(others) > 0 {
		fmt.Fprintf(&b, "\n<details>\n<summary>Areas of which nothing is used</summary>\n\n%s\n</details>\n", strings.Join(others, ""))
	}
	b.WriteByte('\n')
	return b.String()
}

func compareCoverage(t *testing.T, table string) {
	t.Helper()
	path := filepath.Join(atlasdata.Root(t), "README.md")
	readme, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, begins := strings.Cut(string(readme), coverageBegins)
	old, tail, ends := strings.Cut(rest, coverageEnds)
	switch {
	case !begins || !ends:
		t.Fatalf("README.md lacks the line %q or %q", coverageBegins, coverageEnds)
	case old == table:
	case !*update:
		t.Fatalf("README.md has another table of operations; run this test with -update. It should be:\n%s", table)
	default:
		if err := os.WriteFile(path, []byte(head+coverageBegins+table+coverageEnds+tail), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
