package sandbox

import (
	"slices"
	"time"
)

const schedulePath = clusterPath + "/{clusterName}/backup/schedule"

// The version before 2024-08-05 names the zones of copies otherwise and isn't served.
var scheduleVersions = []version{{date: "2023-01-01", gone: true}, {date: "2024-08-05"}}

var (
	frequencyTypes = enum("hourly", "daily", "weekly", "monthly", "yearly", "ondemand")
	frequencies    = enum("HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY", "ON_DEMAND")
	retentionUnits = enum("days", "weeks", "months", "years")
)

var policyItemRule = of(shape{
	"frequencyInterval": integer.between(1, 40).need(),
	"frequencyType":     frequencyTypes.need(),
	"id":                text,
	"retentionUnit":     retentionUnits.need(),
	"retentionValue":    integer.need(),
})

var copySettingRule = of(shape{
	"cloudProvider": enum("AWS", "AZURE", "GCP"),
	"copyPolicyItems": list(of(shape{
		"frequencyType": frequencyTypes.need(), "id": text, "retentionUnit": retentionUnits, "retentionValue": integer,
	})),
	"frequencies":           list(frequencies),
	"lastNumberOfSnapshots": integer.between(1, 500),
	"regionName":            text,
	"shouldCopyOplogs":      boolean,
	"zoneId":                text.need().like(`^([a-f0-9]{24})$`),
})

// scheduleActions are fields that say what a change does to snapshots that are there already. They are taken and
// forgotten: the sandbox has no snapshots.
var scheduleActions = []string{"deleteCopiedBackups", "deleteCopySnapshots", "deleteSnapshots", "updateCopySnapshots", "updateSnapshots"}

// scheduleRule doesn't ask for policies, though the specification does: its recorded changes have none.
var scheduleRule = of(shape{
	"autoCopySettingsEnabled": boolean,
	"autoExportEnabled":       boolean,
	"clusterId":               owned,
	"clusterName":             owned,
	"copyPolicyItemsEnabled":  boolean,
	"copySettings":            list(copySettingRule),
	"deleteCopiedBackups":     list(of(shape{"cloudProvider": enum("AWS", "AZURE", "GCP"), "regionName": text, "zoneId": text})),
	"deleteCopySnapshots":     boolean,
	"deleteSnapshots":         boolean,
	"export":                  of(shape{"exportBucketId": text.like(`^([a-f0-9]{24})$`), "frequencyType": enum("monthly", "yearly")}),
	"extraRetentionSettings":  list(of(shape{"frequencyType": frequencies, "retentionDays": integer})),
	"links":                   owned,
	"nextSnapshot":            owned,
	"policies":                list(of(shape{"id": text, "policyItems": list(policyItemRule).need()})),
	"referenceHourOfDay":      integer.between(0, 23),
	"referenceMinuteOfHour":   integer.between(0, 59),
	"restoreWindowDays":       integer.between(1, 1<<31-1),
	"updateCopySnapshots":     boolean,
	"updateSnapshots":         boolean,

	"useOrgAndGroupNamesInExportPrefix": boolean,
})

var scheduleOperations = []*operation{
	{id: "getGroupClusterBackupSchedule", method: "GET", path: schedulePath, versions: scheduleVersions, limits: "backup", serve: (*Server).getSchedule},
	{id: "updateGroupClusterBackupSchedule", method: "PATCH", path: schedulePath, versions: scheduleVersions, limits: "backup", body: &scheduleRule, serve: (*Server).updateSchedule},
	{id: "deleteGroupClusterBackupSchedule", method: "DELETE", path: schedulePath, versions: scheduleVersions, limits: "backup", serve: (*Server).deleteSchedule},
}

// scheduleOf returns the schedule of a cluster, which it gets with its backups and loses with them; nil without. What
// Atlas remembers of a schedule while backups are off is not known: here, nothing.
func (s *Server) scheduleOf(p *project, it *item) object {
	if !boolOf(it.Doc, "backupEnabled") || isTenant(it.Doc) {
		it.Schedule = nil
		return nil
	}
	if it.Schedule == nil {
		it.Schedule = s.newSchedule()
		s.dirty[p.id()] = true
	}
	return it.Schedule
}

// newSchedule is what the recorded clusters have from the start.
func (s *Server) newSchedule() object {
	var items []any
	for _, i := range []struct {
		frequency string
		interval  int
		unit      string
		value     int
	}{{"hourly", 6, "days", 7}, {"daily", 1, "days", 7}, {"weekly", 6, "weeks", 4}, {"monthly", 40, "months", 12}, {"yearly", 12, "years", 1}} {
		items = append(items, object{"id": s.newID(), "frequencyType": i.frequency, "frequencyInterval": i.interval, "retentionUnit": i.unit, "retentionValue": i.value})
	}
	return object{
		"autoExportEnabled": false, "copyPolicyItemsEnabled": false, "copySettings": []any{}, "useOrgAndGroupNamesInExportPrefix": false,
		"policies":           []any{object{"id": s.newID(), "policyItems": items}},
		"referenceHourOfDay": s.now().Hour(), "referenceMinuteOfHour": s.now().Minute(), "restoreWindowDays": 7,
	}
}

// findSchedule returns the cluster of the path and its schedule. It doesn't count as a look at the cluster's state.
func (s *Server) findSchedule(c *call) (*item, object, *apiError) {
	name := c.params["clusterName"]
	it, ok := c.project.of(Cluster).get(name)
	if !ok {
		return nil, nil, fail("CLUSTER_NOT_FOUND", name, c.project.id())
	}
	schedule := s.scheduleOf(c.project, it)
	if schedule == nil {
		return nil, nil, fail("BACKUP_CONFIG_NOT_FOUND", name, c.project.id())
	}
	return it, schedule, nil
}

// scheduleView shows a schedule, its items in an order of their own.
func (s *Server) scheduleView(c *call, it *item) object {
	name := textOf(it.Doc, "name")
	doc := s.view(it.Schedule, name, []any{self(c.base + apiRoot + "/groups/" + c.project.id() + "/clusters/" + name + "/backup/schedule"),
		object{"href": c.base + "/api/public/v1.0/groups/" + c.project.id(), "rel": "https://cloud.mongodb.com/group"}}, "copySettings", "extraRetentionSettings")
	doc["clusterId"], doc["clusterName"] = it.Doc["id"], name
	policy := s.view(objectsOf(doc, "policies")[0], name, nil, "policyItems")
	doc["policies"] = []any{policy}
	if len(listOf(policy, "policyItems")) > 0 {
		doc["nextSnapshot"] = stamp(s.now().Truncate(time.Hour).Add(time.Hour))
	}
	return doc
}

func (s *Server) getSchedule(c *call) *apiError {
	it, _, err := s.findSchedule(c)
	if err == nil {
		c.out = s.scheduleView(c, it)
	}
	return err
}

// updateSchedule merges the body; the items of the policy are replaced.
func (s *Server) updateSchedule(c *call) *apiError {
	it, live, err := s.findSchedule(c)
	if err != nil {
		return err
	}
	schedule := clone(live)
	for field, value := range c.in() {
		if !slices.Contains(scheduleActions, field) {
			schedule[field] = value
		}
	}
	if _, given := c.in()["policies"]; given {
		if err := s.fillPolicies(schedule, objectsOf(live, "policies")[0]); err != nil {
			return err
		}
	}
	for _, setting := range objectsOf(schedule, "copySettings") {
		for _, i := range objectsOf(setting, "copyPolicyItems") {
			setDefault(i, "id", s.newID())
		}
	}
	it.Schedule = schedule
	c.out = s.scheduleView(c, it)
	return nil
}

// fillPolicies checks the policy of a request against the one that is there, and gives ids to what has none. Without
// the policy's id its items are new ones.
func (s *Server) fillPolicies(schedule, live object) *apiError {
	policies := objectsOf(schedule, "policies")
	if len(policies) != 1 {
		return fail("INVALID_NUM_OF_POLICIES")
	}
	id := textOf(policies[0], "id")
	if id != "" && id != live["id"] {
		return fail("INVALID_POLICY_ID", id)
	}
	known := map[string]string{}
	for _, i := range objectsOf(live, "policyItems") {
		known[textOf(i, "id")] = textOf(i, "frequencyType")
	}
	for _, i := range objectsOf(policies[0], "policyItems") {
		switch was := known[textOf(i, "id")]; {
		case i["id"] == nil || id == "":
			i["id"] = s.newID()
		case was == "":
			return fail("INVALID_POLICY_ITEM_ID", i["id"])
		case was != textOf(i, "frequencyType"):
			return fail("INVALID_FREQUENCY_TYPE_CHANGE")
		}
	}
	policies[0]["id"] = live["id"]
	return nil
}

// deleteSchedule takes all items out of the policy and leaves everything else, as recorded.
func (s *Server) deleteSchedule(c *call) *apiError {
	it, schedule, err := s.findSchedule(c)
	if err != nil {
		return err
	}
	objectsOf(schedule, "policies")[0]["policyItems"] = []any{}
	c.out = s.scheduleView(c, it)
	return nil
}
