package render_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"mercator/plan"
	"mercator/plan/render"
	"mercator/schema"
	"mercator/schema/diag"
)

func TestGoldenHTML(t *testing.T) {
	c := catalog(t)
	o := render.Options{Catalog: c}
	for name, p := range map[string]*plan.Plan{"empty": {Now: now}, "creations": creations(t, c), "mixed": mixed(t, c)} {
		golden(t, name+".html", rendered(t, "html", o, p))
	}
	golden(t, "drift.html", drifted(t, "html", o, mixed(t, c)))
}

// htmlElements are all elements that a page of ours has. None of them loads or runs anything.
var htmlElements = strings.Fields("html head meta title style body h1 h2 p ul li code section details summary pre span div svg defs marker path g rect text")

// page is what a browser would show: texts by the element that they stand in, and the boxes and arrows of the picture.
type page struct {
	texts          map[string][]string
	boxes, arrows  int
	opened, folded int
}

func parseHTML(t testing.TB, source []byte) page {
	t.Helper()
	out := page{texts: map[string][]string{}}
	d := xml.NewDecoder(bytes.NewReader(source))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	var path []string
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, source)
		}
		switch token := token.(type) {
		case xml.StartElement:
			name := token.Name.Local
			path = append(path, name)
			if !slices.Contains(htmlElements, name) {
				t.Errorf("there is an element %s", name)
			}
			open := false
			for _, a := range token.Attr {
				open = open || a.Name.Local == "open"
				if slices.Contains([]string{"href", "src", "style", "srcset", "action"}, a.Name.Local) || strings.HasPrefix(a.Name.Local, "on") {
					t.Errorf("%s has an attribute %s", name, a.Name.Local)
				}
				if a.Name.Local == "marker-end" {
					out.arrows++
				}
			}
			switch {
			case name == "rect":
				out.boxes++
			case name == "details" && open:
				out.opened++
			case name == "details":
				out.folded++
			}
		case xml.EndElement:
			if path[len(path)-1] != token.Name.Local {
				t.Errorf("%s ends where %s should", token.Name.Local, path[len(path)-1])
			}
			path = path[:len(path)-1]
		case xml.CharData:
			if len(path) > 0 {
				in := path[len(path)-1]
				out.texts[in] = append(out.texts[in], string(token))
			}
		}
	}
	return out
}

func TestHTMLShowsThePlan(t *testing.T) {
	c := catalog(t)
	p := mixed(t, c)
	orders := slices.IndexFunc(p.Changes, func(c plan.Change) bool { return c.Address.Last().Label == "orders" })
	p.Changes[orders].Parent, p.Changes[orders].Depends = siteProd, []schema.Address{siteProd.Child("engine", "reports"), "site.elsewhere"}
	got := parseHTML(t, rendered(t, "html", render.Options{Catalog: c}, p))
	if want := "Plan: 0 to create, 3 to update, 2 to replace, 3 to delete, 1 to adopt, 1 to forget."; got.texts["h1"][0] != want {
		t.Errorf("the heading is %q, want %q", got.texts["h1"], want)
	}
	// Ten changes, and an engine that stays, because another one needs it. That the engine needs its site is no news.
	if got.boxes != 11 || got.arrows != 2 {
		t.Errorf("the picture has %d boxes and %d arrows, want 11 and 2", got.boxes, got.arrows)
	}
	lines := strings.Join(got.texts["span"], "\n")
	for _, want := range []string{`-     version = "7.0"`, `+     version = "8.0"  # forces replacement`, "- irreversible (3 changes)", "  --allow-destroy all \\"} {
		if !strings.Contains(lines, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if drift := parseHTML(t, drifted(t, "html", render.Options{Catalog: c}, p)); drift.boxes != 0 || !strings.HasPrefix(drift.texts["h1"][0], "Drift: 2 changed") {
		t.Errorf("the drift has %d boxes and is called %q", drift.boxes, drift.texts["h1"])
	}
}

// TestPicturesOfLargePlansStaySmall: what cannot be drawn one by one is drawn by block, or by kind.
func TestPicturesOfLargePlansStaySmall(t *testing.T) {
	c := catalog(t)
	for _, tc := range []struct {
		blocks, each, boxes int
		label               string
	}{
		{1, 39, 40, `site.x.person.p0[38]`}, {2, 500, 3, "create 500"}, {300, 2, 2, "create 600"},
	} {
		p := &plan.Plan{Now: now, Changes: []plan.Change{{Address: "site.x", Kind: "site", Action: plan.Update}}}
		for b := range tc.blocks {
			for i := range tc.each {
				p.Changes = append(p.Changes, plan.Change{Address: schema.Address("site.x").Child("person", fmt.Sprint("p", b)).Index(i), Kind: "person",
					Action: plan.Create, Parent: "site.x", Depends: []schema.Address{"site.x"}})
			}
		}
		got := parseHTML(t, rendered(t, "html", render.Options{Catalog: c}, p))
		if got.boxes != tc.boxes || got.arrows != tc.boxes-1 || !slices.Contains(got.texts["text"], tc.label) {
			t.Errorf("%d blocks of %d: %d boxes and %d arrows, want %d boxes, one of them with %q", tc.blocks, tc.each, got.boxes, got.arrows, tc.boxes, tc.label)
		}
	}
}

// TestPicturesOfCircles: kinds may need each other although resources never do.
func TestPicturesOfCircles(t *testing.T) {
	p := &plan.Plan{Now: now}
	for i := range 100 {
		a, b := schema.Address("").Child("site", fmt.Sprint("a", i)), schema.Address("").Child("engine", fmt.Sprint("b", i))
		p.Changes = append(p.Changes, plan.Change{Address: b, Kind: "engine", Action: plan.Create, Depends: []schema.Address{a}},
			plan.Change{Address: schema.Address("").Child("site", fmt.Sprint("c", i)), Kind: "site", Action: plan.Create, Depends: []schema.Address{b}},
			plan.Change{Address: a, Kind: "site", Action: plan.Create})
	}
	if got := parseHTML(t, rendered(t, "html", render.Options{}, p)); got.boxes != 2 || got.arrows != 2 {
		t.Errorf("%d boxes and %d arrows, want 2 of each", got.boxes, got.arrows)
	}
}

var evilTags = regexp.MustCompile(`(?i)<script|<img|onerror=x[^a-z]*>|javascript:`)

// TestHTMLShowsTextAsItIs puts markup wherever users and Atlas can put text.
func TestHTMLShowsTextAsItIs(t *testing.T) {
	c := catalog(t)
	bad := `</pre></title></style><script>x</script><img src=x onerror=x> "' {{.Time}} &lt; end`
	address := siteDev.Child("gate", "office").Key(bad)
	p := &plan.Plan{
		Now: now, Changes: []plan.Change{{Address: address, Kind: "gate", Action: plan.Create, Roles: []string{bad}, NeedsAllow: "allow-destroy",
			Diffs: []plan.Diff{set("comment", str(bad), str(bad+"\n"+bad))}, Risks: []plan.RiskNote{{Risk: schema.Billable, Note: bad}}}},
		Unmanaged:   []plan.Unmanaged{{Kind: bad, Place: schema.Place(bad), Key: bad}},
		Outputs:     []plan.OutputChange{{Name: bad, Action: plan.Create, Before: cty.NullVal(cty.String), After: str(bad)}},
		Diagnostics: diag.List{diag.Errorf("e", bad, "%s", bad).On(bad)},
	}
	for name, out := range map[string][]byte{
		"plan": rendered(t, "html", render.Options{Catalog: c}, p), "drift": drifted(t, "html", render.Options{Catalog: c}, p),
	} {
		if got := parseHTML(t, out); !strings.Contains(strings.Join(got.texts["span"], ""), "<script>x</script>") {
			t.Errorf("%s: the text did not arrive as it is", name)
		}
		if tag := evilTags.Find(out); tag != nil {
			t.Errorf("%s: %s is markup", name, tag)
		}
	}
}
