package workflow_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mercator/cmd/mercator/internal/workflow"
	"mercator/plan"
	"mercator/plan/planfile"
	"mercator/plan/render"
	"mercator/provider/sandbox"
	"mercator/schema"
)

// inShop is a project called shop with blocks in it.
func inShop(blocks string) string { return "project \"shop\" {\n" + blocks + "\n}\n" }

// oneRegion is a cluster in the short form with further arguments.
func oneRegion(label, more string) string {
	return fmt.Sprintf("cluster %q {\n provider_name = \"AWS\"\n region_name = \"EU_WEST_1\"\n %s\n}\n", label, more)
}

// TestProtectedClustersAreRefusedInThePlan deletes and replaces a cluster that Atlas protects, and its project: the
// plan says so, and nothing is half done.
func TestProtectedClustersAreRefusedInThePlan(t *testing.T) {
	protected := oneRegion("orders", "instance_size = \"M10\"\n termination_protection_enabled = true")
	r := newRig(t, sandbox.Options{}).write(inShop(protected))
	r.converge()
	r.box.ResetCalls()
	for name, try := range map[string]struct {
		file    string
		options plan.Options
	}{
		"block removed":   {inShop(""), plan.Options{}},
		"project removed": {"", plan.Options{}},
		"destroyed":       {inShop(protected), plan.Options{Destroy: true}},
		"replaced":        {inShop(protected), plan.Options{Replace: []schema.Address{"project.shop.cluster.orders"}}},
	} {
		a := r.write(try.file).apply(try.options)
		says(t, finding(t, a.Plan.Diagnostics, "termination_protected").Detail, "termination_protection_enabled")
		if a.Ran {
			t.Errorf("%s: it was carried out", name)
		}
	}
	equal(t, "calls", r.writes())
}

// TestIgnoredChangesAreWrittenAtCreationOnly exempts a user's name, password and grants: nothing is planned where
// they change, and whatever else makes it be replaced makes the new one as the file says.
func TestIgnoredChangesAreWrittenAtCreationOnly(t *testing.T) {
	file := func(name, auth, ignore string) string {
		return inShop(`database_user "app" {
			username       = "` + name + `"
			password       = "canary-of-a-password"
			` + auth + `
			roles          = [{ role_name = "readWrite", database_name = "orders" }]
			lifecycle { ignore_changes = ` + ignore + ` }
		}`)
	}
	r := newRig(t, sandbox.Options{}).write(file("app", "", "[password, roles]"))
	r.converge()
	r.box.ResetCalls()
	for _, name := range []string{"app", "other"} {
		r.write(file(name, "", "all")).converge()
		r.expectEmpty()
	}
	equal(t, "calls", r.writes())
	r.write(file("other", "", "[password, roles]")).converge()
	if u := r.live(sandbox.DatabaseUser, "shop", "admin/other"); u == nil || len(u["roles"].([]any)) != 1 {
		t.Errorf("the user that replaces the other one is %v", u)
	}
	if r.live(sandbox.DatabaseUser, "shop", "admin/app") != nil {
		t.Error("the user that was replaced is still there")
	}
}

// TestRule_R22_AReplacedProjectLosesNothingHalfWay asks to replace a project in which somebody made a cluster.
func TestRule_R22_AReplacedProjectLosesNothingHalfWay(t *testing.T) {
	r := newRig(t, sandbox.Options{}).write(inShop(`database_user "app" {
		password = "canary-of-a-password"
		roles    = [{ role_name = "readWrite", database_name = "orders" }]
	}`))
	r.converge()
	r.put(sandbox.Cluster, "shop", map[string]any{"name": "wild", "clusterType": "REPLICASET", "stateName": "IDLE"})
	r.box.ResetCalls()
	a := r.apply(plan.Options{Replace: []schema.Address{"project.shop"}})
	finding(t, a.Plan.Diagnostics, "replace_holds_data")
	equal(t, "calls", r.writes())
}

// TestRule_R25_ASavedPlanKeepsItsFlagsAndItsTime applies plans that were saved with flags, an hour later, with a
// time in the file that follows from the plan's.
func TestRule_R25_ASavedPlanKeepsItsFlagsAndItsTime(t *testing.T) {
	entries := `access_list "office" {
		entries = { "203.0.113.7" = { comment = "Contractor", delete_after_date = timeadd(plantimestamp(), "72h") } }
	}`
	role := `custom_role "reader" {
		actions = [{ action = "FIND", resources = [{ db = "shop" }] }]
	}`
	r := newRig(t, sandbox.Options{}).write(inShop(role))
	r.converge()
	later := func(o plan.Options) workflow.Applied {
		t.Helper()
		s := r.open()
		p, err := s.Plan(context.Background(), o)
		if err != nil {
			t.Fatal(err)
		}
		source, err := s.Source()
		if err != nil {
			t.Fatal(err)
		}
		f, err := planfile.New(p, source, "0.1.0", catalog)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "plan")
		if err := f.Write(path); err != nil {
			t.Fatal(err)
		}
		if f, err = planfile.Read(path); err != nil {
			t.Fatal(err)
		}
		r.clock.advance(time.Hour)
		a, err := r.open().Apply(context.Background(), workflow.ApplyOptions{Saved: f, Operation: "apply"})
		if err != nil {
			t.Fatal(err)
		}
		if list := append(a.Refused, a.Result.All().Errors()...); !a.Ran || list.HasErrors() {
			t.Fatalf("it was not carried out: %v", list)
		}
		return a
	}
	r.write(inShop(entries))
	expect(t, later(plan.Options{Targets: []schema.Address{"project.shop.access_list.office"}}).Plan, `create project.shop.access_list.office["203.0.113.7"]`)
	expect(t, later(plan.Options{Excludes: []schema.Address{"project.shop.access_list"}}).Plan, "delete project.shop.custom_role.reader")
	later(plan.Options{Destroy: true, AllowDestroy: []string{"project.shop"}})
	if _, there := r.box.ProjectID("shop"); there {
		t.Error("the project is still there")
	}
}

// TestRule_R05_ConnectionsMayBeRenamed gives a connection another label, takes another one to the same organization,
// and at last none.
func TestRule_R05_ConnectionsMayBeRenamed(t *testing.T) {
	r := newRig(t, sandbox.Options{})
	for _, name := range []string{"CLIENT_ID", "CLIENT_SECRET", "BASE_URL"} {
		r.env["EMEA_MONGODB_ATLAS_"+name] = r.env["MONGODB_ATLAS_"+name]
	}
	file := func(label, use string) string {
		return fmt.Sprintf("atlas {\n}\natlas %q {\n org_id = %q\n credentials_prefix = \"EMEA\"\n}\n", label, sandbox.DefaultOrgID) +
			inShop(use+"\n"+`custom_role "reader" {
				actions = [{ action = "FIND", resources = [{ db = "shop" }] }]
			}`)
	}
	r.write(file("emea", `atlas = "emea"`)).converge()
	r.box.ResetCalls()
	r.write(file("europe", `atlas = "europe"`)).converge()
	r.write(file("europe", "")).converge()
	r.write("").env["MONGODB_ATLAS_ORG_ID"] = "5a0db0000000000000000009"
	expectCodes(t, r.plan(plan.Options{}).Diagnostics, "wrong_organization")
	equal(t, "calls", r.writes())
}

// TestRule_R39_WhatIsAboutToExpireStandsInNobodysWay lets an entry come near its expiry and pass it: it is no
// change, and only what would be sent with such an expiry is refused.
func TestRule_R39_WhatIsAboutToExpireStandsInNobodysWay(t *testing.T) {
	entry := func(address, comment string) string {
		return fmt.Sprintf("%q = { comment = %q, delete_after_date = \"2026-03-01T13:00:00Z\" }\n", address, comment)
	}
	file := func(entries string) string {
		return inShop("access_list \"office\" {\n entries = {\n" + entries + "}\n}")
	}
	near := file(entry("203.0.113.7", "Contractor"))
	r := newRig(t, sandbox.Options{}).write(near)
	r.converge()
	r.clock.advance(58 * time.Minute)
	r.expectEmpty()
	for _, refused := range []string{
		file(entry("203.0.113.7", "Contractor") + entry("203.0.113.8", "Another")),
		file(`"203.0.113.7" = { comment = "Contractor", delete_after_date = "2026-03-01T13:01:00Z" }` + "\n"),
	} {
		finding(t, r.write(refused).plan(plan.Options{}).Diagnostics, "expiry_out_of_range")
	}
	r.write(near).clock.advance(3 * time.Minute)
	if r.live(sandbox.AccessList, "shop", "203.0.113.7/32") != nil {
		t.Fatal("the entry has not expired")
	}
	r.expectEmpty()
	r.put(sandbox.AccessList, "shop", map[string]any{"cidrBlock": "203.0.113.7/32", "ipAddress": "203.0.113.7", "comment": "for good"})
	finding(t, r.plan(plan.Options{}).Diagnostics, "expiry_out_of_range")
}

// TestRule_R20_SensitiveValuesInOrdinaryPlacesAreNeverShown puts a sensitive value wherever a kind takes one, lets it
// stay, change, and go, and looks for it in every plan, its JSON and its saved form, and in the state.
func TestRule_R20_SensitiveValuesInOrdinaryPlacesAreNeverShown(t *testing.T) {
	file := func(more string) string {
		return `variable "s" {
			type      = string
			sensitive = true
		}
		project "shop" {
			tags = { team = var.s, by = "hand" }
			database_user "app" {
				password    = "canary-of-a-password"
				description = var.s
				roles       = [{ role_name = "read", database_name = var.s }]
				labels      = { of = var.s }
			}
			custom_role "reader" {
				actions = [{ action = "FIND", resources = [{ db = var.s }] }]
			}
			access_list "office" {
				entries = { "203.0.113.7" = var.s }
			}
			alert_config "primary" {
				event_type_name = "NO_PRIMARY"
				matchers        = [{ field_name = "CLUSTER_NAME", operator = "EQUALS", value = var.s }]
				notifications   = [{ type_name = "EMAIL", interval_min = 5, delay_min = 0, email_address = "${var.s}@example.org" }]
			}
			` + more + `
		}`
	}
	r := newRig(t, sandbox.Options{NoDefaultAlerts: true}).write(file(""))
	shown := func(p *plan.Plan) {
		t.Helper()
		var text bytes.Buffer
		for _, format := range render.Formats() {
			f, err := render.New(format, render.Options{Catalog: catalog})
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(f.Plan(&text, p), f.Drift(&text, p)); err != nil {
				t.Fatal(err)
			}
		}
		saved, err := planfile.New(p, planfile.Source{}, "0.1.0", catalog)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "plan")
		if err := saved.Write(path); err != nil {
			t.Fatal(err)
		}
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		state, err := os.ReadFile(filepath.Join(r.dir, "mercator.state.json"))
		if err != nil {
			t.Fatal(err)
		}
		for what, text := range map[string]string{"the plan": text.String(), "the saved plan": string(file), "the state": string(state), "the rest": describe(p)} {
			if i := strings.Index(text, "canary"); i >= 0 {
				t.Errorf("%s shows it: …%s…", what, text[max(0, i-200):min(len(text), i+40)])
			}
		}
	}
	value := func(text string) { r.inputs = nil; r.set("s", text) }
	value("canary-one")
	r.converge()
	p := r.plan(plan.Options{})
	shown(p)
	if len(p.Drift) > 0 {
		t.Errorf("nothing has drifted, and there is %+v", p.Drift)
	}
	r.change(sandbox.Project, "shop", "", map[string]any{"tags": []any{map[string]any{"key": "team", "value": "canary-three"}}})
	r.change(sandbox.DatabaseUser, "shop", "admin/app", map[string]any{"labels": []any{}})
	p = r.plan(plan.Options{})
	shown(p)
	var drifted []string
	for _, d := range p.Drift {
		drifted = append(drifted, string(d.Address))
	}
	equal(t, "drifted", drifted, "project.shop", "project.shop.database_user.app")
	value("canary-two")
	shown(r.plan(plan.Options{}))
	r.converge()
	shown(r.plan(plan.Options{Destroy: true}))
	r.write(file("database_user \"other\" {\n password = \"canary-of-another\"\n roles = [{ role_name = \"read\", database_name = var.s }]\n}"))
	r.converge()
	r.write("variable \"s\" {\n type = string\n}\nproject \"shop\" {\n}")
	shown(r.plan(plan.Options{}))
}

// TestADeletionOutOfAWholeIsCarriedOut destroys one user of a project that is to go too, but not now.
func TestADeletionOutOfAWholeIsCarriedOut(t *testing.T) {
	r := newRig(t, sandbox.Options{}).write(inShop(`database_user "app" {
		password = "canary-of-a-password"
		roles    = [{ role_name = "readWrite", database_name = "orders" }]
	}`))
	r.converge()
	a := r.apply(plan.Options{Destroy: true, Targets: []schema.Address{"project.shop.database_user.app"}})
	if !a.Result.OK() {
		t.Fatalf("it failed: %v", a.Result.All())
	}
	if r.live(sandbox.DatabaseUser, "shop", "admin/app") != nil {
		t.Error("the user is still there, and the state knows nothing of it")
	}
}

// TestRule_R02_WhatIsGoneLeavesNoTrace makes a project, a role and an alert configuration again by hand: they are
// adopted, and the state forgets what they were.
func TestRule_R02_WhatIsGoneLeavesNoTrace(t *testing.T) {
	r := newRig(t, sandbox.Options{NoDefaultAlerts: true}).write(inShop(`custom_role "reader" {
			actions = [{ action = "FIND", resources = [{ db = "shop" }] }]
		}
		alert_config "primary" {
			event_type_name = "NO_PRIMARY"
			notifications   = [{ type_name = "GROUP", interval_min = 5, delay_min = 0, email_enabled = true, sms_enabled = false }]
		}`))
	r.converge()
	again := func() (role, alert map[string]any) {
		alert = r.box.List(sandbox.AlertConfig, r.project("shop"))[0]
		delete(alert, "id")
		return r.live(sandbox.CustomRole, "shop", "reader"), alert
	}
	role, alert := again()
	if err := r.box.Delete(sandbox.Project, r.project("shop"), ""); err != nil {
		t.Fatal(err)
	}
	r.put(sandbox.Project, "", map[string]any{"name": "shop", "orgId": sandbox.DefaultOrgID})
	r.put(sandbox.CustomRole, "shop", role).put(sandbox.AlertConfig, "shop", alert)
	a := r.converge()
	expect(t, a.Plan, "adopt project.shop", "adopt project.shop.alert_config.primary", "adopt project.shop.custom_role.reader")
	if n := len(r.read().Resources); n != 3 {
		t.Errorf("the state has %d resources, want 3", n)
	}
}
