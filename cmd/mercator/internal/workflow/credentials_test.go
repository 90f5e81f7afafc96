package workflow_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"mercator/cmd/mercator/internal/canary"
	"mercator/plan"
	"mercator/provider/atlas"
	"mercator/provider/sandbox"
	"mercator/schema"
)

const deployer = `api_key "deployer" {
	desc        = "Deploys"
	roles       = ["ORG_MEMBER"]
	secret_file = "secrets/deployer.json"
}
`

// keys are the API keys that Atlas has.
func (r *rig) keys() []map[string]any { return r.box.List(sandbox.APIKey, sandbox.DefaultOrgID) }

// delivered reads the secret that was written for the deployer, and makes sure that only its owner can read it.
func (r *rig) delivered() map[string]string {
	r.t.Helper()
	path := filepath.Join(r.dir, "secrets", "deployer.json")
	info, err := os.Stat(path)
	if err != nil {
		r.t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		r.t.Errorf("%s has the mode %v", path, info.Mode())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		r.t.Fatal(err)
	}
	var out map[string]string
	if err := json.Unmarshal(text, &out); err != nil {
		r.t.Fatalf("%s: %v", text, err)
	}
	return out
}

// expectOneKey makes sure that Atlas has the declared key once, under its name, and that the delivered secret is its.
func (r *rig) expectOneKey(desc string) {
	r.t.Helper()
	keys, held := r.keys(), r.delivered()
	if len(keys) != 1 || keys[0]["desc"] != desc || keys[0]["id"] != held["id"] || keys[0]["publicKey"] != held["public_key"] {
		r.t.Errorf("Atlas has the keys %v, and the file holds that of %s %s", keys, held["id"], held["public_key"])
	}
	as := *r
	as.env = map[string]string{"MONGODB_ATLAS_BASE_URL": r.url, "MONGODB_ATLAS_ORG_ID": sandbox.DefaultOrgID,
		"MONGODB_ATLAS_PUBLIC_API_KEY": held["public_key"], "MONGODB_ATLAS_PRIVATE_API_KEY": held["private_key"]}
	as.expectEmpty() // which the key itself can read
}

// TestRule_R04_AKeyIsNamedWhenItsSecretIsDelivered looks at the key and the file in the moment in which it is named.
func TestRule_R04_AKeyIsNamedWhenItsSecretIsDelivered(t *testing.T) {
	r := newRig(t, sandbox.Options{}).write(deployer)
	named := 0
	r.faults(sandbox.Fault{Method: "PATCH", Path: "/orgs/[^/]+/apiKeys/[^/]+$", Before: func(requestHook) {
		named++
		if held := r.delivered(); held["private_key"] == "" || held["address"] != "api_key.deployer" || held["kind"] != "api_key" {
			t.Errorf("the file holds %d fields of %s", len(held), held["address"])
		}
		if desc, _ := r.keys()[0]["desc"].(string); !strings.HasPrefix(desc, "mercator intent ") {
			t.Errorf("it is called %q before its secret is delivered", desc)
		}
	}})
	r.converge()
	if named != 1 {
		t.Errorf("it was named %d times", named)
	}
	r.expectOneKey("Deploys")
}

// TestRule_R04_AKeyOfTheSameContentIsLeftAlone has somebody make the same key by hand.
func TestRule_R04_AKeyOfTheSameContentIsLeftAlone(t *testing.T) {
	r := newRig(t, sandbox.Options{}).write(deployer)
	if err := r.box.Put(sandbox.APIKey, sandbox.DefaultOrgID, map[string]any{"id": "5a0db0000000000000000009", "desc": "Deploys", "publicKey": "byhandxx",
		"roles": []any{map[string]any{"orgId": sandbox.DefaultOrgID, "roleName": "ORG_MEMBER"}}}); err != nil {
		t.Fatal(err)
	}
	expect(t, r.plan(plan.Options{}), "create api_key.deployer")
	r.converge()
	if len(r.keys()) != 2 || r.delivered()["id"] == "5a0db0000000000000000009" {
		t.Errorf("the keys are %v, and the file holds %s", r.keys(), r.delivered()["id"])
	}
}

// TestRule_R33_ALostAnswerIsRevoked loses the one answer that holds the secret: the key that nobody can use goes, and
// another is made.
func TestRule_R33_ALostAnswerIsRevoked(t *testing.T) {
	r := newRig(t, sandbox.Options{}).write(deployer)
	r.faults(sandbox.Fault{Method: "POST", Path: "/apiKeys$", Count: 1, Action: sandbox.Lost})
	r.apply(plan.Options{})
	r.faults()
	if n := len(r.keys()); n > 1 {
		t.Errorf("%d keys are there", n)
	}
	r.converge()
	r.expectOneKey("Deploys")
}

// TestRule_R33_WhatIsNotDeliveredIsRevokedInAtlas takes the place for the secret away in the last moment.
func TestRule_R33_WhatIsNotDeliveredIsRevokedInAtlas(t *testing.T) {
	r := newRig(t, sandbox.Options{}).write(deployer)
	folder := filepath.Join(r.dir, "secrets")
	r.faults(sandbox.Fault{Method: "POST", Path: "/apiKeys$", Before: func(requestHook) {
		if err := os.RemoveAll(folder); err != nil {
			t.Error(err)
		}
		if err := os.WriteFile(folder, nil, 0o600); err != nil {
			t.Error(err)
		}
	}})
	a := r.apply(plan.Options{})
	expectCodes(t, a.Result.All(), "secret_undelivered")
	if len(r.keys()) != 0 {
		t.Errorf("keys that nobody holds are left: %v", r.keys())
	}
	r.faults()
	if err := os.Remove(folder); err != nil {
		t.Fatal(err)
	}
	r.converge()
	r.expectOneKey("Deploys")
}

// TestRule_R33_AReplacedKeyServesUntilTheNewOneIsDelivered replaces a key: its file is ours, so it is written over.
func TestRule_R33_AReplacedKeyServesUntilTheNewOneIsDelivered(t *testing.T) {
	r := newRig(t, sandbox.Options{}).write(deployer)
	r.converge()
	old := r.delivered()["id"]
	r.faults(sandbox.Fault{Method: "DELETE", Path: "/apiKeys/", Before: func(requestHook) {
		if r.delivered()["id"] == old {
			t.Error("the old key goes before the new one is delivered")
		}
	}})
	r.apply(plan.Options{Replace: []schema.Address{"api_key.deployer"}})
	r.faults()
	r.expectEmpty()
	r.expectOneKey("Deploys")
	if r.delivered()["id"] == old {
		t.Error("it was not replaced")
	}
}

// TestRule_R33_AKeysSecretIsInItsFileOnly looks for the delivered secret in all that is written, logged and printed.
func TestRule_R33_AKeysSecretIsInItsFileOnly(t *testing.T) {
	l := &leaks{}
	r := newRig(t, sandbox.Options{}).write(deployer)
	r.log = slog.New(slog.NewJSONHandler(l, &slog.HandlerOptions{Level: atlas.LevelTrace}))
	sources := r.open().Config.Excerpts()
	l.show(t, "the plan", r.plan(plan.Options{}), sources)
	r.faults(sandbox.Fault{After: func(requestHook) {
		for name, text := range r.copyState() {
			l.add("the state while an apply ran", name+string(text))
		}
	}})
	a, err := r.open().Apply(context.Background(), applyAll())
	l.result("the apply", a, err)
	l.show(t, "the plan of the apply", a.Plan, sources)
	r.faults()
	r.write(strings.Replace(deployer, "Deploys", "Deploys more", 1))
	p := r.plan(plan.Options{})
	expect(t, p, "update api_key.deployer desc")
	l.show(t, "the second plan", p, sources)
	r.keep(l, p)
	r.converge()
	l.add("Atlas", fmt.Sprint(r.keys()))

	secret := r.delivered()["private_key"]
	if len(secret) != 36 {
		t.Fatalf("a secret of %d characters was delivered", len(secret))
	}
	l.search(t, secret)
	found, err := canary.FindInFolder(r.dir, func(path string) bool { return filepath.Base(path) == "deployer.json" }, secret)
	if err != nil || len(found) > 0 {
		t.Errorf("files hold secrets: %v %v", found, err)
	}
}

// TestKeysAreAssignedOneByOne changes where a key is assigned and from where it is accepted: nothing is taken away
// that stays, and what somebody changed by hand is put back.
func TestKeysAreAssignedOneByOne(t *testing.T) {
	key := func(projects, addresses string) string {
		return `project "one" {}
		project "two" {}
		api_key "deployer" {
			desc        = "Deploys"
			roles       = ["ORG_MEMBER"]
			projects    = [` + projects + `]
			access_list = [` + addresses + `]
			secret_file = "secrets/deployer.json"
		}`
	}
	const one, two = `{ project_id = project.one.id, roles = ["GROUP_OWNER"] }`, `{ project_id = project.two.id, roles = ["GROUP_READ_ONLY"] }`
	r := newRig(t, sandbox.Options{NoDefaultAlerts: true, Restless: true})
	for i, step := range []struct {
		projects, addresses string
		want                []string
	}{
		{one, `{ ip_address = "203.0.113.7" }, { cidr_block = "10.0.0.0/8" }`,
			[]string{"addGroupApiKey", "createGroup", "createGroup", "createOrgApiKey", "createOrgApiKeyAccessListEntry", "createOrgApiKeyAccessListEntry", "updateOrgApiKey"}},
		{two + "," + one, `{ cidr_block = "10.0.0.0/8" }, { cidr_block = "203.0.113.7/32" }`, []string{"addGroupApiKey"}},
		{two + "," + strings.Replace(one, "OWNER", "CLUSTER_MANAGER", 1), `{ cidr_block = "10.0.0.0/8" }, { ip_address = "2001:DB8::7" }`,
			[]string{"createOrgApiKeyAccessListEntry", "deleteOrgApiKeyAccessListEntry", "updateGroupApiKeyRoles"}},
		{two, `{ ip_address = "2001:db8::7" }`, []string{"deleteOrgApiKeyAccessListEntry", "removeGroupApiKey"}},
		{"", "", []string{"deleteOrgApiKeyAccessListEntry", "removeGroupApiKey"}},
	} {
		r.write(key(step.projects, step.addresses))
		r.box.ResetCalls()
		r.converge()
		if got := slices.Sorted(slices.Values(r.writes())); !slices.Equal(got, step.want) {
			t.Errorf("step %d: calls %q, want %q", i+1, got, step.want)
		}
	}
	r.write(key(one, ""))
	r.converge()
	if err := r.box.Change(sandbox.APIKey, sandbox.DefaultOrgID, r.delivered()["id"], map[string]any{"roles": []any{
		map[string]any{"orgId": sandbox.DefaultOrgID, "roleName": "ORG_OWNER"}, map[string]any{"groupId": r.project("two"), "roleName": "GROUP_OWNER"}}}); err != nil {
		t.Fatal(err)
	}
	p := r.plan(plan.Options{})
	expect(t, p, "update api_key.deployer roles[0] roles[0] projects[0] projects[0]")
	if len(p.Drift) != 1 {
		t.Errorf("the drift is %+v", p.Drift)
	}
	r.converge()
	r.expectOneKey("Deploys")
}
