package workflow_test

import (
	"strings"
	"testing"

	"mercator/plan"
	"mercator/provider/sandbox"
)

const guardedBlock = `mongo_db_major_version = "7.0"
    lifecycle { snapshot_before = ["delete", "replace", "version_upgrade"] }`

// A cluster's version is raised, and the cluster deleted, after a snapshot that outlives it.
func TestSnapshotsBeforeWhatCouldLoseData(t *testing.T) {
	r := backups(t, guardedBlock)
	r.converge()
	if got := r.snapshots(); len(got) != 0 {
		t.Fatalf("a creation took %v", got)
	}
	r.edit("main.hcl", `"7.0"`, `"8.0"`)
	r.box.ResetCalls()
	r.converge()
	equal(t, "writes", r.writes(), "takeGroupClusterBackupSnapshots", "updateGroupCluster")
	r.write(`project "shop" {}`)
	p := r.plan(plan.Options{})
	says(t, r.render(p, "text"), "1. take a snapshot and wait until it is complete: before it is deleted", "Project Backup Creator")
	r.box.ResetCalls()
	r.converge()
	equal(t, "writes", r.writes(), "takeGroupClusterBackupSnapshots", "deleteGroupCluster")
	got := r.snapshots()
	if len(got) != 2 || len(r.read().Resources) != 1 || len(r.read().Intents) != 0 {
		t.Fatalf("left are %v", got)
	}
	for _, s := range got {
		if text, _ := s["description"].(string); s["status"] != "completed" || !strings.HasPrefix(text, "project.shop.cluster.orders, before ") {
			t.Errorf("left is %v", s)
		}
	}
}

// Where the snapshot fails, or Atlas refuses it, the cluster stays.
func TestWithoutItsSnapshotAClusterStays(t *testing.T) {
	for name, fault := range map[string]sandbox.Fault{
		"failed":  {},
		"refused": {Action: sandbox.Status, Status: 400},
	} {
		r := backups(t, guardedBlock)
		r.converge()
		r.write(`project "shop" {}`)
		fault.Method, fault.Path = "POST", "/snapshots$"
		if name == "failed" {
			fault.After = func(requestHook) {
				r.change(sandbox.BackupSnapshot, "shop", r.snapshots()[0]["id"].(string), map[string]any{"status": "failed"})
			}
		}
		r.faults(fault)
		a := r.apply(plan.Options{})
		if a.Result.OK() || r.live(sandbox.Cluster, "shop", "orders") == nil {
			t.Errorf("%s: the cluster is gone", name)
		}
		r.faults()
		r.converge()
		if r.live(sandbox.Cluster, "shop", "orders") != nil {
			t.Errorf("%s: the cluster is still there", name)
		}
	}
}

// An apply that dies between the snapshot and the deletion leaves a snapshot that the next one uses.
func TestRule_R26_AnInterruptedDeletionTakesOneSnapshot(t *testing.T) {
	r := backups(t, guardedBlock)
	r.converge()
	r.write(`project "shop" {}`)
	r.faults(sandbox.Fault{Method: "DELETE", Path: "/clusters/orders$", Action: sandbox.Reset})
	if a := r.apply(plan.Options{}); a.Result.OK() || len(r.read().Intents) == 0 {
		t.Fatal("the deletion went through")
	}
	r.faults()
	r.converge()
	if got := r.snapshots(); len(got) != 1 || len(r.read().Intents) != 0 {
		t.Errorf("%d snapshots are left, and %d intents", len(got), len(r.read().Intents))
	}
}
