package workflow_test

import (
	"fmt"
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"strings"
)

// What the descriptors do not say: texts that mean something, and which values Atlas takes beside which.

// lawElsewhere are arguments that are not made one by one, by their path: names, which labels stand for, and the
// shape of clusters, which law_shape_test.go makes as a whole.
var lawElsewhere = map[string]bool{
	"project.name": true, "cluster.name": true, "flex_cluster.name": true, "database_user.username": true, "custom_role.role_name": true,
	"cluster.cluster_type": true, "cluster.provider_name": true, "cluster.region_name": true, "cluster.instance_size": true,
	"cluster.node_count": true, "cluster.disk_size_gb": true, "cluster.auto_scaling": true, "cluster.replication_specs": true,
	"database_user.password": true, "database_user.database_name": true,
	"alert_config.metric_threshold": true, "alert_config.threshold": true,
}

// lawValues make the values of arguments that their type does not describe, by path. A nil value leaves the
// argument out.
var lawValues map[string]func(g *lawGen, old any) any

// lawMend makes the arguments of a kind fit together. old is nil for a new block.
var lawMend map[string]func(g *lawGen, old, args lawObject)

func init() {
	lawMend = map[string]func(g *lawGen, old, args lawObject){
		"cluster": mendLawCluster, "database_user": mendLawUser, "custom_role": mendLawRole, "alert_config": mendLawAlert,
		"backup_schedule": mendLawSchedule, "flex_cluster": mendLawFlex, "integration": mendLawIntegration,
	}
	lawValues = map[string]func(g *lawGen, old any) any{
		"project.region_usage_restrictions": func(g *lawGen, old any) any {
			if g.chance(75) {
				return old // a change replaces the project
			}
			return g.other(old, "COMMERCIAL_FEDRAMP_REGIONS_ONLY", "GOV_REGIONS_ONLY")
		},

		"cluster.mongo_db_major_version": func(g *lawGen, old any) any {
			if old == nil && g.block.args == nil && g.chance(30) {
				return "7.0"
			}
			switch old {
			case nil, "8":
				return "8.0"
			case "7.0", "8.0":
				return "8"
			}
			return old
		},
		"cluster.paused": func(g *lawGen, old any) any { return old != true && g.chance(30) }, // paused, nothing else can change
		"cluster.global_cluster_self_managed_sharding": func(g *lawGen, old any) any {
			if old != nil && g.chance(70) {
				return old // a change replaces the cluster
			}
			return old != true
		},
		"cluster.process_args.default_write_concern": func(g *lawGen, old any) any { return g.other(old, "1", "majority") },

		"database_user.roles.role_name":     func(g *lawGen, old any) any { return g.roleName(old, false) },
		"database_user.roles.database_name": func(g *lawGen, old any) any { return g.other(old, "shop", "logs", "admin") },
		"database_user.scopes.name":         func(g *lawGen, old any) any { return g.clusterName(old) },
		"database_user.delete_after_date": func(g *lawGen, old any) any {
			if old == nil && g.block.args != nil {
				return nil // a lasting user cannot be made temporary
			}
			return g.date()
		},

		"custom_role.actions.resources.db":         func(g *lawGen, old any) any { return g.other(old, "shop", "logs") },
		"custom_role.actions.resources.collection": func(g *lawGen, old any) any { return g.other(old, "a", "b", "") },
		"custom_role.inherited_roles.role":         func(g *lawGen, old any) any { return g.roleName(old, true) },
		"custom_role.inherited_roles.db":           func(g *lawGen, old any) any { return g.other(old, "admin", "shop") },

		"auditing.audit_filter": func(g *lawGen, old any) any {
			filter := lawPick[any](g, `{ "atype": "authenticate" }`, `{"atype":"authenticate"}`, lawObject{"atype": "authenticate"},
				lawObject{"atype": lawObject{"$in": []any{"createUser", "dropUser"}}, "param.db": "shop"})
			if reflect.DeepEqual(filter, old) {
				return `{"users": []}`
			}
			return filter
		},

		"flex_cluster.provider_settings": func(g *lawGen, _ any) any {
			p := g.placeOf() // it never changes
			return lawObject{"backing_provider_name": p[0], "region_name": p[1]}
		},

		"cloud_provider_access.provider_name": func(g *lawGen, old any) any {
			if old != nil && (lawGuarded(g.block) || !g.chance(40)) {
				return old // a change replaces the role
			}
			return g.other(old, "AWS", "AZURE", "GCP")
		},
		"cloud_provider_access.iam_assumed_role_arn": func(g *lawGen, old any) any {
			return g.other(old, "arn:aws:iam::123456789012:role/one", "arn:aws:iam::123456789012:role/two")
		},
		"cloud_provider_access.atlas_azure_app_id":   func(g *lawGen, old any) any { return g.other(old, lawMapAny(lawUUIDs)...) },
		"cloud_provider_access.service_principal_id": func(g *lawGen, old any) any { return g.other(old, lawMapAny(lawUUIDs)...) },
		"cloud_provider_access.tenant_id":            func(g *lawGen, old any) any { return g.other(old, lawMapAny(lawUUIDs)...) },

		"integration.type":                        func(g *lawGen, old any) any { return g.service(old) },
		"integration.region":                      func(g *lawGen, old any) any { return g.other(old, "US", "EU") },
		"integration.account_id":                  func(g *lawGen, old any) any { return g.other(old, strings.Repeat("a1", 20), strings.Repeat("b2", 20)) },
		"integration.url":                         func(g *lawGen, _ any) any { return lawSecret(g.address()) },
		"integration.microsoft_teams_webhook_url": func(g *lawGen, _ any) any { return lawSecret(g.address()) },

		"backup_schedule.export.export_bucket_id": func(g *lawGen, old any) any { return lawID(g, old) },
		"backup_schedule.copy_settings.zone_id":   func(g *lawGen, old any) any { return lawID(g, old) },

		"alert_config.event_type_name": func(g *lawGen, old any) any { return g.event(old) },
		"alert_config.metric_threshold.metric_name": func(g *lawGen, old any) any {
			return g.other(old, "CONNECTIONS", "NORMALIZED_SYSTEM_CPU_USER", "OPLOG_SLAVE_LAG_MASTER_TIME")
		},
		"alert_config.notifications.type_name": func(g *lawGen, old any) any {
			if old != nil && g.chance(80) {
				return old
			}
			return g.other(old, lawMapAny(slices.Sorted(maps.Keys(lawChannels)))...)
		},
		"alert_config.notifications.interval_min":   func(g *lawGen, old any) any { return g.other(old, 5, 15, 60) },
		"alert_config.notifications.roles":          func(g *lawGen, _ any) any { return g.some([]string{"GROUP_OWNER", "GROUP_READ_ONLY", "ORG_OWNER"}) },
		"alert_config.notifications.team_id":        func(g *lawGen, old any) any { return lawID(g, old) },
		"alert_config.notifications.integration_id": func(g *lawGen, old any) any { return lawID(g, old) },
		"alert_config.notifications.email_address":  func(g *lawGen, old any) any { return g.other(old, "a@example.com", "b@example.com") },
	}
	for _, l := range catalog.Kind("project").Attribute("limits").Nested {
		from := []any{60, 70, 80}
		if strings.HasSuffix(l.Name, "Mask") {
			from = []any{20, 24, 26} // 27 is what Atlas has from the start
		}
		lawValues["project.limits."+l.Name] = func(g *lawGen, old any) any { return g.other(old, from...) }
	}
}

var lawUUIDs = []string{"6f0bd6a8-6ff4-4dd4-8b4e-8d5e6f3c1f0a", "0b6b7a55-3c0f-4f0e-9c39-3a5ad2a3a7b1", "9f2deb0d-be22-4524-a403-df531868bac0"}

func lawID(g *lawGen, old any) any {
	return g.other(old, "5e2211c17a3e5a48f5497de3", "5e2211c17a3e5a48f5497de4")
}

// instancesOf lists the objects of a kind that the project declares, but those of blocks from id on.
func (g *lawGen) instancesOf(kind string, before int) []lawRef {
	var out []lawRef
	for _, b := range g.project.children {
		for _, k := range b.instances() {
			if b.kind == kind && b.id < before {
				out = append(out, lawRef{b.id, k, nameArgument(kind), b.naturalName(k)})
			}
		}
	}
	return out
}

const lawAnyBlock = 1 << 30

// named picks one of the declared objects, as a reference where that can be written, else by its name.
func (g *lawGen) named(refs []lawRef) any {
	ref := refs[g.n(len(refs))]
	outside := func(id int) bool {
		i := slices.IndexFunc(g.project.children, func(b *lawBlock) bool { return b.id == id })
		return g.project.children[i].outside
	}
	if g.block.outside || outside(ref.block) || g.chance(40) {
		return ref.text
	}
	return ref
}

// roleName picks a role: a built-in one or, often, one that the project declares. A role inherits only from
// earlier ones, so that there is no circle.
func (g *lawGen) roleName(old any, inherited bool) any {
	before := lawAnyBlock
	if inherited {
		before = g.block.id
	}
	if refs := g.instancesOf("custom_role", before); len(refs) > 0 && g.chance(50) {
		return g.named(refs)
	}
	return g.other(old, "read", "readWrite", "dbAdmin", "clusterMonitor")
}

func (g *lawGen) clusterName(old any) any {
	if refs := g.instancesOf("cluster", lawAnyBlock); len(refs) > 0 && g.chance(60) {
		return g.named(refs)
	}
	return g.other(old, "lake", "elsewhere")
}

// stands reports whether a name of a role still names something, with the reference as it is to be written now.
func (g *lawGen) stands(v any, before int) (any, bool) {
	text := fmt.Sprint(lawPlain(v))
	if slices.Contains([]string{"read", "readWrite", "dbAdmin", "clusterMonitor"}, text) {
		return text, true
	}
	for _, ref := range g.instancesOf("custom_role", before) {
		if was, ok := v.(lawRef); ok && was.block == ref.block && was.key == ref.key || text == ref.text {
			if ok && !g.block.outside {
				return ref, true
			}
			return ref.text, true
		}
	}
	return nil, false
}

func (g *lawGen) mendRoleNames(list any, field, database string, before int) []any {
	out := []any{}
	elements, _ := list.([]any)
	for _, el := range elements {
		role := el.(lawObject)
		v, ok := g.stands(role[field], before)
		if !ok {
			v = "read"
		}
		role[field] = v
		if !slices.Contains([]string{"read", "readWrite", "dbAdmin"}, fmt.Sprint(lawPlain(v))) {
			role[database] = "admin"
			delete(role, "collection_name")
		}
		out = append(out, role)
	}
	seen := map[string]bool{}
	return slices.DeleteFunc(out, func(v any) bool {
		text := fmt.Sprint(lawPlain(v))
		defer func() { seen[text] = true }()
		return seen[text]
	})
}

var lawAuth = []string{"x509_type", "aws_iam_type", "ldap_auth_type", "oidc_auth_type"}

// lawAuthOf says how a user logs in: the argument and its value, "" for a password.
func lawAuthOf(args lawObject) string {
	for _, name := range lawAuth {
		if v, ok := args[name].(string); ok && v != "NONE" {
			return name + "=" + v
		}
	}
	return ""
}

// lawDatabase is the database that a user logs in to.
func lawDatabase(args lawObject) string {
	switch lawAuthOf(args) {
	case "", "oidc_auth_type=IDP_GROUP":
		return "admin"
	}
	return "$external"
}

// mendLawUser lets a user log in one way only, mostly the way it always did.
func mendLawUser(g *lawGen, old, args lawObject) {
	if old != nil && g.block.args != nil && lawAuthOf(old) != lawAuthOf(args) && !g.chance(30) {
		for _, name := range lawAuth {
			delete(args, name)
			if v, ok := old[name]; ok {
				args[name] = v
			}
		}
	}
	found := false
	for _, name := range lawAuth {
		if v, ok := args[name].(string); ok && v != "NONE" {
			if found {
				args[name] = "NONE"
			}
			found = true
		}
	}
	byPassword := lawAuthOf(args) == ""
	_, had := old["password"]
	again := old == nil || lawAuthOf(old) != ""
	switch {
	case !byPassword:
		delete(args, "password")
	case again || had && g.chance(20) || !had && g.chance(10):
		args["password"] = lawSecret(fmt.Sprintf("password-%d", g.n(5)))
	case had && args["password"] == nil && !g.chance(lawRelease):
		args["password"] = old["password"]
	}
	delete(args, "database_name")
	if g.chance(30) {
		args["database_name"] = lawDatabase(args)
	}
	if old != nil && lawDatabase(old)+lawAuthOf(old) != lawDatabase(args)+lawAuthOf(args) && old["delete_after_date"] == nil {
		delete(args, "delete_after_date")
	}
	args["roles"] = g.mendRoleNames(args["roles"], "role_name", "database_name", lawAnyBlock)
	if scopes, ok := args["scopes"].([]any); ok {
		g.mendScopes(scopes)
		args["scopes"] = lawDistinct(scopes)
	}
}

func (g *lawGen) mendScopes(scopes []any) {
	for _, el := range scopes {
		scope := el.(lawObject)
		was, ok := scope["name"].(lawRef)
		if !ok {
			continue
		}
		scope["name"] = "elsewhere"
		for _, ref := range g.instancesOf("cluster", lawAnyBlock) {
			if ref.block == was.block && ref.key == was.key {
				scope["name"] = ref
			}
		}
	}
}

// mendLawFlex keeps the protection from being released, which would guard a cluster that nobody can delete.
func mendLawFlex(_ *lawGen, old, args lawObject) {
	if old["termination_protection_enabled"] == true && args["termination_protection_enabled"] == nil {
		args["termination_protection_enabled"] = false
	}
}

// service picks a type that no other integration of the project has; it never changes.
func (g *lawGen) service(old any) any {
	if old != nil {
		return old
	}
	free := slices.DeleteFunc(slices.Clone(catalog.Kind("integration").Attribute("type").Enum), func(name string) bool {
		return slices.ContainsFunc(g.project.children, func(b *lawBlock) bool { return b.kind == "integration" && b.args["type"] == name })
	})
	return lawPick(g, free...)
}

func (g *lawGen) address() string {
	return "https://example.com/hook/" + lawPick(g, "0001", "0002", "0003")
}

// mendLawIntegration gives a change the secrets that it has to send again. A secret may leave the file where nothing else
// changes.
func mendLawIntegration(g *lawGen, old, args lawObject) {
	attrs, changes := catalog.Kind("integration").Attributes, false
	if old != nil && g.chance(30) {
		clear(args)
		maps.Copy(args, old)
		for i := range attrs {
			if attrs[i].WriteOnly && g.chance(50) {
				delete(args, attrs[i].Name)
			}
		}
	}
	for i := range attrs {
		a := &attrs[i]
		changes = changes || !reflect.DeepEqual(old[a.Name], args[a.Name]) && (!a.WriteOnly || args[a.Name] != nil)
	}
	for i := range attrs {
		if a := &attrs[i]; changes && a.WriteOnly && args[a.Name] == nil && lawHolds(attrs, args, a.AllowedWhen) && (old != nil || a.RequiredWhen != nil) {
			args[a.Name] = g.value(a, "integration."+a.Name, old[a.Name])
		}
	}
}

// mendLawSchedule leaves a schedule its one policy, and each of its elements once.
func mendLawSchedule(_ *lawGen, _, args lawObject) {
	if policies, ok := args["policies"].([]any); ok {
		args["policies"] = policies[:1]
		policy := policies[0].(lawObject)
		policy["policy_items"] = lawOnce(policy["policy_items"], "frequency_type", "frequency_interval")
	}
	if copies, ok := args["copy_settings"].([]any); ok {
		copies = lawOnce(copies, "zone_id", "cloud_provider", "region_name")
		args["copy_settings"] = copies
		for _, c := range copies {
			if items, ok := c.(lawObject)["copy_policy_items"]; ok {
				c.(lawObject)["copy_policy_items"] = lawOnce(items, "frequency_type")
			}
		}
	}
	if extra, ok := args["extra_retention_settings"]; ok {
		args["extra_retention_settings"] = lawOnce(extra, "frequency_type")
	}
}

// lawOnce drops elements whose key stands before them already.
func lawOnce(list any, key ...string) []any {
	seen := map[string]bool{}
	return slices.DeleteFunc(list.([]any), func(v any) bool {
		text := ""
		for _, name := range key {
			text += fmt.Sprint(v.(lawObject)[name], "/")
		}
		defer func() { seen[text] = true }()
		return seen[text]
	})
}

// mendLawRole gives a role something to permit, and resources that are a cluster or a database.
func mendLawRole(g *lawGen, _, args lawObject) {
	if inherited, ok := args["inherited_roles"]; ok {
		args["inherited_roles"] = g.mendRoleNames(inherited, "role", "db", g.block.id)
	}
	actions, _ := args["actions"].([]any)
	seen := map[any]bool{}
	actions = slices.DeleteFunc(actions, func(v any) bool {
		name := v.(lawObject)["action"]
		defer func() { seen[name] = true }()
		return seen[name]
	})
	inherited, _ := args["inherited_roles"].([]any)
	if len(actions) == 0 && len(inherited) == 0 {
		actions = []any{lawObject{"action": "FIND", "resources": []any{lawObject{"db": "shop"}}}}
	}
	for _, a := range actions {
		resources := a.(lawObject)["resources"].([]any)
		for _, r := range resources {
			r := r.(lawObject)
			if r["cluster"] == true {
				delete(r, "db")
				delete(r, "collection")
			} else if r["db"] == nil {
				r["db"] = "shop"
			}
		}
		a.(lawObject)["resources"] = lawDistinct(resources)
	}
	if actions != nil {
		args["actions"] = actions
	}
}

// entries make or change an access list.
func (g *lawGen) entries(old lawObject) lawObject {
	taken := map[string]bool{}
	for _, b := range g.project.children {
		if b.kind == "access_list" && b != g.block {
			for k := range b.args["entries"].(lawObject) {
				taken[lawEntry(k)] = true
			}
		}
	}
	out := lawObject{}
	for _, key := range slices.Sorted(maps.Keys(old)) {
		switch {
		case g.chance(15):
		case g.chance(35):
			out[key] = g.entry(key, old[key])
		default:
			out[key] = old[key]
		}
		taken[lawEntry(key)] = true
	}
	for _, key := range []string{"203.0.113.7", "203.0.113.7/32", "10.20.0.0/16", "198.51.100.0/24", "2001:db8::/32", "2001:DB8:0::7", "sg-0123456789abcdef0", "192.0.2.1"} {
		if !taken[lawEntry(key)] && g.chance(25) {
			out[key] = g.entry(key, nil)
			taken[lawEntry(key)] = true
		}
	}
	return out
}

// entry makes a value of an entry: a comment, an object, or null for an entry that is not declared.
func (g *lawGen) entry(key string, old any) any {
	attrs := catalog.Kind("access_list").Attributes
	o, isObject := old.(lawObject)
	if text, ok := old.(string); ok {
		o = lawObject{"comment": text}
	}
	if !isObject && g.chance(50) {
		return g.other(old, "office", "a much longer comment, with commas", "")
	}
	if g.chance(5) {
		return nil
	}
	out := g.object(attrs[1:], "access_list", o)
	if strings.HasPrefix(key, "sg-") {
		delete(out, "delete_after_date")
	}
	return out
}

// lawEntry is the one spelling of an entry's key.
func lawEntry(key string) string {
	if p, err := netip.ParsePrefix(key); err == nil && !p.IsSingleIP() {
		return p.String()
	} else if err == nil {
		return p.Addr().String()
	}
	if a, err := netip.ParseAddr(key); err == nil {
		return a.String()
	}
	return key
}
