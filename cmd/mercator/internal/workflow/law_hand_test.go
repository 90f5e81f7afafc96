package workflow_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"mercator/provider/sandbox"
)

// lawHand is something that somebody does in the Atlas console between two applies. The numbers choose the object
// and the value among those that are there when it is done.
type lawHand struct {
	op           string
	object, what int
}

func (h lawHand) String() string { return fmt.Sprintf("%s %d %d", h.op, h.object, h.what) }

func (g *lawGen) hand() lawHand {
	op := lawPick(g, "change", "change", "change", "delete", "delete", "add", "add", "add", "scale", "reorder", "drop default", "delete project")
	if op == "delete project" && g.chance(75) {
		op = "change"
	}
	return lawHand{op, g.n(1 << 10), g.n(1 << 10)}
}

func (h lawHand) do(c *lawCase) {
	look := c.look()
	pick := func(keep func(lawLive) bool) (lawLive, bool) {
		var ids []string
		for id, l := range look.live {
			if keep(l) {
				ids = append(ids, id)
			}
		}
		if len(ids) == 0 {
			return lawLive{}, false
		}
		// Ids are random; what is stable from run to run is the content.
		slices.SortFunc(ids, func(a, b string) int { return lawCompare(c.stableName(look.live[a]), c.stableName(look.live[b])) })
		return look.live[ids[h.object%len(ids)]], true
	}
	owned := func(l lawLive) bool { return look.owned[l.identity()] != "" }
	var err error
	switch h.op {
	case "change":
		if l, ok := pick(owned); ok {
			err = h.change(c, l)
		}
	case "delete":
		if l, ok := pick(func(l lawLive) bool { return owned(l) && l.kind != "project" && !lawLasting(l.kind) }); ok {
			err = c.box.Delete(sandbox.Kind(l.kind), l.group, c.boxKey(l))
		}
	case "delete project":
		if l, ok := pick(func(l lawLive) bool { return l.kind == "project" }); ok {
			err = c.box.Delete(sandbox.Project, l.group, "")
		}
	case "add":
		if l, ok := pick(func(l lawLive) bool { return l.kind == "project" }); ok {
			err = h.add(c, l.group)
		}
	case "scale":
		if l, ok := pick(func(l lawLive) bool { return l.kind == "cluster" && l.doc["paused"] != true && lawLiveScales(l.doc) }); ok {
			err = c.box.ScaleCluster(l.group, l.key, []string{"M20", "M30", "M40", "M50"}[h.what%4])
		}
	case "reorder":
		if l, ok := pick(func(l lawLive) bool { return owned(l) && l.kind == "alert_config" }); ok {
			list := slices.Clone(l.doc["notifications"].([]any))
			slices.Reverse(list)
			err = c.box.Change(sandbox.AlertConfig, l.group, l.key, map[string]any{"notifications": list})
		}
	case "drop default":
		if l, ok := pick(func(l lawLive) bool { return !owned(l) && l.kind == "alert_config" }); ok {
			err = c.box.Delete(sandbox.AlertConfig, l.group, l.key)
		}
	}
	if err != nil {
		c.rt.Fatalf("%sby hand: %v: %v", c.at(), h, err)
	}
}

// lawLasting reports whether what a parent has one of can neither be deleted nor reset.
func lawLasting(kind string) bool {
	return lawSingle(kind) && catalog.Kind(kind).Endpoints.Delete == nil
}

func lawCompare(a, b string) int {
	if a < b {
		return -1
	}
	if a > b {
		return 1
	}
	return 0
}

// stableName names an object by what is the same in every run.
func (c *lawCase) stableName(l lawLive) string {
	project, _ := c.box.Get(sandbox.Project, l.group, "")
	name := fmt.Sprint(project["name"], " ", l.kind)
	if l.kind == "alert_config" {
		return fmt.Sprint(name, l.doc["eventTypeName"], l.doc["metricThreshold"], l.doc["threshold"], l.doc["matchers"], len(l.doc["notifications"].([]any)))
	}
	if l.kind == "cloud_provider_access" {
		return fmt.Sprint(name, l.doc["providerName"], l.doc["iamAssumedRoleArn"], l.doc["servicePrincipalId"], l.doc["tenantId"])
	}
	return name + l.key
}

// boxKey is an object's key in the words of the sandbox.
func (c *lawCase) boxKey(l lawLive) string {
	if l.kind != "access_list" {
		return l.key
	}
	if block, ok := l.doc["cidrBlock"].(string); ok {
		return block
	}
	return l.key
}

func lawLiveScales(doc map[string]any) bool {
	specs, _ := doc["replicationSpecs"].([]any)
	for _, s := range specs {
		for _, r := range s.(map[string]any)["regionConfigs"].([]any) {
			if !lawScales(r.(map[string]any), "autoScaling").compute {
				return false
			}
		}
	}
	return len(specs) > 0
}

// change changes one argument of an object.
func (h lawHand) change(c *lawCase, l lawLive) error {
	n := h.what % 5
	fields := map[string]any{}
	kind := sandbox.Kind(l.kind)
	switch l.kind {
	case "project":
		switch n {
		case 0:
			fields["tags"] = []any{map[string]any{"key": "team", "value": "by hand"}}
		case 1:
			fields["withDefaultAlertsSettings"] = false
		default:
			kind = sandbox.Settings
			fields[[]string{"isDataExplorerEnabled", "isSchemaAdvisorEnabled", "isPerformanceAdvisorEnabled"}[n-2]] = h.object%2 == 0
		}
	case "cluster":
		if l.doc["paused"] == true {
			fields["paused"] = false // as Atlas does after a month
			break
		}
		switch n {
		case 0:
			fields["tags"] = []any{}
		case 1:
			fields["backupEnabled"] = l.doc["backupEnabled"] != true
		case 2:
			fields["diskWarmingMode"] = "VISIBLE_EARLIER"
		default:
			if lawLiveFree(l.doc) {
				return nil
			}
			kind = sandbox.ProcessArgs
			fields["noTableScan"] = n == 3
			fields["oplogSizeMB"] = json.Number("2048")
		}
	case "flex_cluster":
		fields["tags"] = []any{map[string]any{"key": "by", "value": "hand"}}[n%2:]
	case "database_user":
		switch n {
		case 0:
			fields["roles"] = []any{map[string]any{"roleName": "readAnyDatabase", "databaseName": "admin"}}
		case 1:
			fields["scopes"] = []any{map[string]any{"name": "other", "type": "CLUSTER"}}
		case 2:
			fields["labels"] = []any{map[string]any{"key": "k", "value": "v"}}
		default:
			fields["description"] = "by hand"
		}
	case "custom_role":
		fields["actions"] = []any{map[string]any{"action": "INSERT", "resources": []any{map[string]any{"db": "shop"}}},
			map[string]any{"action": "REMOVE", "resources": []any{map[string]any{"db": "logs"}}}}
		if n == 0 {
			fields["inheritedRoles"] = []any{map[string]any{"role": "read", "db": "admin"}}
		}
	case "access_list":
		fields["comment"] = "by hand"
	case "cloud_provider_access":
		switch l.doc["providerName"] {
		case "AWS":
			fields["iamAssumedRoleArn"] = "arn:aws:iam::123456789012:role/by-hand"
		case "AZURE":
			fields["tenantId"] = lawUUIDs[2]
		}
	case "integration":
		for _, name := range []string{"region", "channelName", "routingKey", "bodyTemplate", "username"} {
			if _, shown := l.doc[name]; shown && n > 0 {
				fields[name] = map[bool]string{true: "EU", false: "by hand"}[name == "region"]
			}
		}
		if n == 0 { // the secret is lost
			for _, name := range []string{"apiKey", "serviceKey", "apiToken", "url", "secret", "licenseKey"} {
				fields[name] = nil
			}
		}
	case "alert_config":
		switch n {
		case 0:
			fields["severityOverride"] = "CRITICAL"
		case 1:
			fields["matchers"] = []any{map[string]any{"fieldName": "HOSTNAME", "operator": "EQUALS", "value": "h"}}
		case 2:
			fields["notifications"] = append(slices.Clone(l.doc["notifications"].([]any)), map[string]any{"typeName": "EMAIL",
				"emailAddress": "hand@example.com", "delayMin": json.Number("0"), "intervalMin": json.Number("60"), "notifierId": fmt.Sprintf("%024x", h.object)})
		default:
			fields["enabled"] = l.doc["enabled"] != true
		}
	}
	if lawSingle(l.kind) {
		fields = h.single(kind)
	}
	return c.box.Change(kind, l.group, c.boxKey(l), fields)
}

// single are fields of what a project has one of.
func (h lawHand) single(kind sandbox.Kind) map[string]any {
	if kind == sandbox.BackupSchedule {
		return []map[string]any{{"restoreWindowDays": json.Number("5")}, {"extraRetentionSettings": []any{}, "referenceHourOfDay": json.Number("11")},
			{"useOrgAndGroupNamesInExportPrefix": h.object%2 == 0, "copySettings": []any{}}}[h.what%3]
	}
	if kind == sandbox.Auditing {
		return []map[string]any{{"enabled": true, "auditFilter": `{ "atype": "dropUser" }`, "configurationType": "FILTER_JSON"},
			{"enabled": false}, {"auditAuthorizationSuccess": h.object%2 == 0}}[h.what%3]
	}
	switch h.what % 3 {
	case 0:
		return map[string]any{"dayOfWeek": json.Number("4")}
	case 1:
		return map[string]any{"dayOfWeek": json.Number("4"), "hourOfDay": json.Number("4"), "autoDeferOnceEnabled": h.object%2 == 0}
	default:
		return map[string]any{"dayOfWeek": json.Number("4"), "protectedHours": nil}
	}
}

func lawLiveFree(doc map[string]any) bool {
	return fmt.Sprint(doc["replicationSpecs"]) != "" && doc["advancedConfiguration"] == nil
}

// add makes an object that no file declares yet.
func (h lawHand) add(c *lawCase, group string) error {
	put := func(kind sandbox.Kind, key string, doc map[string]any) error {
		if _, there := c.box.Get(kind, group, key); there {
			return nil
		}
		return c.box.Put(kind, group, doc)
	}
	switch h.what % 8 {
	case 7: // one that an interrupted creation might be taken for
		return c.box.Put(sandbox.CloudRole, group, map[string]any{"providerName": "AWS", "atlasAWSAccountArn": "arn:aws:iam::299602853325:root",
			"atlasAssumedRoleExternalId": lawUUIDs[h.object%3], "iamAssumedRoleArn": nil, "authorizedDate": nil, "featureUsages": []any{}})
	case 6:
		return put(sandbox.Integration, "DATADOG", map[string]any{"type": "DATADOG", "apiKey": "************************cafe", "region": "EU", "customEndpoint": nil,
			"sendCollectionLatencyMetrics": false, "sendDatabaseMetrics": true, "sendQueryStatsMetrics": false, "sendUserProvidedResourceTags": false})
	case 5:
		kind := lawSingles[h.object%len(lawSingles)]
		return c.box.Change(kind, group, "", h.single(kind))
	case 0:
		name := lawNames["database_user"][h.object%4]
		return put(sandbox.DatabaseUser, "admin/"+name, map[string]any{"username": name, "databaseName": "admin", "awsIAMType": "NONE", "ldapAuthType": "NONE",
			"oidcAuthType": "NONE", "x509Type": "NONE", "labels": []any{}, "scopes": []any{}, "roles": []any{map[string]any{"roleName": "read", "databaseName": "shop"}}})
	case 1:
		name := lawNames["custom_role"][h.object%3]
		return put(sandbox.CustomRole, name, map[string]any{"roleName": name, "inheritedRoles": []any{},
			"actions": []any{map[string]any{"action": "FIND", "resources": []any{map[string]any{"db": "shop"}}}}})
	case 2:
		block := []string{"203.0.113.7/32", "10.20.0.0/16", "172.16.0.0/12"}[h.object%3]
		doc := map[string]any{"cidrBlock": block, "comment": "stranger"}
		if h.object%3 == 0 {
			doc["ipAddress"] = "203.0.113.7"
		}
		return put(sandbox.AccessList, block, doc)
	case 3:
		alerts := c.box.List(sandbox.AlertConfig, group)
		if len(alerts) == 0 {
			return nil
		}
		slices.SortFunc(alerts, func(a, b map[string]any) int {
			return lawCompare(c.stableName(lawLive{"alert_config", group, "", a}), c.stableName(lawLive{"alert_config", group, "", b}))
		})
		copied := alerts[h.object%len(alerts)] // much like one that is there, or exactly like it
		delete(copied, "id")
		if h.object%2 == 0 {
			copied["enabled"] = copied["enabled"] != true
		}
		copied["updated"] = start.Format(time.RFC3339)
		return c.box.Put(sandbox.AlertConfig, group, copied)
	default:
		return put(sandbox.DatabaseUser, "admin/stranger", map[string]any{"username": "stranger", "databaseName": "admin", "awsIAMType": "NONE", "ldapAuthType": "NONE",
			"oidcAuthType": "NONE", "x509Type": "NONE", "labels": []any{}, "scopes": []any{}, "roles": []any{map[string]any{"roleName": "read", "databaseName": "logs"}}})
	}
}

// faults makes one to three things that go wrong.
func (g *lawGen) faults() []sandbox.Fault {
	var out []sandbox.Fault
	for range 1 + g.n(3) {
		f := sandbox.Fault{
			Method: lawPick(g, "POST", "PATCH", "DELETE", "PUT", "GET", ""),
			Path:   lawPick(g, "/alertConfigs", "/databaseUsers", "/accessList", "/clusters|/flexClusters", "/integrations|/cloudProviderAccess", "/customDBRoles", "/groups$", "/processArgs$", "/settings$|/limits", "/maintenanceWindow$|/auditLog$|/schedule$", ""),
		}
		if g.chance(60) {
			f.Nth = 1 + g.n(4)
		} else {
			f.Every, f.Count = 1+g.n(3), 1+g.n(12)
		}
		switch f.Action = lawPick(g, sandbox.Lost, sandbox.Status, sandbox.Reset, sandbox.Truncate, sandbox.Lost, sandbox.Status); f.Action {
		case sandbox.Status:
			f.Status = lawPick(g, 500, 503, 429)
			if f.Status == 429 {
				f.RetryAfter = 1
			}
		case sandbox.Truncate:
			f.Bytes = g.n(100)
		}
		out = append(out, f)
	}
	return out
}
