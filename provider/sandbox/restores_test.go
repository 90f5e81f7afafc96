package sandbox

import (
	"testing"
	"time"
)

func TestRestoreLife(t *testing.T) {
	c := start(t, Options{RestoreTime: 20 * time.Minute, UpdateTime: 5 * time.Minute})
	source, other := c.project("p"), c.project("q")
	path := c.backedUp(source, replicaSet("one"))
	c.do("POST", other+"/clusters", replicaSet("target"), 201)
	target, _ := c.s.ProjectID("q")
	snapshot := textOf(c.do("POST", path+"/backup/snapshots", object{"retentionInDays": 2}, 200).body, "id")
	jobs := path + "/backup/restoreJobs"
	job := func(more object) object {
		out := object{"deliveryType": "automated", "snapshotId": snapshot, "targetClusterName": "target", "targetGroupId": target}
		for name, v := range more {
			out[name] = v
		}
		return out
	}
	c.refuse("POST", jobs, job(object{"deliveryType": nil}), 400, "MISSING_ATTRIBUTE")
	c.refuse("POST", jobs, job(object{"deliveryType": "manual"}), 400, "INVALID_ENUM_VALUE")
	c.refuse("POST", jobs, job(object{"snapshotId": nil}), 400, "MISSING_ATTRIBUTE")
	c.refuse("POST", jobs, job(object{"snapshotId": "5e2211c17a3e5a48f5497de3"}), 404, "SNAPSHOT_NOT_FOUND")
	c.refuse("POST", jobs, job(object{"targetClusterName": nil}), 400, "MISSING_ATTRIBUTE")
	c.refuse("POST", jobs, job(object{"targetClusterName": "none"}), 404, "CLUSTER_NOT_FOUND")
	c.refuse("POST", jobs, job(object{"targetGroupId": "5e2211c17a3e5a48f5497de3"}), 404, "GROUP_NOT_FOUND")
	c.refuse("POST", jobs, job(object{"target": "x"}), 400, "INVALID_ATTRIBUTE")

	c.do("GET", other+"/clusters/target", nil, 200)
	made := c.do("POST", jobs, job(nil), 200).body
	id := textOf(made, "id")
	if made["finishedAt"] != nil || made["failed"] != false || made["snapshotId"] != snapshot || made["targetClusterName"] != "target" {
		t.Errorf("it begins as %v", made)
	}
	if got := c.do("GET", other+"/clusters/target", nil, 200).body["stateName"]; got != updating {
		t.Errorf("meanwhile its target is %v", got)
	}
	c.clock.Advance(10 * time.Minute)
	if got := c.do("GET", jobs+"/"+id, nil, 200).body; got["finishedAt"] != nil {
		t.Errorf("half-way it is %v", got)
	}
	c.clock.Advance(11 * time.Minute)
	if got := c.do("GET", jobs, nil, 200).results(); len(got) != 1 || textOf(got[0], "finishedAt") != stamp(c.clock.Now()) {
		t.Errorf("done, the list has %v", got)
	}
	c.refuse("DELETE", jobs+"/"+id, nil, 405, "UNEXPECTED_ERROR")
	c.refuse("GET", jobs+"/5e2211c17a3e5a48f5497de3", nil, 404, "RESOURCE_NOT_FOUND")

	second := textOf(c.do("POST", jobs, job(nil), 200).body, "id")
	c.do("DELETE", jobs+"/"+second, nil, 204)
	if got := c.do("GET", jobs+"/"+second, nil, 200).body; got["cancelled"] != true || got["finishedAt"] != nil {
		t.Errorf("canceled, it is %v", got)
	}
	download := textOf(c.do("POST", jobs, object{"deliveryType": "download", "snapshotId": snapshot}, 200).body, "id")
	c.clock.Advance(21 * time.Minute)
	if got := c.do("GET", jobs+"/"+download, nil, 200).body; len(listOf(got, "deliveryUrl")) != 1 || got["expiresAt"] == nil || got["targetGroupId"] != nil {
		t.Errorf("a download is %v", got)
	}
}

func TestRestoreOfAMoment(t *testing.T) {
	c := start(t, Options{})
	project := c.project("p")
	path := c.backedUp(project, replicaSet("one"))
	id, _ := c.s.ProjectID("p")
	jobs := path + "/backup/restoreJobs"
	job := func(more object) object {
		out := object{"deliveryType": "pointInTime", "targetClusterName": "one", "targetGroupId": id}
		for name, v := range more {
			out[name] = v
		}
		return out
	}
	c.refuse("POST", jobs, job(object{"pointInTimeUTCSeconds": 1772366400}), 400, "INVALID_ATTRIBUTE")
	c.do("PATCH", path, object{"pitEnabled": true}, 200)
	c.refuse("POST", jobs, job(nil), 400, "INVALID_ATTRIBUTE")
	c.refuse("POST", jobs, job(object{"pointInTimeUTCSeconds": 5}), 400, "VALIDATION_ERROR")
	c.refuse("POST", jobs, job(object{"pointInTimeUTCSeconds": 1772366400, "oplogTs": 1772366400}), 400, "INVALID_ATTRIBUTE")
	c.refuse("POST", jobs, job(object{"oplogTs": 1772366400}), 400, "MISSING_ATTRIBUTE")
	for _, moment := range []object{{"pointInTimeUTCSeconds": 1772366400}, {"oplogTs": 1772366400, "oplogInc": 3}} {
		if made := c.do("POST", jobs, job(moment), 200).body; made["snapshotId"] != nil || made["oplogTs"] != nil || made["targetClusterName"] != "one" {
			t.Errorf("of %v came %v", moment, made)
		}
	}
}
