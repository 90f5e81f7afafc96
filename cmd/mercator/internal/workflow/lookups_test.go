package workflow_test

import (
	"fmt"
	"strings"
	"testing"

	"mercator/plan"
	"mercator/provider/sandbox"
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
		{"too early", "project \"new\" {}\ndata \"cluster\" \"c\" { project = project.new }", "lookup_too_early", "project.new"},
		{"open", "project \"new\" {}\ndata \"project\" \"x\" { id = project.new.id }", "lookup_open", "id is known only after"},
		{"open place", "project \"new\" {}\ndata \"cluster\" \"c\" { project = \"${project.new.id}\" }", "lookup_too_early", "project.new"},
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
