package workflow_test

import (
	"slices"
	"strings"
	"testing"

	"mercator/plan"
	"mercator/provider/sandbox"
	"mercator/schema"
)

// byKey lets the rig work with the API key whose secret it was given.
func (r *rig) byKey() {
	r.t.Helper()
	held := r.delivered()
	delete(r.env, "MONGODB_ATLAS_CLIENT_ID")
	delete(r.env, "MONGODB_ATLAS_CLIENT_SECRET")
	r.env["MONGODB_ATLAS_PUBLIC_API_KEY"], r.env["MONGODB_ATLAS_PRIVATE_API_KEY"] = held["public_key"], held["private_key"]
}

const ownKey = `api_key "deployer" {
	desc        = "Deploys"
	roles       = ["ORG_OWNER"]
	access_list = [{ cidr_block = "0.0.0.0/1" }]
	secret_file = "secrets/deployer.json"
}
`

// TestRule_R23_TheKeyInUseChangesLast works with a key that the files declare: its roles and its access list change after
// everything else and if a flag allows it, its description at any time, and it is not deleted.
func TestRule_R23_TheKeyInUseChangesLast(t *testing.T) {
	r := newRig(t, sandbox.Options{NoDefaultAlerts: true}).write(ownKey)
	r.converge()
	r.byKey()
	r.write(strings.Replace(ownKey, "Deploys", "Deploys the shop", 1))
	if a := r.alone(plan.Options{}); !a.Ran || len(a.Refused) > 0 {
		t.Errorf("another description is refused: %v", a.Refused)
	}

	changed := strings.NewReplacer("Deploys", "Deploys the shop", `"ORG_OWNER"`, `"ORG_OWNER", "ORG_READ_ONLY"`, "0.0.0.0/1", "128.0.0.0/1").Replace(ownKey)
	r.write(changed + `project "shop" {
	access_list "office" { entries = { "203.0.113.7" = "Office" } }
}
`)
	expectCodes(t, r.alone(plan.Options{}).Refused, "needs_allow_lock_out")
	r.box.ResetCalls()
	if a := r.alone(plan.Options{AllowDestroy: []string{"api_key.deployer"}}); !a.Ran || len(a.Result.All().Errors()) > 0 {
		t.Fatalf("refused %v, failed %v", a.Refused, a.Result.All())
	}
	want := []string{"createGroup", "createGroupAccessListEntry", "updateOrgApiKey", "createOrgApiKeyAccessListEntry", "deleteOrgApiKeyAccessListEntry"}
	if got := r.writes(); !slices.Equal(got, want) {
		t.Errorf("the calls were %q, want %q", got, want)
	}
	r.expectEmpty()

	for _, options := range []plan.Options{{Destroy: true}, {Replace: []schema.Address{"api_key.deployer"}}} {
		r.box.ResetCalls()
		a := r.apply(options)
		expectCodes(t, a.Plan.Diagnostics.Errors(), "credential_in_use")
		if a.Ran || len(r.writes()) > 0 {
			t.Errorf("with %+v it wrote %q", options, r.writes())
		}
	}
}

// TestRule_R23_AccessListsAreRequiredLast: where the organization asks for access lists, that comes after everything else,
// and where something else fails it does not come at all.
func TestRule_R23_AccessListsAreRequiredLast(t *testing.T) {
	const files = `organization "ours" {
	settings = { api_access_list_required = true }
}
project "shop" {
	custom_role "reader" { actions = [{ action = "FIND", resources = [{ db = "orders" }] }] }
}
`
	r := newRig(t, sandbox.Options{NoDefaultAlerts: true}).write(files)
	expectCodes(t, r.alone(plan.Options{}).Refused, "needs_allow_lock_out")
	r.faults(sandbox.Fault{Method: "POST", Path: "/customDBRoles", Action: sandbox.Status, Status: 400, ErrorCode: "ATLAS_CUSTOM_ROLE_INVALID_NAME"})
	r.apply(plan.Options{})
	if settings, _ := r.box.Get(sandbox.OrgSettings, sandbox.DefaultOrgID, ""); settings["apiAccessListRequired"] != false {
		t.Error("it was required although something failed before")
	}
	r.faults()
	r.box.ResetCalls()
	r.converge()
	if got, want := r.writes(), []string{"createGroupCustomDbRoleRole", "updateOrgSettings"}; !slices.Equal(got, want) {
		t.Errorf("the calls were %q, want %q", got, want)
	}
	r.write(strings.Replace(files, "true", "false", 1))
	expectCodes(t, r.alone(plan.Options{}).Refused, "needs_allow_lock_out")
}
