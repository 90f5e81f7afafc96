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
			{Address: "project.f", Action: plan.Adopt, ID: "f1", Diffs: []plan.Diff{{Path: "tags", Op: plan.DiffChange}}},
			{Address: "project.g", Action: plan.NoOp, Previous: "project.older"},
			{Address: "project.h", Action: plan.Delete, Reasons: []plan.Reason{{Code: "not_declared"}}},
		},
		Outputs: []plan.OutputChange{{Name: "uri", Action: plan.Create}, {Name: "secret", Action: plan.Update, Sensitive: true}, {Name: "same", Action: plan.NoOp}},
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
		"planned_change remove", "planned_change update", "planned_change move", "planned_change delete", "change_summary", "outputs"}
	if len(got) != len(want) {
		t.Fatalf("got %q, want %q", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("line %d is %q, want %q", i, got[i], want[i])
		}
	}
	changes := lines[8]["changes"].(map[string]any)
	for key, want := range map[string]float64{"add": 2, "change": 0, "remove": 2, "import": 2, "forget": 1} {
		if changes[key] != want {
			t.Errorf("changes.%s = %v, want %v", key, changes[key], want)
		}
	}
	for i, want := range map[int]map[string]string{2: {"reason": "cannot_update"}, 3: {"previous": "project.old"}, 5: {"importing": "f1"},
		6: {"previous": "project.older"}, 7: {"reason": "delete_because_no_resource_config"}} {
		var change struct {
			Reason           string
			PreviousResource struct{ Addr string } `json:"previous_resource"`
			Importing        struct{ ID string }
		}
		raw, _ := json.Marshal(lines[i]["change"])
		if err := json.Unmarshal(raw, &change); err != nil {
			t.Fatal(err)
		}
		if change.Reason != want["reason"] || change.PreviousResource.Addr != want["previous"] || change.Importing.ID != want["importing"] {
			t.Errorf("line %d is %+v, want %v", i, change, want)
		}
	}
	if raw, _ := json.Marshal(lines[9]["outputs"]); string(raw) != `{"secret":{"action":"update","sensitive":true},"uri":{"action":"create","sensitive":false}}` {
		t.Errorf("the planned outputs are %s", raw)
	}
}

// TestJSONSummaries holds the sentences that programs read.
func TestJSONSummaries(t *testing.T) {
	n := plan.Summary{Create: 2, Update: 1, Replace: 1, Delete: 3}
	adopting := plan.Summary{Create: 1, Adopt: 4}
	for _, tc := range []struct {
		operation string
		n         plan.Summary
		whole     bool
		want      string
	}{
		{"plan", n, true, "Plan: 3 to add, 1 to change, 4 to destroy."},
		{"plan", adopting, true, "Plan: 4 to import, 1 to add, 0 to change, 0 to destroy."},
		{"apply", n, true, "Apply complete! Resources: 3 added, 1 changed, 4 destroyed."},
		{"apply", adopting, true, "Apply complete! Resources: 4 imported, 1 added, 0 changed, 0 destroyed."},
		{"apply", n, false, "Apply incomplete. Resources: 3 added, 1 changed, 4 destroyed."},
		{"destroy", n, true, "Destroy complete! Resources: 4 destroyed."},
		{"destroy", n, false, "Destroy incomplete. Resources: 4 destroyed."},
	} {
		if got := jsonLines(t, func(v *jsonView) { v.summary(tc.operation, tc.n, tc.whole) })[0]["@message"]; got != tc.want {
			t.Errorf("%s: %q, want %q", tc.operation, got, tc.want)
		}
	}
}

func TestJSONResource(t *testing.T) {
	for address, want := range map[schema.Address]resourceJSON{
		`project.a.access_list.office["203.0.113.7"]`:       {Resource: `project.a.access_list.office["203.0.113.7"]`, Type: "access_list", Name: "office", Key: "203.0.113.7"},
		`project.a.access_list.office["eu"]["203.0.113.7"]`: {Resource: `project.a.access_list.office["eu"]["203.0.113.7"]`, Type: "access_list", Name: "office", Key: "eu/203.0.113.7"},
		`module.team["a.b"].module.x.project.main[2]`:       {Module: `module.team["a.b"].module.x`, Resource: "project.main[2]", Type: "project", Name: "main", Key: json.Number("2")},
		`project.a.cluster.b.backup_schedule`:               {Resource: "project.a.cluster.b.backup_schedule", Type: "backup_schedule", Name: "backup_schedule"},
	} {
		want.Addr, want.Provider = string(address), "mercator"
		if got := resourceOf(address); got != want {
			t.Errorf("%s is %+v, want %+v", address, got, want)
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
}
