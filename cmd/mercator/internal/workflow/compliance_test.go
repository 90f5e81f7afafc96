package workflow_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"mercator/plan"
	"mercator/provider/sandbox"
	"mercator/schema"
)

const policyAddress schema.Address = "project.shop.backup_compliance_policy"

const policyBlock = `project "shop" {
  backup_compliance_policy {
    authorized_email           = "ann@example.com"
    authorized_user_first_name = "Ann"
    authorized_user_last_name  = "Example"
    scheduled_policy_items     = [{ frequency_type = "daily", frequency_interval = 1, retention_unit = "days", retention_value = 2 }]
  }
}
`

func (r *rig) policy() map[string]any {
	return r.live(sandbox.BackupCompliance, "shop", "policy")
}

// A policy is enabled where somebody agrees that there is no way back, changed whole, and stays when its block goes.
func TestCompliancePolicyLifecycle(t *testing.T) {
	r := newRig(t, sandbox.Options{Polls: 1, NoDefaultAlerts: true}).write(policyBlock)
	a := r.alone(plan.Options{})
	says(t, finding(t, a.Refused, "needs_allow_destroy").Error(), string(policyAddress)+" could not be undone", "the support of Atlas alone can take it off")
	r.converge()
	first := r.policy()
	if first["state"] != "ACTIVE" || first["authorizedEmail"] != "ann@example.com" {
		t.Fatalf("Atlas has %v", first)
	}
	r.edit("main.hcl", "retention_value = 2", "retention_value = 3")
	r.edit("main.hcl", `"Ann"`, `"Anna"`)
	p := r.plan(plan.Options{})
	if c := find(t, p, policyAddress); c.Action != plan.Update || c.NeedsAllow != "" {
		t.Errorf("a change is %+v", c)
	}
	r.converge()
	items, was := r.policy()["scheduledPolicyItems"].([]any), first["scheduledPolicyItems"].([]any)
	if r.policy()["authorizedUserFirstName"] != "Anna" || len(items) != 1 || items[0].(map[string]any)["id"] != was[0].(map[string]any)["id"] {
		t.Errorf("changed, it is %v", r.policy())
	}
	r.change(sandbox.BackupCompliance, "shop", "policy", map[string]any{"authorizedUserFirstName": "Bob"})
	if p := r.plan(plan.Options{}); len(p.Drift) != 1 {
		t.Errorf("changed by hand, the drift is %+v", p.Drift)
	}
	r.converge()
	r.write(`project "shop" {}`)
	p = r.plan(plan.Options{})
	expect(t, p, "forget "+string(policyAddress))
	says(t, r.render(p, "text"), "the support of Atlas alone can take it off")
	r.converge()
	if r.policy() == nil {
		t.Error("it is gone")
	}
}

// What is there already is adopted, with what the file leaves out as it is.
func TestACompliancePolicyIsAdopted(t *testing.T) {
	r := newRig(t, sandbox.Options{NoDefaultAlerts: true}).write(`project "shop" {}`)
	r.converge()
	r.put(sandbox.BackupCompliance, "shop", map[string]any{"state": "ACTIVE", "authorizedEmail": "old@example.com", "authorizedUserFirstName": "Ann",
		"authorizedUserLastName": "Example", "pitEnabled": true, "restoreWindowDays": 3, "onDemandPolicyItem": nil, "scheduledPolicyItems": []any{}})
	r.write(policyBlock)
	r.converge()
	if got := r.policy(); got["pitEnabled"] != true || got["authorizedEmail"] != "ann@example.com" || fmt.Sprint(got["restoreWindowDays"]) != "3" {
		t.Errorf("taken over, it is %v", got)
	}
}

// TestLawOfCompliance is the promise of the whole for a policy, which would keep the projects of TestLaw from going:
// whatever its file says one after the other, and whatever requests fail meanwhile, in the end Atlas has what it says.
func TestLawOfCompliance(t *testing.T) {
	cases := setLawCases(t)
	kind := catalog.Kind("backup_compliance_policy")
	cover := newLawCoverOf(func(k *schema.Kind) bool { return k.Name == kind.Name })
	rapid.Check(t, func(rt *rapid.T) {
		r := newRig(lawTB{t, rt}, sandbox.Options{NoDefaultAlerts: true, Polls: 1, Restless: true})
		g := &lawGen{t: rt, forms: map[string]string{}, eager: 15}
		var args lawObject
		for range rapid.IntRange(1, 4).Draw(rt, "steps") {
			old := args
			args = g.object(kind.Attributes, kind.Name, old)
			if items, ok := args["scheduled_policy_items"]; ok {
				args["scheduled_policy_items"] = lawOnce(items, "frequency_type", "frequency_interval")
			}
			cover.object(kind.Attributes, kind.Name, old, args)
			text := "project \"shop\" {\n backup_compliance_policy {\n"
			for _, name := range slices.Sorted(maps.Keys(args)) {
				text += "  " + name + " = " + lawWriter{}.value(args[name]) + "\n"
			}
			r.write(text + " }\n}\n")
			r.faults(drawLawFault(rt, "/backupCompliancePolicy"))
			r.apply(plan.Options{})
			r.faults()
			r.converge()
			if why := lawFits(kind.Attributes, args, r.policy(), kind.Name, lawScaled{}); why != "" {
				rt.Fatalf("%s\n%v", why, r.policy())
			}
		}
	})
	t.Log(cover.table())
	missing := slices.DeleteFunc(cover.missing(), func(s string) bool { return strings.Contains(s, "on_demand_policy_item.frequency_type") })
	if cases >= lawFull && len(missing) > 0 {
		t.Errorf("never tried:\n%s", strings.Join(missing, "\n"))
	}
}
