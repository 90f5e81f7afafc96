package schema_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
)

// machine is a kind that is answered in other fields than it is asked for in, and that can fail.
var machine = schema.Kind{Name: "machine", Identity: schema.Identity{Binds: schema.ByKey, Key: []string{"name"}},
	Attributes: []schema.Attribute{
		{Name: "name", Type: schema.TypeString, Answers: []string{"label"}},
		{Name: "plan", Answers: []string{"latestPlan"}, Type: schema.TypeObject, Nested: []schema.Attribute{
			{Name: "layout", Type: schema.TypeJSON, Embedded: true}, {Name: "text", Type: schema.TypeJSON}}},
		{Name: "state", Type: schema.TypeString, Owner: schema.Server, Answers: []string{"stateName", "status"}},
		{Name: "parts", Type: schema.TypeList, Owner: schema.Server, Nested: []schema.Attribute{{Name: "fault", Type: schema.TypeString, Owner: schema.Server}}},
		{Name: "note", Type: schema.TypeString, Owner: schema.Server},
	},
	Settle: &schema.Settle{Field: "state", Ready: []string{"ON", "LENT"}, Failed: []string{"BROKEN"}, Why: []string{"parts.fault", "note"},
		Others: map[string]string{"LENT": "Bring it back."}},
}

func TestAnswersInOtherFields(t *testing.T) {
	c, err := schema.NewCatalog(machine)
	if err != nil {
		t.Fatal(err)
	}
	k := c.Kind("machine")
	v, unknown := k.Answer(map[string]any{"label": "m", "stateName": nil, "status": "ON", "more": 1.0,
		"latestPlan": map[string]any{"layout": map[string]any{"b": []any{true}, "a": "<x>"}, "text": `{"b": 1}`}})
	if !reflect.DeepEqual(unknown, []string{".more"}) {
		t.Errorf("unknown are %v", unknown)
	}
	plan := v.GetAttr("plan")
	for what, got := range map[string]cty.Value{"m": v.GetAttr("name"), "ON": v.GetAttr("state"), `{"a":"<x>","b":[true]}`: plan.GetAttr("layout"), `{"b": 1}`: plan.GetAttr("text")} {
		if !got.RawEquals(cty.StringVal(what)) {
			t.Errorf("want %s, got %#v", what, got)
		}
	}
	j, err := schema.Encode(k.Attributes[:2], v, schema.ByAPI)
	sent, _ := json.Marshal(j)
	if want := `{"name":"m","plan":{"layout":{"a":"\u003cx\u003e","b":[true]},"text":"{\"b\": 1}"}}`; err != nil || string(sent) != want {
		t.Errorf("sent %s, %v; want %s", sent, err, want)
	}
	if again, unknown := k.Answer(map[string]any{"name": "m"}); !again.GetAttr("name").RawEquals(cty.StringVal("m")) || len(unknown) > 0 {
		t.Errorf("the field of requests is not read: %#v, unknown %v", again, unknown)
	}
	if a := k.Attribute("state"); !a.ReadFrom("status") || a.ReadFrom("plan") {
		t.Error("it is read from other fields")
	}
}

func TestWhyItFailed(t *testing.T) {
	c, err := schema.NewCatalog(machine)
	if err != nil {
		t.Fatal(err)
	}
	k := c.Kind("machine")
	fault := func(text any) map[string]any { return map[string]any{"fault": text} }
	for want, answer := range map[string]map[string]any{
		"":        {"state": "BROKEN"},
		": Rust":  {"parts": []any{fault(nil), fault("Rust.")}, "note": "Old"},
		": Older": {"parts": []any{}, "note": "Older"},
	} {
		if v, _ := k.Answer(answer); k.FailedBecause(v) != want {
			t.Errorf("%v failed because %q, want %q", answer, k.FailedBecause(v), want)
		}
	}
	if (&schema.Kind{}).FailedBecause(cty.NilVal) != "" {
		t.Error("what Atlas never works on failed")
	}
}

func TestAnswersAndFailuresAreChecked(t *testing.T) {
	wrong := machine
	wrong.Attributes = append([]schema.Attribute{
		{Name: "a", Type: schema.TypeString, Embedded: true},
		{Name: "b", Type: schema.TypeString, Answers: []string{"c"}, Forms: []schema.Form{{API: "x", Pattern: ".*"}}},
	}, machine.Attributes...)
	settle := *machine.Settle
	settle.Why, settle.Others = []string{"parts.nothing"}, map[string]string{"AWAY": "Look."}
	wrong.Settle = &settle
	_, err := schema.NewCatalog(wrong)
	for _, want := range []string{"a is embedded", "b has forms", `"parts.nothing"`, "AWAY somebody else"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want a problem with %s, got %v", want, err)
		}
	}
}
