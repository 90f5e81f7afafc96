package workflow_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"mercator/apply"
	"mercator/plan"
	"mercator/plan/render"
	"mercator/provider/sandbox"
	"mercator/schema"
)

// imports is an import block.
func imports(to, id string) string { return fmt.Sprintf("import {\n to = %s\n id = %s\n}\n", to, id) }

// TestComplaint_21: the cluster's id is refused by the import, which wants something else.
func TestComplaint_21_AnImportTakesTheIDThatAtlasShows(t *testing.T) {
	for _, by := range []string{"id", "name", "fields"} {
		t.Run(by, func(t *testing.T) {
			r := newRig(t, sandbox.Options{}).write(shop(small("orders", `instance_size = "M10"`)))
			r.converge()
			id := map[string]string{
				"id":     fmt.Sprintf("%q", r.live(sandbox.Cluster, "shop", "orders")["id"]),
				"name":   `"orders"`,
				"fields": `{ name = "orders" }`,
			}[by]
			r.forget()
			r.write(shop(small("orders", `instance_size = "M10"`)) +
				imports("project.shop", fmt.Sprintf("%q", r.project("shop"))) + imports("project.shop.cluster.orders", id))
			r.box.ResetCalls()
			r.converge()
			equal(t, "calls", r.writes())
			if r.read().Resources["project.shop.cluster.orders"].Adopted {
				t.Error("what an import block names is owned")
			}
		})
	}
}

// TestComplaint_22: hyphens and $external in a user's name break the import, which splits its id at hyphens.
func TestComplaint_22_NamesWithHyphensAreImported(t *testing.T) {
	external := handmade("CN=my-app,OU=a/b")
	external["databaseName"], external["x509Type"] = "$external", "MANAGED"
	config := shop(user("plain", "username = \"my-app-admin\"\n"+readsOrders),
		"database_user \"cert\" {\n username = \"CN=my-app,OU=a/b\"\n x509_type = \"MANAGED\"\n"+readsOrders+"\n}")
	for plain, cert := range map[string]string{
		`"my-app-admin"`: `"CN=my-app,OU=a/b"`,
		`{ username = "my-app-admin", database_name = "admin" }`: `{ username = "CN=my-app,OU=a/b", database_name = "$external" }`,
		`{ username = "my-app-admin" }`:                          `{ username = "CN=my-app,OU=a/b" }`,
		`"admin/my-app-admin"`:                                   `"$external/CN=my-app,OU=a/b"`,
	} {
		r := newRig(t, sandbox.Options{}).put(sandbox.Project, "", map[string]any{"name": "shop"}).
			put(sandbox.DatabaseUser, "shop", handmade("my-app-admin")).put(sandbox.DatabaseUser, "shop", external)
		r.write(config + imports("project.shop.database_user.plain", plain) + imports("project.shop.database_user.cert", cert))
		r.converge()
		for _, label := range []string{"plain", "cert"} {
			if r.read().Resources[schema.Address("project.shop.database_user."+label)].Adopted {
				t.Errorf("%s %s: %s was not imported", plain, cert, label)
			}
		}
		if n := len(r.box.List(sandbox.DatabaseUser, r.project("shop"))); n != 2 {
			t.Errorf("there are %d users, want the two", n)
		}
	}
	r := newRig(t, sandbox.Options{}).put(sandbox.Project, "", map[string]any{"name": "shop"}).put(sandbox.DatabaseUser, "shop", handmade("my-app"))
	twin := handmade("my-app")
	twin["databaseName"], twin["x509Type"] = "$external", "MANAGED"
	r.put(sandbox.DatabaseUser, "shop", twin).write(shop(user("plain", "username = \"my-app\"\n"+readsOrders)) + imports("project.shop.database_user.plain", `"my-app"`))
	finding(t, r.plan(plan.Options{}).Diagnostics, "import_ambiguous")
}

// TestComplaint_28: the edit of one argument shows walls of "(known after apply)".
func TestComplaint_28_APlanShowsWhatChanges(t *testing.T) {
	r := newRig(t, sandbox.Options{}).write(shop(small("orders", "instance_size = \"M10\"\n tags = { team = \"shop\" }"), user("app", readsOrders)))
	r.converge()
	r.edit("main.hcl", `team = "shop"`, `team = "store"`)
	p := r.plan(plan.Options{SkipAdvice: true})
	expect(t, p, `update project.shop.cluster.orders tags["team"]`)
	text := r.render(p, "text")
	if strings.Contains(text, "known after") || strings.Contains(text, "connection_strings") || strings.Count(text, "\n") > 14 {
		t.Errorf("the plan of one tag is\n%s", text)
	}
	if c := find(t, p, "project.shop.cluster.orders"); !c.After.GetAttr("connection_strings").IsWhollyKnown() || !c.After.GetAttr("id").IsKnown() {
		t.Error("what a tag does not change is unknown in the plan")
	}
}

// TestComplaint_29: a change of one shard hits another one, and the new schema drifts for ever.
func TestComplaint_29_AShardIsTheOneThatItWas(t *testing.T) {
	shards := func(sizes ...string) string {
		var specs []string
		for _, size := range sizes {
			specs = append(specs, fmt.Sprintf(`{ region_configs = [{ provider_name = "AWS", region_name = "EU_WEST_1", priority = 7, electable_specs = { instance_size = %q, node_count = 3 } }] }`, size))
		}
		return shop("cluster \"events\" {\n cluster_type = \"SHARDED\"\n replication_specs = [" + strings.Join(specs, ",\n") + "]\n}")
	}
	r := newRig(t, sandbox.Options{Restless: true}).write(shards("M30", "M30", "M30"))
	r.converge()
	shape := func() (ids, sizes []string) {
		for _, s := range r.live(sandbox.Cluster, "shop", "events")["replicationSpecs"].([]any) {
			spec := s.(map[string]any)
			ids = append(ids, spec["id"].(string))
			sizes = append(sizes, specs(map[string]any{"replicationSpecs": []any{spec}})["instanceSize"].(string))
		}
		return ids, sizes
	}
	before, _ := shape()
	r.write(shards("M30", "M40", "M30"))
	expect(t, r.plan(plan.Options{}), "update project.shop.cluster.events replication_specs[1].region_configs[0].electable_specs.instance_size")
	r.converge()
	after, sizes := shape()
	equal(t, "shards", after, before...)
	equal(t, "sizes", sizes, "M30", "M40", "M30")
}

// TestComplaint_30: an address and its /32 are different, and every entry is made again.
func TestComplaint_30_AnAddressIsItsBlock(t *testing.T) {
	r := newRig(t, sandbox.Options{}).write(shop(entries(`"203.0.113.7/32" = "a", "2001:db8::1/128" = "b", "0.0.0.0/0" = "c", "2001:DB8:0:0::/48" = "d"`)))
	r.converge()
	r.write(shop(entries(`"203.0.113.7" = "a", "2001:0db8::0001" = "b", "0.0.0.0/0" = "c", "2001:db8::/48" = "d"`)))
	r.box.ResetCalls()
	r.converge()
	equal(t, "calls", r.writes())
}

// TestComplaint_31: after a write that succeeded the run fails, because something computed came out otherwise.
func TestComplaint_31_AWriteThatSucceededIsNoFailure(t *testing.T) {
	r := newRig(t, sandbox.Options{}).write(shop(small("orders", `instance_size = "M10"`),
		user("app", `roles = [{ role_name = "read", database_name = "orders", collection_name = null }]`)))
	r.faults(
		sandbox.Fault{Method: "GET", Path: "/clusters/orders$", Nth: 1, Before: func(requestHook) {
			r.change(sandbox.Cluster, "shop", "orders", map[string]any{"mongoDBVersion": "8.0.99", "tags": []any{map[string]any{"key": "by", "value": "Atlas"}}})
		}},
	)
	if a := r.apply(plan.Options{}); !a.Result.OK() {
		t.Errorf("not done: %v", a.Result.All())
	}
	r.faults()
	r.expectEmpty()
}

// TestComplaint_32: what was removed in the console makes the plan fail with a 404.
func TestComplaint_32_WhatWasRemovedIsMadeAgain(t *testing.T) {
	r := newRig(t, sandbox.Options{}).write(shop(small("orders", `instance_size = "M10"`), user("app", readsOrders), entries(`"203.0.113.7" = "Office"`)))
	r.converge()
	r.remove(sandbox.AccessList, "shop", "203.0.113.7/32")
	r.remove(sandbox.Cluster, "shop", "orders")
	p := r.plan(plan.Options{})
	expect(t, p, `create project.shop.access_list.office["203.0.113.7"]`, "create project.shop.cluster.orders")
	if len(p.Drift) != 2 || !p.Drift[0].Deleted {
		t.Errorf("what was removed is drift: %+v", p.Drift)
	}
	r.converge()
	if err := r.box.Delete(sandbox.Project, r.project("shop"), ""); err != nil {
		t.Fatal(err)
	}
	if s := r.plan(plan.Options{}).Summary(); s.Create != 4 {
		t.Errorf("the project is gone with all in it: %+v", s)
	}
	r.converge()
}

// TestComplaint_37: a project is deleted before its cluster is gone, and a user made before its role is there.
func TestComplaint_37_OrderWaitsForAtlas(t *testing.T) {
	r := newRig(t, sandbox.Options{Polls: 3, DeleteLingers: true}).write(shop(small("orders", `instance_size = "M10"`),
		"custom_role \"reader\" {\n actions = [{ action = \"FIND\", resources = [{ db = \"orders\" }] }]\n}",
		user("app", `roles = [{ role_name = "reader", database_name = "admin" }]`)))
	r.converge()
	r.box.ResetCalls()
	a := r.apply(plan.Options{Destroy: true})
	if !a.Result.OK() || len(r.box.List(sandbox.Project, "")) != 0 {
		t.Fatalf("not done: %v", a.Result.All())
	}
	for _, c := range r.box.Calls() {
		if c.Status == 409 {
			t.Errorf("%s %s was refused: it came too early", c.Method, c.Path)
		}
	}
}

// TestComplaint_38: a 403 because of the caller's address says nothing that helps.
func TestComplaint_38_AForbiddenAddressIsExplained(t *testing.T) {
	r := newRig(t, sandbox.Options{}).write(shop())
	r.faults(sandbox.Fault{Path: "/api/atlas/", Action: sandbox.Status, Status: 403, ErrorCode: "IP_ADDRESS_NOT_ON_ACCESS_LIST",
		Detail: "IP address 203.0.113.9 is not allowed to access this resource."})
	_, err := r.open().Plan(context.Background(), plan.Options{})
	if err == nil {
		t.Fatal("the plan was made from nothing")
	}
	says(t, err.Error(), "203.0.113.9", "API access list of the credential", "IP_ADDRESS_NOT_ON_ACCESS_LIST")
	if _, err = r.open().Apply(context.Background(), applyAll()); err == nil {
		t.Error("the apply went on")
	}
	r.faults()
	r.converge() // and no lock is left
}

// TestComplaint_40: alert configurations that nobody wrote appear by themselves and cannot be owned.
func TestComplaint_40_DefaultAlertsCanBeOwned(t *testing.T) {
	r := newRig(t, sandbox.Options{}).write(shop(defaultAlert))
	r.converge()
	p := r.plan(plan.Options{SkipSecrets: true})
	if len(p.Unmanaged) != 10 || render.Drifted(p, false) {
		t.Errorf("want ten of Atlas's own listed, and no drift: %d", len(p.Unmanaged))
	}
	r.write("project \"shop\" {\n exclusive = [\"alert_config\"]\n" + defaultAlert + "\n}")
	a := r.converge()
	if s := a.Plan.Summary(); s.Delete != 10 {
		t.Errorf("%+v, want ten deleted", s)
	}
	left := r.box.List(sandbox.AlertConfig, r.project("shop"))
	if len(left) != 1 || left[0]["eventTypeName"] != "NO_PRIMARY" {
		t.Errorf("left: %v", left)
	}
	if o := a.Result.Outcomes; slices.ContainsFunc(o, func(o apply.Outcome) bool { return o.Status != apply.Done }) {
		t.Errorf("outcomes %+v", o)
	}
}
