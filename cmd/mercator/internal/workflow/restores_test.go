package workflow_test

import (
	"strings"
	"testing"

	"mercator/plan"
	"mercator/provider/sandbox"
	"mercator/schema"
)

const restoreAddress schema.Address = "project.shop.cluster.orders.backup_restore_job.trial"

const jobBlock = `backup_restore_job "trial" {
      delivery_type       = "automated"
      snapshot_id         = parent.backup_snapshot.move.id
      target_cluster_name = cluster.lab.name
      target_group_id     = project.shop.id
    }`

const restoreBlock = snapshotBlock + "\n" + jobBlock + `
  }
  cluster "lab" {
    provider_name = "AWS"
    region_name   = "EU_WEST_1"
    instance_size = "M10"`

func (r *rig) restores() []map[string]any {
	return r.box.List(sandbox.RestoreJob, r.project("shop"))
}

// Of another snapshot another restore is made, in the plan that makes the snapshot. Where that is left out, nothing is
// restored.
func TestRule_R40_AnotherSnapshotIsRestoredInOnePlan(t *testing.T) {
	r := backups(t, restoreBlock)
	r.converge()
	snapshot := restoreAddress[:strings.LastIndex(string(restoreAddress), ".backup_restore_job")] + ".backup_snapshot.move"
	again := plan.Options{Replace: []schema.Address{snapshot}}
	expect(t, r.plan(plan.Options{Replace: again.Replace, Excludes: again.Replace}))
	p := r.plan(again)
	expect(t, p, "replace "+string(restoreAddress)+" snapshot_id", "replace "+string(snapshot))
	if c := find(t, p, restoreAddress); c.NeedsAllow != "allow-destroy" {
		t.Errorf("nobody is asked: %+v", c)
	}
	if a := r.apply(again); !a.Result.OK() {
		t.Fatalf("it failed: %v", a.Result.All())
	}
	if got := r.restores(); len(got) != 2 || got[1]["snapshotId"] == got[0]["snapshotId"] {
		t.Errorf("Atlas has %v", got)
	}
	r.expectEmpty()
}

// A restore is run once, waited for, and left alone; another argument is another one; a removed block undoes nothing.
func TestRestoreLifecycle(t *testing.T) {
	r := backups(t, restoreBlock)
	if a := r.alone(plan.Options{}); !a.Refused.HasErrors() || len(r.box.List(sandbox.Project, "")) > 0 {
		t.Fatalf("something was overwritten, and nobody was asked: %v", a.Refused)
	}
	r.converge()
	first := r.restores()
	if len(first) != 1 || first[0]["finishedAt"] == nil || first[0]["targetClusterName"] != "lab" || first[0]["snapshotId"] != r.snapshots()[0]["id"] {
		t.Fatalf("Atlas has %v", first)
	}
	r.edit("main.hcl", "cluster.lab.name", `"orders"`)
	p := r.plan(plan.Options{})
	expect(t, p, "replace "+string(restoreAddress)+" target_cluster_name")
	if c := find(t, p, restoreAddress); c.Overwrites != "orders" || c.NeedsAllow != "allow-destroy" {
		t.Errorf("another one is %+v", c)
	}
	r.converge()
	if got := r.restores(); len(got) != 2 {
		t.Errorf("Atlas has %v", got)
	}
	r.edit("main.hcl", strings.ReplaceAll(jobBlock, "cluster.lab.name", `"orders"`), "")
	p = r.plan(plan.Options{})
	expect(t, p, "forget "+string(restoreAddress))
	r.box.ResetCalls()
	r.alone(plan.Options{})
	equal(t, "writes", r.writes())
	r.expectEmpty()
}

// Whatever becomes of the snapshot and of the job in Atlas, nothing is restored a second time.
func TestRestoresAreNotRepeated(t *testing.T) {
	r := backups(t, restoreBlock)
	r.converge()
	r.clock.advance(8 * 24 * hour) // the snapshot expires
	if p := r.plan(plan.Options{}); !p.Empty() {
		t.Errorf("without the snapshot, the plan is\n%s", describe(p))
	}
	r.remove(sandbox.RestoreJob, "shop", r.restores()[0]["id"].(string))
	if p := r.plan(plan.Options{}); !p.Empty() {
		t.Errorf("without the job, the plan is\n%s", describe(p))
	}
	r.converge()
	if got := r.restores(); len(got) != 0 {
		t.Errorf("Atlas has %v", got)
	}
}

// A restore that failed is neither taken for done nor run again by itself.
func TestFailedRestores(t *testing.T) {
	r := backups(t, restoreBlock)
	r.faults(sandbox.Fault{Method: "POST", Path: "/restoreJobs$", After: func(requestHook) {
		r.change(sandbox.RestoreJob, "shop", r.restores()[0]["id"].(string), map[string]any{"failed": true})
	}})
	a := r.apply(plan.Options{})
	expectCodes(t, a.Result.All(), "settle_failed")
	r.faults()
	expectCodes(t, r.plan(plan.Options{}).Diagnostics.Errors(), "failed_once")
	r.apply(plan.Options{Replace: []schema.Address{restoreAddress}})
	r.expectEmpty()
	if got := r.restores(); len(got) != 2 {
		t.Errorf("Atlas has %v", got)
	}
}

// A block that goes while its job is running cancels nothing: what would be left in the target is said nowhere.
func TestARunningRestoreIsForgotten(t *testing.T) {
	r := backups(t, restoreBlock)
	r.faults(sandbox.Fault{Method: "GET", Path: "/restoreJobs/", Action: sandbox.Status, Status: 403})
	r.apply(plan.Options{})
	r.faults()
	r.edit("main.hcl", jobBlock, "")
	p := r.plan(plan.Options{})
	expect(t, p, "forget "+string(restoreAddress))
	r.box.ResetCalls()
	r.converge()
	equal(t, "writes", r.writes())
}

// Whether the answer is lost or the request, a backup is restored once.
func TestRule_R26_ALostAnswerIsNoSecondRestore(t *testing.T) {
	for _, action := range []sandbox.Action{sandbox.Lost, sandbox.Reset} {
		r := backups(t, restoreBlock)
		r.faults(sandbox.Fault{Method: "POST", Path: "/restoreJobs$", Count: 1, Action: action})
		r.converge()
		if got := r.restores(); len(got) != 1 {
			t.Errorf("%s: Atlas has %d jobs", action, len(got))
		}
	}
}

// TestRule_R30_ARestoreIsConfirmed asks for the flag that names the job, and only for that.
func TestRule_R30_ARestoreIsConfirmed(t *testing.T) {
	r := backups(t, restoreBlock)
	a := r.alone(plan.Options{AllowDestroy: []string{"project.shop.cluster.lab"}})
	says(t, finding(t, a.Refused, "needs_allow_destroy").Error(), string(restoreAddress), "would overwrite lab for good")
	if a := r.alone(plan.Options{AllowDestroy: []string{string(restoreAddress)}}); a.Refused.HasErrors() || len(r.restores()) != 1 {
		t.Errorf("allowed, it was refused: %v", a.Refused)
	}
}
