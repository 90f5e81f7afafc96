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

	"mercator/cmd/mercator/internal/workflow"
	"mercator/plan"
	"mercator/plan/planfile"
	"mercator/provider/sandbox"
	"mercator/schema"
)

// files writes a configuration of several files, modules among them.
func (r *rig) files(files map[string]string) *rig {
	r.t.Helper()
	for name, text := range files {
		path := filepath.Join(r.dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			r.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			r.t.Fatal(err)
		}
	}
	return r
}

// estate are six modules, three levels deep, each of which has n instances.
func estate(n int) map[string]string {
	return map[string]string{
		"main.hcl": fmt.Sprintf(`
module "team" {
  source   = "./modules/team"
  for_each = { for i in range(%d) : format("t%%02d", i) => { net = i } }
  name     = "team-${each.key}"
  net      = each.value.net
}
output "projects" { value = { for k, m in module.team : k => m.project.id } }
output "roles" { value = module.team["t00"].role }
`, n),
		"modules/team/main.hcl": `
variable "name" { type = string }
variable "net" { type = number }
project "main" { name = var.name }
module "people" {
  source  = "../people"
  project = project.main
}
module "network" {
  source  = "../network"
  project = project.main
  block   = "10.${var.net}.0.0/16"
}
module "watch" {
  source     = "../watch"
  project    = project.main.id
  depends_on = [module.people]
}
output "project" { value = project.main }
output "role" { value = module.people.role }
`,
		"modules/people/main.hcl": `
variable "project" {}
module "roles" {
  source  = "../roles"
  project = var.project
}
database_user "app" {
  project  = var.project
  password = "${var.project.name}-secret"
  roles    = [{ role_name = module.roles.reader.role_name, database_name = "admin" }]
}
output "role" { value = module.roles.reader.role_name }
`,
		"modules/roles/main.hcl": `
variable "project" {}
custom_role "reader" {
  project = var.project
  actions = [{ action = "FIND", resources = [{ db = "orders", collection = "" }] }]
}
output "reader" { value = custom_role.reader }
`,
		"modules/network/main.hcl": `
variable "project" {}
variable "block" { type = string }
module "door" {
  source  = "../door"
  project = var.project
  entries = { (var.block) = "office of ${var.project.name}" }
}
`,
		"modules/door/main.hcl": `
variable "project" {}
variable "entries" { type = map(string) }
access_list "office" {
  project = var.project
  entries = var.entries
}
`,
		"modules/watch/main.hcl": `
variable "project" { type = string }
alert_config "primary" {
  project         = var.project
  event_type_name = "NO_PRIMARY"
  enabled         = true
  notifications   = [{ type_name = "GROUP", interval_min = 15, delay_min = 0, email_enabled = true, roles = ["GROUP_OWNER"] }]
}
`,
	}
}

func TestModulesConverge(t *testing.T) {
	const n = 40
	r := newRig(t, sandbox.Options{}).files(estate(n))
	a := r.converge()
	if got := a.Plan.Summary().Create; got != 5*n {
		t.Errorf("%d resources were planned, want %d", got, 5*n)
	}
	user := schema.Address(`module.team["t07"].module.people.database_user.app`)
	if got := outcome(t, a.Result, user); got.Address != user {
		t.Errorf("got %+v", got)
	}
	if doc := r.live(sandbox.DatabaseUser, "team-t07", "admin/app"); doc == nil {
		t.Error("the user of a module is not in Atlas")
	}
	bound := r.read().Resources[`module.team["t07"].module.watch.alert_config.primary`]
	if bound == nil || !slices.Contains(bound.Dependencies, `module.team["t07"].module.people.database_user.app`) {
		t.Errorf("the alert is remembered as %+v, without what its module depends on", bound)
	}
}

// TestSavedPlanRestsOnModules refuses a saved plan when a file of a module has changed since, and carries it out when
// none has; what it looks up is read again.
func TestSavedPlanRestsOnModules(t *testing.T) {
	r := newRig(t, sandbox.Options{})
	r.put(sandbox.Project, "", map[string]any{"name": "shared"})
	r.files(map[string]string{
		"main.hcl":      "data \"project\" \"shared\" {}\nmodule \"m\" {\n  source = \"./m\"\n  beside = data.project.shared.id\n}\n",
		"m/project.hcl": "variable \"beside\" {}\nproject \"mine\" { tags = { beside = var.beside } }\n",
	})
	s := r.open()
	p, err := s.Plan(context.Background(), plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	source, err := s.Source()
	if err != nil {
		t.Fatal(err)
	}
	saved, err := planfile.New(p, source, "0.1.0", catalog)
	if err != nil {
		t.Fatal(err)
	}
	options := workflow.ApplyOptions{Saved: saved, Operation: "apply"}
	before, err := os.ReadFile(filepath.Join(r.dir, "m", "project.hcl"))
	if err != nil {
		t.Fatal(err)
	}
	r.files(map[string]string{"m/project.hcl": string(before) + "# changed\n"})
	var stale *workflow.StaleError
	if _, err := r.open().Apply(context.Background(), options); !errors.As(err, &stale) || !strings.Contains(err.Error(), "project.hcl") {
		t.Errorf("with a changed module: %v", err)
	}
	r.files(map[string]string{"m/project.hcl": string(before)})
	if a, err := r.open().Apply(context.Background(), options); err != nil || !a.Ran || !a.Result.OK() {
		t.Errorf("with the same files: %v, %v", err, a.Result.All())
	}
	r.expectEmpty()
}
