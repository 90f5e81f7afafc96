package workflow_test

import (
	"slices"
	"strings"
	"testing"

	"mercator/plan"
	"mercator/provider/sandbox"
)

// flat is a project at the root, and wrapped the same one in a module.
const flat = `
project "shop" {
  access_list "office" { entries = { "10.0.0.0/16" = "Office" } }
  alert_config "primary" {
    event_type_name = "NO_PRIMARY"
    enabled         = true
    notifications   = [{ type_name = "GROUP", interval_min = 15, delay_min = 0, email_enabled = true, roles = ["GROUP_OWNER"] }]
  }
}
`

func wrapped(rest string) map[string]string {
	return map[string]string{
		"main.hcl":        "module \"team\" {\n  source   = \"./team\"\n  for_each = toset([\"shop\"])\n}\n" + rest,
		"team/shop.hcl":   flat,
		"team/unused.hcl": "locals { nothing = null }\n",
	}
}

func TestMovedIntoModule(t *testing.T) {
	for name, rest := range map[string]string{
		"the project":         "moved {\n  from = project.shop\n  to   = module.team[\"shop\"].project.shop\n}\n",
		"without moved block": "",
		"in a chain": "moved {\n  from = project.shop\n  to   = module.old.project.shop\n}\n" +
			"moved {\n  from = module.old\n  to   = module.team[\"shop\"]\n}\n",
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, sandbox.Options{}).write(flat)
			r.converge()
			before := r.project("shop")
			r.files(wrapped(rest))
			p := r.plan(plan.Options{})
			if !slices.Equal(lines(p), nil) || p.Diagnostics.HasErrors() {
				t.Errorf("a move changes something:\n%s", describe(p))
			}
			moves := 0
			for _, s := range p.StateOnly {
				if s.Kind == "move" && strings.HasPrefix(string(s.Address), `module.team["shop"].project.shop`) {
					moves++
				}
			}
			if moves != 3 {
				t.Errorf("%d of 3 addresses move:\n%s", moves, describe(p))
			}
			r.box.ResetCalls()
			r.converge()
			if writes := r.writes(); len(writes) > 0 || r.project("shop") != before {
				t.Errorf("a move made the calls %q", writes)
			}
			for a := range r.read().Resources {
				if !strings.HasPrefix(string(a), `module.team["shop"].`) {
					t.Errorf("the state still knows %s", a)
				}
			}
		})
	}
}

// TestMovedToKey gives a single project a for_each without touching it, and leaves the moved block in place.
func TestMovedToKey(t *testing.T) {
	r := newRig(t, sandbox.Options{}).write(flat)
	r.converge()
	r.write(strings.Replace(flat, "{\n", "{\n  for_each = toset([\"shop\"])\n", 1) +
		"moved {\n  from = project.shop\n  to   = project.shop[\"shop\"]\n}\n")
	r.box.ResetCalls()
	r.converge()
	if writes := r.writes(); len(writes) > 0 {
		t.Errorf("a key made the calls %q", writes)
	}
	for a := range r.read().Resources {
		if !strings.HasPrefix(string(a), `project.shop["shop"]`) {
			t.Errorf("the state still knows %s", a)
		}
	}
}

// TestMovedTwice refuses two objects at one address, whichever of them the moves bring there.
func TestMovedTwice(t *testing.T) {
	r := newRig(t, sandbox.Options{}).write("project \"a\" {}\nproject \"b\" {}\n")
	r.converge()
	r.write("project \"c\" { name = \"a\" }\nmoved {\n  from = project.a\n  to   = project.c\n}\nmoved {\n  from = project.b\n  to   = project.c\n}\n")
	expectCodes(t, r.plan(plan.Options{}).Diagnostics.Errors(), "move_target_taken")
}

func TestImportIntoModules(t *testing.T) {
	r := newRig(t, sandbox.Options{})
	for _, name := range []string{"a", "b"} {
		r.put(sandbox.Project, "", map[string]any{"name": "project-" + name})
	}
	r.files(map[string]string{
		"main.hcl": `
module "team" {
  source   = "./team"
  for_each = toset(["a", "b"])
  name     = "project-${each.key}"
}
import {
  for_each = { a = { name = "project-a" }, b = "` + r.project("project-b") + `" }
  to       = module.team[each.key].project.main
  id       = each.value
}
`,
		"team/main.hcl": "variable \"name\" {}\nproject \"main\" { name = var.name }\n"})
	a := r.converge()
	for address, bound := range r.read().Resources {
		if bound.Adopted {
			t.Errorf("%s was imported and is not owned", address)
		}
	}
	if got := a.Plan.Summary(); got.Create != 0 || len(r.read().Resources) != 2 {
		t.Errorf("the import came to %+v", got)
	}
}
