package cli

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"mercator/apply"
	"mercator/plan"
	"mercator/schema"
)

// jsonLines runs do with a view at a fixed time and returns what it wrote, without the version.
func jsonLines(t *testing.T, do func(*jsonView)) []map[string]any {
	t.Helper()
	var b bytes.Buffer
	v := newJSONView(screen{w: &b}, func() time.Time { return time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC) }, "apply")
	b.Reset()
	do(v)
	var out []map[string]any
	for d := json.NewDecoder(&b); d.More(); {
		var line map[string]any
		if err := d.Decode(&line); err != nil {
			t.Fatal(err)
		}
		out = append(out, line)
	}
	return out
}

func TestJSONPlan(t *testing.T) {
	p := &plan.Plan{
		Drift: []plan.Drift{{Address: "project.a", Deleted: true}},
		Changes: []plan.Change{
			{Address: "project.a", Action: plan.Create},
			{Address: "project.b", Action: plan.Replace, Reasons: []plan.Reason{{Code: "cannot_update"}}},
			{Address: "project.c", Action: plan.Adopt, Previous: "project.old"},
			{Address: "project.d", Action: plan.NoOp},
			{Address: "project.e", Action: plan.Forget},
		},
	}
	lines := jsonLines(t, func(v *jsonView) { v.plan(p) })
	var got []string
	for _, l := range lines {
		text := l["type"].(string)
		if change, ok := l["change"].(map[string]any); ok {
			text += " " + change["action"].(string)
		}
		got = append(got, text)
	}
	want := []string{"resource_drift delete", "planned_change create", "planned_change replace", "planned_change import",
		"planned_change remove", "change_summary"}
	if len(got) != len(want) {
		t.Fatalf("got %q, want %q", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("line %d is %q, want %q", i, got[i], want[i])
		}
	}
	changes := lines[5]["changes"].(map[string]any)
	for key, want := range map[string]float64{"add": 2, "change": 0, "remove": 1, "import": 1, "forget": 1} {
		if changes[key] != want {
			t.Errorf("changes.%s = %v, want %v", key, changes[key], want)
		}
	}
}

func TestJSONEvent(t *testing.T) {
	lines := jsonLines(t, func(v *jsonView) {
		v.event(apply.Event{Type: apply.EventComplete, Address: "project.a.database_user.app[3]", Action: plan.Create, ID: "abc", Elapsed: 2500 * time.Millisecond})
	})
	line := lines[0]
	if line["type"] != "apply_complete" || line["@timestamp"] != "2026-07-01T12:00:00.000000Z" || line["@level"] != "info" {
		t.Errorf("got %v", line)
	}
	hook := line["hook"].(map[string]any)
	resource := hook["resource"].(map[string]any)
	if hook["elapsed_seconds"] != 2.0 || hook["id_value"] != "abc" || resource["resource_key"] != 3.0 || resource["resource_type"] != "database_user" {
		t.Errorf("got %v", hook)
	}
	if r := resourceOf(schema.Address(`project.a.access_list.office["203.0.113.7"]`)); r.Key != "203.0.113.7" || r.Name != "office" {
		t.Errorf("got %+v", r)
	}
}
