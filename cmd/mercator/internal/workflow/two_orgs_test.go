package workflow_test

import (
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"mercator/plan"
	"mercator/provider/sandbox"
)

const (
	emeaOrg    = "5a0db0000000000000000002"
	emeaClient = "mdb_sa_id_5a0db0c0ffee5a0db0c0e3ea"
	emeaSecret = "mdb_sa_sk_emea-emea-emea-emea-emea-emea"
)

// bothOrgs are the organizations behind the connections of twoOrgs, each with a service account of its own.
var bothOrgs = []sandbox.Org{
	{ID: sandbox.DefaultOrgID, Name: "Sandbox", Credentials: []sandbox.Credential{{ClientID: sandbox.DefaultClientID, ClientSecret: sandbox.DefaultClientSecret}}},
	{ID: emeaOrg, Name: "EMEA", Credentials: []sandbox.Credential{{ClientID: emeaClient, ClientSecret: emeaSecret}}},
}

// twoOrgs declares the same names in two organizations.
const twoOrgs = `atlas {}
atlas "emea" {
	org_id             = "` + emeaOrg + `"
	credentials_prefix = "EMEA"
}

organization "ours" { settings = { multi_factor_auth_required = true } }
team "dev" { usernames = ["owner@example.com"] }
project "shop" {
	tags = { of = "ours" }
	project_team "dev" {
		team_id    = team.dev.id
		role_names = ["GROUP_OWNER"]
	}
}
api_key "deployer" {
	desc        = "Deploys"
	roles       = ["ORG_MEMBER"]
	projects    = [{ project_id = project.shop.id, roles = ["GROUP_OWNER"] }]
	secret_file = "ours.json"
}

organization "theirs" {
	atlas    = "emea"
	settings = { restrict_employee_access = true }
}
team "theirs" {
	atlas     = "emea"
	name      = "dev"
	usernames = ["owner@example.com"]
}
project "theirs" {
	atlas = "emea"
	name  = "shop"
	tags  = { of = "theirs" }
	project_team "dev" {
		team_id    = team.theirs.id
		role_names = ["GROUP_READ_ONLY"]
	}
	project_user "owner" {
		username = "owner@example.com"
		roles    = ["GROUP_OWNER"]
	}
}
api_key "theirs" {
	atlas       = "emea"
	desc        = "Deploys"
	roles       = ["ORG_READ_ONLY"]
	secret_file = "theirs.json"
}
`

// emea sets the environment of the second connection.
func (r *rig) emea(url string) *rig {
	r.env["EMEA_MONGODB_ATLAS_BASE_URL"] = url
	r.env["EMEA_MONGODB_ATLAS_CLIENT_ID"], r.env["EMEA_MONGODB_ATLAS_CLIENT_SECRET"] = emeaClient, emeaSecret
	return r
}

// TestTwoOrganizations plans and applies to two organizations of one Atlas at once: each call is made with the credential
// of the organization that it is about, and each object ends up in its own.
func TestTwoOrganizations(t *testing.T) {
	r := newRig(t, sandbox.Options{NoDefaultAlerts: true, Orgs: bothOrgs}).write(twoOrgs)
	r.emea(r.url).converge()

	owner := map[string]string{sandbox.DefaultOrgID: sandbox.DefaultClientID, emeaOrg: emeaClient}
	orgOf := map[string]string{}
	for _, p := range r.box.List(sandbox.Project, "") {
		orgOf[p["id"].(string)] = p["orgId"].(string)
		if tags := p["tags"].([]any); tags[0].(map[string]any)["value"] != map[string]string{sandbox.DefaultOrgID: "ours", emeaOrg: "theirs"}[p["orgId"].(string)] {
			t.Errorf("the project of %s is %v", p["orgId"], p)
		}
	}
	made := map[string]int{}
	for _, call := range r.box.Calls() {
		_, of, _ := strings.Cut(call.Path, "/orgs/")
		org, _, _ := strings.Cut(of, "/")
		if call.Project != "" {
			org = orgOf[call.Project]
		}
		if org == "" { // a token, or a project's creation, whose body names the organization
			continue
		}
		if made[org]++; call.Credential != owner[org] {
			t.Errorf("%s %s was made with %s", call.Method, call.Path, call.Credential)
		}
	}
	if made[sandbox.DefaultOrgID] == 0 || made[emeaOrg] == 0 {
		t.Errorf("calls of each organization: %v", made)
	}
	for org, has := range map[string]map[sandbox.Kind]int{
		sandbox.DefaultOrgID: {sandbox.Team: 1, sandbox.APIKey: 1, sandbox.OrgUser: 1},
		emeaOrg:              {sandbox.Team: 1, sandbox.APIKey: 1, sandbox.OrgUser: 1},
	} {
		for kind, want := range has {
			if got := r.box.List(kind, org); len(got) != want {
				t.Errorf("organization %s has %d of %s: %v", org, len(got), kind, got)
			}
		}
	}
	for name, b := range r.read().Resources {
		theirs := strings.Contains(string(name), "theirs")
		if (b.Connection == "emea") != theirs || strings.Contains(string(b.Place), emeaOrg) && !theirs {
			t.Errorf("%s is remembered with the connection %q in %s", name, b.Connection, b.Place)
		}
	}

	r.apply(plan.Options{Destroy: true})
	if left := r.box.List(sandbox.Project, ""); len(left) > 0 {
		t.Errorf("left are %v", left)
	}
}

// TestACredentialStaysAtHome has each organization behind an Atlas of its own: neither ever sees the credential of the
// other, nor a token of it.
func TestACredentialStaysAtHome(t *testing.T) {
	r := newRig(t, sandbox.Options{NoDefaultAlerts: true, Orgs: bothOrgs[:1]}).write(twoOrgs)
	theirs, err := sandbox.New(sandbox.Options{NoDefaultAlerts: true, Orgs: bothOrgs[1:], Clock: r.clock, NoRateLimits: true})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(theirs.Handler())
	t.Cleanup(func() { server.Close(); _ = theirs.Close() })
	r.cache = filepath.Join(t.TempDir(), "tokens")
	r.emea(server.URL).converge()
	r.expectEmpty() // with the tokens that the first run left
	for _, tc := range []struct {
		box             *sandbox.Server
		own, other, who string
	}{{r.box, sandbox.DefaultClientSecret, emeaSecret, sandbox.DefaultClientID}, {theirs, emeaSecret, sandbox.DefaultClientSecret, emeaClient}} {
		if !tc.box.Received(tc.own) || tc.box.Received(tc.other) {
			t.Errorf("the Atlas of %s: its own secret came %t, the other's %t", tc.who, tc.box.Received(tc.own), tc.box.Received(tc.other))
		}
		for _, call := range tc.box.Calls() {
			if call.Credential != tc.who {
				t.Errorf("%s %s was made with %q", call.Method, call.Path, call.Credential)
			}
		}
	}
}
