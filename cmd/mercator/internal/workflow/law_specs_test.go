package workflow_test

import (
	"slices"
	"strings"

	"mercator/schema"
)

// The long form of a cluster's shape.

// long makes or changes replication_specs.
func (g *lawGen) long(args lawObject, form string) {
	fresh := args["replication_specs"] == nil
	if fresh || args["cluster_type"] != nil || g.chance(50) {
		args["cluster_type"] = strings.ToUpper(form)
	}
	if !fresh && form == "replicaset" && g.chance(lawRelease) {
		delete(args, "cluster_type")
	}
	specs, _ := args["replication_specs"].([]any)
	wanted := max(len(specs), 1)
	if form != "replicaset" {
		wanted = max(1, min(3, wanted+lawPick(g, 0, 0, 1, -1)))
	}
	for len(specs) > wanted {
		specs = specs[:len(specs)-1]
	}
	for i, v := range specs {
		if g.chance(75) {
			g.spec(v.(lawObject), form, i)
		}
	}
	for len(specs) < wanted {
		spec := lawObject{}
		g.spec(spec, form, len(specs))
		specs = append(specs, spec)
	}
	args["replication_specs"] = specs
	g.oneDisk(specs)
}

// spec makes or changes one shard.
func (g *lawGen) spec(spec lawObject, form string, i int) {
	attrs := schema.FindPath(catalog.Kind("cluster").Attributes, "replication_specs.region_configs").Nested
	old, _ := spec["region_configs"].([]any)
	switch {
	case form == "geosharded" && (spec["zone_name"] == nil || g.chance(10)):
		spec["zone_name"] = g.other(spec["zone_name"], "EMEA", "APAC", "Zone 1")
	case form == "geosharded":
	case spec["zone_name"] != nil && g.chance(lawRelease):
		delete(spec, "zone_name")
	case spec["zone_name"] == nil && g.chance(lawSetLater):
		spec["zone_name"] = "Zone 1" // the one that Atlas gives
	}
	var regions []any
	for _, v := range old {
		if len(old) > 1 && len(regions) > 0 && g.chance(12) {
			continue
		}
		r := v.(lawObject)
		if g.chance(80) {
			r = g.region(attrs, r)
		}
		regions = append(regions, r)
	}
	for len(regions) == 0 || len(regions) < 3 && g.chance(20) {
		if r := g.newRegion(attrs, regions); r != nil {
			regions = append(regions, r)
		}
	}
	spec["region_configs"] = regions
	g.countNodes(regions, len(regions) > 1 || len(old) != len(regions))
	if len(regions) > 1 && g.chance(10) {
		slices.Reverse(regions)
	}
}

// newRegion makes a region that the shard does not have yet.
func (g *lawGen) newRegion(attrs []schema.Attribute, regions []any) any {
	place := lawPlaces[g.n(len(lawPlaces))]
	if slices.ContainsFunc(regions, func(v any) bool { return v.(lawObject)["region_name"] == place[1] }) {
		return nil
	}
	r := g.region(attrs, nil)
	r["provider_name"], r["region_name"], r["priority"] = place[0], place[1], 7-len(regions)
	if len(regions) > 0 && g.chance(25) { // for local reads only
		delete(r, "electable_specs")
		r["priority"] = 0
		r["read_only_specs"] = lawObject{"instance_size": g.other(nil, lawSizes...), "node_count": 1}
		delete(r, "auto_scaling")
	} else if r["electable_specs"] == nil {
		r["electable_specs"] = lawObject{}
	}
	for _, nodes := range []string{"electable_specs", "read_only_specs", "analytics_specs"} {
		if n, ok := r[nodes].(lawObject); ok {
			g.complete(n)
		}
	}
	return r
}

// complete gives new nodes a tier and a number.
func (g *lawGen) complete(nodes lawObject) {
	if nodes["instance_size"] == nil {
		nodes["instance_size"] = g.other(nil, lawSizes...)
	}
	if nodes["node_count"] == nil {
		nodes["node_count"] = 1
	}
}

// region makes or changes the arguments of a region, its place apart.
func (g *lawGen) region(attrs []schema.Attribute, old lawObject) lawObject {
	out := lawObject{"provider_name": "AWS", "region_name": "EU_WEST_1"}
	for i := range attrs {
		a := &attrs[i]
		was, had := old[a.Name]
		switch {
		case a.Name == "provider_name" || a.Name == "region_name":
			if had {
				out[a.Name] = was
			}
		case a.Name == "backing_provider_name":
		case a.Name == "priority":
			readOnly := had && was == 0
			if had && (readOnly || !g.chance(lawRelease)) {
				out[a.Name] = was
				if !readOnly && g.chance(10) {
					out[a.Name] = g.other(was, 7, 6, 5)
				}
			} else if !had && g.chance(lawSetLater) && old["electable_specs"] != nil {
				out[a.Name] = 7
			}
		case a.Name == "electable_specs" && old != nil && !had:
			if old["priority"] != 0 && g.chance(30) {
				out[a.Name] = g.nodes(a, nil)
			}
		case had && g.chance(lawRelease):
		case had:
			out[a.Name] = g.nodes(a, was.(lawObject))
		case a.Name == "auto_scaling" && (old == nil || old["priority"] == 0):
			if old == nil && g.chance(45) {
				out[a.Name] = g.nodes(a, nil)
			}
		case g.chance(2*lawSetLater) || a.Name == "electable_specs":
			out[a.Name] = g.nodes(a, nil)
		}
	}
	for _, name := range []string{"auto_scaling", "analytics_auto_scaling"} {
		mendScaling(old[name], out[name])
	}
	return out
}

// nodes makes or changes the hardware of nodes, or how it scales.
func (g *lawGen) nodes(a *schema.Attribute, old lawObject) lawObject {
	out := g.object(a.Nested, "cluster.replication_specs.region_configs."+a.Name, old)
	if strings.HasSuffix(a.Name, "scaling") {
		return out
	}
	if size, ok := out["instance_size"]; ok && !slices.Contains(lawSizes, size) {
		out["instance_size"] = g.other(old["instance_size"], lawSizes...)
	}
	if n, ok := out["node_count"]; ok && a.Name != "electable_specs" {
		out["node_count"] = 1 + int(lawFloat(n))%3
	}
	if _, ok := out["disk_iops"]; ok && g.chance(50) {
		out["disk_iops"] = g.other(out["disk_iops"], 3000, 3500, 4000)
	}
	if old == nil {
		g.complete(out)
	}
	return out
}

// countNodes makes the electable nodes of a shard three, five or seven. Where there is one region and the file no
// longer says how many it has, it stays so.
func (g *lawGen) countNodes(regions []any, every bool) {
	total, first := 0, lawObject(nil)
	for _, v := range regions {
		r := v.(lawObject)
		nodes, ok := r["electable_specs"].(lawObject)
		if !ok && r["priority"] != 0 && every {
			nodes = lawObject{"instance_size": "M30"}
			r["electable_specs"], ok = nodes, true
		}
		if !ok || nodes["node_count"] == nil && !every {
			continue
		}
		nodes["node_count"] = 1 + int(lawFloat(nodes["node_count"]))%2
		total += nodes["node_count"].(int)
		if first == nil {
			first = nodes
		}
	}
	if first != nil {
		want := lawPick(g, 3, 5, 7)
		for want < total {
			want += 2
		}
		first["node_count"] = first["node_count"].(int) + want - total
	}
}

// oneDisk gives all nodes the disk of the first that says how large it is.
func (g *lawGen) oneDisk(specs []any) {
	size := any(nil)
	for _, r := range lawRegions(lawObject{"replication_specs": specs}) {
		for _, name := range []string{"electable_specs", "read_only_specs", "analytics_specs"} {
			nodes, _ := r[name].(lawObject)
			if nodes["disk_size_gb"] == nil {
				continue
			}
			if size == nil {
				size = g.other(nil, 40, 60.5, 80)
			}
			nodes["disk_size_gb"] = size
		}
	}
}

// mendScaling gives auto-scaling its bounds, around the tiers that the law uses.
func mendScaling(old, now any) {
	scaling, _ := now.(lawObject)
	compute, ok := scaling["compute"].(lawObject)
	if !ok {
		return
	}
	before, _ := old.(lawObject)
	was, _ := before["compute"].(lawObject)
	for name, tiers := range map[string][]any{"min_instance_size": {"M10", "M20"}, "max_instance_size": {"M50", "M60"}} {
		size, set := compute[name]
		if set && !slices.Contains(tiers, size) { // as the enum has it
			compute[name] = tiers[btoi(was[name] == tiers[0])]
		}
	}
	if compute["scale_down_enabled"] == true && compute["enabled"] == nil && was["enabled"] != true {
		compute["enabled"] = true
	}
	if compute["enabled"] == false && (compute["scale_down_enabled"] != nil || was["scale_down_enabled"] == true) {
		compute["scale_down_enabled"] = false
	}
	if compute["enabled"] == true {
		if compute["max_instance_size"] == nil && was["max_instance_size"] == nil {
			compute["max_instance_size"] = "M60"
		}
		if compute["scale_down_enabled"] == true && compute["min_instance_size"] == nil && was["min_instance_size"] == nil {
			compute["min_instance_size"] = "M10"
		}
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
