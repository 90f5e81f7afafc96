package kinds

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
	"mercator/schema/diag"
)

// What data cannot say of a cluster: that a few arguments stand for its whole shape (R38), that a size which
// auto-scaling chose is no difference (R13), and that pausing is a change of its own (R17). What Atlas would
// refuse is in cluster_checks.go.

// shortForm are the arguments of the short form.
var shortForm = []string{"provider_name", "region_name", "instance_size", "node_count", "disk_size_gb", "auto_scaling"}

const (
	defaultNodes  = 3
	firstPriority = 7
)

var bareMajor = regexp.MustCompile(`^[0-9]+$`)

// normalizeCluster writes the short form as one replication spec of one region, and a major version "8" as "8.0".
func normalizeCluster(desired cty.Value) (cty.Value, diag.List) {
	bare, marks := desired.Unmark()
	values := bare.AsValueMap()
	if version, ok := text(values["mongo_db_major_version"]); ok && bareMajor.MatchString(version) {
		_, m := values["mongo_db_major_version"].Unmark()
		values["mongo_db_major_version"] = cty.StringVal(version + ".0").WithMarks(m)
	}
	var given []string
	for _, name := range shortForm {
		if isSet(values[name]) {
			given = append(given, name)
		}
	}
	if len(given) == 0 {
		return cty.ObjectVal(values).WithMarks(marks), nil
	}
	if found := checkShortForm(values, given); found.HasErrors() {
		return desired, found
	}
	values["replication_specs"] = cty.ListVal([]cty.Value{object(replicationSpecs, map[string]cty.Value{
		"region_configs": cty.ListVal([]cty.Value{shortRegion(values)}),
	})})
	if !isSet(values["cluster_type"]) {
		values["cluster_type"] = cty.StringVal("REPLICASET")
	}
	for _, name := range shortForm {
		values[name] = cty.NullVal(values[name].Type())
	}
	return cty.ObjectVal(values).WithMarks(marks), nil
}

func checkShortForm(values map[string]cty.Value, given []string) diag.List {
	var found diag.List
	if isSet(values["replication_specs"]) {
		found.Add(diag.Errorf("cluster_both_forms", "The cluster is described twice",
			"The short form (%s) and replication_specs both say what it is made of. Keep one: the short form for a replica set in one region, replication_specs for anything else.",
			strings.Join(given, ", ")).About("replication_specs"))
		return found
	}
	for _, name := range []string{"provider_name", "region_name", "instance_size"} {
		if !isSet(values[name]) {
			found.Add(diag.Errorf("cluster_short_form", name+" is missing",
				"The short form of a cluster needs provider_name, region_name and instance_size; there is only %s. Add %s.",
				strings.Join(given, ", "), name).About(given[0]))
		}
	}
	if kind, ok := text(values["cluster_type"]); ok && !strings.EqualFold(kind, "REPLICASET") {
		found.Add(diag.Errorf("cluster_short_form", "The short form describes a replica set",
			"cluster_type is %s, and %s describe a replica set. Describe its shards in replication_specs instead, or remove cluster_type.",
			kind, strings.Join(given, ", ")).About("cluster_type"))
	}
	if size, ok := text(values["instance_size"]); ok && strings.EqualFold(size, "M0") {
		for _, name := range []string{"node_count", "disk_size_gb", "auto_scaling"} {
			if isSet(values[name]) {
				found.Add(diag.Errorf("free_tier_limit", name+" cannot be chosen for an M0",
					"A free cluster has three nodes and 0.5 GB, and does not scale. Remove %s, or choose M10 or more.", name).About(name))
			}
		}
	}
	return found
}

// shortRegion is the one region of the short form. An M0 is a tenant on hosts of its provider.
func shortRegion(values map[string]cty.Value) cty.Value {
	region := map[string]cty.Value{
		"provider_name": values["provider_name"], "region_name": values["region_name"],
		"priority": cty.NumberIntVal(firstPriority), "auto_scaling": values["auto_scaling"],
	}
	nodes := map[string]cty.Value{
		"instance_size": values["instance_size"], "node_count": values["node_count"], "disk_size_gb": values["disk_size_gb"],
	}
	size, known := text(values["instance_size"])
	switch {
	case known && slices.ContainsFunc(freeSizes, func(s string) bool { return strings.EqualFold(s, size) }):
		region["provider_name"], region["backing_provider_name"] = cty.StringVal("TENANT"), values["provider_name"]
	case !known: // provider and backing provider follow from the size
		region["provider_name"], region["backing_provider_name"] = cty.UnknownVal(cty.String), cty.UnknownVal(cty.String)
		fallthrough
	default:
		if !isSet(nodes["node_count"]) {
			nodes["node_count"] = cty.NumberIntVal(defaultNodes)
		}
	}
	region["electable_specs"] = object(electableHardware, nodes)
	return object(regionConfigs, region)
}

// equalInCluster reports whether a live size is one that auto-scaling may have chosen (R13): a tier between the
// bounds, or a disk that has grown. Auto-scaling counts as the file sets it, else as it is.
func equalInCluster(leaf schema.Leaf) bool {
	region, nodes, field := regionLeaf(leaf)
	if field == "" {
		return false
	}
	scaling := "auto_scaling"
	if nodes == "analytics_specs" {
		scaling = "analytics_auto_scaling"
	}
	switch field {
	case "instance_size":
		if enabled, ok := text(setting(region, scaling, "compute", "enabled")); !ok || enabled != "true" {
			return false
		}
		return withinTiers(leaf, setting(region, scaling, "compute", "min_instance_size"),
			setting(region, scaling, "compute", "max_instance_size"))
	case "disk_size_gb":
		enabled, ok := text(setting(region, scaling, "disk_gb", "enabled"))
		return ok && enabled == "true" && number(leaf.Live) && number(leaf.Desired) &&
			leaf.Live.GreaterThanOrEqualTo(leaf.Desired).True()
	}
	return false
}

// regionLeaf returns the region that a leaf of node hardware stands in, which nodes it is about, and its name;
// "" for other leaves.
func regionLeaf(leaf schema.Leaf) (region schema.Pair, nodes, field string) {
	rest, ok := strings.CutPrefix(leaf.Path, "replication_specs.region_configs.")
	nodes, field, isNodes := strings.Cut(rest, ".")
	const depth = 3 // the cluster, a replication spec, a region
	if !ok || !isNodes || !strings.HasSuffix(nodes, "_specs") || len(leaf.Around) < depth {
		return schema.Pair{}, "", ""
	}
	return leaf.Around[depth-1], nodes, field
}

// setting returns a value inside both sides of a pair: the file's where it is set, else the live one.
func setting(p schema.Pair, path ...string) cty.Value {
	if v := inside(p.Desired, path...); isSet(v) {
		return v
	}
	return inside(p.Live, path...)
}

// withinTiers reports whether the live size lies between the bounds, in tier order within one class. Without a
// lower bound the file's size is it.
func withinTiers(leaf schema.Leaf, low, high cty.Value) bool {
	live, ok := text(leaf.Live)
	if !ok {
		return false
	}
	if !isSet(low) {
		low = leaf.Desired
	}
	class, size := tier(live)
	if lowest, ok := text(low); ok {
		if c, n := tier(lowest); c != class || n > size {
			return false
		}
	}
	if highest, ok := text(high); ok {
		if c, n := tier(highest); c != class || n < size {
			return false
		}
	}
	return size > 0
}

var sizePattern = regexp.MustCompile(`^([A-Z])([0-9]+)((?:_[A-Z0-9]+)*)$`)

// tier splits an instance size into its class and its number: R40_NVME is 40 in the class R_NVME. A name that it
// cannot read is a class of its own with the number 0.
func tier(size string) (class string, n int) {
	m := sizePattern.FindStringSubmatch(strings.ToUpper(size))
	if m == nil {
		return size, 0
	}
	n, _ = strconv.Atoi(m[2]) // digits; too many of them are no tier and count as 0
	return m[1] + m[3], n
}

// pauseSteps makes a pause or a resumption a call of its own, after or before all others (R17).
func pauseSteps(c schema.Transition, calls []schema.Call) []schema.Call {
	if c.After.IsNull() {
		return calls
	}
	was, will := isTrue(inside(c.Before, "paused")), inside(c.After, "paused")
	pauses, resumes := !was && isTrue(will), was && isFalse(will)
	if !pauses && !resumes {
		return calls
	}
	others := withoutPaused(calls)
	turn := []schema.Call{{Verb: schema.CallUpdate, Operation: "updateGroupCluster", Attributes: []string{"paused"}}, {Verb: schema.CallWait}}
	if len(others) == 0 {
		return turn
	}
	if resumes {
		turn[0].Note = "resume before changing it"
		return append(turn, others...)
	}
	turn[0].Note = "pause once all else is done"
	if others[len(others)-1].Verb != schema.CallWait {
		others = append(others, schema.Call{Verb: schema.CallWait})
	}
	return append(others, turn...)
}

// withoutPaused returns the calls without the attribute, and without an update (and its wait) that had no other.
func withoutPaused(calls []schema.Call) []schema.Call {
	var out []schema.Call
	dropped := false
	for _, call := range calls {
		if dropped && call.Verb == schema.CallWait {
			dropped = false
			continue
		}
		dropped = false
		if i := slices.Index(call.Attributes, "paused"); i >= 0 {
			call.Attributes = slices.Delete(slices.Clone(call.Attributes), i, i+1)
			if len(call.Attributes) == 0 && call.Verb == schema.CallUpdate {
				dropped = true
				continue
			}
		}
		out = append(out, call)
	}
	return out
}

// object returns a value of the attributes' object type with the given fields; the others are null.
func object(attrs []schema.Attribute, fields map[string]cty.Value) cty.Value {
	values := schema.NullObject(attrs).AsValueMap()
	for name, v := range fields {
		values[name] = v
	}
	return cty.ObjectVal(values)
}

// inside follows attribute names through objects; a null or unknown object on the way ends it with null.
func inside(v cty.Value, path ...string) cty.Value {
	for _, name := range path {
		v, _ = v.Unmark()
		if v == cty.NilVal || v.IsNull() || !v.IsKnown() || !v.Type().IsObjectType() || !v.Type().HasAttribute(name) {
			return cty.NullVal(cty.DynamicPseudoType)
		}
		v = v.GetAttr(name)
	}
	return v
}

// isSet reports whether a value is not null; an unknown one will be something.
func isSet(v cty.Value) bool {
	v, _ = v.Unmark()
	return v != cty.NilVal && (!v.IsKnown() || !v.IsNull())
}

// text returns a known primitive value as text.
func text(v cty.Value) (string, bool) {
	v, _ = v.Unmark()
	if !isSet(v) || !v.IsKnown() {
		return "", false
	}
	switch v.Type() {
	case cty.String:
		return v.AsString(), true
	case cty.Bool:
		return strconv.FormatBool(v.True()), true
	case cty.Number:
		return schema.NumberText(v.AsBigFloat()), true
	}
	return "", false
}

func number(v cty.Value) bool { return isSet(v) && v.IsKnown() && v.Type() == cty.Number }

func isTrue(v cty.Value) bool { t, ok := text(v); return ok && t == "true" }

func isFalse(v cty.Value) bool { t, ok := text(v); return ok && t == "false" }
