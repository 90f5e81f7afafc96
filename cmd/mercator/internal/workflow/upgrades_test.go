package workflow_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"mercator/plan"
	"mercator/provider/sandbox"
	"mercator/schema"
)

func shortCluster(label, size string, more ...string) string {
	return fmt.Sprintf("cluster %q {\n provider_name = \"AWS\"\n region_name = \"EU_WEST_1\"\n instance_size = %q\n%s\n}", label, size, strings.Join(more, "\n"))
}

func flexCluster(label string, more ...string) string {
	return fmt.Sprintf("flex_cluster %q {\n provider_settings = { backing_provider_name = \"AWS\", region_name = \"EU_WEST_1\" }\n%s\n}", label, strings.Join(more, "\n"))
}

// upgrades are the ways in which a cluster without machines of its own becomes another one.
var upgrades = map[string]struct {
	before, after string
	kind          sandbox.Kind // what it is in the end
	path          string       // of the call
}{
	"free to dedicated": {shortCluster("x", "M0", `tags = { team = "shop" }`), shortCluster("x", "M10", `tags = { team = "shop" }`), sandbox.Cluster, "/clusters/tenantUpgrade$"},
	"free to much": {shortCluster("x", "M0"), shortCluster("x", "M20", `disk_size_gb = 30`, `backup_enabled = true`, `process_args = { default_max_time_ms = 1000 }`,
		`termination_protection_enabled = true`, `backup_schedule { restore_window_days = 3 }`), sandbox.Cluster, "/clusters/tenantUpgrade$"},
	"free to sharded": {shortCluster("x", "M0"), `cluster "x" {
		cluster_type = "SHARDED"
		replication_specs = [for n in [1, 2] : { region_configs = [{ provider_name = "AWS", region_name = "EU_WEST_1", priority = 7, electable_specs = { instance_size = "M30", node_count = 3 } }] }]
	}`, sandbox.Cluster, "/clusters/tenantUpgrade$"},
	"free to flex":      {shortCluster("x", "M0", `tags = { team = "shop" }`), flexCluster("x", `tags = { team = "shop" }`), sandbox.FlexCluster, "/clusters/tenantUpgrade$"},
	"flex to dedicated": {flexCluster("x", `tags = { team = "shop" }`), shortCluster("x", "M10", `tags = { team = "shop" }`), sandbox.Cluster, "/flexClusters:tenantUpgrade$"},
	"flex to much": {flexCluster("x", `termination_protection_enabled = true`), shortCluster("y", "M30", `name = "x"`, `backup_enabled = true`, `pit_enabled = true`,
		`mongo_db_major_version = "8.0"`, `labels = { a = "b" }`, `process_args = { default_max_time_ms = 1000 }`, `backup_schedule { restore_window_days = 3 }`), sandbox.Cluster, "/flexClusters:tenantUpgrade$"},
}

// only returns the one cluster of the shop, which must be of the kind.
func (r *rig) only(kind sandbox.Kind) map[string]any {
	r.t.Helper()
	id := r.project("shop")
	all := append(r.box.List(sandbox.Cluster, id), r.box.List(sandbox.FlexCluster, id)...)
	if mine := r.box.List(kind, id); len(all) != 1 || len(mine) != 1 {
		r.t.Fatalf("the project has %d clusters, %d of them of the kind %s", len(all), len(mine), kind)
	}
	return all[0]
}

// wantUpgraded makes sure that the cluster is still the one that was made, and ours.
func (r *rig) wantUpgraded(kind sandbox.Kind, born any, since int) {
	r.t.Helper()
	now := r.only(kind)
	if now["createDate"] != born {
		r.t.Errorf("a cluster made at %v is in the place of one made at %v", now["createDate"], born)
	}
	for _, c := range r.box.Calls()[since:] {
		if c.Method == "DELETE" || c.Method == "POST" && (strings.HasSuffix(c.Path, "/clusters") || strings.HasSuffix(c.Path, "/flexClusters")) {
			r.t.Errorf("there was the call %s %s", c.Method, c.Path)
		}
	}
	for a, b := range r.read().Resources {
		if b.Adopted || b.Waiting != "" {
			r.t.Errorf("%s: adopted %t, waiting for %q", a, b.Adopted, b.Waiting)
		}
		if k := b.Kind; (k == "cluster" || k == "flex_cluster") && (b.ID != now["id"] || a.Kind() != k) {
			r.t.Errorf("%s is a %s with the id %s, Atlas has %s", a, k, b.ID, now["id"])
		}
	}
}

// TestRule_R02_AnUpgradeKeepsTheCluster: a cluster that becomes another one is upgraded in place. Its id changes, and
// nothing is deleted or created.
func TestRule_R02_AnUpgradeKeepsTheCluster(t *testing.T) {
	for name, u := range upgrades {
		for _, moved := range []string{"", "moved {\n from = project.shop.flex_cluster.x\n to = project.shop.cluster.y\n}"} {
			if moved != "" && name != "flex to much" {
				continue
			}
			t.Run(name+map[bool]string{true: " moved"}[moved != ""], func(t *testing.T) {
				r := newRig(t, sandbox.Options{Polls: 2}).write(shop(u.before))
				r.converge()
				from := sandbox.Cluster
				if strings.HasPrefix(u.before, "flex") {
					from = sandbox.FlexCluster
				}
				old, since := r.only(from), len(r.box.Calls())
				r.write(shop(u.after) + moved)
				p := r.plan(plan.Options{})
				summary := p.Summary()
				if summary.Update != 1 || summary.Delete+summary.Replace+summary.Adopt > 0 || len(p.Refusals()) > 0 {
					t.Fatalf("the plan has %+v, refused %v:\n%s", summary, p.Refusals(), describe(p))
				}
				i := slices.IndexFunc(p.Changes, func(c plan.Change) bool { return c.Action == plan.Update })
				c := p.Changes[i]
				if len(c.Risks) != 2 || !slices.Contains(c.Roles, "Project Cluster Manager") || c.Calls[0].Verb != schema.CallUpgrade {
					t.Errorf("risks %v, roles %v, calls %v", c.Risks, c.Roles, c.Calls)
				}
				r.converge()
				r.wantUpgraded(u.kind, old["createDate"], since)
				if now := r.only(u.kind); now["id"] == old["id"] {
					t.Errorf("its id is still %s", now["id"])
				}
				if list := r.plan(plan.Options{}).Drift; len(list) > 0 {
					t.Errorf("drift %+v", list)
				}
			})
		}
	}
}

// TestRule_R26_KilledDuringAnUpgrade loses everything that was not on the disk at each request of the apply from the
// upgrade on: whatever is left, the next apply goes on, and the cluster is the same.
func TestRule_R26_KilledDuringAnUpgrade(t *testing.T) {
	for _, name := range []string{"free to much", "free to flex", "flex to much"} {
		u := upgrades[name]
		from := sandbox.Cluster
		if strings.HasPrefix(u.before, "flex") {
			from = sandbox.FlexCluster
		}
		deaths := 0
		for nth, died := 0, true; died; nth++ {
			r := newRig(t, sandbox.Options{Polls: 2}).write(shop(u.before))
			r.converge()
			born := r.only(from)["createDate"]
			r.write(shop(u.after))
			since := len(r.box.Calls())
			died = r.die(u.path, nth)
			if died {
				deaths++
			}
			r.t = named{t, fmt.Sprintf("%s: killed at request %d from the upgrade on: ", name, nth)}
			r.converge()
			r.wantUpgraded(u.kind, born, since)
		}
		if deaths < 4 {
			t.Errorf("%s: there were %d deaths", name, deaths)
		}
	}
}

// named says of a failure which case it belongs to.
type named struct {
	testing.TB
	name string
}

func (n named) Helper() {}

func (n named) Fatalf(format string, args ...any) {
	n.TB.Fatalf("%s"+format, append([]any{n.name}, args...)...)
}
func (n named) Errorf(format string, args ...any) {
	n.TB.Fatalf("%s"+format, append([]any{n.name}, args...)...)
}

// die applies and dies when the nth request about clusters from that of the path on is carried out and not answered
// yet, and with 0 before that of the path. It reports whether there was such a request.
func (r *rig) die(path string, nth int) bool {
	r.t.Helper()
	var left map[string][]byte
	seen := 0
	death := func(requestHook) {
		left = r.copyState()
		r.faults(sandbox.Fault{Action: sandbox.Reset}) // what would come now, the dead does not do
	}
	begun := sandbox.Fault{Path: path, Count: 1, Before: func(req requestHook) {
		if seen = 1; nth == 0 {
			death(req)
		}
	}}
	count := sandbox.Fault{Path: "[cC]lusters", After: func(req requestHook) {
		if seen > 0 && seen == nth {
			death(req)
		}
		if seen > 0 {
			seen++
		}
	}}
	if nth == 0 {
		begun.Action = sandbox.Reset
	}
	r.faults(begun, count)
	_, _ = r.open().Apply(context.Background(), applyAll())
	r.faults()
	if left == nil {
		return false
	}
	r.restore(left)
	r.forgetLock()
	return true
}

// TestRule_R17_AnUpgradedClusterIsPausedLast: a pause is a call of its own after the upgrade and all else.
func TestRule_R17_AnUpgradedClusterIsPausedLast(t *testing.T) {
	r := newRig(t, sandbox.Options{Polls: 1}).write(shop(shortCluster("x", "M0")))
	r.converge()
	r.write(shop(shortCluster("x", "M10", "paused = true", `process_args = { default_max_time_ms = 1000 }`)))
	r.box.ResetCalls()
	r.converge()
	equal(t, "calls", r.writes(), "upgradeGroupClusterTenantUpgrade", "updateGroupClusterProcessArgs", "updateGroupCluster")
}

// TestRule_R02_UpgradedInTheConsole: what somebody upgraded in the console is the same cluster, and the files follow.
func TestRule_R02_UpgradedInTheConsole(t *testing.T) {
	r := newRig(t, sandbox.Options{Polls: 1}).write(shop(shortCluster("x", "M0")))
	r.converge()
	if err := r.box.UpgradeTenant(r.project("shop"), "x", "M10"); err != nil {
		t.Fatal(err)
	}
	expectCodes(t, r.plan(plan.Options{}).Diagnostics.Errors(), "tenant_change")
	r.write(shop(flexCluster("x")))
	expectCodes(t, r.plan(plan.Options{}).Diagnostics.Errors(), "cannot_become")
	r.write(shop(shortCluster("x", "M10")))
	r.box.ResetCalls()
	r.converge()
	equal(t, "calls", r.writes())
}
