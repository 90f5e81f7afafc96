package workflow_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"mercator/plan"
	"mercator/provider/sandbox"
	"mercator/schema/diag"
)

// holding returns a rig whose credential is an API key with certain roles; the credential before may do everything.
func holding(t *testing.T, roles []string, projects map[string][]string, files string) *rig {
	t.Helper()
	key := sandbox.Credential{PublicKey: "readerxx", PrivateKey: sandbox.DefaultPrivateKey, Roles: roles, ProjectRoles: projects}
	owner := sandbox.Credential{ClientID: sandbox.DefaultClientID, ClientSecret: sandbox.DefaultClientSecret}
	r := newRig(t, sandbox.Options{Orgs: []sandbox.Org{{ID: sandbox.DefaultOrgID, Name: "Sandbox", Credentials: []sandbox.Credential{owner, key}}}})
	if files != "" {
		r.write(files).apply(plan.Options{})
	}
	delete(r.env, "MONGODB_ATLAS_CLIENT_ID")
	delete(r.env, "MONGODB_ATLAS_CLIENT_SECRET")
	r.env["MONGODB_ATLAS_PUBLIC_API_KEY"], r.env["MONGODB_ATLAS_PRIVATE_API_KEY"] = key.PublicKey, key.PrivateKey
	return r
}

const entryInShop = `project "shop" {
  access_list "office" { entries = { "203.0.113.7" = "Office" } }
}`

// TestMissingRoles lets credentials of several kinds plan and apply one entry.
func TestMissingRoles(t *testing.T) {
	for _, c := range []struct {
		name     string
		roles    []string
		projects map[string][]string
		before   string // files that are applied by an owner before
		code     string // of the finding
		ran      bool
	}{
		{"owner of the organization", []string{"ORG_OWNER"}, nil, "", "", true},
		{"maker of projects", []string{"ORG_GROUP_CREATOR"}, nil, "", "", true},
		{"member who would make a project", []string{"ORG_MEMBER"}, nil, "", "role_missing", false},
		{"owner of the project", []string{"ORG_MEMBER"}, map[string][]string{"shop": {"GROUP_OWNER"}}, `project "shop" {}`, "", true},
		{"reader of the project", []string{"ORG_MEMBER"}, map[string][]string{"shop": {"GROUP_READ_ONLY"}}, `project "shop" {}`, "role_missing", false},
		{"owner of another project", []string{"ORG_READ_ONLY"}, map[string][]string{"other": {"GROUP_OWNER"}}, `project "shop" {}`, "role_missing", false},
		{"manager of clusters", []string{"ORG_MEMBER"}, map[string][]string{"shop": {"GROUP_CLUSTER_MANAGER"}}, `project "shop" {}`, "role_unsure", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := holding(t, c.roles, c.projects, c.before).write(entryInShop)
			planned := r.plan(plan.Options{})
			if got := roleCodes(planned.Diagnostics.Warnings()); got != c.code || planned.Diagnostics.HasErrors() {
				t.Errorf("the plan warns of %q, want %q (%v)", got, c.code, planned.Diagnostics)
			}
			r.box.ResetCalls()
			done := r.apply(plan.Options{})
			if done.Ran != c.ran || roleCodes(done.Plan.Diagnostics) != c.code {
				t.Errorf("applied: %v, want %v (%v)", done.Ran, c.ran, done.Plan.Diagnostics)
			}
			writes := slices.ContainsFunc(r.box.Calls(), func(call sandbox.Call) bool { return call.Mutating && !strings.HasPrefix(call.Operation, "oauth") })
			if writes != c.ran {
				t.Errorf("there were writes: %v, want %v", writes, c.ran)
			}
		})
	}
}

func roleCodes(list diag.List) string {
	var out []string
	for _, d := range list {
		if strings.HasPrefix(d.Code, "role_") {
			out = append(out, d.Code)
		}
	}
	return strings.Join(out, " ")
}

// TestRolesThatNobodyTells makes sure that a refusal to tell roles stops nothing.
func TestRolesThatNobodyTells(t *testing.T) {
	r := newRig(t, sandbox.Options{Faults: []sandbox.Fault{{Path: "/serviceAccounts/", Action: sandbox.Status, Status: 403, ErrorCode: "USER_UNAUTHORIZED"}}})
	if done := r.write(entryInShop).apply(plan.Options{}); !done.Ran || len(done.Plan.Diagnostics) > 0 {
		t.Errorf("ran %v: %v", done.Ran, done.Plan.Diagnostics)
	}
}

// TestNeeds names where the roles are needed: in a project, in one that is made with the plan, or in those that a key names.
func TestNeeds(t *testing.T) {
	r := newRig(t, sandbox.Options{})
	r.write(`project "shop" {}`).converge()
	r.write(`project "shop" {
  access_list "office" { entries = { "203.0.113.7" = "Office" } }
}
project "new" {
  access_list "office" { entries = { "203.0.113.7" = "Office" } }
}
api_key "deployer" {
  desc        = "deploys"
  roles       = ["ORG_MEMBER"]
  projects    = [{ project_id = project.shop.id, roles = ["GROUP_READ_ONLY"] }]
  secret_file = "deployer.json"
}
`)
	s := r.open()
	p, err := s.Plan(context.Background(), plan.Options{SkipAdvice: true})
	if err != nil {
		t.Fatal(err)
	}
	id, _ := r.box.ProjectID("shop")
	var got []string
	for _, n := range s.Needs(p) {
		got = append(got, n.Role+" in "+n.Where())
	}
	slices.Sort(got)
	want := []string{
		"Organization Owner in organization " + sandbox.DefaultOrgID,
		"Organization Project Creator in organization " + sandbox.DefaultOrgID,
		"Project Access Manager in the projects that it names",
		"Project Network Access Manager in a new project",
		"Project Network Access Manager in project.shop (" + id + ")",
		"Project Owner in the projects that it names",
	}
	if !slices.Equal(got, want) {
		t.Errorf("needed is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
