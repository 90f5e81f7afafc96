package kinds_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"mercator/plan"
	"mercator/schema"
)

// clusterValue returns a cluster with the arguments given as JSON in the language's names.
func clusterValue(t *testing.T, text string) cty.Value {
	t.Helper()
	k := catalog(t).Kind("cluster")
	if text == "" {
		return cty.NullVal(k.Type())
	}
	return decode(t, k, text)
}

// normalized returns a cluster as the Normalize hook writes it.
func normalized(t *testing.T, text string) cty.Value {
	t.Helper()
	v, found := catalog(t).Kind("cluster").Hooks.Normalize(clusterValue(t, text))
	if len(found) > 0 {
		t.Fatalf("%s: %v", text, found)
	}
	return v
}

func jsonText(t *testing.T, v cty.Value) string {
	t.Helper()
	j, err := schema.Encode(catalog(t).Kind("cluster").Attributes, v, schema.ByName)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := json.Marshal(j)
	if err != nil {
		t.Fatal(err)
	}
	return string(encoded)
}

const longForm = `{"name":"orders","cluster_type":"REPLICASET","replication_specs":[{"region_configs":[{
	"provider_name":"AWS","region_name":"EU_WEST_1","priority":7,"electable_specs":{"instance_size":"M30","node_count":3}}]}]}`

func TestRule_R38_ShortFormIsTheLongForm(t *testing.T) {
	for _, tc := range []struct{ name, short, long string }{
		{"plain", `{"name":"orders","provider_name":"AWS","region_name":"EU_WEST_1","instance_size":"M30"}`, longForm},
		{"long stays", longForm, longForm},
		{"all arguments",
			`{"provider_name":"GCP","region_name":"WESTERN_EUROPE","instance_size":"M40","node_count":5,"disk_size_gb":80,
				"auto_scaling":{"disk_gb":{"enabled":true}},"cluster_type":"REPLICASET"}`,
			`{"cluster_type":"REPLICASET","replication_specs":[{"region_configs":[{"provider_name":"GCP","region_name":"WESTERN_EUROPE",
				"priority":7,"electable_specs":{"instance_size":"M40","node_count":5,"disk_size_gb":80},
				"auto_scaling":{"disk_gb":{"enabled":true}}}]}]}`},
		{"M0 is a tenant", `{"provider_name":"AZURE","region_name":"EUROPE_NORTH","instance_size":"M0"}`,
			`{"cluster_type":"REPLICASET","replication_specs":[{"region_configs":[{"provider_name":"TENANT",
				"backing_provider_name":"AZURE","region_name":"EUROPE_NORTH","priority":7,"electable_specs":{"instance_size":"M0"}}]}]}`},
		{"bare major version", `{"name":"a","mongo_db_major_version":"8"}`, `{"name":"a","mongo_db_major_version":"8.0"}`},
		{"full major version", `{"name":"a","mongo_db_major_version":"8.2"}`, `{"name":"a","mongo_db_major_version":"8.2"}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := normalized(t, tc.short)
			if want := jsonText(t, clusterValue(t, tc.long)); jsonText(t, got) != want {
				t.Errorf("got  %s\nwant %s", jsonText(t, got), want)
			}
			again, _ := catalog(t).Kind("cluster").Hooks.Normalize(got)
			if !again.RawEquals(got) {
				t.Error("normalizing twice is not the same as once")
			}
			if !got.Type().Equals(catalog(t).Kind("cluster").Type()) {
				t.Error("the normalized value has another type than the kind")
			}
		})
	}
}

func TestRule_R38_ShortFormMistakes(t *testing.T) {
	short := `"provider_name":"AWS","region_name":"EU_WEST_1","instance_size":"M30"`
	for _, tc := range []struct{ name, text, code, says string }{
		{"both forms", `{` + short + `,"replication_specs":[]}`, "cluster_both_forms", "replication_specs"},
		{"no region", `{"provider_name":"AWS","instance_size":"M30"}`, "cluster_short_form", "region_name"},
		{"no provider", `{"node_count":3,"region_name":"EU_WEST_1","instance_size":"M30"}`, "cluster_short_form", "provider_name"},
		{"no size", `{"provider_name":"AWS","region_name":"EU_WEST_1"}`, "cluster_short_form", "instance_size"},
		{"sharded", `{` + short + `,"cluster_type":"SHARDED"}`, "cluster_short_form", "SHARDED"},
		{"disk of an M0", `{"provider_name":"AWS","region_name":"EU_WEST_1","instance_size":"M0","disk_size_gb":10}`, "free_tier_limit", "disk_size_gb"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, found := catalog(t).Kind("cluster").Hooks.Normalize(clusterValue(t, tc.text))
			if !found.HasErrors() || found[0].Code != tc.code || !strings.Contains(found[0].Error(), tc.says) {
				t.Errorf("got %v, want %s that says %s", found, tc.code, tc.says)
			}
		})
	}
}

func TestRule_R38_UnknownAndSensitiveArgumentsSurvive(t *testing.T) {
	k := catalog(t).Kind("cluster")
	values := schema.NullObject(k.Attributes).AsValueMap()
	values["provider_name"] = cty.StringVal("AWS")
	values["region_name"] = cty.UnknownVal(cty.String)
	values["instance_size"] = cty.StringVal("M10").Mark(schema.Sensitive)
	got, found := k.Hooks.Normalize(cty.ObjectVal(values))
	if len(found) > 0 {
		t.Fatal(found)
	}
	region := got.GetAttr("replication_specs").AsValueSlice()[0].GetAttr("region_configs").AsValueSlice()[0]
	if region.GetAttr("region_name").IsKnown() {
		t.Error("an unknown region has become known")
	}
	if size := region.GetAttr("electable_specs").GetAttr("instance_size"); !size.HasMark(schema.Sensitive) {
		t.Errorf("the instance size has lost its mark: %#v", size)
	}
	values["instance_size"] = cty.UnknownVal(cty.String)
	got, _ = k.Hooks.Normalize(cty.ObjectVal(values))
	region = got.GetAttr("replication_specs").AsValueSlice()[0].GetAttr("region_configs").AsValueSlice()[0]
	if region.GetAttr("provider_name").IsKnown() {
		t.Error("with an unknown tier nobody knows whether the provider is TENANT")
	}
}

// scaled is a cluster of one region with the given hardware and auto-scaling, as JSON.
func scaled(nodes, hardware, more string) string {
	return fmt.Sprintf(`{"replication_specs":[{"zone_name":"Zone 1","region_configs":[{"provider_name":"AWS","region_name":"EU_WEST_1","%s":%s%s}]}]}`,
		nodes, hardware, more)
}

func TestRule_R13_AutoScaledSizesAreNoDifference(t *testing.T) {
	compute := func(name, settings string) string { return `,"` + name + `":{"compute":` + settings + `}` }
	const on, bounds = `{"enabled":true}`, `{"enabled":true,"min_instance_size":"M30","max_instance_size":"M60"}`
	size := func(s string) string { return `{"instance_size":"` + s + `"}` }
	for _, tc := range []struct {
		name, nodes, file, fileMore, live, liveMore string
		differs                                     bool
	}{
		{"within bounds", "electable_specs", size("M30"), compute("auto_scaling", bounds), size("M50"), "", false},
		{"at the upper bound", "electable_specs", size("M30"), compute("auto_scaling", bounds), size("M60"), "", false},
		{"at the lower bound", "electable_specs", size("M40"), compute("auto_scaling", bounds), size("M30"), "", false},
		{"above", "electable_specs", size("M30"), compute("auto_scaling", bounds), size("M80"), "", true},
		{"below", "electable_specs", size("M40"), compute("auto_scaling", bounds), size("M20"), "", true},
		{"other class", "electable_specs", size("M40"), compute("auto_scaling", bounds), size("R40"), "", true},
		{"within a class of its own", "electable_specs", size("M40_NVME"),
			compute("auto_scaling", `{"enabled":true,"max_instance_size":"M80_NVME"}`), size("M60_NVME"), "", false},
		{"tiers by number, not by text", "electable_specs", size("M80"),
			compute("auto_scaling", `{"enabled":true,"min_instance_size":"M80","max_instance_size":"M200"}`), size("M140"), "", false},
		{"no minimum: the file's size", "electable_specs", size("M40"),
			compute("auto_scaling", `{"enabled":true,"max_instance_size":"M60"}`), size("M30"), "", true},
		{"on in Atlas, with Atlas's bounds", "electable_specs", size("M30"), "", size("M50"), compute("auto_scaling", bounds), false},
		{"off in the file", "electable_specs", size("M30"), compute("auto_scaling", `{"enabled":false}`), size("M50"), compute("auto_scaling", bounds), true},
		{"off in Atlas", "electable_specs", size("M30"), "", size("M50"), compute("auto_scaling", `{"enabled":false}`), true},
		{"the file's bounds over Atlas's", "electable_specs", size("M30"), compute("auto_scaling", `{"max_instance_size":"M40"}`),
			size("M50"), compute("auto_scaling", bounds), true},
		{"read-only nodes follow the same", "read_only_specs", size("M30"), compute("auto_scaling", bounds), size("M50"), "", false},
		{"analytics nodes have their own", "analytics_specs", size("M30"), compute("auto_scaling", bounds), size("M50"), "", true},
		{"analytics nodes within theirs", "analytics_specs", size("M30"), compute("analytics_auto_scaling", bounds), size("M50"), "", false},
		{"unlimited above where nothing is said", "electable_specs", size("M30"), compute("auto_scaling", on), size("M50"), "", false},
		{"node count never", "electable_specs", `{"node_count":3}`, compute("auto_scaling", bounds), `{"node_count":5}`, "", true},
		{"grown disk", "electable_specs", `{"disk_size_gb":40}`, `,"auto_scaling":{"disk_gb":{"enabled":true}}`, `{"disk_size_gb":80}`, "", false},
		{"same disk", "electable_specs", `{"disk_size_gb":40}`, `,"auto_scaling":{"disk_gb":{"enabled":true}}`, `{"disk_size_gb":40}`, "", false},
		{"smaller disk", "electable_specs", `{"disk_size_gb":40}`, `,"auto_scaling":{"disk_gb":{"enabled":true}}`, `{"disk_size_gb":20}`, "", true},
		{"grown by hand", "electable_specs", `{"disk_size_gb":40}`, "", `{"disk_size_gb":80}`, `,"auto_scaling":{"disk_gb":{"enabled":false}}`, true},
		{"compute alone grows no disk", "electable_specs", `{"disk_size_gb":40}`, compute("auto_scaling", bounds), `{"disk_size_gb":80}`, "", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			file := clusterValue(t, scaled(tc.nodes, tc.file, tc.fileMore))
			liveMore := tc.liveMore
			if liveMore == "" {
				liveMore = tc.fileMore // Atlas has what the file says
			}
			live := clusterValue(t, scaled(tc.nodes, tc.live, liveMore))
			if got := plan.Differs(catalog(t).Kind("cluster"), file, live); (len(got) > 0) != tc.differs {
				t.Errorf("differences: %v, want any: %v", got, tc.differs)
			}
		})
	}
}

func TestRule_R13_WhatIsSuppressedIsSentAsItIs(t *testing.T) {
	k := catalog(t).Kind("cluster")
	scaling := `,"auto_scaling":{"compute":{"enabled":true,"min_instance_size":"M30","max_instance_size":"M60"}}`
	file := clusterValue(t, scaled("electable_specs", `{"instance_size":"M30","node_count":5}`, scaling))
	live := clusterValue(t, scaled("electable_specs", `{"instance_size":"M50","node_count":3}`, scaling))
	nodes := plan.Overlay(k, file, live).GetAttr("replication_specs").AsValueSlice()[0].
		GetAttr("region_configs").AsValueSlice()[0].GetAttr("electable_specs")
	if got := nodes.GetAttr("instance_size").AsString(); got != "M50" {
		t.Errorf("the node count changes and %s is sent, want the live M50", got)
	}
	if got := schema.NumberText(nodes.GetAttr("node_count").AsBigFloat()); got != "5" {
		t.Errorf("node_count is sent as %s, want 5", got)
	}
}

func TestRule_R17_PausingIsAStepOfItsOwn(t *testing.T) {
	const running, paused = `{"name":"a","paused":false}`, `{"name":"a","paused":true}`
	create := schema.Call{Verb: schema.CallCreate, Operation: "createGroupCluster", Attributes: []string{"name"}}
	update := func(attributes ...string) schema.Call {
		return schema.Call{Verb: schema.CallUpdate, Operation: "updateGroupCluster", Attributes: attributes}
	}
	part := schema.Call{Verb: schema.CallPart, Operation: "updateGroupClusterProcessArgs", Attributes: []string{"process_args"}}
	wait := schema.Call{Verb: schema.CallWait}
	for _, tc := range []struct {
		name, before, after string
		calls               []schema.Call
		want                string
	}{
		{"created running", "", running, []schema.Call{create, wait}, "create name, wait"},
		{"created paused", "", paused, []schema.Call{create, wait}, "create name, wait, update paused, wait"},
		{"created paused with process arguments", "", paused, []schema.Call{create, wait, part, wait},
			"create name, wait, part process_args, wait, update paused, wait"},
		{"paused alone", running, paused, []schema.Call{update("paused"), wait}, "update paused, wait"},
		{"paused with changes", running, paused, []schema.Call{update("tags", "paused"), wait}, "update tags, wait, update paused, wait"},
		{"paused after a call that nothing waits for", running, paused, []schema.Call{update("tags", "paused"), wait, part},
			"update tags, wait, part process_args, wait, update paused, wait"},
		{"paused with a part", running, paused, []schema.Call{update("paused"), wait, part, wait}, "part process_args, wait, update paused, wait"},
		{"resumed alone", paused, running, []schema.Call{update("paused"), wait}, "update paused, wait"},
		{"resumed with changes", paused, running, []schema.Call{update("paused", "tags"), wait}, "update paused, wait, update tags, wait"},
		{"not managed", paused, `{"name":"a"}`, []schema.Call{update("tags"), wait}, "update tags, wait"},
		{"stays paused", paused, paused, []schema.Call{update("tags"), wait}, "update tags, wait"},
		{"deleted", paused, "", []schema.Call{{Verb: schema.CallDelete}, wait}, "delete , wait"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			given := fmt.Sprint(tc.calls)
			got := catalog(t).Kind("cluster").Hooks.Steps(
				schema.Transition{Before: clusterValue(t, tc.before), After: clusterValue(t, tc.after)}, tc.calls)
			if text := callsText(got); text != tc.want {
				t.Errorf("got  %s\nwant %s", text, tc.want)
			}
			if fmt.Sprint(tc.calls) != given {
				t.Error("the hook changed the calls that it was given")
			}
		})
	}
}

func callsText(calls []schema.Call) string {
	var out []string
	for _, c := range calls {
		if c.Verb == schema.CallWait {
			out = append(out, "wait")
		} else {
			out = append(out, string(c.Verb)+" "+strings.Join(c.Attributes, "+"))
		}
	}
	return strings.Join(out, ", ")
}
