package workflow_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"mercator/apply"
	"mercator/apply/state"
	"mercator/plan"
	"mercator/plan/render"
	"mercator/provider/sandbox"
)

// Each test is a complaint that users of other tools have about this API, told as they tell it.

// TestComplaint_01: "allow anywhere" stands beside the managed entries, and nobody is told.
func TestComplaint_01_AllowAnywhereIsSeen(t *testing.T) {
	r := newRig(t, sandbox.Options{}).write(shop(entries(`"203.0.113.7" = "Office"`)))
	r.converge()
	r.put(sandbox.AccessList, "shop", map[string]any{"cidrBlock": "0.0.0.0/0", "comment": "debugging"})
	p := r.plan(plan.Options{})
	if len(p.Unmanaged) != 1 || p.Unmanaged[0].Kind != "access_list" {
		t.Fatalf("the open door is not listed: %+v", p.Unmanaged)
	}
	says(t, r.render(p, "text"), "0.0.0.0/0")
	r.write("project \"shop\" {\n exclusive = [\"access_list\"]\n" + entries(`"203.0.113.7" = "Office"`) + "\n}")
	r.converge()
	if r.live(sandbox.AccessList, "shop", "0.0.0.0/0") != nil {
		t.Error("asked to own the list, Mercator left the door open")
	}
}

// TestComplaint_02: an entry that exists is adopted in silence, and tearing down the old environment deletes it.
func TestComplaint_02_WhatExistsIsAdoptedOpenlyAndLeft(t *testing.T) {
	r := newRig(t, sandbox.Options{}).put(sandbox.Project, "", map[string]any{"name": "shop"}).
		put(sandbox.AccessList, "shop", map[string]any{"cidrBlock": "203.0.113.7/32", "ipAddress": "203.0.113.7", "comment": "Production"})
	r.write(shop(entries(`"203.0.113.7" = "Production"`)))
	expect(t, r.plan(plan.Options{}), "adopt project.shop", `adopt project.shop.access_list.office["203.0.113.7"]`)
	expectCodes(t, r.plan(plan.Options{NoAdopt: true}).Diagnostics, "exists", "exists")
	r.converge()
	r.alone(plan.Options{Destroy: true})
	if r.live(sandbox.AccessList, "shop", "203.0.113.7/32") == nil {
		t.Error("the teardown deleted what Mercator did not make")
	}
}

// TestComplaint_04: a cluster that scaled by itself is scaled back by the next apply.
func TestComplaint_04_AutoScalingIsNotReverted(t *testing.T) {
	scaling := `auto_scaling = { compute = { enabled = true, scale_down_enabled = true, min_instance_size = "M30", max_instance_size = "M60" }, disk_gb = { enabled = true } }`
	region := func(more string) string {
		return `{ region_configs = [{ provider_name = "AWS", region_name = "EU_WEST_1", priority = 7, ` + scaling + `, electable_specs = { instance_size = "M30", node_count = 3, disk_size_gb = 40 }` + more + ` }] }`
	}
	for name, cluster := range map[string]string{
		"one shard":  small("orders", "instance_size = \"M30\"\n disk_size_gb = 40\n "+scaling),
		"two shards": "cluster \"orders\" {\n cluster_type = \"SHARDED\"\n replication_specs = [" + region("") + ", " + region("") + "]\n}",
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, sandbox.Options{}).write(shop(cluster))
			r.converge()
			if err := r.box.ScaleCluster(r.project("shop"), "orders", "M60"); err != nil {
				t.Fatal(err)
			}
			p := r.plan(plan.Options{})
			if !p.Empty() || len(p.Drift) != 0 {
				t.Errorf("the size that Atlas chose is a difference:\n%s", describe(p))
			}
			// A change of something else does not take the size along.
			r.edit("main.hcl", `"orders" {`, "\"orders\" {\n tags = { team = \"shop\" }")
			r.converge()
			if got := specs(r.live(sandbox.Cluster, "shop", "orders"))["instanceSize"]; got != "M60" {
				t.Errorf("the cluster was scaled back to %v", got)
			}
		})
	}
}

// TestComplaint_05: a major version that was raised outside gives an empty plan with a warning.
func TestComplaint_05_AVersionRaisedOutsideIsDrift(t *testing.T) {
	r := newRig(t, sandbox.Options{}).write(shop(small("orders", "instance_size = \"M10\"\n mongo_db_major_version = \"7.0\"")))
	r.converge()
	r.change(sandbox.Cluster, "shop", "orders", map[string]any{"mongoDBMajorVersion": "8.0"})
	p := r.plan(plan.Options{})
	if len(p.Drift) != 1 || p.Drift[0].Diffs[0].Path != "mongo_db_major_version" {
		t.Fatalf("the drift is not told: %s", describe(p))
	}
	says(t, finding(t, p.Diagnostics, "version_downgrade").Detail, "8.0") // and the plan does not try the impossible
	if !render.Drifted(r.plan(plan.Options{SkipSecrets: true}), false) {
		t.Error("drift does not count it")
	}
	r.edit("main.hcl", "7.0", "8.0")
	r.box.ResetCalls()
	r.converge()
	equal(t, "calls", r.writes())
}

// TestComplaint_06: alert configurations differ in every plan, by order and by notifier ids.
func TestComplaint_06_AlertsAreStable(t *testing.T) {
	alert := func(first, second string) string {
		return shop(fmt.Sprintf(`alert_config "lag" {
			event_type_name  = "OUTSIDE_METRIC_THRESHOLD"
			enabled          = true
			matchers         = [{ field_name = "CLUSTER_NAME", operator = "EQUALS", value = "orders" }, { field_name = "TYPE_NAME", operator = "EQUALS", value = "PRIMARY" }]
			metric_threshold = { metric_name = "CONNECTIONS_PERCENT", operator = "GREATER_THAN", threshold = 80, units = "RAW" }
			notifications    = [%s, %s]
		}`, first, second))
	}
	group := `{ type_name = "GROUP", interval_min = 15, delay_min = 0, email_enabled = true, sms_enabled = false, roles = ["GROUP_OWNER", "GROUP_CLUSTER_MANAGER"] }`
	mail := `{ type_name = "EMAIL", interval_min = 5, delay_min = 0, email_address = "oncall@example.com" }`
	r := newRig(t, sandbox.Options{Restless: true, NoDefaultAlerts: true}).write(alert(group, mail))
	r.converge()
	r.write(alert(mail, group)).expectEmpty()
	r.write(alert(strings.Replace(mail, "interval_min = 5", "interval_min = 30", 1), group))
	p := r.plan(plan.Options{})
	expect(t, p, "update project.shop.alert_config.lag notifications[0].interval_min")
	r.converge()
}

// TestComplaint_07: what somebody changed in an alert configuration is not seen.
func TestComplaint_07_AlertDriftIsSeen(t *testing.T) {
	r := newRig(t, sandbox.Options{NoDefaultAlerts: true}).write(shop(`alert_config "cpu" {
		event_type_name   = "OUTSIDE_METRIC_THRESHOLD"
		enabled           = true
		severity_override = "CRITICAL"
		matchers          = [{ field_name = "TYPE_NAME", operator = "EQUALS", value = "PRIMARY" }]
		metric_threshold  = { metric_name = "CONNECTIONS_PERCENT", operator = "GREATER_THAN", threshold = 80, units = "RAW" }
		notifications     = [{ type_name = "EMAIL", interval_min = 5, delay_min = 0, email_address = "oncall@example.com" }]
	}`))
	r.converge()
	for path, fields := range map[string]map[string]any{
		"enabled":                    {"enabled": false},
		"severity_override":          {"severityOverride": "INFO"},
		"matchers":                   {"matchers": []any{}},
		"metric_threshold.threshold": {"metricThreshold": map[string]any{"metricName": "CONNECTIONS_PERCENT", "mode": "AVERAGE", "operator": "GREATER_THAN", "threshold": 99, "units": "RAW"}},
		"notifications":              {"notifications": []any{map[string]any{"typeName": "EMAIL", "intervalMin": 60, "delayMin": 0, "emailAddress": "oncall@example.com", "notifierId": "5f1d7c0e9b1e8a0a2c3d4e5f"}}},
	} {
		t.Run(path, func(t *testing.T) {
			r.t = t
			id := r.box.List(sandbox.AlertConfig, r.project("shop"))[0]["id"].(string)
			r.change(sandbox.AlertConfig, "shop", id, fields)
			p := r.plan(plan.Options{})
			if len(p.Drift) != 1 || !p.Drift[0].Reverts || !strings.HasPrefix(p.Drift[0].Diffs[0].Path, path) {
				t.Errorf("want drift of %s that the plan undoes: %+v", path, p.Drift)
			}
			r.converge()
		})
	}
}

// TestComplaint_08: a plan asks for every resource by itself and takes minutes.
func TestComplaint_08_RequestsDoNotGrowWithResources(t *testing.T) {
	asked := func(n int) int {
		r := newRig(t, sandbox.Options{}).write(shop(fmt.Sprintf(`
			database_user "u" {
				count    = %d
				username = "u${count.index}"
				password = "long-enough-password"
				roles    = [{ role_name = "read", database_name = "shop" }]
			}
			access_list "net" { entries = { for i in range(%d) : "203.0.113.${i}" => "x" } }`, n, n)))
		r.converge()
		r.box.ResetCalls()
		r.plan(plan.Options{SkipSecrets: true})
		return len(r.box.Calls())
	}
	if few, many := asked(2), asked(90); few != many || few > 4 {
		t.Errorf("a plan of 4 resources takes %d requests, one of 180 takes %d; want as many", few, many)
	}
}

// TestComplaint_09: fifty access-list entries take fifty requests that fail and are repeated.
func TestComplaint_09_FiftyEntriesAreOneRequest(t *testing.T) {
	r := newRig(t, sandbox.Options{RefuseOverlaps: true}).write(shop())
	r.converge()
	r.write(shop(`access_list "net" { entries = { for i in range(50) : "203.0.113.${i}" => "x" } }`))
	r.box.ResetCalls()
	r.converge()
	equal(t, "calls", r.writes(), "createGroupAccessListEntry")
}

// TestComplaint_10: a new comment destroys the entry and makes another one, with a gap between.
func TestComplaint_10_ACommentIsNoGap(t *testing.T) {
	r := newRig(t, sandbox.Options{}).write(shop(entries(`"203.0.113.7" = "Office"`)))
	r.converge()
	r.edit("main.hcl", "Office", "Head office")
	expect(t, r.plan(plan.Options{}), `update project.shop.access_list.office["203.0.113.7"] comment`)
	r.box.ResetCalls()
	r.converge()
	if slices.Contains(r.writes(), "deleteGroupAccessListEntry") {
		t.Error("the entry was deleted on the way")
	}
	if got := r.live(sandbox.AccessList, "shop", "203.0.113.7/32")["comment"]; got != "Head office" {
		t.Errorf("the comment is %v", got)
	}
}

// TestComplaint_11: of many custom roles some are applied, and the rest after the third run.
func TestComplaint_11_ManyRolesInOneApply(t *testing.T) {
	roles := func(action string) string {
		return shop(fmt.Sprintf(`custom_role "r" {
			count     = 20
			role_name = "role${count.index}"
			actions   = [{ action = %q, resources = [{ db = "orders" }] }]
		}`, action))
	}
	r := newRig(t, sandbox.Options{}).write(roles("FIND"))
	r.converge()
	r.write(roles("INSERT")).converge()
	for _, c := range r.box.Calls() {
		if c.Overlapping {
			t.Errorf("%s overlapped another write to the roles", c.Operation)
		}
	}
	if n := len(r.box.List(sandbox.CustomRole, r.project("shop"))); n != 20 {
		t.Errorf("there are %d roles", n)
	}
}

// TestComplaint_12: one 429 or 500 fails the run, and Retry-After is not heeded.
func TestComplaint_12_LimitsAreHeeded(t *testing.T) {
	r := newRig(t, sandbox.Options{}).write(shop(user("app", readsOrders)))
	before := r.clock.Now()
	r.faults(
		sandbox.Fault{Path: "/orgs/.*/groups$", Nth: 1, Action: sandbox.Status, Status: 429, ErrorCode: "RATE_LIMITED", RetryAfter: 7},
		sandbox.Fault{Path: "/orgs/.*/groups$", Nth: 2, Action: sandbox.Status, Status: 500, ErrorCode: "UNEXPECTED_ERROR"},
		sandbox.Fault{Method: "POST", Path: "/databaseUsers$", Nth: 1, Action: sandbox.Status, Status: 429, ErrorCode: "RATE_LIMITED", RetryAfter: 7},
	)
	if a := r.apply(plan.Options{}); !a.Result.OK() {
		t.Fatalf("not done: %v", a.Result.All())
	}
	if waited := r.clock.Now().Sub(before); waited < 14*time.Second {
		t.Errorf("it waited for %s, and Atlas had asked for twice seven seconds", waited)
	}
	r.expectEmpty()
	// The client's own budget: with a bucket of three it does not run into refusals all the time.
	r = newRig(t, sandbox.Options{RateLimits: map[string]sandbox.Bucket{"databaseUsers": {Capacity: 3, Refill: 3, Period: 2 * time.Second}}})
	r.write(shop(`database_user "u" {
		count    = 12
		username = "u${count.index}"
		password = "long-enough-password"
		roles    = [{ role_name = "read", database_name = "shop" }]
	}`))
	o := applyAll()
	o.Parallelism = 1
	if a, err := r.open().Apply(context.Background(), o); err != nil || !a.Result.OK() {
		t.Fatalf("not done: %v %v", err, a.Result.All())
	}
	refused := r.operations(func(c sandbox.Call) bool { return c.Status == 429 })
	if len(refused) > 8 {
		t.Errorf("%d of %d requests were refused", len(refused), len(r.box.Calls()))
	}
}

// TestComplaint_13: every command mints a token, until the token endpoint refuses.
func TestComplaint_13_TokensOutlastACommand(t *testing.T) {
	r := newRig(t, sandbox.Options{}).write(shop())
	r.cache = t.TempDir()
	r.converge()
	r.plan(plan.Options{})
	r.plan(plan.Options{})
	minted := r.operations(func(c sandbox.Call) bool { return strings.HasPrefix(c.Path, "/api/oauth/") })
	equal(t, "calls to the token endpoint", minted, "oauth/token")
	// An hour later it has expired, and Atlas limits new ones: the client waits.
	r.clock.advance(2 * time.Hour)
	r.faults(sandbox.Fault{Path: "/api/oauth/token", Count: 2, Action: sandbox.Status, Status: 429, RetryAfter: 5})
	r.expectEmpty()
}

// TestComplaint_14: prevent_destroy protects nothing once its block is gone, and takes no variable.
func TestComplaint_14_ProtectionOutlivesTheBlock(t *testing.T) {
	text := `variable "env" {
		type    = string
		default = "prod"
	}
	` + shop(small("orders", "instance_size = \"M10\"\n lifecycle { prevent_destroy = var.env == \"prod\" }"))
	r := newRig(t, sandbox.Options{}).write(text)
	r.converge()
	r.write(`project "shop" {}`)
	for _, options := range []plan.Options{{}, {Destroy: true}} {
		a := r.apply(options)
		finding(t, a.Plan.Diagnostics, "prevent_destroy")
		if a.Ran || r.live(sandbox.Cluster, "shop", "orders") == nil {
			t.Fatal("what is protected was deleted")
		}
	}
	r.write(text).set("env", "dev").converge()
	r.inputs = nil
	r.write(`project "shop" {}`).converge()
}

// TestComplaint_15: another name in the file destroys the cluster with its data.
func TestComplaint_15_ARenameDestroysNothing(t *testing.T) {
	r := newRig(t, sandbox.Options{}).write(shop(small("orders", "name = \"orders\"\n instance_size = \"M10\"")))
	r.converge()
	r.edit("main.hcl", `name = "orders"`, `name = "orders2"`)
	a := r.apply(plan.Options{}) // even where everything is allowed
	finding(t, a.Plan.Diagnostics, "rename_destroys")
	r.env["MONGODB_ATLAS_ORG_ID"] = "5a0db0000000000000000002"
	finding(t, r.apply(plan.Options{}).Plan.Diagnostics, "wrong_organization")
	if r.live(sandbox.Cluster, "shop", "orders") == nil {
		t.Error("the data is gone")
	}
}

// TestComplaint_16: the tool deletes what it did not make.
func TestComplaint_16_OnlyWhatWasDeclared(t *testing.T) {
	r := newRig(t, sandbox.Options{}).put(sandbox.Project, "", map[string]any{"name": "shop"}).
		put(sandbox.AccessList, "shop", map[string]any{"cidrBlock": "198.51.100.0/24", "comment": "by hand"})
	r.write(shop(entries(`"203.0.113.7" = "Office"`)))
	r.converge()
	if a := r.alone(plan.Options{Destroy: true}); !a.Result.OK() {
		t.Fatalf("%v %v", a.Refused, a.Result.All())
	}
	if r.live(sandbox.Project, "shop", "") == nil || r.live(sandbox.AccessList, "shop", "198.51.100.0/24") == nil {
		t.Error("the project was adopted, and destroy took it")
	}
	if r.live(sandbox.AccessList, "shop", "203.0.113.7/32") != nil {
		t.Error("what Mercator made was left behind")
	}
}

// TestComplaint_17: the state holds secrets in plain text.
func TestComplaint_17_NoSecretInTheState(t *testing.T) {
	r := newRig(t, sandbox.Options{}).write(shop(user("app", readsOrders), slackAlert("one", `api_token = "xoxb-0001-canary"`, 5)))
	r.converge()
	text, err := os.ReadFile(filepath.Join(r.dir, "mercator.state.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"long-enough-password", "xoxb-0001-canary"} {
		if !r.box.Received(secret) {
			t.Errorf("%s did not reach Atlas", secret)
		}
		if strings.Contains(string(text), secret) {
			t.Errorf("%s is in the state", secret)
		}
	}
}

// TestComplaint_18: a password that is not stored cannot be noticed to change.
func TestComplaint_18_AChangedPasswordIsNoticed(t *testing.T) {
	r := newRig(t, sandbox.Options{}).write(shop(`database_user "app" {
		password = env("APP_PASSWORD")
		` + readsOrders + `
	}`))
	r.env["APP_PASSWORD"] = "the-first-password"
	r.converge()
	r.env["APP_PASSWORD"] = "the-second-password"
	expect(t, r.plan(plan.Options{}), "update project.shop.database_user.app password")
	r.box.ResetCalls()
	r.converge()
	equal(t, "calls", r.writes(), "updateGroupDatabaseUser")
	if !r.box.Received("the-second-password") {
		t.Error("the new password did not reach Atlas")
	}
}

// TestComplaint_20: locks of dead jobs block everybody, nobody knows whose they are, and a stale plan leaves one.
func TestComplaint_20_LocksSayWhoseTheyAreAndEnd(t *testing.T) {
	r := newRig(t, sandbox.Options{}).write(shop())
	lease, err := r.open().Store.Lock(context.Background(), state.LockInfo{Operation: "apply", Who: "ci@runner-7", Job: "https://ci.example.com/job/42"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = lease.Release(context.Background()) }) // its loss was noticed long before
	_, err = r.open().Apply(context.Background(), applyAll())
	var locked *state.LockedError
	if !errors.As(err, &locked) {
		t.Fatalf("got %v, want the lock", err)
	}
	says(t, err.Error(), "ci@runner-7", "https://ci.example.com/job/42", locked.Holder.ID)
	r.clock.advance(5 * time.Minute) // the job was cancelled: nobody renews its lease
	r.converge()
	r.write(shop(user("app", readsOrders)))
	stale := r.save()
	r.write(shop(user("app", readsOrders)) + "# changed\n")
	r.wantStale(t, stale, "main.hcl")
	r.converge()
}

// TestComplaint_36: an error while a cluster is made lets the tool forget it, and the next run finds it in the way.
func TestComplaint_36_ErrorsWhileWaitingForgetNothing(t *testing.T) {
	for name, fault := range map[string]sandbox.Fault{
		"503 while waiting":        {Method: "GET", Path: "/clusters/orders$", Action: sandbox.Status, Status: 503},
		"reset while waiting":      {Method: "GET", Path: "/clusters/orders$", Action: sandbox.Reset},
		"answer lost":              {Method: "POST", Path: "/clusters$", Action: sandbox.Lost, Count: 1},
		"answer cut in the middle": {Method: "POST", Path: "/clusters$", Action: sandbox.Truncate, Count: 1},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, sandbox.Options{Polls: 6}).write(shop(small("orders", `instance_size = "M10"`)))
			r.faults(fault)
			a := r.apply(plan.Options{})
			r.faults()
			if o := outcome(t, a.Result, "project.shop.cluster.orders"); o.Status == apply.Failed && r.read().Resources["project.shop.cluster.orders"] == nil {
				t.Error("the failure cost the binding")
			}
			r.converge()
			made := r.operations(func(c sandbox.Call) bool { return c.Operation == "createGroupCluster" })
			if len(made) != 1 || r.read().Resources["project.shop.cluster.orders"].Adopted {
				t.Errorf("it was made %d times, adopted %t", len(made), r.read().Resources["project.shop.cluster.orders"].Adopted)
			}
		})
	}
}
