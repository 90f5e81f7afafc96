package workflow_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"mercator/apply"
	"mercator/plan"
	"mercator/provider/sandbox"
	"mercator/schema"
)

// shared is a project that somebody else keeps, with a user and an entry in its access list.
func shared(t *testing.T) *rig {
	t.Helper()
	r := newRig(t, sandbox.Options{})
	r.put(sandbox.Project, "", map[string]any{"name": "shared"})
	r.put(sandbox.Project, "", map[string]any{"name": "other"})
	r.put(sandbox.AccessList, "shared", map[string]any{"cidrBlock": "10.0.0.0/16", "comment": "Office"})
	r.put(sandbox.DatabaseUser, "shared", map[string]any{"username": "app", "databaseName": "admin",
		"roles": []any{map[string]any{"roleName": "read", "databaseName": "orders"}}})
	return r
}

const lookingUp = `
data "project" "shared" {}
data "access_list" "office" {
  project = data.project.shared
  entry   = "10.0.0.0/16"
}
data "database_user" "app" {
  for_each = toset(["app"])
  project  = data.project.shared.id
  username = each.key
}
custom_role "reader" {
  project = data.project.shared
  actions = [{ action = "FIND", resources = [{ db = "orders", collection = data.access_list.office.comment }] }]
}
project "mine" {
  tags = { beside = data.project.shared.id, role = data.database_user.app["app"].roles[0].role_name }
}
output "comment" { value = data.access_list.office.comment }
`

func TestLookups(t *testing.T) {
	r := shared(t).write(lookingUp)
	p := r.plan(plan.Options{})
	expect(t, p, "create custom_role.reader", "create project.mine")
	for _, u := range p.Unmanaged {
		t.Errorf("%s %s is reported as unmanaged", u.Kind, u.Key)
	}
	r.box.ResetCalls()
	a := r.converge()
	for _, operation := range r.writes() {
		if !strings.HasPrefix(operation, "create") {
			t.Errorf("a lookup led to the call %s", operation)
		}
	}
	if len(r.read().Resources) != 2 {
		t.Errorf("the state remembers what was only looked up: %v", r.read().Resources)
	}
	if got := find(t, a.Plan, "project.mine"); !strings.Contains(goString(got.After), r.project("shared")) {
		t.Errorf("the id of what was looked up is not in %s", goString(got.After))
	}
	if v := r.read().Outputs["comment"].Value; v.AsString() != "Office" {
		t.Errorf("the output is %s", goString(v))
	}
	r.remove(sandbox.AccessList, "shared", "10.0.0.0/16")
	expectCodes(t, r.plan(plan.Options{}).Diagnostics.Errors(), "lookup_not_found")
	if p := r.plan(plan.Options{Destroy: true}); p.Diagnostics.HasErrors() {
		t.Errorf("what is to be destroyed is looked up: %v", p.Diagnostics)
	}
}

func TestLookupsThatFindNothing(t *testing.T) {
	for _, tc := range []struct{ name, text, code, says string }{
		{"misspelt", `data "project" "sharde" {}`, "lookup_not_found", `There are: "shared", "other".`},
		{"wrong id", `data "project" "x" { id = "65f000000000000000000000" }`, "lookup_not_found", "65f000000000000000000000"},
		{"in none", `data "database_user" "x" { project = "65f000000000000000000000" }`, "lookup_not_found", "65f000000000000000000000"},
		{"nothing there", "data \"project\" \"other\" {}\ndata \"cluster\" \"c\" { project = data.project.other }", "lookup_not_found", "none at all"},
		{"parent", "project \"new\" {}\ndata \"project\" \"x\" { id = project.new.id }\ndatabase_user \"u\" {\n  project = data.project.x\n  password = \"p\"\n" + readsOrders + "\n}",
			"lookup_too_early", "data.project.x is looked up only once this plan is applied"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := shared(t).write(tc.text + "\n")
			p := r.plan(plan.Options{})
			expectCodes(t, p.Diagnostics.Errors(), tc.code)
			d := p.Diagnostics.Errors()[0]
			says(t, d.Summary+" "+d.Detail, tc.says)
			if d.Range.IsZero() {
				t.Error("the finding has no place")
			}
		})
	}
}

// TestLookupParts reads what stands behind an endpoint of its own only where the files use it.
func TestLookupParts(t *testing.T) {
	parts := catalog.Kind("project").Parts
	if len(parts) == 0 {
		t.Fatal("a project has no parts any more: try another kind")
	}
	for part, kind := range parts {
		for _, used := range []bool{false, true} {
			r := shared(t)
			text := "data \"project\" \"shared\" {}\n"
			if used {
				text += fmt.Sprintf("output \"part\" { value = data.project.shared.%s }\n", kind.Attribute)
			}
			r.write(text).box.ResetCalls()
			p := r.plan(plan.Options{})
			if p.Diagnostics.HasErrors() {
				t.Fatal(p.Diagnostics)
			}
			got := r.operations(func(c sandbox.Call) bool { return c.Operation == kind.Read.Operation })
			if (len(got) == 1) != used {
				t.Errorf("part %d, %s, used %t: read by %q", part, kind.Attribute, used, got)
			}
		}
	}
}

// TestLookupsInsideOthers looks up what lives in a cluster that is looked up in turn: no id of it says where that is.
func TestLookupsInsideOthers(t *testing.T) {
	r := shared(t).write(`
data "project" "shared" {}
cluster "orders" {
  project        = data.project.shared
  provider_name  = "AWS"
  region_name    = "EU_WEST_1"
  instance_size  = "M10"
  backup_enabled = true
  backup_snapshot "first" {
    description       = "First"
    retention_in_days = 1
  }
}
`)
	r.converge()
	r.forget()
	r.write(`
data "project" "shared" {}
data "cluster" "orders" { project = data.project.shared }
data "backup_schedule" "theirs" { cluster = data.cluster.orders }
backup_snapshot "second" {
  cluster           = data.cluster.orders
  description       = "Second"
  retention_in_days = 1
}
data "backup_snapshot" "late" {
  cluster = data.cluster.orders
  id      = backup_snapshot.second.id
}
output "hour" { value = data.backup_schedule.theirs.reference_hour_of_day }
output "late" { value = data.backup_snapshot.late.description }
`)
	r.converge()
	outputs := r.read().Outputs
	if v := outputs["hour"].Value; !v.IsWhollyKnown() || v.IsNull() {
		t.Errorf("the hour is %s", goString(v))
	}
	if v := outputs["late"].Value; goString(v) != goString(cty.StringVal("Second")) {
		t.Errorf("the snapshot that was made is described by %s", goString(v))
	}
}

// late is a configuration whose lookups depend on what it makes: through an id, a place, a name and each other.
const late = `
project "new" { tags = { team = "shared" } }
custom_role "reader" {
  project = project.new
  actions = [{ action = "FIND", resources = [{ db = "orders", collection = "" }] }]
}
data "project" "by_id" { id = project.new.id }
data "custom_role" "in_new" {
  project   = project.new
  role_name = custom_role.reader.role_name
}
data "project" "by_name" { name = project.new.name }
data "project" "chained" { name = data.project.by_id.tags.team }
project "user" {
  tags = { by_id = data.project.by_id.name, by_name = data.project.by_name.id, role = data.custom_role.in_new.actions[0].action, chained = data.project.chained.id }
}
output "made" { value = data.project.by_id.created }
output "action" { value = data.custom_role.in_new.actions[0].action }
`

// TestLateLookups reads during the apply what could not be read for the plan.
func TestLateLookups(t *testing.T) {
	r := shared(t).write(late)
	p := r.plan(plan.Options{})
	if p.Diagnostics.HasErrors() {
		t.Fatal(p.Diagnostics)
	}
	user := find(t, p, "project.user")
	for _, needed := range []schema.Address{"project.new", "custom_role.reader"} {
		if !slices.Contains(user.Depends, needed) {
			t.Errorf("what uses the lookups needs %q, without %s", user.Depends, needed)
		}
	}
	if tags := user.After.GetAttr("tags"); tags.IsWhollyKnown() {
		t.Errorf("the plan knows %s already", goString(tags))
	}
	r.converge()
	tags := find(t, r.plan(plan.Options{}), "project.user").Before.GetAttr("tags")
	for _, want := range []string{"new", "FIND", r.project("new"), r.project("shared")} {
		if !strings.Contains(goString(tags), want) {
			t.Errorf("the tags are %s, without %s", goString(tags), want)
		}
	}
	outputs := r.read().Outputs
	if v := outputs["action"].Value; v.AsString() != "FIND" || !outputs["made"].Value.IsWhollyKnown() {
		t.Errorf("the outputs are %+v", outputs)
	}
}

// TestLateLookupsThatFindNothing fails what uses the lookup and nothing else, and names what there is.
func TestLateLookupsThatFindNothing(t *testing.T) {
	r := shared(t).write(`
project "new" { tags = { team = "sharde" } }
data "project" "by_id" { id = project.new.id }
data "project" "misspelt" { name = data.project.by_id.tags.team }
project "user" { tags = { beside = data.project.misspelt.id } }
project "other_one" {}
`)
	a := r.apply(plan.Options{})
	if a.Result.OK() {
		t.Fatal("it went well")
	}
	failed := outcome(t, a.Result, "project.user")
	if failed.Status != apply.Failed {
		t.Errorf("project.user is %s", failed.Status)
	}
	expectCodes(t, failed.Diagnostics, "lookup_not_found")
	says(t, failed.Diagnostics[0].Detail, `There are: "shared"`)
	if all := a.Result.All(); len(all) != 1 {
		t.Errorf("it is told more than once: %v", all)
	}
	for _, made := range []schema.Address{"project.new", "project.other_one"} {
		if got := outcome(t, a.Result, made); got.Status != apply.Done {
			t.Errorf("%s is %s", made, got.Status)
		}
	}
	r.edit("main.hcl", "name = data.project.by_id.tags.team", "name = \"shared\"")
	r.converge()
}

// TestLateLookupsOfWhatFailed says nothing about a lookup whose object could not be made.
func TestLateLookupsOfWhatFailed(t *testing.T) {
	r := shared(t).write("project \"new\" {}\ndata \"project\" \"by_id\" { id = project.new.id }\noutput \"n\" { value = data.project.by_id.name }\n")
	r.faults(sandbox.Fault{Method: "POST", Path: "/groups$", Action: sandbox.Status, Status: 400, ErrorCode: "INVALID_ATTRIBUTE"})
	a := r.apply(plan.Options{})
	if a.Result.OK() {
		t.Fatal("it went well")
	}
	if strings.Contains(fmt.Sprint(a.Result.All()), "by_id") {
		t.Errorf("the lookup is told of: %v", a.Result.All())
	}
}

// TestLookupsRepeat lets what is looked up for the plan say which instances there are, one lookup after the other.
func TestLookupsRepeat(t *testing.T) {
	r := shared(t).write(`
data "project" "shared" {}
data "access_list" "office" {
  project = data.project.shared
  entry   = "10.0.0.0/16"
}
data "database_user" "app" {
  for_each = { for c in [data.access_list.office.comment] : c => "app" }
  project  = data.project.shared
  username = each.value
}
project "beside" {
  for_each = toset([for u in data.database_user.app : u.roles[0].role_name])
  name     = "beside-${each.key}"
}
output "beside" { value = keys(project.beside) }
`)
	p := r.plan(plan.Options{})
	expect(t, p, `create project.beside["read"]`)
	r.converge()
	if p := r.plan(plan.Options{Destroy: true}); p.Diagnostics.HasErrors() || p.Summary().Delete != 1 {
		t.Errorf("its destruction is %+v with %v", p.Summary(), p.Diagnostics)
	}
	r.write("project \"new\" {}\ndata \"project\" \"late\" { id = project.new.id }\nproject \"each\" {\n  for_each = data.project.late.tags\n  name = each.key\n}\n")
	expectCodes(t, r.plan(plan.Options{}).Diagnostics.Errors(), "unknown_for_each")
}

// TestLookupsRepeatWhatIsImported plans a destruction although nobody looks up which instances an import may mean.
func TestLookupsRepeatWhatIsImported(t *testing.T) {
	r := shared(t).write(`
data "project" "shared" {}
data "database_user" "app" {
  project  = data.project.shared
  username = "app"
}
project "beside" {
  for_each = toset([data.database_user.app.roles[0].role_name])
  name     = "beside-${each.key}"
}
import {
  to = project.beside["read"]
  id = { name = "beside-read" }
}
`)
	r.put(sandbox.Project, "", map[string]any{"name": "beside-read"})
	r.converge()
	if p := r.plan(plan.Options{Destroy: true}); p.Diagnostics.HasErrors() || p.Summary().Delete != 1 {
		t.Errorf("its destruction is %+v with %v", p.Summary(), p.Diagnostics)
	}
}

// TestLookupsOfWhatIsDeleted refuses to build on what the same plan takes away.
func TestLookupsOfWhatIsDeleted(t *testing.T) {
	for _, tc := range []struct {
		name, before, after string
		options             plan.Options
		wrong               bool
	}{
		{"itself", "project \"old\" {}", "data \"project\" \"old\" {}", plan.Options{}, true},
		{"what it lives in", "project \"old\" {\n  custom_role \"r\" {\n    actions = [{ action = \"FIND\", resources = [{ db = \"d\", collection = \"\" }] }]\n  }\n}",
			"data \"project\" \"old\" {}\ndata \"custom_role\" \"r\" {\n  project = data.project.old\n}", plan.Options{}, true},
		{"beside it", "data \"project\" \"shared\" {}\ncustom_role \"r\" {\n  project = data.project.shared\n  actions = [{ action = \"FIND\", resources = [{ db = \"d\", collection = \"\" }] }]\n}",
			"data \"project\" \"shared\" {}\ndata \"database_user\" \"app\" {\n  project = data.project.shared\n}", plan.Options{}, false},
		{"beside a singleton", "data \"project\" \"shared\" {}\nmaintenance_window \"w\" {\n  project = data.project.shared\n  day_of_week = 2\n  hour_of_day = 3\n}",
			"data \"project\" \"shared\" {}\ndata \"database_user\" \"app\" {\n  project = data.project.shared\n}", plan.Options{}, false},
		{"kept by --exclude", "project \"old\" {}", "data \"project\" \"old\" {}", plan.Options{Excludes: []schema.Address{"project.old"}}, false},
		{"forgotten", "project \"old\" {}", "data \"project\" \"old\" {}\nremoved {\n  from = project.old\n  destroy = false\n}", plan.Options{}, false},
		{"replaced", "project \"old\" {}", "project \"old\" {}\ndata \"project\" \"looked\" { name = \"old\" }", plan.Options{Replace: []schema.Address{"project.old"}}, true},
		{"of another name", "project \"old\" {}", "data \"project\" \"shared\" {}", plan.Options{}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			const kept = "\nproject \"kept\" {}\n"
			r := shared(t).write(tc.before + kept)
			r.converge()
			p := r.write(tc.after + kept).plan(tc.options)
			found := p.Diagnostics.Errors()
			if !tc.wrong {
				expectCodes(t, found)
				return
			}
			if len(found) == 0 || found[0].Code != "lookup_deleted" || found[0].Range.IsZero() {
				t.Fatalf("got %v", found)
			}
			says(t, found[0].Detail, "project.old")
		})
	}
}

// TestLookupsTooEarly makes first what the lookup of a parent depends on, as its finding says.
func TestLookupsTooEarly(t *testing.T) {
	r := shared(t).write("project \"new\" {}\ndata \"project\" \"x\" { id = project.new.id }\ndatabase_user \"u\" {\n  project = data.project.x\n  password = \"correct-horse-42\"\n" + readsOrders + "\n}\n")
	expectCodes(t, r.plan(plan.Options{}).Diagnostics.Errors(), "lookup_too_early")
	for _, options := range []plan.Options{{Excludes: []schema.Address{"database_user.u"}}, {Targets: []schema.Address{"project.new"}}} {
		p := r.plan(options)
		expectCodes(t, p.Diagnostics.Errors())
		expect(t, p, "create project.new")
	}
	if a := r.apply(plan.Options{Targets: []schema.Address{"project.new"}}); !a.Result.OK() {
		t.Fatal(a.Result.All())
	}
	expect(t, r.plan(plan.Options{}), "create database_user.u")
	r.converge()
}
