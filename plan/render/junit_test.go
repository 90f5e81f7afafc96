package render_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"

	"mercator/plan"
	"mercator/plan/render"
	"mercator/schema"
	"mercator/schema/diag"
)

func TestGoldenJUnit(t *testing.T) {
	c := catalog(t)
	o := render.Options{Catalog: c}
	for name, p := range map[string]*plan.Plan{"empty": {Now: now}, "creations": creations(t, c), "mixed": mixed(t, c)} {
		golden(t, name+".junit.xml", rendered(t, "junit", o, p))
	}
	golden(t, "drift.junit.xml", drifted(t, "junit", o, mixed(t, c)))
	golden(t, "drift.none.junit.xml", drifted(t, "junit", o, &plan.Plan{Now: now}))
}

// junitElement is what Jenkins' junit-10.xsd says of an element, as far as we use it: this table stands in for the schema,
// which no package brings, and is stricter. Children come in any order there; attributes that are not named are errors.
type junitElement struct {
	required, optional []string
	children           []string
	text               bool
}

var junitSchema = map[string]junitElement{
	"testsuites": {optional: []string{"name", "time", "tests", "failures", "errors"}, children: []string{"testsuite"}},
	"testsuite": {required: []string{"name", "tests", "failures", "errors"},
		optional: []string{"group", "time", "skipped", "timestamp", "hostname", "id", "package", "file", "log", "url"},
		children: []string{"testcase"}},
	"testcase":   {required: []string{"name"}, optional: []string{"time", "classname", "group"}, children: []string{"error", "failure", "system-out"}},
	"error":      {optional: []string{"type", "message"}, text: true},
	"failure":    {optional: []string{"type", "message"}, text: true},
	"system-out": {text: true},
}

// junitCase is a test case as a CI system reads it.
type junitCase struct{ suite, name, class, fault, message, text string }

// parseJUnit reads a report as strictly as the schema does, and checks that its counts are true.
func parseJUnit(t testing.TB, source []byte) []junitCase {
	t.Helper()
	var out []junitCase
	var path []string
	counts := map[string]map[string]string{}
	suite := ""
	for d := xml.NewDecoder(bytes.NewReader(source)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, source)
		}
		switch token := token.(type) {
		case xml.StartElement:
			name, attrs := token.Name.Local, junitAttributes(t, token)
			switch {
			case len(path) == 0 && name != "testsuites":
				t.Errorf("the root is %s", name)
			case len(path) > 0 && !slices.Contains(junitSchema[path[len(path)-1]].children, name):
				t.Errorf("%s is not allowed in %s", name, path[len(path)-1])
			}
			path = append(path, name)
			switch name {
			case "testsuites":
				counts[""] = attrs
			case "testsuite":
				suite = attrs["name"]
				counts[suite] = attrs
			case "testcase":
				out = append(out, junitCase{suite: suite, name: attrs["name"], class: attrs["classname"]})
			case "error", "failure":
				out[len(out)-1].fault, out[len(out)-1].message = name, attrs["message"]
			}
		case xml.EndElement:
			path = path[:len(path)-1]
		case xml.CharData:
			switch {
			case len(path) > 0 && junitSchema[path[len(path)-1]].text:
				out[len(out)-1].text += string(token)
			case strings.TrimSpace(string(token)) != "":
				t.Errorf("there is text in %v: %s", path, token)
			}
		}
	}
	for suite, attrs := range counts {
		for key, counted := range map[string]func(junitCase) bool{
			"tests":    func(junitCase) bool { return true },
			"failures": func(c junitCase) bool { return c.fault == "failure" },
			"errors":   func(c junitCase) bool { return c.fault == "error" },
		} {
			n := 0
			for _, c := range out {
				if (suite == "" || c.suite == suite) && counted(c) {
					n++
				}
			}
			if attrs[key] != strconv.Itoa(n) {
				t.Errorf("suite %q: %s is %s, and there are %d", suite, key, attrs[key], n)
			}
		}
	}
	return out
}

func junitAttributes(t testing.TB, e xml.StartElement) map[string]string {
	t.Helper()
	spec, known := junitSchema[e.Name.Local]
	if !known {
		t.Errorf("there is an element %s", e.Name.Local)
	}
	attrs := map[string]string{}
	for _, a := range e.Attr {
		attrs[a.Name.Local] = a.Value
		if !slices.Contains(spec.required, a.Name.Local) && !slices.Contains(spec.optional, a.Name.Local) {
			t.Errorf("%s has an attribute %s", e.Name.Local, a.Name.Local)
		}
	}
	for _, name := range spec.required {
		if _, ok := attrs[name]; !ok {
			t.Errorf("%s lacks the attribute %s", e.Name.Local, name)
		}
	}
	return attrs
}

// faults returns the names of the cases that fail, with how they do.
func faults(cases []junitCase) []string {
	var out []string
	for _, c := range cases {
		if c.fault != "" {
			out = append(out, c.fault+" "+c.name)
		}
	}
	return out
}

// TestJUnitFailsWhereTheCommandWould holds the cases that fail to what decides the exit code.
func TestJUnitFailsWhereTheCommandWould(t *testing.T) {
	c := catalog(t)
	p := mixed(t, c)
	planned := parseJUnit(t, rendered(t, "junit", render.Options{Catalog: c}, p))
	if want := []string{`error rename_destroys: site.shop["prod"].engine.orders`}; !slices.Equal(faults(planned), want) {
		t.Errorf("of the plan fail %q, want %q", faults(planned), want)
	}
	n := map[string]int{}
	for _, tc := range planned {
		n[tc.suite]++
	}
	if n["changes"] != 10 || n["drift"] != 3 || n["findings"] != 2 {
		t.Errorf("the suites have %v cases, want 10 changes, 3 drifts and 2 findings", n)
	}
	p.Diagnostics = p.Diagnostics.Warnings()
	want := []string{`failure site.shop["prod"].engine.orders`, `failure site.shop["prod"].engine.reports`,
		`failure site.shop["prod"].person.cron`, `failure site.shop["prod"].gate._["0.0.0.0/0"]`}
	if got := faults(parseJUnit(t, drifted(t, "junit", render.Options{Catalog: c}, p))); !slices.Equal(got, want) {
		t.Errorf("of the drift fail %q, want %q", got, want)
	}
	want = append(want, `failure unmanaged in site.shop["prod"]`, "failure unmanaged in orgId=o1;siteId=s5")
	if got := faults(parseJUnit(t, drifted(t, "junit", render.Options{Catalog: c, Unmanaged: true}, p))); !slices.Equal(got, want) {
		t.Errorf("with unmanaged ones fail %q, want %q", got, want)
	}
	for name, out := range map[string][]byte{
		"plan": rendered(t, "junit", render.Options{}, &plan.Plan{}), "drift": drifted(t, "junit", render.Options{}, &plan.Plan{}),
	} {
		if got := parseJUnit(t, out); len(got) != 1 || got[0].fault != "" {
			t.Errorf("an empty %s has the cases %+v, want one that passes", name, got)
		}
	}
}

// TestJUnitHoldsWhatXMLForbids puts characters into names and values that no XML document may have.
func TestJUnitHoldsWhatXMLForbids(t *testing.T) {
	c := catalog(t)
	evil := "]]> <&> \x00\x01\x1b\x7f\ufffe\uffff\xff \r\n end"
	address := siteDev.Child("gate", "office").Key(evil)
	p := &plan.Plan{
		Changes: []plan.Change{{Address: address, Kind: "gate", Action: plan.Update, Key: evil, Reasons: []plan.Reason{{Text: evil}},
			Diffs: []plan.Diff{set("comment", str(evil), str(evil+"\n"+evil))}, Risks: []plan.RiskNote{{Risk: schema.Billable, Note: evil}}}},
		Drift:       []plan.Drift{{Address: address, Kind: "gate", Note: evil, Diffs: []plan.Diff{set("comment", str(evil), str("x"))}}},
		Unmanaged:   []plan.Unmanaged{{Kind: "gate", Place: schema.Place(evil), Key: evil}},
		Diagnostics: diag.List{diag.Errorf("e", evil, "%s", evil).On(evil)},
	}
	for name, out := range map[string][]byte{
		"plan": rendered(t, "junit", render.Options{Catalog: c}, p), "drift": drifted(t, "junit", render.Options{Catalog: c}, p),
	} {
		for _, tc := range parseJUnit(t, out) {
			if !strings.Contains(tc.name+tc.text, "end") {
				t.Errorf("%s: the case %q lost its text: %s", name, tc.name, tc.text)
			}
		}
	}
}
