package workflow_test

import (
	"strings"
	"testing"

	"mercator/plan"
	"mercator/provider/sandbox"
)

const checked = `
project "p" {}
check "short" {
  assert {
    condition     = length(project.p.id) == 3
    error_message = "The id ${project.p.id} is not short."
  }
}
`

// TestChecks tells what a check finds as soon as it can be known, and stops nothing.
func TestChecks(t *testing.T) {
	r := newRig(t, sandbox.Options{}).write(checked)
	expectCodes(t, r.plan(plan.Options{}).Diagnostics, "check_unknown")
	a := r.converge()
	says(t, finding(t, a.Result.All(), "check_failed").Detail, r.project("p"))
	expectCodes(t, r.plan(plan.Options{}).Diagnostics, "check_failed")
	if again := r.apply(plan.Options{}); len(again.Result.All()) > 0 {
		t.Errorf("what the plan has said is told again: %v", again.Result.All())
	}
	if p := r.plan(plan.Options{Destroy: true}); len(p.Diagnostics) > 0 {
		t.Errorf("what is to be destroyed is checked: %v", p.Diagnostics)
	}
	r.write(strings.Replace(checked, "== 3", "== 24", 1))
	expectCodes(t, r.plan(plan.Options{}).Diagnostics)
}

// TestPostconditionAfterApply fails an apply whose result is not what the files promise; what was made stays.
func TestPostconditionAfterApply(t *testing.T) {
	r := newRig(t, sandbox.Options{}).write(`
project "p" {
  lifecycle {
    postcondition {
      condition     = length(self.id) == 3
      error_message = "The id ${self.id} is not short."
    }
  }
}
`)
	a := r.apply(plan.Options{})
	says(t, finding(t, a.Result.All().Errors(), "postcondition_failed").Detail, r.project("p"))
	if a.Result.OK() || r.read().Resources["project.p"] == nil {
		t.Error("the apply succeeded, or forgot what it made")
	}
	expectCodes(t, r.plan(plan.Options{}).Diagnostics.Errors(), "postcondition_failed")
}
