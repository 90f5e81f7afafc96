package sandbox

import (
	"testing"
	"time"
)

// backedUp makes a cluster with backups that is ready, and returns its path.
func (c *client) backedUp(project string, cluster object) string {
	c.t.Helper()
	cluster["backupEnabled"] = true
	c.do("POST", project+"/clusters", cluster, 201)
	c.clock.Advance(c.s.opts.CreateTime)
	return project + "/clusters/" + textOf(cluster, "name")
}

func TestSnapshotLife(t *testing.T) {
	c := start(t, Options{SnapshotTime: 10 * time.Minute})
	project := c.project("p")
	c.do("POST", project+"/clusters", replicaSet("bare"), 201)
	c.refuse("POST", project+"/clusters/bare/backup/snapshots", object{"description": "x", "retentionInDays": 1}, 404, "BACKUP_CONFIG_NOT_FOUND")
	c.refuse("GET", project+"/clusters/none/backup/snapshots", nil, 404, "CLUSTER_NOT_FOUND")
	path := c.backedUp(project, replicaSet("one")) + "/backup/snapshots"
	c.refuse("POST", path, object{"description": "x", "retentionInDays": 0}, 400, "VALIDATION_ERROR")
	c.refuse("POST", path, object{"reason": "x"}, 400, "INVALID_ATTRIBUTE")

	made := c.do("POST", path, object{"description": "before the move", "retentionInDays": 3}, 200).body
	id := textOf(made, "id")
	if made["status"] != queued || made["createdAt"] != nil || made["frequencyType"] != "ondemand" || made["replicaSetName"] != "one" || made["retentionInDays"] != nil {
		t.Errorf("it begins as %v", made)
	}
	c.refuse("POST", path, object{"description": "another"}, 409, "UNEXPECTED_ERROR")
	c.clock.Advance(6 * time.Minute)
	if got := c.do("GET", path+"/"+id, nil, 200).body; got["status"] != inProgress {
		t.Errorf("half-way it is %v", got)
	}
	c.clock.Advance(6 * time.Minute)
	done := c.do("GET", path+"/"+id, nil, 200).body
	if done["status"] != completed || textOf(done, "createdAt") != stamp(c.clock.Now()) || textOf(done, "expiresAt") != stamp(c.clock.Now().AddDate(0, 0, 3)) {
		t.Errorf("done, it is %v", done)
	}
	if got := c.do("GET", path, nil, 200).results(); len(got) != 1 || got[0]["id"] != id {
		t.Errorf("the list has %v", got)
	}

	c.refuse("PATCH", path+"/"+id, object{"retentionInDays": 3}, 400, "INVALID_ATTRIBUTE")
	c.refuse("PATCH", path+"/"+id, object{"retentionValue": 3}, 400, "MISSING_ATTRIBUTE")
	kept := c.do("PATCH", path+"/"+id, object{"retentionUnit": "DAYS", "retentionValue": 9}, 200).body
	if textOf(kept, "expiresAt") != stamp(c.clock.Now().AddDate(0, 0, 9)) {
		t.Errorf("kept longer, it is %v", kept)
	}
	c.clock.Advance(8 * 24 * time.Hour)
	c.do("GET", path+"/"+id, nil, 200)
	c.clock.Advance(2 * 24 * time.Hour)
	c.refuse("GET", path+"/"+id, nil, 404, "SNAPSHOT_NOT_FOUND")

	second := textOf(c.do("POST", path, object{}, 200).body, "id")
	c.do("DELETE", path+"/"+second, nil, 204)
	c.refuse("DELETE", path+"/"+second, nil, 404, "SNAPSHOT_NOT_FOUND")
	c.do("PATCH", project+"/clusters/one", object{"paused": true}, 200)
	c.refuse("POST", path, object{}, 409, "CANNOT_UPDATE_PAUSED_CLUSTER")
}

func TestSnapshotsCountPolls(t *testing.T) {
	c := start(t, Options{Polls: 1})
	project := c.project("p")
	cluster := replicaSet("one")
	cluster["backupEnabled"] = true
	c.do("POST", project+"/clusters", cluster, 201)
	path := project + "/clusters/one/backup/snapshots"
	id := textOf(c.do("POST", path, object{}, 200).body, "id")
	for _, want := range []string{inProgress, completed} {
		if got := c.do("GET", path+"/"+id, nil, 200).body; got["status"] != want {
			t.Errorf("it is %v, want %s", got["status"], want)
		}
	}
}

// Snapshots of sharded clusters have paths of their own.
func TestShardedSnapshots(t *testing.T) {
	c := start(t, Options{})
	project := c.project("p")
	cluster := replicaSet("one")
	cluster["clusterType"] = "SHARDED"
	path := c.backedUp(project, cluster) + "/backup/snapshots"
	made := c.do("POST", path, object{"description": "all shards", "retentionInDays": 2}, 200).body
	id := textOf(made, "id")
	if made["type"] != "shardedCluster" || len(objectsOf(made, "members")) != len(listOf(made, "snapshotIds")) || len(objectsOf(made, "members")) == 0 || made["replicaSetName"] != nil {
		t.Errorf("it begins as %v", made)
	}
	c.refuse("GET", path+"/"+id, nil, 404, "SNAPSHOT_NOT_FOUND")
	c.refuse("DELETE", path+"/"+id, nil, 404, "SNAPSHOT_NOT_FOUND")
	if got := c.do("GET", path, nil, 200).results(); len(got) != 0 {
		t.Errorf("it is among those of replica sets: %v", got)
	}
	if got := c.do("GET", path+"/shardedClusters", nil, 200).results(); len(got) != 1 {
		t.Errorf("the list has %v", got)
	}
	c.do("PATCH", path+"/"+id, object{"retentionUnit": "WEEKS", "retentionValue": 1}, 200)
	c.do("GET", path+"/shardedCluster/"+id, nil, 200)
	c.do("DELETE", path+"/shardedCluster/"+id, nil, 204)
	c.refuse("GET", path+"/shardedCluster/"+id, nil, 404, "SNAPSHOT_NOT_FOUND")
}

// Snapshots outlive their cluster where that is asked for, and are not those of the next cluster of the name.
func TestSnapshotsOfDeletedClusters(t *testing.T) {
	c := start(t, Options{})
	project := c.project("p")
	for name, retain := range map[string]string{"kept": "?retainBackups=true", "lost": ""} {
		path := c.backedUp(project, replicaSet(name))
		c.do("POST", path+"/backup/snapshots", object{"retentionInDays": 5}, 200)
		c.do("DELETE", path+retain, nil, 202)
		c.do("GET", path, nil, 404)
	}
	if got := c.do("GET", project+"/clusters/kept/backup/snapshots", nil, 200).results(); len(got) != 1 {
		t.Errorf("kept are %v", got)
	}
	c.refuse("GET", project+"/clusters/lost/backup/snapshots", nil, 404, "CLUSTER_NOT_FOUND")
	path := c.backedUp(project, replicaSet("kept"))
	if got := c.do("GET", path+"/backup/snapshots", nil, 200).results(); len(got) != 0 {
		t.Errorf("the next cluster of the name has %v", got)
	}
}
