package plan_test

import (
	"strings"
	"testing"

	"mercator/plan"
	"mercator/schema"
)

// A whole object is sent without what the file has released and its new neighbours rule out: Atlas would refuse it.
func TestRule_R13_OverlayLeavesOutWhatDoesNotBelong(t *testing.T) {
	kind := toys.Kind("bell")
	live := val("bell", m{"event": "HOT", "degrees": 30.0, "enabled": true})
	for _, c := range []struct {
		event string
		kept  bool
	}{{"HOT", true}, {"COLD", true}, {"FLOOD", false}, {"unknown", true}} {
		got := plan.Overlay(kind, val("bell", m{"event": c.event}), live).GetAttr("degrees")
		if got.IsNull() == c.kept {
			t.Errorf("%s is sent with degrees %#v", c.event, got)
		}
	}
}

// Where the file names the zones of some elements only, the others are those that Atlas has in their places.
func TestRule_R12_UnnamedElementsKeepTheirPlaces(t *testing.T) {
	kind := &schema.Kind{Name: "cake", Attributes: []schema.Attribute{{Name: "layers", Type: schema.TypeList,
		Elem: schema.Elem{Key: []string{"zone"}, Ordinal: true, Ordered: true}, Nested: []schema.Attribute{
			{Name: "zone", Type: schema.TypeString}, {Name: "fruit", Type: schema.TypeString}}}}}
	for _, c := range []struct{ name, file, live, want string }{
		{"the second is named", "-:plum Z1:fig", "Z1:plum Z1:fig", ""},
		{"the first is named", "Z1:plum -:fig", "Z1:plum Z1:fig", ""},
		{"another zone is named", "-:plum B:fig", "A:plum B:fig", ""},
		{"one changed", "-:plum Z1:date", "Z1:plum Z1:fig", "layers"},
		{"one more", "-:plum Z1:fig -:date", "Z1:plum Z1:fig", "layers"},
	} {
		list := func(text string) any {
			var out []any
			for layer := range strings.FieldsSeq(text) {
				zone, fruit, _ := strings.Cut(layer, ":")
				fields := m{"fruit": fruit}
				if zone != "-" {
					fields["zone"] = zone
				}
				out = append(out, fields)
			}
			return out
		}
		file, _ := schema.Decode(kind.Attributes, m{"layers": list(c.file)}, schema.ByName)
		live, _ := schema.Decode(kind.Attributes, m{"layers": list(c.live)}, schema.ByName)
		if got := strings.Join(plan.Differs(kind, file, live), " "); got != c.want {
			t.Errorf("%s: %q differ, want %q", c.name, got, c.want)
		}
	}
}
