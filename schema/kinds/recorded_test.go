package kinds_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"mercator/plan"
	"mercator/schema"
	"mercator/schema/kinds/internal/atlasdata"
)

// answered says which kind, or which part of it, an operation's answers describe.
type answered struct {
	kind     *schema.Kind
	part     *schema.Part
	endpoint *schema.Endpoint
}

// alike are recorded operations that no kind uses and whose answers have the form of one that a kind uses.
var alike = map[string]string{
	"GET /api/atlas/v2/groups":                                                     "GET /api/atlas/v2/orgs/{orgId}/groups",
	"GET /api/atlas/v2/groups/{groupId}/apiKeys":                                   "GET /api/atlas/v2/orgs/{orgId}/apiKeys",
	"POST /api/atlas/v2/groups/{groupId}/apiKeys":                                  "POST /api/atlas/v2/orgs/{orgId}/apiKeys",
	"PATCH /api/atlas/v2/groups/{groupId}/apiKeys/{apiUserId}":                     "PATCH /api/atlas/v2/orgs/{orgId}/apiKeys/{apiUserId}",
	"DELETE /api/atlas/v2/groups/{groupId}/clusters/{clusterName}/backup/schedule": "GET /api/atlas/v2/groups/{groupId}/clusters/{clusterName}/backup/schedule",
}

func answers(c *schema.Catalog) map[string]answered {
	out := map[string]answered{}
	add := func(k *schema.Kind, p *schema.Part, endpoints ...*schema.Endpoint) {
		for _, e := range endpoints {
			if e != nil {
				out[e.Method+" "+e.Path] = answered{k, p, e}
			}
		}
	}
	for _, name := range c.Names() {
		k := c.Kind(name)
		add(k, nil, k.Endpoints.List, k.Endpoints.Get, k.Endpoints.Create, k.Endpoints.Update)
		for i := range k.Parts {
			add(k, &k.Parts[i], k.Parts[i].Read, k.Parts[i].Write)
		}
	}
	for recorded, used := range alike {
		out[recorded] = out[used]
	}
	return out
}

// TestRecordedAnswersDecode reads every recorded answer of a kind in the version that the kind asks for. What the
// kind does not describe is printed: Atlas grows, and that must not break anything. What it reads must survive
// being written and read again, and must not differ from itself.
func TestRecordedAnswersDecode(t *testing.T) {
	c := catalog(t)
	byOperation := answers(c)
	checked, skipped, unknown := map[string]int{}, map[string]int{}, map[string]int{}
	for _, r := range atlasdata.Recordings(t) {
		a, ok := byOperation[r.Method+" "+r.Path]
		switch {
		case !ok || r.Status >= 300 || r.Body == nil:
			continue
		case r.Version != a.endpoint.Version:
			skipped[fmt.Sprintf("%s %s in %s, not %s", r.Method, r.Path, r.Version, a.endpoint.Version)]++
			continue
		}
		for i, object := range objects(r.Body, a.endpoint.Arrays...) {
			at := fmt.Sprintf("%s, object %d", r.File, i)
			for _, path := range checkAnswer(t, at, a, object) {
				unknown[a.kind.Name+" "+path]++
			}
			checked[a.kind.Name]++
		}
	}
	total := 0
	for _, name := range slices.Sorted(maps.Keys(checked)) {
		t.Logf("%-14s %4d objects", name, checked[name])
		total += checked[name]
	}
	if total == 0 {
		t.Skip("no recording is of a kind in its own version")
	}
	for _, what := range slices.Sorted(maps.Keys(skipped)) {
		t.Logf("left out: %d of %s", skipped[what], what)
	}
	for _, what := range slices.Sorted(maps.Keys(unknown)) {
		t.Logf("unknown: %s in %d objects", what, unknown[what])
	}
}

// objects returns the objects of an answer: one, the results of a list, those of several named arrays, or a bare array.
func objects(body any, arrays ...string) []map[string]any {
	var list []any
	switch b := body.(type) {
	case []any:
		list = b
	case map[string]any:
		for _, name := range arrays {
			named, _ := b[name].([]any)
			list = append(list, named...)
		}
		results, ok := b["results"].([]any)
		if arrays != nil {
			break
		}
		if !ok {
			return []map[string]any{b}
		}
		list = results
	}
	var out []map[string]any
	for _, el := range list {
		if object, ok := el.(map[string]any); ok {
			out = append(out, object)
		}
	}
	return out
}

// checkAnswer reads one object and returns the paths that the kind does not describe.
func checkAnswer(t *testing.T, at string, a answered, object map[string]any) []string {
	t.Helper()
	if a.part != nil {
		return checkPart(t, at, a, object)
	}
	read, unknown := a.kind.Answer(object)
	again, _ := a.kind.Answer(rewritten(t, at, a.kind.Attributes, read))
	if !again.RawEquals(read) {
		t.Errorf("%s: what was read differs once it is written and read again:\n%#v\n%#v", at, read, again)
	}
	if id := a.kind.Identity.ID; id != "" && read.GetAttr(id).IsNull() {
		t.Errorf("%s: %s has no %s", at, a.kind.Name, id)
	}
	if len(a.kind.Identity.Key) > 0 {
		if key, known, err := a.kind.NaturalKey(read); !known || err != nil {
			t.Errorf("%s: %s has no natural key: %q, %v", at, a.kind.Name, key, err)
		}
	}
	if differing := plan.Differs(a.kind, read, read); len(differing) > 0 {
		t.Errorf("%s: %s differs from itself in %s", at, a.kind.Name, strings.Join(differing, ", "))
	}
	return unknown
}

// checkPart reads the answer of a part: its object, or for one that is kept key by key a {name, value}.
func checkPart(t *testing.T, at string, a answered, object map[string]any) []string {
	t.Helper()
	attribute := a.kind.Attribute(a.part.Attribute)
	if a.part.Each {
		name, _ := object["name"].(string)
		object = map[string]any{name: object["value"]}
	}
	if m := a.part.Members; m != nil && m.Text != nil {
		if name, _ := object[m.Text.Shown].(string); name == "" || m.Text.IDs != nil && object["id"] == nil {
			t.Errorf("%s: a member of %s has no %s or no id: %v", at, attribute.Name, m.Text.Shown, object)
		}
		return nil
	}
	read, unknown := schema.Decode(attribute.Nested, object, schema.ByAPI)
	again, _ := schema.Decode(attribute.Nested, rewritten(t, at, attribute.Nested, read), schema.ByAPI)
	if !again.RawEquals(read) {
		t.Errorf("%s: %s differs once it is written and read again", at, attribute.Name)
	}
	for i := range unknown {
		unknown[i] = "." + attribute.API + unknown[i]
	}
	return unknown
}

// rewritten returns a value as the JSON of a request, through encoding/json.
func rewritten(t *testing.T, at string, attrs []schema.Attribute, v cty.Value) map[string]any {
	t.Helper()
	j, err := schema.Encode(attrs, v, schema.ByAPI)
	if err != nil {
		t.Fatalf("%s: %v", at, err)
	}
	encoded, err := json.Marshal(j)
	if err != nil {
		t.Fatalf("%s: %v", at, err)
	}
	var out map[string]any
	decoder := json.NewDecoder(bytes.NewReader(encoded))
	decoder.UseNumber()
	if err := decoder.Decode(&out); err != nil {
		t.Fatalf("%s: %v", at, err)
	}
	return out
}

// TestRecordedEventsFitTheirFamilies holds the families of alert events against real configurations.
func TestRecordedEventsFitTheirFamilies(t *testing.T) {
	k := catalog(t).Kind("alert_config")
	checked := 0
	for _, r := range atlasdata.Recordings(t) {
		if !strings.Contains(r.Path, "/alertConfigs") || r.Status >= 300 {
			continue
		}
		for i, object := range objects(r.Body) {
			if object["eventTypeName"] == nil {
				continue
			}
			checked++
			v, _ := k.Answer(object)
			for _, m := range k.Misfits(v, true) {
				// Metric thresholds are where Atlas says so (MISSING_METRIC_THRESHOLD, METRIC_THRESHOLD_PRESENT);
				// the other families may grow, and who is told may have left the project since.
				report := t.Logf
				if schema.PathString(m.Path) == "metric_threshold" {
					report = t.Errorf
				}
				report("%s, object %d (%v): %s", r.File, i, object["eventTypeName"], m.Finding.Error())
			}
		}
	}
	t.Logf("%d alert configurations", checked)
}
