package workflow_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"mercator/plan"
	"mercator/provider/sandbox"
	"mercator/schema"
)

// TestAccountsAreChangedInPlace changes each argument of an account, and what somebody changed by hand is put back.
func TestAccountsAreChangedInPlace(t *testing.T) {
	account := func(name, projects, addresses string) string {
		return `project "one" {}
		project "two" {}
		service_account "ci" {
			name                       = "` + name + `"
			description                = "Deploys"
			roles                      = ["ORG_MEMBER"]
			projects                   = [` + projects + `]
			access_list                = [` + addresses + `]
			secret_expires_after_hours = 720
			secret_file                = "secrets/ci.json"
		}`
	}
	const one, two = `{ project_id = project.one.id, roles = ["GROUP_OWNER"] }`, `{ project_id = project.two.id, roles = ["GROUP_READ_ONLY"] }`
	r := newRig(t, sandbox.Options{NoDefaultAlerts: true, Restless: true})
	for i, step := range []struct {
		name, projects, addresses string
		want                      []string
	}{
		{"CI", one, `{ ip_address = "203.0.113.7" }, { cidr_block = "10.0.0.0/8" }`,
			[]string{"createGroup", "createGroup", "createOrgServiceAccount", "createOrgServiceAccountAccessList", "createOrgServiceAccountAccessList",
				"inviteGroupServiceAccount", "updateOrgServiceAccount"}},
		{"CI", two + "," + one, `{ cidr_block = "10.0.0.0/8" }, { cidr_block = "203.0.113.7/32" }`, []string{"inviteGroupServiceAccount"}},
		{"CD", two + "," + strings.Replace(one, "OWNER", "CLUSTER_MANAGER", 1), `{ cidr_block = "10.0.0.0/8" }, { ip_address = "2001:DB8::7" }`,
			[]string{"createOrgServiceAccountAccessList", "deleteOrgServiceAccountAccessListEntry", "updateGroupServiceAccount", "updateOrgServiceAccount"}},
		{"CD", "", "", []string{"deleteGroupServiceAccount", "deleteGroupServiceAccount", "deleteOrgServiceAccountAccessListEntry", "deleteOrgServiceAccountAccessListEntry"}},
	} {
		r.write(account(step.name, step.projects, step.addresses))
		r.box.ResetCalls()
		r.converge()
		if got := slices.Sorted(slices.Values(r.writes())); !slices.Equal(got, step.want) {
			t.Errorf("step %d: calls %q, want %q", i+1, got, step.want)
		}
	}
	r.write(account("CI", one, ""))
	r.converge()
	r.check(r.box.Change(sandbox.ServiceAccount, sandbox.DefaultOrgID, r.heldSecret()["id"], map[string]any{"description": "by hand", "projects": []any{}}))
	p := r.plan(plan.Options{})
	if c := find(t, p, "service_account.ci"); len(c.Diffs) != 2 || len(p.Drift) != 1 {
		t.Errorf("planned is %s, and the drift is %+v", describe(p), p.Drift)
	}
	r.converge()
	r.expectOneAccount("service_account.ci")

	r.write(strings.Replace(account("CI", one, ""), "= 720", "= 96", 1))
	p = r.plan(plan.Options{})
	if len(p.StateOnly) != 1 || p.StateOnly[0].Path != "secret_expires_after_hours" || find(t, p, "service_account.ci").Writes() {
		t.Errorf("another lifetime is planned as %s", describe(p))
	}
	r.converge()
}

// TestAnImportedAccountGetsASecretOfItsOwn takes over an account whose secret somebody else has: that one stays theirs.
func TestAnImportedAccountGetsASecretOfItsOwn(t *testing.T) {
	r := newRig(t, sandbox.Options{})
	theirs := map[string]string{"client_id": "mdb_sa_id_5a0db0000000000000000009", "secret": "mdb_sa_sk_theirs"}
	r.check(r.box.Put(sandbox.ServiceAccount, sandbox.DefaultOrgID, map[string]any{"clientId": theirs["client_id"], "name": "CI", "description": "Deploys",
		"roles": []any{"ORG_MEMBER"}, "secrets": []any{map[string]any{"id": "5a0db0000000000000000008", "expiresAt": "2027-01-01T00:00:00Z", "secret": theirs["secret"]}}}))
	r.write(accountKinds["service_account.ci"] + "\nimport {\n to = service_account.ci\n id = \"" + theirs["client_id"] + "\"\n}\n")
	c := find(t, r.plan(plan.Options{}), "service_account.ci")
	if c.Action != plan.Adopt || len(c.Calls) != 1 || c.Calls[0].Verb != schema.CallMint {
		t.Errorf("planned is %+v", c)
	}
	r.converge()
	if held := r.heldSecret(); !r.logsIn(held) || !r.logsIn(theirs) {
		t.Error("one of both secrets does not log in")
	}
	r.clock.advance(71 * 24 * time.Hour)
	r.converge() // theirs has expired after a week, as Atlas has it
	if !r.logsIn(r.heldSecret()) || r.logsIn(theirs) {
		t.Error("the new secret does not log in, or theirs does")
	}
}

// TestAnAccountOfTheOrganizationIsNoStrangerInItsProjects declares an account in the organization, and that nothing but
// what is declared may be in its project.
func TestAnAccountOfTheOrganizationIsNoStrangerInItsProjects(t *testing.T) {
	const text = `
	project "shop" { exclusive = ["project_service_account"] }
	service_account "ci" {
		name                       = "CI"
		description                = "Deploys"
		roles                      = ["ORG_MEMBER"]
		projects                   = [{ project_id = project.shop.id, roles = ["GROUP_OWNER"] }]
		secret_expires_after_hours = 2400
		secret_file                = "secrets/ci.json"
	}`
	r := newRig(t, sandbox.Options{}).write(text)
	r.converge()
	if p := r.plan(plan.Options{}); len(p.Unmanaged) > 0 && slices.ContainsFunc(p.Unmanaged, func(u plan.Unmanaged) bool { return u.Kind == "project_service_account" }) {
		t.Errorf("unmanaged are %+v", p.Unmanaged)
	}
	theirs := map[string]string{"client_id": "mdb_sa_id_5a0db0000000000000000009", "secret": "mdb_sa_sk_theirs"}
	r.check(r.box.Put(sandbox.ServiceAccount, sandbox.DefaultOrgID, map[string]any{"clientId": theirs["client_id"], "name": "theirs", "description": "theirs",
		"roles": []any{"ORG_MEMBER"}, "projects": []any{map[string]any{"groupId": r.project("shop"), "roles": []any{"GROUP_OWNER"}}},
		"secrets": []any{map[string]any{"id": "5a0db0000000000000000008", "expiresAt": "2027-01-01T00:00:00Z", "secret": theirs["secret"]}}}))
	p := r.plan(plan.Options{})
	if got := describe(p); !strings.Contains(got, "delete project.shop.project_service_account[") || strings.Contains(got, "service_account.ci") {
		t.Errorf("planned is %s", got)
	}
	r.converge()
	if !r.logsIn(theirs) || len(r.accounts()) != 2 {
		t.Error("a stranger was not only taken out of the project")
	}
}

// TestAProjectTakesNoLivingAccountWithIt deletes a project with an account that would outlive it.
func TestAProjectTakesNoLivingAccountWithIt(t *testing.T) {
	r := newRig(t, sandbox.Options{}).write(accountKinds["project.shop.project_service_account.ci"])
	r.converge()
	held := r.heldSecret()
	r.write("")
	r.converge()
	if r.logsIn(held) {
		t.Error("the account of a deleted project still logs in")
	}
	if _, err := os.Stat(filepath.Join(r.dir, "secrets", "ci.json")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("its file is left: %v", err)
	}
}

// TestFilesOfSecretsThatStayAreNobodysBusiness makes the files of credentials unreadable: a plan that makes no secret does
// not mind.
func TestFilesOfSecretsThatStayAreNobodysBusiness(t *testing.T) {
	r := newRig(t, sandbox.Options{}).write(deployer + accountKinds["service_account.ci"])
	r.converge()
	for _, name := range []string{"deployer", "ci"} {
		r.check(os.WriteFile(filepath.Join(r.dir, "secrets", name+".json"), []byte("moved to a safe place"), 0o600))
	}
	r.expectEmpty()
	r.clock.advance(71 * 24 * time.Hour)
	expectCodes(t, r.plan(plan.Options{}).Diagnostics, "secret_file_taken")
}

// TestRule_R33_AFileOfADeletedKeyGoes deletes a key, and declares it again: also where the run that deleted it was killed
// before it removed the file, and where somebody else deleted the key.
func TestRule_R33_AFileOfADeletedKeyGoes(t *testing.T) {
	path := func(r *rig) string { return filepath.Join(r.dir, "secrets", "deployer.json") }
	for name, remove := range map[string]func(r *rig){
		"deleted": func(r *rig) { r.write("").converge() },
		"killed": func(r *rig) {
			text, err := os.ReadFile(path(r))
			r.check(err)
			before := r.copyState()
			r.write("").converge()
			r.restore(before)
			r.check(os.WriteFile(path(r), text, 0o600))
			r.converge()
		},
		"by hand": func(r *rig) {
			r.check(r.box.Delete(sandbox.APIKey, sandbox.DefaultOrgID, r.delivered()["id"]))
			r.write("").converge()
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, sandbox.Options{}).write(deployer)
			r.converge()
			remove(r)
			if _, err := os.Stat(path(r)); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("its file is left: %v", err)
			}
			r.write(deployer)
			r.converge()
			r.expectOneKey("Deploys")
		})
	}
	r := newRig(t, sandbox.Options{}).write(deployer) // what is only forgotten keeps its file
	r.converge()
	held := r.delivered()
	r.write("removed {\n from = api_key.deployer\n destroy = false\n}\n").converge()
	if r.delivered()["id"] != held["id"] || len(r.keys()) != 1 {
		t.Error("the file of a key that is only forgotten is gone")
	}
}

// TestASavedRotationIsAppliedOnce applies a saved plan of a rotation twice.
func TestASavedRotationIsAppliedOnce(t *testing.T) {
	r := newRig(t, sandbox.Options{}).write(accountKinds["service_account.ci"])
	r.converge()
	r.clock.advance(71 * 24 * time.Hour)
	saved := r.save()
	if a, err := r.applySaved(saved); err != nil || !a.Result.OK() {
		t.Fatalf("the saved plan was not carried out: %v %v", err, a.Result.All())
	}
	r.expectOneAccount("service_account.ci")
	held := r.heldSecret()
	r.wantStale(t, saved, "service_account.ci")
	if now := r.heldSecret(); now["secret_id"] != held["secret_id"] {
		t.Error("the secret was replaced again")
	}
}
