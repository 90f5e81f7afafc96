package sandbox

import (
	"testing"
	"time"
)

func TestComplianceLife(t *testing.T) {
	c := start(t, Options{UpdateTime: 10 * time.Minute})
	project := c.project("p")
	path := project + "/backupCompliancePolicy"
	c.refuse("GET", path, nil, 404, "RESOURCE_NOT_FOUND")
	policy := object{"authorizedEmail": "ann@example.com", "authorizedUserFirstName": "Ann", "authorizedUserLastName": "Example"}
	c.refuse("PUT", path, object{"authorizedEmail": "ann@example.com"}, 400, "MISSING_ATTRIBUTE")
	c.refuse("PUT", path+"?overwriteBackupPolicies=maybe", policy, 400, "INVALID_QUERY_PARAMETER")
	daily := object{"frequencyType": "daily", "frequencyInterval": 1, "retentionUnit": "days", "retentionValue": 2}
	policy["scheduledPolicyItems"] = []any{daily}
	made := c.do("PUT", path+"?overwriteBackupPolicies=false", policy, 200).body
	items := objectsOf(made, "scheduledPolicyItems")
	if made["state"] != "ENABLING" || made["onDemandPolicyItem"] != nil || made["pitEnabled"] != false || len(items) != 1 || textOf(items[0], "id") == "" {
		t.Errorf("it begins as %v", made)
	}
	c.clock.Advance(time.Hour)
	if got := c.do("GET", path, nil, 200).body; got["state"] != "ACTIVE" {
		t.Errorf("then it is %v", got)
	}
	delete(policy, "scheduledPolicyItems")
	policy["onDemandPolicyItem"] = object{"frequencyType": "ondemand", "frequencyInterval": 0, "retentionUnit": "days", "retentionValue": 2}
	if got := c.do("PUT", path, policy, 200).body; got["state"] != "UPDATING" || len(listOf(got, "scheduledPolicyItems")) != 0 || objectOf(got, "onDemandPolicyItem")["id"] == nil {
		t.Errorf("what a change leaves out is reset: %v", got)
	}

	cluster := c.backedUp(project, replicaSet("one"))
	id := textOf(c.do("POST", cluster+"/backup/snapshots", object{"retentionInDays": 2}, 200).body, "id")
	c.refuse("DELETE", cluster+"/backup/snapshots/"+id, nil, 403, "UNEXPECTED_ERROR")
	c.do("DELETE", cluster+"?retainBackups=true", nil, 202)
	c.clock.Advance(time.Hour)
	c.refuse("DELETE", project, nil, 409, "CANNOT_CLOSE_GROUP_ACTIVE_BACKUP_COMPLIANCE_POLICY")
	c.clock.Advance(72 * time.Hour)
	c.do("DELETE", project, nil, 202)
}
