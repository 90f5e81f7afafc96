package workflow_test

import (
	"slices"
	"strings"
	"testing"

	"mercator/plan"
	"mercator/provider/sandbox"
	"mercator/schema"
)

const linked = `project "shop" {
  private_endpoint_service "ireland" {
    provider_name = "AWS"
    region        = "EU_WEST_1"

    private_endpoint "vpc" {
      endpoint_id = "vpce-0123456789abcdef0"
    }
  }
}
`

// A service is made and waited for, changed in place, replaced with its endpoint, adopted, and deleted after it.
func TestPrivateEndpointServiceLifecycle(t *testing.T) {
	r := newRig(t, sandbox.Options{Polls: 2}).write(linked)
	r.converge()
	service := r.sole(sandbox.PrivateService)
	if service["status"] != "AVAILABLE" || r.sole(sandbox.PrivateEndpoint)["status"] != "AVAILABLE" {
		t.Errorf("they are %v and %v", service, r.sole(sandbox.PrivateEndpoint))
	}
	r.edit("main.hcl", `"EU_WEST_1"`, "\"EU_WEST_1\"\n supported_remote_regions = [\"US_EAST_1\", \"EU_CENTRAL_1\"]")
	r.box.ResetCalls()
	r.converge()
	equal(t, "writes", r.writes(), "updateGroupPrivateEndpointEndpointService")
	if got := r.sole(sandbox.PrivateService); got["id"] != service["id"] || len(got["supportedRemoteRegions"].([]any)) != 2 {
		t.Errorf("changed to %v", got)
	}
	r.edit("main.hcl", "EU_WEST_1", "EU_WEST_2")
	r.box.ResetCalls()
	r.converge()
	equal(t, "writes", r.writes(), "createGroupPrivateEndpointEndpointService", "createGroupPrivateEndpointEndpointServiceEndpoint",
		"deleteGroupPrivateEndpointEndpointServiceEndpoint", "deleteGroupPrivateEndpointEndpointService")
	r.forget()
	expect(t, r.plan(plan.Options{}), "adopt project.shop", "adopt project.shop.private_endpoint_service.ireland",
		"adopt project.shop.private_endpoint_service.ireland.private_endpoint.vpc")
	r.converge()
	r.write("project \"shop\" {}\n")
	r.box.ResetCalls()
	r.apply(plan.Options{AllowDestroy: []string{"all"}})
	equal(t, "writes", r.writes(), "deleteGroupPrivateEndpointEndpointServiceEndpoint", "deleteGroupPrivateEndpointEndpointService")
	r.expectEmpty()
}

// Each cloud calls an endpoint by other names and in another form; nothing of one changes but by replacement.
func TestPrivateEndpointLifecycle(t *testing.T) {
	for cloud, tc := range map[string]struct {
		region, args, old, new, attr, path string
	}{
		"AWS":   {"EU_WEST_1", `endpoint_id = "vpce-0123456789abcdef0"`, "abcdef0", "abcdef1", "endpoint_id", "/endpoint/vpce-0123456789abcdef1"},
		"AZURE": {"EUROPE_WEST", "endpoint_id = \"/subscriptions/s/privateEndpoints/e\"\n private_endpoint_ip_address = \"10.0.0.4\"", "10.0.0.4", "10.0.0.5", "private_endpoint_ip_address", "/endpoint/%2Fsubscriptions%2Fs%2FprivateEndpoints%2Fe"},
		"GCP": {"WESTERN_EUROPE", "endpoint_id = \"all\"\n gcp_project_id = \"shop-1\"\n endpoints = [{ endpoint_name = \"b\", ip_address = \"10.0.0.6\" }, { endpoint_name = \"a\", ip_address = \"10.0.0.5\" }]",
			"10.0.0.5", "10.0.0.7", "endpoints", "/endpoint/all"},
	} {
		t.Run(cloud, func(t *testing.T) {
			r := newRig(t, sandbox.Options{Polls: 1}).write("project \"shop\" {\n private_endpoint_service \"a\" {\n provider_name = \"" + cloud + "\"\n region = \"" + tc.region +
				"\"\n private_endpoint \"b\" {\n" + tc.args + "\n}\n}\n}\n")
			r.converge()
			r.edit("main.hcl", tc.old, tc.new)
			p := r.plan(plan.Options{})
			if c := find(t, p, "project.shop.private_endpoint_service.a.private_endpoint.b"); c.Action != plan.Replace || !strings.HasPrefix(c.Diffs[0].Path, tc.attr) {
				t.Errorf("it is %v with %v", c.Action, c.Diffs)
			}
			r.box.ResetCalls()
			r.converge()
			writes := []string{"createGroupPrivateEndpointEndpointServiceEndpoint", "deleteGroupPrivateEndpointEndpointServiceEndpoint"}
			if tc.attr != "endpoint_id" { // there can be one of a name only
				slices.Reverse(writes)
			}
			equal(t, "writes", r.writes(), writes...)
			found := false
			for _, c := range r.box.Calls() {
				found = found || strings.HasSuffix(c.Path, tc.path)
			}
			if !found {
				t.Errorf("nothing was asked of %s", tc.path)
			}
			r.forget()
			if c := find(t, r.plan(plan.Options{}), "project.shop.private_endpoint_service.a.private_endpoint.b"); c.Action != plan.Adopt || len(c.Diffs) > 0 {
				t.Errorf("it is %v with %v", c.Action, c.Diffs)
			}
		})
	}
}

// A service that somebody deleted comes back with its endpoint, and a rejected endpoint is told of.
func TestPrivateEndpointsThatWentWrong(t *testing.T) {
	r := newRig(t, sandbox.Options{}).write(linked)
	r.converge()
	id := r.sole(sandbox.PrivateService)["id"].(string)
	r.remove(sandbox.PrivateService, "shop", id)
	r.converge()
	id = r.sole(sandbox.PrivateService)["id"].(string)
	r.change(sandbox.PrivateEndpoint, "shop", id+"/vpce-0123456789abcdef0", map[string]any{"status": "REJECTED", "errorMessage": "it is not there"})
	const endpoint = "project.shop.private_endpoint_service.ireland.private_endpoint.vpc"
	says(t, finding(t, r.plan(plan.Options{}).Diagnostics, "failed_in_atlas").Detail, "REJECTED: it is not there", "--replace "+endpoint)
	r.apply(plan.Options{Replace: []schema.Address{endpoint}})
	r.expectEmpty()
}

// TestRule_R22_EndpointsHinderTheirService deletes a service with its endpoint, and not with a stranger's; nor the
// project with a stranger's service.
func TestRule_R22_EndpointsHinderTheirService(t *testing.T) {
	r := newRig(t, sandbox.Options{}).write(linked)
	r.converge()
	stranger := r.sole(sandbox.PrivateEndpoint)
	stranger["interfaceEndpointId"] = "vpce-0000000000000000a"
	r.put(sandbox.PrivateEndpoint, "shop", stranger)
	r.write("project \"shop\" {}\n")
	says(t, finding(t, r.plan(plan.Options{}).Diagnostics, "deletion_blocked").Error(), "private_endpoint", "lives in it")
	r.remove(sandbox.PrivateEndpoint, "shop", stranger["serviceId"].(string)+"/vpce-0000000000000000a")
	r.put(sandbox.PrivateService, "shop", map[string]any{"cloudProvider": "GCP", "regionName": "WESTERN_EUROPE", "status": "AVAILABLE"})
	r.write("")
	says(t, finding(t, r.plan(plan.Options{}).Diagnostics, "deletion_blocked").Error(), "private_endpoint_service", "lives in it")
}
