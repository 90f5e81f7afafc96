package workflow_test

import (
	"fmt"
	"strings"
	"testing"

	"mercator/apply"
	"mercator/plan"
	"mercator/provider/sandbox"
	"mercator/schema"
)

const firstARN, secondARN = "arn:aws:iam::123456789012:role/one", "arn:aws:iam::123456789012:role/two"

// role is a project with one role at a cloud provider, and what it gives out.
func role(args string) string {
	return fmt.Sprintf(`project "shop" {
  cloud_provider_access "one" {
%s
  }
}
output "role" { value = project.shop.cloud_provider_access.one.role_id }
output "external_id" { value = project.shop.cloud_provider_access.one.atlas_assumed_role_external_id }
`, args)
}

// TestARoleAtAWSTakesTwoSteps makes a role, hands out what its trust policy needs, authorizes it, changes it and loses it,
// all through real calls.
func TestARoleAtAWSTakesTwoSteps(t *testing.T) {
	r := newRig(t, sandbox.Options{NoDefaultAlerts: true}).write(role(`provider_name = "AWS"`))
	r.converge()
	live := func() map[string]any {
		t.Helper()
		all := r.box.List(sandbox.CloudRole, r.project("shop"))
		if len(all) != 1 {
			t.Fatalf("there are %d roles: %v", len(all), all)
		}
		return all[0]
	}
	made := live()
	outputs := r.read().Outputs
	if outputs["role"].Value.AsString() != made["roleId"] || outputs["external_id"].Value.AsString() != made["atlasAssumedRoleExternalId"] {
		t.Errorf("it hands out %v, and Atlas has %v", outputs, made)
	}
	for _, arn := range []string{firstARN, secondARN} {
		r.write(role("provider_name = \"AWS\"\niam_assumed_role_arn = \"" + arn + "\""))
		r.box.ResetCalls()
		r.converge()
		equal(t, "writes", r.writes(), "authorizeGroupCloudProviderAccessRole")
		if got := live(); got["iamAssumedRoleArn"] != arn || got["roleId"] != made["roleId"] {
			t.Errorf("authorized, it is %v", got)
		}
	}
	r.change(sandbox.CloudRole, "shop", made["roleId"].(string), map[string]any{"iamAssumedRoleArn": firstARN})
	if p := r.plan(plan.Options{}); len(p.Drift) != 1 {
		t.Errorf("drift: %+v", p.Drift)
	}
	r.converge()

	// Deleted outside, it is made anew and authorized in one go.
	r.remove(sandbox.CloudRole, "shop", made["roleId"].(string))
	r.box.ResetCalls()
	r.converge()
	equal(t, "writes", r.writes(), "createGroupCloudProviderAccess", "authorizeGroupCloudProviderAccessRole")
	if live()["roleId"] == made["roleId"] {
		t.Error("it is the old one")
	}

	// Another provider is another role, and the old one goes by its own.
	r.write(role(`provider_name = "AZURE"
service_principal_id = "6f0bd6a8-6ff4-4dd4-8b4e-8d5e6f3c1f0a"
tenant_id = "0b6b7a55-3c0f-4f0e-9c39-3a5ad2a3a7b1"`))
	r.converge()
	azure := live()
	r.edit("main.hcl", "0b6b7a55-3c0f-4f0e-9c39-3a5ad2a3a7b1", "0b6b7a55-3c0f-4f0e-9c39-3a5ad2a3a7b2")
	r.edit("main.hcl", "provider_name = ", "atlas_azure_app_id = \"9f2deb0d-be22-4524-a403-df531868bac1\"\nprovider_name = ")
	r.converge()
	if got := live(); got["_id"] != azure["_id"] || got["tenantId"] != "0b6b7a55-3c0f-4f0e-9c39-3a5ad2a3a7b2" || got["atlasAzureAppId"] != "9f2deb0d-be22-4524-a403-df531868bac1" {
		t.Errorf("changed, it is %v", got)
	}

	// Without the state nothing says whose it is.
	r.forget()
	r.converge()
	if n := len(r.box.List(sandbox.CloudRole, r.project("shop"))); n != 2 {
		t.Errorf("there are %d roles, want the old one left alone and one of ours", n)
	}
	r.write(`project "shop" {}`)
	r.box.ResetCalls()
	r.converge()
	equal(t, "writes", r.writes(), "deauthorizeGroupCloudProviderAccessRole")
	if left := live(); left["_id"] != azure["_id"] {
		t.Errorf("what is left is %v", left)
	}
}

// A role that AWS does not let Atlas assume yet stays, and the next apply only authorizes it.
func TestARoleThatCannotBeAssumedYetStays(t *testing.T) {
	r := newRig(t, sandbox.Options{NoDefaultAlerts: true}).write(role("provider_name = \"AWS\"\niam_assumed_role_arn = \"" + firstARN + "\""))
	r.faults(sandbox.Fault{Method: "PATCH", Path: "/cloudProviderAccess/", Action: sandbox.Status, Status: 400, ErrorCode: "CANNOT_ASSUME_ROLE", Detail: "The role cannot be assumed."})
	a := r.apply(plan.Options{})
	o := outcome(t, a.Result, "project.shop.cloud_provider_access.one")
	if o.Status != apply.Failed || !strings.Contains(o.Diagnostics[0].Error()+o.Diagnostics[0].Detail, "CANNOT_ASSUME_ROLE") {
		t.Errorf("the outcome is %+v", o)
	}
	r.faults()
	r.box.ResetCalls()
	r.converge()
	equal(t, "writes", r.writes(), "authorizeGroupCloudProviderAccessRole")
}

// TestRule_R26_ARoleIsFoundByItsIntent loses the answer to a creation, beside roles that look the same.
func TestRule_R26_ARoleIsFoundByItsIntent(t *testing.T) {
	stranger := map[string]any{"providerName": "AWS", "atlasAWSAccountArn": "arn:aws:iam::299602853325:root", "iamAssumedRoleArn": nil,
		"authorizedDate": nil, "atlasAssumedRoleExternalId": "9f2deb0d-be22-4524-a403-df531868bac0", "featureUsages": []any{}}
	r := newRig(t, sandbox.Options{NoDefaultAlerts: true}).write(`project "shop" {}`)
	r.converge()
	r.put(sandbox.CloudRole, "shop", stranger)
	r.write(role(`provider_name = "AWS"`))
	r.faults(sandbox.Fault{Method: "POST", Path: "/cloudProviderAccess$", Nth: 1, Action: sandbox.Lost})
	r.converge()
	if all := r.box.List(sandbox.CloudRole, r.project("shop")); len(all) != 2 {
		t.Errorf("there are %v", all)
	}

	// Somebody makes the same at the same time: nobody can tell which is ours.
	r.write(strings.ReplaceAll(role(`provider_name = "AWS"`), "}\n}", "}\n  cloud_provider_access \"two\" {\n    provider_name = \"AWS\"\n  }\n}"))
	r.faults(sandbox.Fault{Method: "POST", Path: "/cloudProviderAccess$", Nth: 1, Action: sandbox.Lost, Before: func(requestHook) {
		r.put(sandbox.CloudRole, "shop", stranger)
	}})
	a := r.apply(plan.Options{})
	if o := outcome(t, a.Result, "project.shop.cloud_provider_access.two"); o.Status != apply.Failed || o.Diagnostics[0].Code != "ambiguous" {
		t.Errorf("the outcome is %+v", o)
	}
}

// TestRule_R09_AGoogleServiceAccountIsWaitedFor makes one in the background, and one that Atlas cannot make.
func TestRule_R09_AGoogleServiceAccountIsWaitedFor(t *testing.T) {
	r := newRig(t, sandbox.Options{NoDefaultAlerts: true, Polls: 3}).write(role(`provider_name = "GCP"`))
	r.converge()
	if got := r.box.List(sandbox.CloudRole, r.project("shop"))[0]; got["status"] != "COMPLETE" {
		t.Errorf("it is %v", got)
	}
	r = newRig(t, sandbox.Options{NoDefaultAlerts: true, Polls: 3}).write(role(`provider_name = "GCP"`))
	r.faults(sandbox.Fault{Method: "GET", Path: "/cloudProviderAccess/", Nth: 1, Before: func(requestHook) {
		one := r.box.List(sandbox.CloudRole, r.project("shop"))[0]
		r.change(sandbox.CloudRole, "shop", one["roleId"].(string), map[string]any{"status": "FAILED"})
	}})
	a := r.apply(plan.Options{})
	if o := outcome(t, a.Result, "project.shop.cloud_provider_access.one"); o.Status != apply.Failed || o.Diagnostics[0].Code != "settle_failed" {
		t.Errorf("the outcome is %+v", o)
	}
	r.faults()
	finding(t, r.plan(plan.Options{}).Diagnostics, "failed_in_atlas")
	a = r.apply(plan.Options{Replace: []schema.Address{"project.shop.cloud_provider_access.one"}})
	if o := outcome(t, a.Result, "project.shop.cloud_provider_access.one"); o.Status != apply.Done {
		t.Errorf("it is not made anew: %+v", o)
	}
	r.expectEmpty()
}
