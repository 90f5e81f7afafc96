package sandbox

import (
	"slices"
	"testing"
)

func TestMaintenanceWindowLife(t *testing.T) {
	c := start(t, Options{Dir: t.TempDir()})
	path := c.project("p") + "/maintenanceWindow"
	if got := c.do("GET", path, nil, 200).body; got["dayOfWeek"] != nil || got["timeZoneId"] != "UTC" {
		t.Errorf("before it is set: %v", got)
	}
	c.refuse("PATCH", path, object{"hourOfDay": 4}, 400, "MISSING_ATTRIBUTE")
	c.refuse("PATCH", path, object{"dayOfWeek": 8}, 400, "ATLAS_INVALID_MAINTENANCE_WINDOW_DAY_OF_WEEK")
	c.refuse("PATCH", path, object{"dayOfWeek": 1, "hourOfDay": 24}, 400, "ATLAS_INVALID_MAINTENANCE_WINDOW_HOUR_OF_DAY")
	c.refuse("PATCH", path, object{"dayOfWeek": 1, "protectedHours": object{"startHourOfDay": 30}}, 400, "VALIDATION_ERROR")
	answer := c.do("PATCH", path, object{"dayOfWeek": 7, "hourOfDay": 4, "protectedHours": object{"startHourOfDay": 8, "endHourOfDay": 18}}, 200)
	if answer.raw != "" || answer.header.Get("Content-Type") != "" || answer.header.Get("X-Content-Type") != "application/vnd.atlas.2023-01-01+json" {
		t.Errorf("PATCH answered %q, %v", answer.raw, answer.header)
	}
	c.do("PATCH", path, object{"dayOfWeek": 6, "numberOfDeferrals": 2, "autoDeferOnceEnabled": true}, 200)
	want := object{"dayOfWeek": 6, "hourOfDay": 4, "autoDeferOnceEnabled": true, "numberOfDeferrals": 0, "startASAP": false, "timeZoneId": "UTC",
		"protectedHours": object{"startHourOfDay": 8, "endHourOfDay": 18}}
	if got := c.do("GET", path, nil, 200).body; canonical(got) != canonical(want) {
		t.Errorf("it is %s, want %s", canonical(got), canonical(want))
	}
	c.do("PATCH", path, object{"dayOfWeek": 6, "protectedHours": object{}}, 200)
	if got := c.do("GET", path, nil, 200).body; got["protectedHours"] != nil {
		t.Errorf("protected hours were not taken off: %v", got)
	}
	c.do("DELETE", path, nil, 204)
	if got := c.do("GET", path, nil, 200).body; got["dayOfWeek"] != nil || got["autoDeferOnceEnabled"] != false {
		t.Errorf("after a reset: %v", got)
	}
}

func TestAuditingLife(t *testing.T) {
	c := start(t, Options{})
	path := c.project("p") + "/auditLog"
	if got := canonical(c.do("GET", path, nil, 200).body); got != `{"auditAuthorizationSuccess":false,"configurationType":"NONE","enabled":false}` {
		t.Errorf("from the start it is %s", got)
	}
	const filter = "{ \"atype\":\n\"authenticate\" }"
	got := c.do("PATCH", path, object{"enabled": true, "auditFilter": filter, "configurationType": "NONE"}, 202).body
	if got["auditFilter"] != filter || got["configurationType"] != "FILTER_JSON" || got["auditAuthorizationSuccess"] != false {
		t.Errorf("set, it is %v", got)
	}
	if got = c.do("PATCH", path, object{"enabled": false}, 202).body; got["auditFilter"] != filter || got["enabled"] != false {
		t.Errorf("turned off, it is %v", got)
	}
	c.refuse("PATCH", path, object{"auditFilter": "{"}, 400, "INVALID_ATTRIBUTE")
	c.refuse("PATCH", path, object{"filter": "{}"}, 400, "INVALID_ATTRIBUTE")
}

// What a project has one of is changed and reset by hand, and is still there after a restart.
func TestSingletonsByHand(t *testing.T) {
	dir := t.TempDir()
	c := start(t, Options{Dir: dir})
	c.project("p")
	id, _ := c.s.ProjectID("p")
	for _, err := range []error{
		c.s.Put(MaintenanceWindow, id, object{"dayOfWeek": 3}),
		c.s.Change(MaintenanceWindow, id, "", object{"hourOfDay": 5}),
		c.s.Close(),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	c = start(t, Options{Dir: dir})
	if got, _ := c.s.Get(MaintenanceWindow, id, ""); canonical(got) != `{"dayOfWeek":3,"hourOfDay":5}` {
		t.Errorf("after a restart it is %v", got)
	}
	if got := c.s.Snapshot()[DefaultOrgID+"/p/maintenance_window"]; canonical(got) != `{"dayOfWeek":3,"hourOfDay":5}` {
		t.Errorf("the snapshot has %v", got)
	}
	if err := c.s.Delete(MaintenanceWindow, id, ""); err != nil {
		t.Fatal(err)
	}
	if got, _ := c.s.Get(MaintenanceWindow, id, ""); got["dayOfWeek"] != nil {
		t.Errorf("after a deletion it is %v", got)
	}
}

func TestScheduleLife(t *testing.T) {
	c := start(t, Options{})
	project := c.project("p")
	cluster := replicaSet("one")
	c.do("POST", project+"/clusters", cluster, 201)
	path := project + "/clusters/one/backup/schedule"
	c.refuse("GET", path, nil, 404, "BACKUP_CONFIG_NOT_FOUND")
	c.refuse("PATCH", path, object{"restoreWindowDays": 2}, 404, "BACKUP_CONFIG_NOT_FOUND")
	c.refuse("GET", project+"/clusters/two/backup/schedule", nil, 404, "CLUSTER_NOT_FOUND")
	c.do("PATCH", project+"/clusters/one", object{"backupEnabled": true}, 200)

	initial := c.do("GET", path, nil, 200).body
	policy := objectsOf(initial, "policies")[0]
	items := objectsOf(policy, "policyItems")
	if len(items) != 5 || initial["restoreWindowDays"] == nil || initial["nextSnapshot"] == nil || initial["clusterName"] != "one" {
		t.Errorf("from the start it is %v", initial)
	}
	daily := items[slices.IndexFunc(items, func(i object) bool { return i["frequencyType"] == "daily" })]
	daily["retentionValue"] = 9
	weekly := object{"frequencyType": "weekly", "frequencyInterval": 7, "retentionUnit": "weeks", "retentionValue": 8}
	with := func(id any, items ...any) object {
		return object{"policies": []any{object{"id": id, "policyItems": items}}}
	}
	changed := c.do("PATCH", path, with(policy["id"], daily, weekly), 200).body
	got := map[string]object{}
	for _, i := range objectsOf(objectsOf(changed, "policies")[0], "policyItems") {
		got[textOf(i, "frequencyType")] = i
	}
	if len(got) != 2 || got["daily"]["id"] != daily["id"] || intOf(got["daily"], "retentionValue") != 9 || textOf(got["weekly"], "id") == "" {
		t.Errorf("changed, the policy has %v", got)
	}
	if changed = c.do("PATCH", path, object{"restoreWindowDays": 3, "updateSnapshots": true}, 200).body; len(objectsOf(objectsOf(changed, "policies")[0], "policyItems")) != 2 ||
		intOf(changed, "restoreWindowDays") != 3 || changed["updateSnapshots"] != nil {
		t.Errorf("a change of something else left %v", changed)
	}
	wrong := clone(daily)
	wrong["frequencyType"] = "hourly"
	stranger := clone(daily)
	stranger["id"] = "5e2211c17a3e5a48f5497de3"
	c.refuse("PATCH", path, object{"policies": []any{}}, 400, "INVALID_NUM_OF_POLICIES")
	c.refuse("PATCH", path, with("5e2211c17a3e5a48f5497de3", daily), 400, "INVALID_POLICY_ID")
	c.refuse("PATCH", path, with(policy["id"], stranger), 400, "INVALID_POLICY_ITEM_ID")
	c.refuse("PATCH", path, with(policy["id"], wrong), 400, "INVALID_FREQUENCY_TYPE_CHANGE")
	c.refuse("PATCH", path, with(policy["id"], object{"frequencyType": "daily"}), 400, "MISSING_ATTRIBUTE")
	c.refuse("PATCH", path, object{"copySettings": []any{object{"regionName": "EU_WEST_1"}}}, 400, "MISSING_ATTRIBUTE")

	emptied := c.do("DELETE", path, nil, 200).body
	if len(objectsOf(objectsOf(emptied, "policies")[0], "policyItems")) != 0 || emptied["nextSnapshot"] != nil || intOf(emptied, "restoreWindowDays") != 3 {
		t.Errorf("deleted, it is %v", emptied)
	}
	c.do("PATCH", project+"/clusters/one", object{"backupEnabled": false}, 200)
	c.refuse("GET", path, nil, 404, "BACKUP_CONFIG_NOT_FOUND")
}
