package cli

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"mercator/schema"
	"mercator/schema/config"
	"mercator/schema/kinds"
)

func pagesOf(t *testing.T) (*schema.Catalog, map[string]string) {
	t.Helper()
	catalog, err := kinds.Catalog()
	if err != nil {
		t.Fatal(err)
	}
	pages, err := reference(&World{Now: time.Now}, catalog)
	if err != nil {
		t.Fatal(err)
	}
	return catalog, pages
}

// TestReferenceIsFresh holds the reference that is committed against the kinds and functions that it describes.
func TestReferenceIsFresh(t *testing.T) {
	_, pages := pagesOf(t)
	dir := filepath.Join("..", "..", "..", "..", "schema", "kinds", "docs")
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if want := slices.Sorted(maps.Keys(pages)); !slices.Equal(names, want) {
		t.Errorf("%s holds %q, want %q; run go generate ./schema/kinds", dir, names, want)
	}
	for name, want := range pages {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != want {
			t.Errorf("%s is stale (%v); run go generate ./schema/kinds", name, err)
		}
	}
}

// TestReferenceIsWhole looks for everything of a kind on its page: attributes at every depth, known values, operations,
// risks, the kinds that it has to do with.
func TestReferenceIsWhole(t *testing.T) {
	catalog, pages := pagesOf(t)
	for _, name := range catalog.Names() {
		k, page := catalog.Kind(name), pages[name+".md"]
		want := []string{"# " + name + "\n", "## Example\n", "## Arguments\n", "## Finding and importing\n", "## Operations\n"}
		var walk func([]schema.Attribute)
		walk = func(attrs []schema.Attribute) {
			for i := range attrs {
				if a := &attrs[i]; !a.Handle {
					want = append(want, "`"+a.Name+"`", markdown(a.Doc))
					for _, value := range a.Enum {
						want = append(want, "`"+value+"`")
					}
					walk(a.Nested)
				}
			}
		}
		walk(k.Attributes)
		for _, e := range k.AllEndpoints() {
			if e != k.Endpoints.Find {
				want = append(want, "| "+e.Operation+" | "+e.Version+" |", "| "+e.Role+" |")
			}
		}
		for _, r := range k.Risks {
			want = append(want, fmt.Sprintf("- `%s` where ", r.Risk))
		}
		for _, a := range k.AllAdvice() {
			want = append(want, "- `"+a.Code+"`, ", markdown(a.Why))
		}
		for _, other := range append(catalog.Children(name), catalog.Kind(k.Parent)) {
			if other != nil {
				want = append(want, kindLink(other.Name))
			}
		}
		for _, text := range want {
			if !strings.Contains(page, text) {
				t.Errorf("the page of %s lacks %q", name, text)
			}
		}
		if strings.Contains(page, "%!") || strings.Contains(page, "<nil>") {
			t.Errorf("the page of %s is not well written:\n%s", name, page)
		}
	}
	for _, m := range config.Manuals() {
		for _, text := range []string{"### " + m.Name + "\n", "`" + m.Signature + "`", "`" + m.Example + "` gives `" + m.Result + "`"} {
			if !strings.Contains(pages["functions.md"], text) {
				t.Errorf("the page of functions lacks %q", text)
			}
		}
	}
}

// TestReferenceExamples holds that the example of every kind is valid together with its import, and has one of the kind.
func TestReferenceExamples(t *testing.T) {
	catalog, pages := pagesOf(t)
	fence := regexp.MustCompile("(?s)```hcl\n(.*?)```")
	for _, name := range catalog.Names() {
		var text string
		for _, m := range fence.FindAllStringSubmatch(pages[name+".md"], -1) {
			text += m[1]
		}
		dir := configuration(t, text)
		_, e, diags := config.Validate(dir, config.Options{Catalog: catalog, Now: time.Now(), Environ: func(string) (string, bool) { return "", false }})
		if len(diags) > 0 {
			t.Errorf("the example of %s is not valid: %v", name, diags)
		}
		if !slices.ContainsFunc(e.Desired.Resources, func(r schema.Resource) bool { return r.Kind == name }) {
			t.Errorf("the example of %s has none: write one into examples/kinds/%s", name, name)
		}
		if imports := len(e.Desired.Imports); imports != 1 && !catalog.Kind(name).Singleton {
			t.Errorf("the page of %s shows %d imports", name, imports)
		}
	}
}

// TestReferenceLinks follows every link between the pages.
func TestReferenceLinks(t *testing.T) {
	_, pages := pagesOf(t)
	link := regexp.MustCompile(`[^\\]\]\(([^)#]*)(?:#([^)]*))?\)`)
	heading := regexp.MustCompile(`(?m)^#+ (.*)$`)
	followed := 0
	for name, page := range pages {
		for _, m := range link.FindAllStringSubmatch(page, -1) {
			to := name
			if m[1] != "" {
				to = m[1]
			}
			var anchors []string
			for _, h := range heading.FindAllStringSubmatch(pages[to], -1) {
				anchors = append(anchors, strings.ReplaceAll(strings.ToLower(h[1]), " ", "-"))
			}
			if pages[to] == "" || m[2] != "" && !slices.Contains(anchors, m[2]) {
				t.Errorf("%s leads to %q, which is not there", name, m[0])
			}
			followed++
		}
	}
	if followed < 20 {
		t.Errorf("only %d links were found", followed)
	}
}
