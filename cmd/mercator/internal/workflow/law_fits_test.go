package workflow_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"mercator/provider/sandbox"
	"mercator/schema"
)

// fits says in what a live object is not what the file asks for, "" if in nothing.
func (c *lawCase) fits(d lawDeclared, live lawLive) string {
	kind := catalog.Kind(d.kind)
	doc := live.doc
	switch d.kind {
	case "project":
		settings, _ := c.box.Get(sandbox.Settings, live.group, "")
		limits, _ := c.box.Snapshot()[doc["orgId"].(string)+"/"+d.project+"/limits"].(map[string]int64)
		doc = lawWith(doc, "settings", settings)
		doc = lawWith(doc, "limits", lawLimits(limits))
	case "cluster":
		args, _ := c.box.Get(sandbox.ProcessArgs, live.group, live.key)
		doc = lawWith(doc, "processArgs", lawArgs(args))
		if why := lawShortFits(d.args, doc); why != "" {
			return why
		}
	}
	return lawFits(kind.Attributes, d.args, doc, d.kind, lawScaled{})
}

// lawArgs are process arguments with those that Atlas has from the start.
func lawArgs(args map[string]any) map[string]any {
	out := map[string]any{"javascriptEnabled": true, "noTableScan": false, "queryStatsLogVerbosity": 1}
	for k, v := range args {
		out[k] = v
	}
	return out
}

func lawWith(doc map[string]any, name string, v any) map[string]any {
	out := map[string]any{name: v}
	for k, e := range doc {
		if k != name {
			out[k] = e
		}
	}
	return out
}

func lawLimits(limits map[string]int64) map[string]any {
	out := map[string]any{}
	for k, v := range limits {
		out[k] = json.Number(strconv.FormatInt(v, 10))
	}
	return out
}

// lawScaled says which sizes Atlas may choose by itself where a value stands.
type lawScaled struct{ compute, disk bool }

func lawScales(region map[string]any, field string) lawScaled {
	on := func(name string) bool {
		scaling, _ := region[field].(map[string]any)
		part, _ := scaling[name].(map[string]any)
		return part["enabled"] == true
	}
	return lawScaled{on("compute"), on("diskGB")}
}

// lawFits compares the arguments that are set with the fields of a document.
func lawFits(attrs []schema.Attribute, args lawObject, doc map[string]any, path string, scaled lawScaled) string {
	for i := range attrs {
		a := &attrs[i]
		want, set := args[a.Name]
		if !set || a.WriteOnly || a.DestroyTime || a.Virtual || a.Unread {
			continue
		}
		at := path + "." + a.Name
		around := scaled
		switch a.Name {
		case "electable_specs", "read_only_specs":
			around = lawScales(doc, "autoScaling")
		case "analytics_specs":
			around = lawScales(doc, "analyticsAutoScaling")
		case "instance_size":
			if scaled.compute {
				continue
			}
		case "disk_size_gb":
			if scaled.disk {
				continue
			}
		}
		got := doc[a.API]
		for _, field := range a.Answers {
			if doc[field] != nil {
				got = doc[field]
			}
		}
		if a.Forms != nil {
			got = lawFormOf(a, doc)
			want = lawEntry(fmt.Sprint(want))
		}
		if why := lawFitsValue(a, want, got, at, around); why != "" {
			return why
		}
	}
	return ""
}

func lawFormOf(a *schema.Attribute, doc map[string]any) any {
	for _, f := range a.Forms {
		for _, field := range []string{f.API, f.Answer} {
			if doc[field] != nil {
				return doc[field]
			}
		}
	}
	return nil
}

func lawFitsValue(a *schema.Attribute, want, got any, at string, scaled lawScaled) string {
	differs := fmt.Sprintf("%s: the file says %v, Atlas has %v", at, want, got)
	if a.Type == schema.TypeJSON {
		w, g := lawDocument(want), lawDocument(got)
		if a.Embedded {
			w, g = lawWithoutNothing(w), lawWithoutNothing(g)
		}
		if !reflect.DeepEqual(w, g) {
			return differs
		}
		return ""
	}
	switch want := want.(type) {
	case lawObject:
		if a.Type == schema.TypePairs {
			pairs, _ := got.([]any)
			if len(pairs) != len(want) {
				return differs
			}
			for _, p := range pairs {
				if p := p.(map[string]any); want[p["key"].(string)] != p["value"] {
					return differs
				}
			}
			return ""
		}
		doc, ok := got.(map[string]any)
		if !ok && len(want) > 0 {
			return differs
		}
		return lawFits(a.Nested, want, doc, at, scaled)
	case []any:
		return lawFitsList(a, want, got, at, scaled)
	case string:
		text, _ := got.(string)
		if want == "8" && a.Name == "mongo_db_major_version" {
			want = "8.0"
		}
		if a.Type == schema.TypeTime {
			x, _ := time.Parse(time.RFC3339, want)
			y, _ := time.Parse(time.RFC3339, text)
			if x.Equal(y) {
				return ""
			}
		}
		if want != text && !(len(a.Enum) > 0 && strings.EqualFold(want, text)) {
			return differs
		}
	case bool:
		if got != want {
			return differs
		}
	case int, float64:
		if f, err := strconv.ParseFloat(fmt.Sprint(got), 64); err != nil || f != lawFloat(want) {
			return differs
		}
	}
	return ""
}

// lawDocument reads a JSON document that is held as a text or as a value.
func lawDocument(v any) any {
	text, ok := v.(string)
	if !ok {
		written, _ := json.Marshal(v)
		text = string(written)
	}
	var out any
	_ = json.Unmarshal([]byte(text), &out)
	return out
}

// lawFitsList pairs each element that the file lists with a live one of its own.
func lawFitsList(a *schema.Attribute, want []any, got any, at string, scaled lawScaled) string {
	live, _ := got.([]any)
	if len(live) != len(want) {
		return fmt.Sprintf("%s: the file lists %d, Atlas has %d: %v", at, len(want), len(live), live)
	}
	used := make([]bool, len(live))
	why := ""
	var pair func(i int) bool
	pair = func(i int) bool {
		if i == len(want) {
			return true
		}
		for j := range live {
			if used[j] {
				continue
			}
			if w := lawFitsElement(a, want[i], live[j], fmt.Sprintf("%s[%d]", at, i), scaled); w != "" {
				why = w
				continue
			}
			used[j] = true
			if pair(i + 1) {
				return true
			}
			used[j] = false
		}
		return false
	}
	if !pair(0) {
		return why
	}
	return ""
}

func lawFitsElement(a *schema.Attribute, want, got any, at string, scaled lawScaled) string {
	o, isObject := want.(lawObject)
	if !isObject {
		if want != got {
			return fmt.Sprintf("%s: the file says %v, Atlas has %v", at, want, got)
		}
		return ""
	}
	doc, _ := got.(map[string]any)
	if a.Elem.Whole { // what is left out is a value too
		for i := range a.Nested {
			if f := &a.Nested[i]; o[f.Name] == nil && doc[f.API] != nil {
				return fmt.Sprintf("%s.%s: the file leaves it out, Atlas has %v", at, f.Name, doc[f.API])
			}
		}
	}
	return lawFits(a.Nested, o, doc, at, scaled)
}

// lawShortFits compares the short form of a cluster with its one region.
func lawShortFits(args lawObject, doc map[string]any) string {
	if args["provider_name"] == nil {
		return ""
	}
	nodes := lawObject{"instance_size": args["instance_size"]}
	region := lawObject{"provider_name": args["provider_name"], "region_name": args["region_name"], "electable_specs": nodes}
	if args["instance_size"] == "M0" {
		region["provider_name"], region["backing_provider_name"] = "TENANT", args["provider_name"]
	} else {
		nodes["node_count"] = 3
		for _, name := range []string{"node_count", "disk_size_gb"} {
			if args[name] != nil {
				nodes[name] = args[name]
			}
		}
	}
	if args["auto_scaling"] != nil {
		region["auto_scaling"] = args["auto_scaling"]
	}
	long := lawObject{"cluster_type": "REPLICASET", "replication_specs": []any{lawObject{"region_configs": []any{region}}}}
	return lawFits(catalog.Kind("cluster").Attributes, long, doc, "cluster", lawScaled{})
}
