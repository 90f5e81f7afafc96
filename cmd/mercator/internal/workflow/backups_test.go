package workflow_test

import (
	"slices"
	"testing"

	"mercator/plan"
	"mercator/provider/sandbox"
	"mercator/schema"
)

const snapshotAddress schema.Address = "project.shop.cluster.orders.backup_snapshot.move"

const backedUp = `project "shop" {
  cluster "orders" {
    provider_name  = "AWS"
    region_name    = "EU_WEST_1"
    instance_size  = "M10"
    backup_enabled = true
    # more
  }
}
`

// backups returns a rig with a cluster that has backups, and what stands in its block besides.
func backups(t *testing.T, more string) *rig {
	r := newRig(t, sandbox.Options{Polls: 1, NoDefaultAlerts: true}).write(backedUp)
	r.edit("main.hcl", "# more", more)
	return r
}

const snapshotBlock = `backup_snapshot "move" {
      description       = "before the move"
      retention_in_days = 7
    }`

func (r *rig) snapshots() []map[string]any {
	return r.box.List(sandbox.BackupSnapshot, r.project("shop"))
}

// A snapshot is taken and waited for, kept longer in place, taken anew under another description, and deleted.
func TestSnapshotLifecycle(t *testing.T) {
	r := backups(t, snapshotBlock)
	r.converge()
	first := r.snapshots()
	if len(first) != 1 || first[0]["status"] != "completed" || first[0]["description"] != "before the move" {
		t.Fatalf("Atlas has %v", first)
	}
	r.edit("main.hcl", "= 7", "= 9")
	r.box.ResetCalls()
	r.converge()
	equal(t, "writes", r.writes(), "updateGroupClusterBackupSnapshot")
	if now := r.snapshots(); now[0]["id"] != first[0]["id"] || now[0]["expiresAt"] == first[0]["expiresAt"] {
		t.Errorf("kept longer, it is %v", now)
	}
	r.edit("main.hcl", "the move", "the other move")
	p := r.plan(plan.Options{})
	expect(t, p, "replace "+string(snapshotAddress)+" description")
	if c := find(t, p, snapshotAddress); !slices.ContainsFunc(c.Risks, func(n plan.RiskNote) bool { return n.Risk == schema.Irreversible }) {
		t.Errorf("its risks are %v", c.Risks)
	}
	r.box.ResetCalls()
	r.converge()
	equal(t, "writes", r.writes(), "takeGroupClusterBackupSnapshots", "deleteGroupClusterBackupSnapshot")
	r.write(backedUp)
	if a := r.alone(plan.Options{}); !a.Refused.HasErrors() {
		t.Error("a snapshot was deleted, and nobody was asked")
	}
	r.converge()
	if left := r.snapshots(); len(left) != 0 {
		t.Errorf("left are %v", left)
	}
}

// A snapshot that expired, or that somebody deleted, is not taken again: it would be of another day.
func TestSnapshotsAreNotRepeated(t *testing.T) {
	r := backups(t, snapshotBlock)
	r.converge()
	r.clock.advance(8 * 24 * hour)
	p := r.plan(plan.Options{})
	expectCodes(t, p.Diagnostics, "no_termination_protection", "not_repeated")
	if !p.Empty() || len(p.Drift) > 0 || len(r.snapshots()) != 0 {
		t.Errorf("expired, the plan is\n%s", describe(p))
	}
	r.converge()
	r.apply(plan.Options{Replace: []schema.Address{snapshotAddress}})
	if len(r.snapshots()) != 1 {
		t.Error("--replace took none")
	}
	r.expectEmpty()
}

// Scheduled snapshots are nobody's business, and are counted nowhere.
func TestScheduledSnapshotsAreLeftAlone(t *testing.T) {
	r := backups(t, snapshotBlock)
	r.converge()
	r.put(sandbox.BackupSnapshot, "shop", map[string]any{"clusterName": "orders", "snapshotType": "scheduled", "status": "completed", "type": "replicaSet"})
	if p := r.plan(plan.Options{}); !p.Empty() || len(p.Unmanaged) > 0 {
		t.Errorf("the plan is\n%s, unmanaged %v", describe(p), p.Unmanaged)
	}
	r.write(`project "shop" {}`)
	r.converge()
	if p := r.plan(plan.Options{}); p.Diagnostics.HasErrors() {
		t.Error(p.Diagnostics)
	}
}

// Whether the answer is lost or the request, and whatever else is there, a snapshot is taken once.
func TestRule_R26_ALostAnswerIsNoSecondSnapshot(t *testing.T) {
	for _, action := range []sandbox.Action{sandbox.Lost, sandbox.Reset} {
		r := backups(t, "")
		r.converge()
		r.put(sandbox.BackupSnapshot, "shop", map[string]any{"clusterName": "orders", "description": "before the move", "status": "completed", "type": "replicaSet"})
		r.edit("main.hcl", "backup_enabled = true", "backup_enabled = true\n"+snapshotBlock)
		r.faults(sandbox.Fault{Method: "POST", Path: "/snapshots$", Count: 1, Action: action})
		r.converge()
		if got := r.snapshots(); len(got) != 2 {
			t.Errorf("%s: Atlas has %d snapshots", action, len(got))
		}
	}
}

// A snapshot that Atlas could not take stops what waits for it, in this apply and in the next.
func TestFailedSnapshots(t *testing.T) {
	r := backups(t, snapshotBlock)
	r.faults(sandbox.Fault{Method: "POST", Path: "/snapshots$", After: func(requestHook) {
		r.change(sandbox.BackupSnapshot, "shop", r.snapshots()[0]["id"].(string), map[string]any{"status": "failed"})
	}})
	a := r.apply(plan.Options{})
	expectCodes(t, a.Result.All(), "settle_failed")
	r.faults()
	p := r.plan(plan.Options{})
	says(t, finding(t, p.Diagnostics, "failed_once").Error(), string(snapshotAddress))
	r.apply(plan.Options{Replace: []schema.Address{snapshotAddress}})
	r.expectEmpty()
	if got := r.snapshots(); len(got) != 1 || got[0]["status"] != "completed" {
		t.Errorf("Atlas has %v", got)
	}
}

// A snapshot goes with its cluster in the state; in Atlas it stays where backups are retained.
func TestSnapshotsAndTheirCluster(t *testing.T) {
	for retain, left := range map[string]int{"": 1, "retain_backups = false\n": 0} {
		r := backups(t, retain+snapshotBlock)
		r.converge()
		r.write(`project "shop" {}`)
		r.converge()
		if got := len(r.snapshots()); got != left || len(r.read().Resources) != 1 {
			t.Errorf("%q: %d snapshots are left, and the state has %d resources", retain, got, len(r.read().Resources))
		}
	}
}

func TestSnapshotsNeedBackups(t *testing.T) {
	r := backups(t, snapshotBlock)
	r.edit("main.hcl", "backup_enabled = true", "")
	expectCodes(t, r.plan(plan.Options{}).Diagnostics.Errors(), "parent_unfit")
	r = backups(t, "sharded_"+snapshotBlock)
	expectCodes(t, r.plan(plan.Options{}).Diagnostics.Errors(), "parent_unfit")
}
