package kinds

import (
	"slices"
	"strconv"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
	"mercator/schema/diag"
)

// checkCluster returns what Atlas would refuse of a change, each with the error that it would give or the rule of
// its documentation. What is not certain is left to Atlas.
func checkCluster(c schema.Transition) diag.List {
	switch {
	case c.After.IsNull():
		return nil // what protects it stands in its attributes
	case c.Before.IsNull():
		found := checkShape(c.After, true)
		found.Add(checkComplete(c.After)...)
		return found
	}
	found := checkPaused(c)
	found.Add(checkTypes(c.Before, c.After)...)
	found.Add(checkVersions(c.Before, c.After)...)
	if slices.Contains(c.Changed, "replication_specs") || slices.Contains(c.Changed, "cluster_type") {
		found.Add(checkShape(c.After, false)...)
	}
	found.Add(checkFree(c.After)...)
	found.Add(checkFreeChange(c)...)
	found.Add(checkPointInTime(c.Before, c.After)...)
	return found
}

// changeableWhenFree are the arguments of which Atlas takes changes in a free cluster.
var changeableWhenFree = []string{"tags", "labels", "termination_protection_enabled"}

// checkFreeChange: a free cluster that stays one takes next to no change (TENANT_CLUSTER_UPDATE_UNSUPPORTED).
func checkFreeChange(c schema.Transition) diag.List {
	if isFree(c.Before) != yes || hasRegions(c.After) && isFree(c.After) != yes {
		return nil
	}
	var found diag.List
	for _, name := range c.Changed {
		switch {
		case slices.Contains(changeableWhenFree, name) || isFree(c.After) == yes && unavailable(c.After, name):
		case name == "replication_specs":
			found.Add(diag.Errorf("tenant_change", "An M0 stays where it is",
				"Atlas changes neither its provider nor its region. Write what it has, choose a larger instance_size, with which it can move, or make a new one under another name and move the data.").
				About("replication_specs.region_configs.region_name"))
		default:
			found.Add(diag.Errorf("free_tier_limit", "An M0 takes no change of "+name,
				"Of a free cluster only tags, labels and its protection can be changed. Remove %s, or choose a larger instance_size.", name).About(name))
		}
	}
	return found
}

// checkComplete: a creation must say what the cluster is made of.
func checkComplete(after cty.Value) diag.List {
	var found diag.List
	if !isSet(inside(after, "replication_specs")) {
		found.Add(diag.Errorf("cluster_shape_missing", "Nothing says what the cluster is made of",
			"A new cluster needs hardware. Set provider_name, region_name and instance_size for a replica set in one region, or replication_specs for anything else."))
		return found
	}
	if !isSet(inside(after, "cluster_type")) {
		found.Add(diag.Errorf("cluster_shape_missing", "cluster_type is missing",
			"With replication_specs a new cluster needs it. Set cluster_type to REPLICASET, SHARDED or GEOSHARDED.").About("replication_specs"))
	}
	found.Add(checkFree(after)...)
	found.Add(checkPointInTime(cty.NullVal(after.Type()), after)...)
	return found
}

// checkPaused: CANNOT_UPDATE_PAUSED_CLUSTER (R17).
func checkPaused(c schema.Transition) diag.List {
	changed := slices.DeleteFunc(slices.Clone(c.Changed), func(name string) bool { return name == "paused" })
	if len(changed) == 0 || !isTrue(inside(c.Before, "paused")) || isFalse(inside(c.After, "paused")) {
		return nil
	}
	return diag.List{diag.Errorf("cluster_paused", "A paused cluster cannot be changed",
		"It is paused and stays so, but %s would change. Set paused = false together with the change, or undo the change.",
		strings.ReplaceAll(strings.Join(changed, ", "), "replication_specs", "its hardware")).About(changed[0])}
}

// checkTypes: SHARDED_CLUSTER_CANT_BECOME_REPLICA_SET, CANNOT_CHANGE_GEOSHARDED_CLUSTER_TYPE, and that a dedicated
// cluster does not become a free one again.
func checkTypes(before, after cty.Value) diag.List {
	var found diag.List
	was, _ := text(inside(before, "cluster_type"))
	will, ok := text(inside(after, "cluster_type"))
	switch {
	case !ok || strings.EqualFold(was, will):
	case isFree(before) == yes && strings.EqualFold(will, "GEOSHARDED"):
		found.Add(diag.Errorf("cluster_type_change", "An M0 does not become a global cluster",
			"Its upgrade makes a replica set of it, which can become sharded. Write REPLICASET or SHARDED, or make a new cluster under another name and move the data.").
			About("cluster_type"))
	case strings.EqualFold(was, "GEOSHARDED"):
		found.Add(diag.Errorf("cluster_type_change", "A global cluster stays a global cluster",
			"Atlas has it as GEOSHARDED, the file asks for %s. Write cluster_type = \"GEOSHARDED\", or make a new cluster under another name and move the data.",
			will).About("cluster_type"))
	case strings.EqualFold(was, "SHARDED") && strings.EqualFold(will, "REPLICASET"):
		found.Add(diag.Errorf("cluster_type_change", "A sharded cluster cannot become a replica set",
			"Atlas has it as SHARDED, the file asks for REPLICASET, as the short form always does. Describe its shards in replication_specs with cluster_type = \"SHARDED\", or make a new cluster under another name and move the data.").
			About("cluster_type"))
	}
	if hasRegions(after) && hasRegions(before) && isFree(before) == no && isFree(after) == yes {
		found.Add(diag.Errorf("tenant_change", "A dedicated cluster cannot become an M0",
			"Atlas refuses this change. Keep a size from M10 on, or make an M0 under another name and move the data.").About(hardwareSize))
	}
	return found
}

// checkVersions: the major version rises by one at a time, and falls only where the feature compatibility version
// is pinned one below.
func checkVersions(before, after cty.Value) diag.List {
	was, ok1 := majorOf(inside(before, "mongo_db_major_version"))
	will, ok2 := majorOf(inside(after, "mongo_db_major_version"))
	pinned := isSet(inside(before, "feature_compatibility_version_expiration_date"))
	switch {
	case !ok1 || !ok2:
		return nil
	case will > was+1:
		return diag.List{diag.Errorf("version_jump", "MongoDB is upgraded one major version at a time",
			"The cluster has %d.0, the file says %d.0. Write %d.0 and apply first, then go on.", was, will, was+1).About("mongo_db_major_version")}
	case will < was && (!pinned || will < was-1):
		return diag.List{diag.Errorf("version_downgrade", "MongoDB cannot go back to an older major version",
			"The cluster has %d.0, the file says %d.0. Atlas goes back by one version, and only while the feature compatibility version is pinned to it. Write %d.0.",
			was, will, was).About("mongo_db_major_version")}
	}
	return nil
}

// majorOf returns the number of a version like 8.0; versions between those (8.2) are not judged.
func majorOf(v cty.Value) (int, bool) {
	version, ok := text(v)
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(strings.TrimSuffix(version, ".0"))
	return n, err == nil
}

// checkShape: one shard in a replica set, an odd number of electable nodes in each shard
// (CLUSTER_REPLICATION_FACTOR_INVALID), one size of disk.
func checkShape(after cty.Value, created bool) diag.List {
	var found diag.List
	specs := elements(inside(after, "replication_specs"))
	if !isSet(inside(after, "replication_specs")) || specs == nil {
		return nil
	}
	if len(specs) == 0 {
		found.Add(diag.Errorf("cluster_shape", "A cluster needs a shard", "replication_specs is empty. Describe at least one shard.").About("replication_specs"))
	}
	if kind, ok := text(inside(after, "cluster_type")); ok && strings.EqualFold(kind, "REPLICASET") && len(specs) > 1 {
		found.Add(diag.Errorf("cluster_shape", "A replica set is one shard",
			"replication_specs describes %d shards. Put the regions into one region_configs, or set cluster_type = \"SHARDED\".", len(specs)).
			About("replication_specs"))
	}
	for i, spec := range specs {
		if n, ok := electable(spec, created); ok && n != 3 && n != 5 && n != 7 {
			found.Add(diag.Errorf("cluster_shape", "A shard has 3, 5 or 7 electable nodes",
				"Shard %d of %d has %d in its regions together. Change a node_count so that the sum is 3, 5 or 7.", i+1, len(specs), n).
				About("replication_specs.region_configs.electable_specs.node_count"))
		}
	}
	if sizes := diskSizes(specs); len(sizes) > 1 {
		found.Add(diag.Errorf("cluster_shape", "All disks of a cluster have one size",
			"disk_size_gb is %s. Write the same number everywhere.", strings.Join(sizes, " and ")).About("replication_specs"))
	}
	return found
}

// electable returns how many electable nodes a shard has; false where the file leaves that open. Of a new cluster
// nothing is left open: what is not said is 0, but for a free one.
func electable(spec cty.Value, created bool) (int64, bool) {
	total := int64(0)
	regions := elements(inside(spec, "region_configs"))
	if len(regions) == 0 {
		return 0, false
	}
	for _, region := range regions {
		provider, known := text(inside(region, "provider_name"))
		count, _ := inside(region, "electable_specs", "node_count").Unmark()
		switch {
		case created && known && !strings.EqualFold(provider, "TENANT") && !isSet(count):
			continue
		case !number(count):
			return 0, false
		}
		n, _ := count.AsBigFloat().Int64()
		total += n
	}
	return total, true
}

func diskSizes(specs []cty.Value) []string {
	var sizes []string
	for _, spec := range specs {
		for _, region := range elements(inside(spec, "region_configs")) {
			for _, nodes := range []string{"electable_specs", "read_only_specs", "analytics_specs"} {
				if size, ok := text(inside(region, nodes, "disk_size_gb")); ok && !slices.Contains(sizes, size) {
					sizes = append(sizes, size)
				}
			}
		}
	}
	return sizes
}

// checkFree: what an M0 does not have (TENANT_CLUSTER_UPDATE_UNSUPPORTED, TENANT_CLUSTER_PROCESS_ARGS_NOT_SUPPORTED).
func checkFree(after cty.Value) diag.List {
	if isFree(after) != yes {
		return nil
	}
	var found diag.List
	for _, name := range []string{"backup_enabled", "pit_enabled", "paused", "process_args", "advanced_configuration", "bi_connector"} {
		if unavailable(after, name) {
			found.Add(diag.Errorf("free_tier_limit", "An M0 has no "+name,
				"Atlas offers it from M10 on. Remove %s, or choose a larger instance_size.", name).About(name))
		}
	}
	return found
}

// unavailable reports whether the file asks for something that a free cluster does not have.
func unavailable(after cty.Value, name string) bool {
	switch name {
	case "backup_enabled", "pit_enabled", "paused":
		return isTrue(inside(after, name))
	case "process_args", "advanced_configuration":
		return isSet(inside(after, name))
	case "bi_connector":
		return isTrue(inside(after, name, "enabled"))
	}
	return false
}

// checkPointInTime: restoring to any point in time rests on backups.
func checkPointInTime(before, after cty.Value) diag.List {
	if !isTrue(inside(after, "pit_enabled")) || !isFalse(setting(schema.Pair{Desired: after, Live: before}, "backup_enabled")) {
		return nil
	}
	return diag.List{diag.Errorf("pit_without_backup", "pit_enabled needs backup_enabled",
		"backup_enabled is false, and a restore to any point in time rests on backups. Set it to true, or pit_enabled to false.").About("pit_enabled")}
}

// hardwareSize is where the size of a cluster's nodes stands.
const hardwareSize = "replication_specs.region_configs.electable_specs.instance_size"

// answer is what can be said of something that may be unknown.
type answer int

const (
	no answer = iota
	yes
	perhaps
)

func hasRegions(v cty.Value) bool { return len(elements(inside(v, "replication_specs"))) > 0 }

// isFree says whether a cluster is a free one, by the provider of its regions.
func isFree(v cty.Value) answer {
	for _, spec := range elements(inside(v, "replication_specs")) {
		for _, region := range elements(inside(spec, "region_configs")) {
			provider, known := text(inside(region, "provider_name"))
			switch {
			case !known:
				return perhaps
			case strings.EqualFold(provider, "TENANT"):
				return yes
			}
		}
	}
	return no
}

// elements returns the elements of a known list, nil for any other value.
func elements(v cty.Value) []cty.Value {
	v, _ = v.Unmark()
	if !isSet(v) || !v.IsKnown() || !v.CanIterateElements() {
		return nil
	}
	out := []cty.Value{}
	for it := v.ElementIterator(); it.Next(); {
		_, el := it.Element()
		out = append(out, el)
	}
	return out
}
