package workflow_test

import (
	"fmt"
	"slices"
	"strings"

	"mercator/schema"
)

// Alert configurations and the shape of clusters: where arguments only make sense together.

// lawChannels are the types of notifications, each with the secret that a new one needs.
var lawChannels = map[string]string{
	"DATADOG": "datadog_api_key", "EMAIL": "", "GROUP": "", "HIP_CHAT": "notification_token", "MICROSOFT_TEAMS": "microsoft_teams_webhook_url",
	"OPS_GENIE": "ops_genie_api_key", "ORG": "", "PAGER_DUTY": "service_key", "SLACK": "api_token", "SMS": "", "TEAM": "", "USER": "",
	"VICTOR_OPS": "victor_ops_api_key", "WEBHOOK": "webhook_url",
}

// lawFamilies are events of each family, with the operator that Atlas takes in their threshold. A question mark says
// that the threshold may be left out.
var lawFamilies = map[string]map[string]string{
	"metric":    {"OUTSIDE_METRIC_THRESHOLD": "", "OUTSIDE_FLEX_METRIC_THRESHOLD": "", "OUTSIDE_SERVERLESS_METRIC_THRESHOLD": ""},
	"stream":    {"OUTSIDE_STREAM_PROCESSOR_METRIC_THRESHOLD": "?"},
	"threshold": {"DAILY_BILL_OVER_THRESHOLD": "GREATER_THAN", "CPS_OPLOG_BEHIND": "GREATER_THAN", "TOO_FEW_HEALTHY_MEMBERS": "LESS_THAN", "REPLICATION_OPLOG_WINDOW_RUNNING_OUT": "LESS_THAN", "NO_PRIMARY": "?"},
	"plain":     {"JOINED_GROUP": "", "HOST_DOWN": "", "CLUSTER_MONGOS_IS_MISSING": "", "CPS_SNAPSHOT_FAILED": ""},
}

func lawFamilyOf(event any) string {
	for family, events := range lawFamilies {
		if _, ok := events[fmt.Sprint(event)]; ok {
			return family
		}
	}
	return ""
}

// event picks an event, mostly of the family that the old one has.
func (g *lawGen) event(old any) any {
	family := lawFamilyOf(old)
	if old == nil || g.chance(30) {
		family = lawPick(g, "metric", "threshold", "plain", "stream", "stream", "threshold")
	}
	return g.other(old, lawMapAny(sortedNames(lawFamilies[family]))...)
}

func sortedNames[V any](m map[string]V) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

func mendLawAlert(g *lawGen, old, args lawObject) {
	family := lawFamilyOf(args["event_type_name"])
	changed := old == nil || lawFamilyOf(old["event_type_name"]) != family
	g.bound(old, args, "metric_threshold", family == "metric" || family == "stream", changed)
	operator := lawFamilies[family][args["event_type_name"].(string)]
	needed := family == "threshold" && operator != "?"
	g.bound(old, args, "threshold", needed || operator == "?" && g.chance(80), changed && needed)
	if family == "threshold" || family == "stream" {
		g.mendThreshold(old, args, family, operator)
	}
	notifications := args["notifications"].([]any)
	before, _ := old["notifications"].([]any)
	groups := 0
	notifications = slices.DeleteFunc(notifications, func(v any) bool {
		n := v.(lawObject)
		g.mendNotification(before, n)
		if n["type_name"] == "GROUP" {
			groups++
		}
		return groups > 1 && n["type_name"] == "GROUP"
	})
	args["notifications"] = notifications
}

// mendThreshold gives a threshold what its event asks for. A bound that the file no longer sets stays in Atlas with
// the operator that it had, so an event of the other direction sets it anew.
func (g *lawGen) mendThreshold(old, args lawObject, family, operator string) {
	t, ok := args["threshold"].(lawObject)
	if !ok && operator != "?" && old["event_type_name"] != args["event_type_name"] {
		t = g.object(catalog.Kind("alert_config").Attribute("threshold").Nested, "alert_config.threshold", nil)
		args["threshold"], ok = t, true
	}
	if !ok {
		return
	}
	if family != "stream" {
		delete(t, "metric_name")
		delete(t, "mode")
	}
	if operator != "?" && (t["operator"] != nil || old == nil || old["event_type_name"] != args["event_type_name"] || old["threshold"] == nil) {
		t["operator"] = operator
	}
}

// bound sets, changes or releases one of the two thresholds.
func (g *lawGen) bound(old, args lawObject, name string, belongs, needed bool) {
	was, had := old[name].(lawObject)
	delete(args, name)
	switch {
	case !belongs && !(had && name == "threshold" && lawFamilies[lawFamilyOf(args["event_type_name"])][args["event_type_name"].(string)] == "?"):
	case !needed && (had && g.chance(lawRelease) || !had && g.chance(60)):
	case had && !g.chance(40):
		args[name] = lawClone(was)
	default:
		args[name] = g.object(catalog.Kind("alert_config").Attribute(name).Nested, "alert_config."+name, was)
	}
}

// mendNotification gives a new notification what Atlas asks for.
func (g *lawGen) mendNotification(before []any, n lawObject) {
	typeName := n["type_name"].(string)
	attrs := catalog.Kind("alert_config").Attribute("notifications").Nested
	g.fit(attrs, "alert_config.notifications", nil, n)
	known := slices.ContainsFunc(before, func(v any) bool {
		o := v.(lawObject)
		if o["type_name"] != typeName {
			return false
		}
		for _, a := range attrs {
			if a.RequiredWhen != nil && o[a.Name] != n[a.Name] || a.Name == "channel_name" && o[a.Name] != n[a.Name] {
				return false
			}
		}
		return true
	})
	if secret := lawChannels[typeName]; secret != "" && n[secret] == nil && !known {
		n[secret] = g.value(schema.Find(attrs, secret), "alert_config.notifications."+secret, nil)
	}
	if typeName == "HIP_CHAT" && n["room_name"] == nil || typeName == "SLACK" && n["channel_name"] == nil {
		n[map[string]string{"HIP_CHAT": "room_name", "SLACK": "channel_name"}[typeName]] = "ops"
	}
	if typeName == "GROUP" && n["email_enabled"] != true && n["sms_enabled"] != true {
		n["email_enabled"] = true
	}
	switch typeName {
	case "PAGER_DUTY", "OPS_GENIE", "VICTOR_OPS":
		delete(n, "interval_min") // repeated by the service itself
	}
}

// mendLawCluster gives a cluster its shape and takes what does not fit to it.
func mendLawCluster(g *lawGen, old, args lawObject) {
	shape := []string{"cluster_type", "provider_name", "region_name", "instance_size", "node_count", "disk_size_gb", "auto_scaling", "replication_specs"}
	frozen := old != nil && old["paused"] == true && (args["paused"] == nil || args["paused"] == true)
	if frozen { // a paused cluster takes nothing but its resumption
		clear(args)
		for k, v := range old {
			args[k] = lawClone(v)
		}
		if g.chance(40) {
			args["paused"] = false
		} else if g.chance(97) {
			return
		}
	}
	for _, name := range shape {
		delete(args, name)
		if v, ok := old[name]; ok {
			args[name] = lawClone(v)
		}
	}
	g.shape(old, args)
	if args["instance_size"] == "M0" || lawFree(args) {
		for name := range args {
			if !slices.Contains(append(shape, "tags", "labels", "retain_backups", "termination_protection_enabled"), name) {
				delete(args, name)
			}
		}
	}
	if args["version_release_system"] == "CONTINUOUS" {
		delete(args, "mongo_db_major_version")
	}
	if args["pit_enabled"] == true {
		args["backup_enabled"] = true
	}
	if args["backup_enabled"] == false && old["pit_enabled"] == true {
		args["pit_enabled"] = false
	}
	if old["termination_protection_enabled"] == true && args["termination_protection_enabled"] == nil {
		args["termination_protection_enabled"] = false // released, it would guard a cluster that nobody can delete
	}
	tls, _ := args["advanced_configuration"].(lawObject)
	was, _ := old["advanced_configuration"].(lawObject)
	custom := tls["custom_openssl_cipher_config_tls12"] != nil || tls["custom_openssl_cipher_config_tls13"] != nil
	if mode := tls["tls_cipher_config_mode"]; custom && (mode == "DEFAULT" || mode == nil && was["tls_cipher_config_mode"] != "CUSTOM") {
		tls["tls_cipher_config_mode"] = "CUSTOM"
	}
}

func lawFree(args lawObject) bool {
	for _, r := range lawRegions(args) {
		if r["provider_name"] == "TENANT" {
			return true
		}
	}
	return false
}

func lawRegions(args lawObject) []lawObject {
	var out []lawObject
	specs, _ := args["replication_specs"].([]any)
	for _, s := range specs {
		for _, r := range s.(lawObject)["region_configs"].([]any) {
			out = append(out, r.(lawObject))
		}
	}
	return out
}

var lawPlaces = [][2]string{{"AWS", "EU_WEST_1"}, {"AWS", "US_EAST_1"}, {"GCP", "WESTERN_EUROPE"}, {"AZURE", "EUROPE_NORTH"}}

// shape makes or changes what a cluster is made of. Its form is chosen once; a replica set may be written short or
// long, may be left out of the file, and may become sharded.
func (g *lawGen) shape(old, args lawObject) {
	form := "new"
	switch {
	case args["provider_name"] != nil:
		form = "short"
	case args["replication_specs"] != nil:
		if form = "replicaset"; args["cluster_type"] != nil { // only a replica set ever leaves its type out
			form = strings.ToLower(args["cluster_type"].(string))
		}
		if lawFree(args) {
			form = "free"
		}
	case old != nil:
		form = "left out"
	}
	if form == "new" { // a name that was used before is that of a cluster which may still be there
		name := g.block.naturalName("")
		if form = g.forms[name]; form == "" {
			form = lawPick(g, "short", "replicaset", "short", "replicaset", "sharded", "geosharded", "free")
		} else if form == "short" || form == "replicaset" || form == "flex" {
			form = lawPick(g, "short", "replicaset")
		}
		g.forms[name] = form
	}
	switch {
	case old == nil && form == "free":
		g.freeShape(args)
	case form == "free" && g.chance(lawRelease):
		delete(lawRegions(args)[0], "backing_provider_name")
	case (form == "free" || args["instance_size"] == "M0") && g.chance(20):
		g.dedicate(args)
	case form == "free" || args["instance_size"] == "M0":
	case form == "left out":
	case form == "short" && old != nil && g.chance(12):
		g.lengthen(args)
	case form == "short":
		g.short(old, args)
	default:
		if form == "replicaset" && old != nil && g.chance(6) {
			form, args["cluster_type"] = "sharded", "SHARDED"
			g.forms[g.block.naturalName("")] = form
		}
		g.long(args, form)
		if old != nil && g.chance(4) && args["global_cluster_self_managed_sharding"] == nil {
			delete(args, "replication_specs")
			delete(args, "cluster_type")
		}
	}
}

// placeOf is the place of clusters that stay where they are, the same for all of a name.
func (g *lawGen) placeOf() [2]string {
	return lawPlaces[lawHash(g.block.naturalName(""))%uint32(len(lawPlaces))]
}

// freeShape makes a free cluster, which stays where it is: one of the same name, left by another block, is in the same
// place.
func (g *lawGen) freeShape(args lawObject) {
	p := g.placeOf()
	if g.chance(50) {
		args["provider_name"], args["region_name"], args["instance_size"] = p[0], p[1], "M0"
		return
	}
	args["cluster_type"] = "REPLICASET"
	args["replication_specs"] = []any{lawObject{"region_configs": []any{lawObject{"provider_name": "TENANT",
		"backing_provider_name": p[0], "region_name": p[1], "electable_specs": lawObject{"instance_size": "M0"}}}}}
}

// lawAtBirth is what only a new cluster can have, and none that is upgraded.
const lawAtBirth = "global_cluster_self_managed_sharding"

// dedicate makes a free cluster one with machines of its own, by an upgrade.
func (g *lawGen) dedicate(args lawObject) {
	for _, name := range []string{"cluster_type", "provider_name", "region_name", "instance_size", "replication_specs", lawAtBirth} {
		delete(args, name)
	}
	form := lawPick(g, "short", "replicaset")
	g.forms[g.block.naturalName("")] = form
	if form == "short" {
		g.short(nil, args)
		return
	}
	g.long(args, form)
}

var lawSizes = []any{"M10", "M20", "M30", "M40"}

func (g *lawGen) short(old, args lawObject) {
	if old == nil {
		p := lawPlaces[g.n(len(lawPlaces))]
		args["provider_name"], args["region_name"], args["instance_size"] = p[0], p[1], g.other(nil, lawSizes...)
		if g.chance(20) {
			args["cluster_type"] = "REPLICASET"
		}
	}
	if old != nil && g.chance(10) {
		p := lawPlaces[g.n(len(lawPlaces))]
		args["provider_name"], args["region_name"] = p[0], p[1]
	}
	if g.chance(lawChange) {
		args["instance_size"] = g.other(args["instance_size"], lawSizes...)
	}
	choose := func(name string, from ...any) {
		switch {
		case args[name] == nil && g.chance(25), args[name] != nil && g.chance(lawChange):
			args[name] = g.other(args[name], from...)
		case old != nil && g.chance(lawRelease):
			delete(args, name)
		}
	}
	choose("node_count", 3, 5, 7)
	choose("disk_size_gb", 40, 60.5, 80)
	scaling, _ := args["auto_scaling"].(lawObject)
	switch {
	case scaling != nil && old != nil && g.chance(lawRelease):
		delete(args, "auto_scaling")
	case scaling != nil && g.chance(80) || scaling == nil && g.chance(45):
		args["auto_scaling"] = g.object(catalog.Kind("cluster").Attribute("auto_scaling").Nested, "cluster.auto_scaling", scaling)
	}
	mendScaling(scaling, args["auto_scaling"])
}

// lengthen writes a short form as the long one that it means.
func (g *lawGen) lengthen(args lawObject) {
	nodes := lawObject{"instance_size": args["instance_size"], "node_count": 3}
	if args["node_count"] != nil {
		nodes["node_count"] = args["node_count"]
	}
	if args["disk_size_gb"] != nil {
		nodes["disk_size_gb"] = args["disk_size_gb"]
	}
	region := lawObject{"provider_name": args["provider_name"], "region_name": args["region_name"], "priority": 7, "electable_specs": nodes}
	if args["auto_scaling"] != nil {
		region["auto_scaling"] = args["auto_scaling"]
	}
	for _, name := range []string{"provider_name", "region_name", "instance_size", "node_count", "disk_size_gb", "auto_scaling"} {
		delete(args, name)
	}
	args["cluster_type"] = "REPLICASET"
	args["replication_specs"] = []any{lawObject{"region_configs": []any{region}}}
}
