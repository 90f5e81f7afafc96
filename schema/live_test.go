package schema_test

import (
	"testing"

	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
)

func liveObject(id, key string) schema.Object {
	return schema.Object{Kind: "box", Place: "p=1", ID: id, Key: key, Value: cty.ObjectVal(map[string]cty.Value{
		"name": cty.StringVal(key), "lid": cty.NullVal(cty.String)})}
}

func TestLive(t *testing.T) {
	boxes := func(objects ...schema.Object) schema.LiveSweep {
		return schema.LiveSweep{Kind: "box", Place: "p=1", Objects: objects}
	}
	lid := func(id, key string) schema.LivePart {
		return schema.LivePart{Kind: "box", Place: "p=1", ID: id, Key: key, Attribute: "lid", Value: cty.StringVal("red")}
	}
	first := schema.NewLive([]schema.LiveSweep{boxes(liveObject("2", "b"), liveObject("1", "c"), liveObject("", "a")), {Kind: "bag", Place: "p=1"}}, nil)
	objects, ok := first.Sweep("", "box", "p=1")
	if !ok || len(objects) != 3 || objects[0].Key != "a" || objects[1].ID != "1" || objects[2].ID != "2" {
		t.Fatalf("objects %+v", objects)
	}
	if bags, ok := first.Sweep("", "bag", "p=1"); !ok || len(bags) != 0 {
		t.Error("an empty list that was read counts as not read")
	}
	for _, other := range []struct {
		connection, kind string
		place            schema.Place
	}{{"x", "box", "p=1"}, {"", "lid", "p=1"}, {"", "box", "p=2"}} {
		if _, ok := first.Sweep(other.connection, other.kind, other.place); ok {
			t.Errorf("%v counts as read", other)
		}
	}
	if o, ok := first.ByID("", "box", "p=1", "2"); !ok || o.Key != "b" {
		t.Errorf("by id: %+v", o)
	}
	if o, ok := first.ByKey("", "box", "p=1", "a"); !ok || o.ID != "" {
		t.Errorf("by key: %+v", o)
	}
	if _, ok := first.ByID("", "box", "p=1", ""); ok {
		t.Error("an object without id is found by no id")
	}

	// Parts come later, with the list or without it.
	second := schema.NewLive([]schema.LiveSweep{boxes(liveObject("2", "b"))}, []schema.LivePart{lid("2", "b"), lid("", "a")})
	if o, _ := second.ByID("", "box", "p=1", "2"); !o.Parts["lid"] || o.Value.GetAttr("lid").AsString() != "red" {
		t.Errorf("a part was not entered: %+v", o)
	}
	merged := first.Merge(schema.NewLive(nil, []schema.LivePart{lid("", "a")}))
	if o, _ := merged.ByKey("", "box", "p=1", "a"); !o.Parts["lid"] {
		t.Errorf("a part was not entered by key: %+v", o)
	}
	if o, _ := first.ByKey("", "box", "p=1", "a"); o.Parts["lid"] {
		t.Error("merging changed what was merged")
	}
	replaced := first.Merge(schema.NewLive([]schema.LiveSweep{boxes(liveObject("9", "z"))}, nil))
	if replaced.Len() != 1 || len(replaced.Sweeps()) != 2 || replaced.Sweeps()[0].Kind != "bag" {
		t.Errorf("a later list does not replace an earlier one: %+v", replaced.Sweeps())
	}
	var none *schema.Live
	if _, ok := none.Sweep("", "box", "p=1"); ok || none.Len() != 0 || none.Merge(first).Len() != 3 {
		t.Error("a nil Live holds something")
	}
}

// The only one of its place has no name, and its parts are found all the same.
func TestPartsOfASingleton(t *testing.T) {
	value := cty.ObjectVal(map[string]cty.Value{"settings": cty.NullVal(cty.String)})
	sweep := schema.LiveSweep{Kind: "lamp", Place: "shelfId=1", Objects: []schema.Object{{Kind: "lamp", Place: "shelfId=1", Value: value}}}
	part := schema.LivePart{Kind: "lamp", Place: "shelfId=1", Attribute: "settings", Value: cty.StringVal("read")}
	l := schema.NewLive([]schema.LiveSweep{sweep}, nil).Merge(schema.NewLive(nil, []schema.LivePart{part}))
	if objects, _ := l.Sweep("", "lamp", "shelfId=1"); !objects[0].Parts["settings"] || objects[0].Value.GetAttr("settings").AsString() != "read" {
		t.Errorf("the lamp is %+v", objects)
	}
	sweep.Objects[0].Key = "named"
	if objects, _ := schema.NewLive([]schema.LiveSweep{sweep}, []schema.LivePart{part}).Sweep("", "lamp", "shelfId=1"); objects[0].Parts["settings"] {
		t.Errorf("what has a name took a part of what has none: %+v", objects)
	}
}
