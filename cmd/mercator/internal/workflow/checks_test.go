package workflow_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	tfjson "github.com/hashicorp/terraform-json"

	"mercator/plan"
	"mercator/plan/render"
	"mercator/provider/sandbox"
	"mercator/schema"
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

// TestConditionsAreToldWithTheirResults: what every condition of the files came to stands in the plan, those that hold
// too, and in its JSON as Terraform writes it.
func TestConditionsAreToldWithTheirResults(t *testing.T) {
	r := newRig(t, sandbox.Options{}).write(`
variable "size" {
  default = 3
  validation {
    condition     = var.size > 2
    error_message = "At least three."
  }
}
project "p" {
  lifecycle {
    precondition {
      condition     = var.size < 10
      error_message = "Too many."
    }
    postcondition {
      condition     = self.id != ""
      error_message = "No id."
    }
  }
}
check "few" {
  assert {
    condition     = var.size < 3
    error_message = "There are ${var.size}."
  }
}
output "size" {
  value = var.size
  precondition {
    condition     = var.size == 3
    error_message = "Not three."
  }
}`)
	want := func(ofProject schema.CheckStatus) []schema.Check {
		return []schema.Check{
			{Kind: schema.CheckBlock, Name: "few", Status: schema.CheckFails, Problems: []string{"There are 3."}},
			{Kind: schema.CheckOutput, Name: "output.size", Status: schema.CheckPasses},
			{Kind: schema.CheckResource, Name: "project.p", Status: ofProject},
			{Kind: schema.CheckVariable, Name: "size", Status: schema.CheckPasses},
		}
	}
	if diff := cmp.Diff(want(schema.CheckUnknown), r.plan(plan.Options{}).Checks); diff != "" {
		t.Errorf("before the apply (-want +got):\n%s", diff)
	}
	r.apply(plan.Options{})
	p := r.plan(plan.Options{})
	if diff := cmp.Diff(want(schema.CheckPasses), p.Checks); diff != "" {
		t.Errorf("after the apply (-want +got):\n%s", diff)
	}
	var out bytes.Buffer
	if err := render.JSON(render.Options{Catalog: catalog}).Plan(&out, p); err != nil {
		t.Fatal(err)
	}
	var read tfjson.Plan
	if err := json.Unmarshal(out.Bytes(), &read); err != nil {
		t.Fatal(err)
	}
	if len(read.Checks) != 4 || read.Checks[0].Status != tfjson.CheckStatusFail || read.Checks[0].Instances[0].Problems[0].Message != "There are 3." {
		t.Errorf("as JSON: %+v", read.Checks)
	}
}
