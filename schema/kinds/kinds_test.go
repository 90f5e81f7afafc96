package kinds_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"mercator/plan"
	"mercator/schema"
	"mercator/schema/kinds"
)

// catalog returns the catalogue under test.
func catalog(t *testing.T) *schema.Catalog {
	t.Helper()
	c, err := kinds.Catalog()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// each calls f for every attribute of a kind, at every depth, with its dotted path.
func each(attrs []schema.Attribute, prefix string, f func(path string, a *schema.Attribute)) {
	for i := range attrs {
		path := prefix + attrs[i].Name
		f(path, &attrs[i])
		each(attrs[i].Nested, path+".", f)
	}
}

func TestCatalogIsConsistent(t *testing.T) {
	c := catalog(t)
	for _, name := range c.Names() {
		k := c.Kind(name)
		if k.Doc == "" {
			t.Errorf("%s has no Doc", name)
		}
		each(k.Attributes, name+".", func(path string, a *schema.Attribute) {
			if !strings.HasSuffix(a.Doc, ".") {
				t.Errorf("%s: its Doc %q is no sentence", path, a.Doc)
			}
			for _, r := range a.Refers {
				to := c.Kind(r.Kind)
				if sole := to != nil && to.Singleton && r.Attribute == "" && len(r.Of) > 0; !sole && (to == nil || !slices.Contains(to.Identity.Key, r.Attribute)) {
					t.Errorf("%s refers to %s.%s, which is no key of a kind", path, r.Kind, r.Attribute)
				}
			}
		})
	}
}

// TestPathParameters holds that every parameter of every path is filled: by an attribute, by a part's key, or by
// the place, which the organization and the enclosing kinds' own parameters make.
func TestPathParameters(t *testing.T) {
	c := catalog(t)
	param := regexp.MustCompile(`\{(\w+)\}`)
	for _, name := range c.Names() {
		k := c.Kind(name)
		place := map[string]bool{"orgId": true}
		for p := c.Kind(k.Parent); p != nil; p = c.Kind(p.Parent) {
			for _, m := range param.FindAllStringSubmatch(p.Endpoints.Get.Path, -1) {
				place[m[1]] = true
			}
		}
		keys := map[string]bool{}
		for _, p := range k.Parts {
			keys[p.EachParam] = true
			if p.Members != nil {
				for param := range p.Members.Params {
					keys[param] = true
				}
			}
		}
		if k.Credential != nil && k.Credential.Rotation != nil {
			keys[k.Credential.Rotation.Param] = true
		}
		for _, e := range k.AllEndpoints() {
			if e.Per != nil {
				place[e.Per.Param] = true
			}
			for _, m := range param.FindAllStringSubmatch(e.Path, -1) {
				if k.PathParam(m[1]) == nil && !place[m[1]] && !keys[m[1]] {
					t.Errorf("%s %s: nothing fills {%s}", name, e.Operation, m[1])
				}
			}
			for _, list := range [][]string{e.Only, e.Omit} {
				for _, attribute := range list {
					if k.Attribute(attribute) == nil {
						t.Errorf("%s %s speaks of %q, which the kind lacks", name, e.Operation, attribute)
					}
				}
			}
			for _, attribute := range e.Query {
				if k.Attribute(attribute) == nil {
					t.Errorf("%s %s takes its query from %q, which the kind lacks", name, e.Operation, attribute)
				}
			}
		}
	}
}

// TestNamesFollowTheAPI holds that an argument is the API field in snake_case, so that who knows one knows the
// other; names that Atlas writes with dots stand verbatim.
func TestNamesFollowTheAPI(t *testing.T) {
	c := catalog(t)
	own := map[string]string{
		"access_list.entry":                   "stands for one of three API fields",
		"api_key.projects.project_id":         "called as what it names is, here and everywhere",
		"service_account.projects.project_id": "called as what it names is, here and everywhere",
		"cluster.region_name":                 "short form",
		"cluster.node_count":                  "short form",
		"cluster.instance_size":               "short form",
	}
	for _, name := range c.Names() {
		each(c.Kind(name).Attributes, name+".", func(path string, a *schema.Attribute) {
			if own[path] == "" && a.Name != a.API && a.Name != snake(a.API) {
				t.Errorf("%s is written %s in the API: want %s", path, a.API, snake(a.API))
			}
		})
	}
}

var (
	wordEnd    = regexp.MustCompile(`([a-z0-9])([A-Z])`)
	acronymEnd = regexp.MustCompile(`([A-Z]+)([A-Z][a-z])`)
)

func snake(api string) string {
	return strings.ToLower(wordEnd.ReplaceAllString(acronymEnd.ReplaceAllString(api, "${1}_$2"), "${1}_$2"))
}

// TestHooks prints which kinds have code, and fails when more than one in four has.
func TestHooks(t *testing.T) {
	c := catalog(t)
	with := 0
	for _, name := range c.Names() {
		hooks := c.Kind(name).Hooks.Names()
		slices.Sort(hooks)
		if len(hooks) > 0 {
			with++
		}
		t.Logf("%-14s %s", name, strings.Join(hooks, ", "))
	}
	if ceiling := len(c.Names()) / 4; with > max(ceiling, 1) {
		t.Errorf("%d of %d kinds have hooks; data should do for three in four", with, len(c.Names()))
	}
}

func TestRule_R15_CanonicalEntries(t *testing.T) {
	canonical := catalog(t).Kind("access_list").Identity.Canonical
	for _, tc := range []struct{ text, want, problem string }{
		{text: "203.0.113.7", want: "203.0.113.7"},
		{text: "203.0.113.7/32", want: "203.0.113.7"},
		{text: " 10.20.0.0/16 ", want: "10.20.0.0/16"},
		{text: "0.0.0.0/0", want: "0.0.0.0/0"},
		{text: "2001:0DB8:0:0:0:0:0:1", want: "2001:db8::1"},
		{text: "2001:db8::1/128", want: "2001:db8::1"},
		{text: "2001:DB8::/32", want: "2001:db8::/32"},
		{text: "::ffff:192.0.2.1", want: "192.0.2.1"},
		{text: "SG-0A1B2c3d", want: "sg-0a1b2c3d"},
		{text: "123456789012/sg-0a1b", want: "123456789012/sg-0a1b"},
		{text: "10.20.0.1/16", problem: "10.20.0.0/16"},
		{text: "10.20.0.0/33", problem: "no CIDR block"},
		{text: "203.0.113", problem: "no IP address"},
		{text: "203.0.113.07", problem: "no IP address"},
		{text: "fe80::1%eth0", problem: "no IP address"},
		{text: "office", problem: "no IP address"},
		{text: "", problem: "no IP address"},
	} {
		got, err := canonical(tc.text)
		switch {
		case tc.problem == "" && (err != nil || got != tc.want):
			t.Errorf("%q becomes %q (%v), want %q", tc.text, got, err, tc.want)
		case tc.problem != "" && (err == nil || !strings.Contains(err.Error(), tc.problem)):
			t.Errorf("%q becomes %q (%v), want an error that says %q", tc.text, got, err, tc.problem)
		}
		if err == nil {
			if again, err := canonical(got); err != nil || again != got {
				t.Errorf("%q is not stable: it becomes %q (%v)", got, again, err)
			}
		}
	}
}

// decode returns a value of a kind from JSON in the language's names.
func decode(t *testing.T, k *schema.Kind, text string) cty.Value {
	t.Helper()
	var j map[string]any
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	v, unknown := schema.Decode(k.Attributes, j, schema.ByName)
	if len(unknown) > 0 {
		t.Fatalf("%s: unknown %v", text, unknown)
	}
	return v
}

// Atlas shows no comment where a comment is empty.
func TestAnEmptyCommentIsNone(t *testing.T) {
	k := catalog(t).Kind("access_list")
	file, live := decode(t, k, `{"entry":"203.0.113.7","comment":""}`), decode(t, k, `{"entry":"203.0.113.7"}`)
	if names := plan.Differs(k, file, live); len(names) > 0 {
		t.Errorf("%v differ", names)
	}
}
