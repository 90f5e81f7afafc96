package workflow_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"mercator/apply"
	"mercator/plan"
	"mercator/provider/sandbox"
)

// nothing is the answer of a list that shows nothing.
var nothing = json.RawMessage(`{"results":[],"totalCount":0,"links":[]}`)

// hides makes lists come back empty, though whole by their own account.
func hides(path string, times int) sandbox.Fault {
	return sandbox.Fault{Method: "GET", Path: path, Action: sandbox.Status, Status: 200, Body: nothing, Count: times}
}

// TestRule_R05_AnotherOrganizationIsReadByNobody points the tool at another organization, in which everything
// would look deleted, and at another Atlas.
func TestRule_R05_AnotherOrganizationIsReadByNobody(t *testing.T) {
	r := newRig(t, sandbox.Options{}).write(`project "shop" {}`)
	r.converge()
	r.box.ResetCalls()
	for name, value := range map[string]string{"MONGODB_ATLAS_ORG_ID": "5a0db0000000000000000002", "MONGODB_ATLAS_BASE_URL": strings.Replace(r.url, "127.0.0.1", "localhost", 1)} {
		before := r.env[name]
		r.env[name] = value
		p := r.plan(plan.Options{})
		expectCodes(t, p.Diagnostics, "wrong_organization")
		a := r.apply(plan.Options{})
		if a.Ran || len(p.Changes) != 0 || len(r.box.Calls()) != 0 {
			t.Errorf("%s: ran %t, changes %q, calls %v; want nothing", name, a.Ran, lines(p), r.box.Calls())
		}
		r.env[name] = before
	}
	r.expectEmpty()
}

// TestRule_R05_AProjectThatItsListLacksIsAskedFor hides a project from the list: asked for by itself it is there.
func TestRule_R05_AProjectThatItsListLacksIsAskedFor(t *testing.T) {
	r := newRig(t, sandbox.Options{}).write(`project "shop" {
		access_list "office" { entries = { "203.0.113.7" = "Office" } }
	}`)
	r.converge()
	r.faults(hides("/orgs/[^/]+/groups$", 0))
	r.expectEmpty()
	// It was made again by hand under its name: its id is gone, and by name it is there.
	r.faults()
	id := r.project("shop")
	if err := r.box.Delete(sandbox.Project, id, ""); err != nil {
		t.Fatal(err)
	}
	r.put(sandbox.Project, "", map[string]any{"name": "shop"})
	r.faults(hides("/orgs/[^/]+/groups$", 0))
	expect(t, r.plan(plan.Options{}), "adopt project.shop", "create project.shop.access_list.office[\"203.0.113.7\"]")
}

// TestRule_R07_NothingIsGoneBecauseAListDidNotShowIt shows short and failing lists for one that is whole.
func TestRule_R07_NothingIsGoneBecauseAListDidNotShowIt(t *testing.T) {
	users := func(n int) string {
		return fmt.Sprintf(`project "shop" {
			database_user "u" {
				count    = %d
				username = "u${count.index}"
				password = "not-a-secret-here"
				roles    = [{ role_name = "read", database_name = "shop" }]
			}
		}`, n)
	}
	const list = "/databaseUsers$"
	r := newRig(t, sandbox.Options{}).write(users(3))
	r.converge()
	t.Run("few are asked for one by one", func(t *testing.T) {
		r.t = t
		r.faults(hides(list, 0))
		r.box.ResetCalls()
		r.expectEmpty()
		if got := r.operations(func(c sandbox.Call) bool { return c.Operation == "getGroupDatabaseUser" }); len(got) != 3 {
			t.Errorf("%d users were asked for, want 3", len(got))
		}
	})
	for status, code := range map[int]string{403: "USER_CANNOT_ACCESS_ORG", 503: "UNEXPECTED_ERROR"} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			r.t = t
			r.faults(sandbox.Fault{Method: "GET", Path: list, Action: sandbox.Status, Status: status, ErrorCode: code})
			if p, err := r.open().Plan(context.Background(), plan.Options{}); err == nil {
				t.Errorf("the plan takes a %d for an answer: %q", status, lines(p))
			}
		})
	}
	t.Run("many are listed again", func(t *testing.T) {
		r.t = t
		r.faults()
		r.write(users(25)).converge()
		r.faults(hides(list, 1))
		r.box.ResetCalls()
		r.expectEmpty()
		if got := r.operations(func(c sandbox.Call) bool { return strings.HasSuffix(c.Path, "/databaseUsers") }); len(got) != 2 {
			t.Errorf("the list was read %d times, want twice", len(got))
		}
	})
	t.Run("what is gone is gone", func(t *testing.T) {
		r.t = t
		r.faults()
		r.remove(sandbox.DatabaseUser, "shop", "admin/u7")
		expect(t, r.plan(plan.Options{}), "create project.shop.database_user.u[7]")
	})
}

// TestRule_R08_PartsAreReadOnlyWhereTheyAreManaged counts what a plan asks.
func TestRule_R08_PartsAreReadOnlyWhereTheyAreManaged(t *testing.T) {
	r := newRig(t, sandbox.Options{}).write(`project "shop" {
		cluster "orders" { 
			provider_name = "AWS"
			region_name   = "EU_WEST_1"
			instance_size = "M10"
		}
	}`)
	r.converge()
	asked := func() []string {
		r.box.ResetCalls()
		r.plan(plan.Options{})
		got := r.operations(func(c sandbox.Call) bool { return !strings.HasPrefix(c.Operation, "oauth") })
		slices.Sort(got)
		return got
	}
	equal(t, "without parts", asked(), "getOrgGroups", "listGroupClusters")
	r.write(`project "shop" {
		settings = { is_data_explorer_enabled = false }
		cluster "orders" { 
			provider_name = "AWS"
			region_name   = "EU_WEST_1"
			instance_size = "M10"
			process_args  = { no_table_scan = false }
		}
	}`)
	r.converge()
	equal(t, "with parts", asked(), "getGroupClusterProcessArgs", "getGroupSettings", "getOrgGroups", "listGroupClusters")
}

const ordersCluster = `project "shop" {
	cluster "orders" {
		provider_name = "AWS"
		region_name   = "EU_WEST_1"
		instance_size = %q
	}
}`

// TestRule_R09_WhatIsBeingMadeIsWaitedForAndPlannedAgain meets a cluster that Atlas is still making, of another
// size than the file's: nothing is compared yet; then apply waits, plans again, and only then changes it.
func TestRule_R09_WhatIsBeingMadeIsWaitedForAndPlannedAgain(t *testing.T) {
	r := newRig(t, sandbox.Options{Polls: 4}).write(fmt.Sprintf(ordersCluster, "M10"))
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	r.faults(sandbox.Fault{Method: "POST", Path: "/clusters$", After: func(r1 requestHook) { cancel() }})
	a, err := r.open().Apply(ctx, applyAll())
	if err != nil {
		t.Fatal(err)
	}
	if !a.Result.Interrupted || r.read().Resources["project.shop.cluster.orders"].Waiting != "create" {
		t.Fatalf("the interrupted wait was not recorded: %+v", a.Result)
	}
	r.faults()
	r.write(fmt.Sprintf(ordersCluster, "M20"))
	p := r.plan(plan.Options{})
	if c := find(t, p, "project.shop.cluster.orders"); c.Waiting != "create" || len(c.Diffs) != 0 || len(p.Drift) != 0 {
		t.Errorf("want it in progress without differences, got %s", describe(p))
	}
	r.box.ResetCalls()
	r.converge()
	equal(t, "calls", r.writes(), "updateGroupCluster")
}

// TestRule_R09_ATimeOutKeepsTheBinding lets the limit pass while a cluster is made.
func TestRule_R09_ATimeOutKeepsTheBinding(t *testing.T) {
	r := newRig(t, sandbox.Options{Polls: 5}).write(fmt.Sprintf(ordersCluster, "M10"))
	r.faults(sandbox.Fault{Method: "GET", Path: "/clusters/orders$", Nth: 2, Before: func(requestHook) { r.clock.advance(3 * hour) }})
	a := r.apply(plan.Options{})
	if o := outcome(t, a.Result, "project.shop.cluster.orders"); o.Status != apply.Failed {
		t.Errorf("it is %s, want failed: %v", o.Status, o.Diagnostics)
	} else {
		expectCodes(t, o.Diagnostics, "timed_out")
	}
	r.faults()
	if r.live(sandbox.Cluster, "shop", "orders") == nil || r.read().Resources["project.shop.cluster.orders"] == nil {
		t.Fatal("the time-out cost the cluster or its binding")
	}
	r.box.ResetCalls()
	r.converge()
	equal(t, "calls", r.writes())
}
