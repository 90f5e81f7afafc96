package workflow_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"mercator/plan"
	"mercator/plan/render"
	"mercator/provider/sandbox"
	"mercator/schema"
)

// TestRule_R35_DriftCountsWhatWasOurs lets others change, delete and add things.
func TestRule_R35_DriftCountsWhatWasOurs(t *testing.T) {
	r := newRig(t, sandbox.Options{}).write(shop(entries(`"203.0.113.7" = "Office", "203.0.113.8" = "Lab"`)))
	r.converge()
	drift := func() *plan.Plan { return r.plan(plan.Options{SkipSecrets: true}) }
	r.put(sandbox.AccessList, "shop", map[string]any{"cidrBlock": "0.0.0.0/0"})
	p := drift()
	if render.Drifted(p, false) || !render.Drifted(p, true) || len(p.Unmanaged) != 1 {
		t.Errorf("a stranger is drift only where it is asked for: %t %t %+v", render.Drifted(p, false), render.Drifted(p, true), p.Unmanaged)
	}
	for range 2 {
		r.change(sandbox.AccessList, "shop", "203.0.113.7/32", map[string]any{"comment": "Somebody"})
		p = drift()
		if len(p.Drift) != 1 || !render.Drifted(p, false) {
			t.Errorf("want one changed entry: %+v", p.Drift)
		}
		r.converge()
	}
	r.change(sandbox.AccessList, "shop", "203.0.113.7/32", map[string]any{"comment": "Somebody"})
	finding(t, r.plan(plan.Options{}).Diagnostics, "contested")
	r.remove(sandbox.AccessList, "shop", "203.0.113.8/32")
	if p = drift(); len(p.Drift) != 2 || !p.Drift[1].Deleted {
		t.Errorf("want a changed and a deleted entry: %+v", p.Drift)
	}
}

// TestRule_R36_NamesAreLookedForFromTheInside resolves labels, parents and loops where they stand.
func TestRule_R36_NamesAreLookedForFromTheInside(t *testing.T) {
	r := newRig(t, sandbox.Options{}).write(`
		project "shop" {
			for_each = { dev = "10.1.0.0/16", prod = "10.2.0.0/16" }
			name     = "shop-${each.key}"
			custom_role "reader" { actions = [{ action = "FIND", resources = [{ db = parent.each.key }] }] }
			database_user "app" {
				for_each = toset(["a", "b"])
				username = "${parent.name}-${each.key}"
				password = "long-enough-password"
				roles    = [{ role_name = custom_role.reader.role_name, database_name = "admin" }]
			}
			access_list "net" { entries = { (parent.each.value) = parent.name } }
		}
		database_user "ops" {
			project  = project.shop["prod"]
			password = "long-enough-password"
			roles    = [{ role_name = project.shop["prod"].custom_role.reader.role_name, database_name = "admin" }]
		}`)
	r.converge()
	for env, block := range map[string]string{"dev": "10.1.0.0/16", "prod": "10.2.0.0/16"} {
		for _, u := range []string{"a", "b"} {
			if r.live(sandbox.DatabaseUser, "shop-"+env, "admin/shop-"+env+"-"+u) == nil {
				t.Errorf("%s has no user %s", env, u)
			}
		}
		if e := r.live(sandbox.AccessList, "shop-"+env, block); e == nil || e["comment"] != "shop-"+env {
			t.Errorf("%s has the entry %v", env, e)
		}
	}
	if r.live(sandbox.DatabaseUser, "shop-prod", "admin/ops") == nil {
		t.Error("the user that is written outside is not in its project")
	}
	for text, code := range map[string]string{
		shop(user("app", readsOrders), "tags = { all = database_user }"):                         "whole_kind",
		"variable \"which\" { default = \"app\" }\n" + shop("tags = { x = cluster[var.which] }"): "whole_kind",
		"project \"shop\" {\n tags = { x = parent.name }\n}":                                     "no_parent",
	} {
		r.write(text)
		if got := codes(r.mistakes()); !slices.Contains(got, code) {
			t.Errorf("%s\n got %q, want %s", text, got, code)
		}
	}
	r = newRig(t, sandbox.Options{}).write(shop(user("app", readsOrders)) + "database_user \"app\" {\n project = project.shop\n username = \"other\"\n password = \"long-enough-password\"\n" + readsOrders + "\n}")
	if _, diags := r.tryOpen(); !slices.Contains(codes(diags), "shadowed") || diags.HasErrors() {
		t.Errorf("want the warning that a label is shadowed: %v", diags)
	}
}

// TestRule_R36_WhatThereIsOneOfHasNoLabel writes a singleton inside its project, refers to it, and writes it outside.
func TestRule_R36_WhatThereIsOneOfHasNoLabel(t *testing.T) {
	r := newRig(t, sandbox.Options{}).write(`
		project "shop" {
			for_each = toset(["dev", "prod"])
			name     = "shop-${each.key}"
			maintenance_window { day_of_week = each.key == "prod" ? 1 : 2 }
		}
		project "lab" {}
		maintenance_window "lab" {
			project     = project.lab
			day_of_week = project.shop["prod"].maintenance_window.day_of_week + 4
		}`)
	r.converge()
	for project, day := range map[string]string{"shop-prod": "1", "shop-dev": "2", "lab": "5"} {
		if got := fmt.Sprint(r.live(sandbox.MaintenanceWindow, project, "")["dayOfWeek"]); got != day {
			t.Errorf("%s is maintained on day %s, want %s", project, got, day)
		}
	}
	window := func(label, argument string) string {
		return "maintenance_window " + label + " {\n day_of_week = 1\n " + argument + "\n}\n"
	}
	for text, code := range map[string]string{
		shop(window(`"main"`, "")):                                                                 "block_labels",
		shop(window("", "for_each = toset([\"a\"])")):                                              "invalid_for_each",
		shop(window("", ""), window("", "")):                                                       "duplicate_block",
		shop(window("", "")) + window(`"other"`, "project = project.shop"):                         "duplicate_object",
		shop() + window("", "project = project.shop"):                                              "block_labels",
		shop(window("", "")) + "output \"day\" {\n value = project.shop.maintenance_window.day\n}": "unknown_attribute",
	} {
		r.write(text)
		if got := codes(r.mistakes()); !slices.Contains(got, code) {
			t.Errorf("%s\n got %q, want %s", text, got, code)
		}
	}
}

// TestRule_R37_AParentIsTheSameWhateverNamesIt hands a project on through locals, and by its id.
func TestRule_R37_AParentIsTheSameWhateverNamesIt(t *testing.T) {
	home := `locals { home = project.shop }
		`
	r := newRig(t, sandbox.Options{}).write(home + shop() + "database_user \"app\" {\n project = local.home\n password = \"long-enough-password\"\n" + readsOrders + "\n}")
	r.converge()
	equal(t, "calls", r.writes(), "createGroup", "createGroupDatabaseUser") // the edge survives the local
	id := r.project("shop")
	r.write(shop() + "database_user \"app\" {\n project = \"" + id + "\"\n password = \"long-enough-password\"\n" + readsOrders + "\n}")
	r.box.ResetCalls()
	r.converge()
	equal(t, "calls", r.writes())
	r.write(home + shop(user("one", "username = \"app\"\n"+readsOrders)) + "database_user \"two\" {\n project = local.home\n username = \"app\"\n password = \"long-enough-password\"\n" + readsOrders + "\n}")
	expectCodes(t, r.mistakes(), "duplicate_object")
	r.write(shop(user("one", "username = \"app\"\n"+readsOrders)) + "database_user \"two\" {\n project = \"" + id + "\"\n username = \"app\"\n password = \"long-enough-password\"\n" + readsOrders + "\n}")
	finding(t, r.plan(plan.Options{}).Diagnostics, "duplicate_object")
}

// TestRule_R38_TheFormOfAClusterIsNoChange rewrites the short form as the long one and back.
func TestRule_R38_TheFormOfAClusterIsNoChange(t *testing.T) {
	short := shop(small("orders", "instance_size = \"M30\"\n disk_size_gb = 40"))
	long := shop(`cluster "orders" {
		cluster_type      = "REPLICASET"
		replication_specs = [{ region_configs = [{ provider_name = "AWS", region_name = "EU_WEST_1", priority = 7,
			electable_specs = { instance_size = "M30", node_count = 3, disk_size_gb = 40 } }] }]
	}`)
	r := newRig(t, sandbox.Options{})
	for _, text := range []string{short, long, short} {
		r.write(text)
		if r.read().Resources["project.shop.cluster.orders"] != nil {
			r.expectEmpty()
		}
		r.converge()
	}
	equal(t, "calls", r.writes(), "createGroup", "createGroupCluster")
	r.write(strings.Replace(long, "cluster_type ", "instance_size = \"M30\"\n cluster_type ", 1))
	finding(t, r.plan(plan.Options{}).Diagnostics, "cluster_both_forms")
}

// TestRule_R39_TimeIsAnInput lets an entry expire, and asks for expiries that Atlas would refuse.
func TestRule_R39_TimeIsAnInput(t *testing.T) {
	expiring := func(when string) string {
		return shop(entries(`"203.0.113.7" = { comment = "Contractor", delete_after_date = ` + when + ` }`))
	}
	r := newRig(t, sandbox.Options{}).write(expiring(`timeadd(plantimestamp(), "72h")`))
	a := r.apply(plan.Options{})
	if !a.Result.OK() || !a.Plan.Now.Equal(start) {
		t.Fatalf("the plan's time is %s, want %s: %v", a.Plan.Now, start, a.Result.All())
	}
	at := start.Add(72 * time.Hour)
	if got := r.live(sandbox.AccessList, "shop", "203.0.113.7/32")["deleteAfterDate"]; got != at.Format(time.RFC3339) {
		t.Errorf("it expires at %v, want %s", got, at)
	}
	r.write(expiring(fmt.Sprintf("%q", at.Format(time.RFC3339)))).expectEmpty()
	r.clock.advance(73 * time.Hour)
	p := r.plan(plan.Options{})
	expect(t, p)
	expectCodes(t, p.Diagnostics, "expired")
	if len(p.Drift) != 0 {
		t.Errorf("what has expired is no drift: %+v", p.Drift)
	}
	for _, when := range []string{`timeadd(plantimestamp(), "200h")`, `timeadd(plantimestamp(), "1m")`} {
		r.write(expiring(when))
		s, diags := r.tryOpen()
		if s != nil {
			diags = append(diags, r.plan(plan.Options{}).Diagnostics...)
		}
		if !diags.HasErrors() {
			t.Errorf("%s: Atlas would refuse that, and the plan does not", when)
		}
	}
}

// TestRule_R40_OutputsAreStoredWithoutSecrets applies outputs, one of them sensitive.
func TestRule_R40_OutputsAreStoredWithoutSecrets(t *testing.T) {
	r := newRig(t, sandbox.Options{Polls: 1}).set("secret", "canary-in-an-output").write(`
		variable "secret" {
			type      = string
			sensitive = true
		}
		` + shop(small("orders", `instance_size = "M10"`)) + `
		output "where" { value = project.shop.cluster.orders.connection_strings.standard_srv }
		output "secret" {
			value     = var.secret
			sensitive = true
		}`)
	r.converge()
	outputs := r.read().Outputs
	if v := outputs["where"].Value; v.IsNull() || !strings.HasPrefix(v.AsString(), "mongodb+srv://") {
		t.Errorf("the state has %#v", v)
	}
	if o := outputs["secret"]; !o.Sensitive || strings.Contains(fmt.Sprintf("%#v", o.Value), "canary") {
		t.Errorf("the state has the sensitive output %+v", o)
	}
	r.edit("main.hcl", "M10", "M20")
	p := r.plan(plan.Options{})
	for _, o := range p.Outputs {
		if o.Action != plan.NoOp || !o.After.IsWhollyKnown() {
			t.Errorf("a tier changes no address, and the output %s is %s %#v", o.Name, o.Action, o.After)
		}
	}
}

// TestRule_R41_RisksAreNamed plans what costs, opens, grants and destroys.
func TestRule_R41_RisksAreNamed(t *testing.T) {
	r := newRig(t, sandbox.Options{}).write(shop(small("orders", `instance_size = "M10"`), user("app", readsOrders)))
	r.converge()
	r.write(shop(small("orders", `instance_size = "M20"`), entries(`"0.0.0.0/0" = "All"`),
		user("app", `roles = [{ role_name = "readWrite", database_name = "orders" }]`), user("new", readsOrders)))
	p := r.plan(plan.Options{})
	for a, want := range map[schema.Address][]string{
		"project.shop.cluster.orders":                  {"billable"},
		`project.shop.access_list.office["0.0.0.0/0"]`: {"opens-network"},
		"project.shop.database_user.app":               {"grants-access"},
		"project.shop.database_user.new":               {"grants-access"},
	} {
		equal(t, string(a), risks(find(t, p, a)), want...)
	}
	says(t, find(t, p, `project.shop.access_list.office["0.0.0.0/0"]`).Risks[0].Note, "4,294,967,296 addresses")
	r.converge()
	r.write(shop(small("orders", `instance_size = "M10"`)))
	equal(t, "a smaller tier", risks(find(t, r.plan(plan.Options{}), "project.shop.cluster.orders")))
	r.write(shop(small("orders", "instance_size = \"M20\"\n backup_enabled = true")))
	equal(t, "backups", risks(find(t, r.plan(plan.Options{}), "project.shop.cluster.orders")), "billable")
	r.write(shop(small("orders", "instance_size = \"M20\"\n paused = true")))
	equal(t, "pausing", risks(find(t, r.plan(plan.Options{}), "project.shop.cluster.orders")), "downtime")
	r.write(shop())
	equal(t, "deleting", risks(find(t, r.plan(plan.Options{}), "project.shop.cluster.orders")), "irreversible")
}

func risks(c *plan.Change) []string {
	var out []string
	for _, r := range c.Risks {
		out = append(out, string(r.Risk))
	}
	return out
}

// TestRule_R42_UsersWithOneNameCannotStandSideBySide changes how a user authenticates, and writes many roles.
func TestRule_R42_UsersWithOneNameCannotStandSideBySide(t *testing.T) {
	name := "username = \"CN=batch\"\n" + readsOrders
	of := func(kind string) string {
		return shop("database_user \"batch\" {\n x509_type = \"" + kind + "\"\n" + name + "\n}")
	}
	r := newRig(t, sandbox.Options{}).write(of("MANAGED"))
	r.converge()
	r.write(of("CUSTOMER"))
	if c := find(t, r.plan(plan.Options{}), "project.shop.database_user.batch"); c.Action != plan.Replace || c.CreateFirst || !slices.Contains(risks(c), "downtime") {
		t.Errorf("want it deleted first, at the risk of a downtime: %s %t %v", c.Action, c.CreateFirst, risks(c))
	}
	r.box.ResetCalls()
	r.converge()
	equal(t, "the same name", r.writes(), "deleteGroupDatabaseUser", "createGroupDatabaseUser")
	r.edit("main.hcl", "CN=batch", "CN=other")
	r.box.ResetCalls()
	r.converge()
	equal(t, "another name", r.writes(), "createGroupDatabaseUser", "deleteGroupDatabaseUser")
}
