package workflow_test

import (
	"testing"

	"github.com/zclconf/go-cty/cty"

	"mercator/plan"
	"mercator/provider/sandbox"
)

const limited = `project "p" {
  limits = {
    "atlas.project.deployment.clusters"           = 10
    "atlas.project.security.databaseAccess.users" = 80
  }
}`

// What is written key by key takes several calls, each of which builds on the one before.
func TestSeveralKeysOfOnePartChangeAtOnce(t *testing.T) {
	r := newRig(t, sandbox.Options{}).write(limited)
	r.converge()
	r.edit("main.hcl", "10", "11")
	r.edit("main.hcl", "80", "81")
	r.box.ResetCalls()
	r.converge()
	equal(t, "writes", r.writes(), "setGroupLimit", "setGroupLimit")
}

// A key that could not be written is not remembered as applied, or its old value would look like somebody's doing.
func TestOnlyTheKeysOfAPartThatWereWrittenCountAsApplied(t *testing.T) {
	r := newRig(t, sandbox.Options{}).write(limited)
	r.faults(sandbox.Fault{Method: "PATCH", Path: "limits/.*users", Action: sandbox.Status, Status: 400})
	if a := r.apply(plan.Options{}); a.Result.OK() {
		t.Fatal("the limit was taken")
	}
	r.faults()
	applied := r.read().Resources["project.p"].Applied.GetAttr("limits").AsValueMap()
	if got := applied["atlas.project.deployment.clusters"]; !got.RawEquals(cty.NumberIntVal(10)) {
		t.Errorf("the key that was written counts as %#v", got)
	}
	if got := applied["atlas.project.security.databaseAccess.users"]; !got.IsNull() {
		t.Errorf("the key that was not written counts as %#v", got)
	}
	if p := r.plan(plan.Options{}); len(p.Drift) > 0 {
		t.Errorf("drift: %+v", p.Drift)
	}
	r.converge()
}
