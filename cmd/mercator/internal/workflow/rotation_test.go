package workflow_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mercator/plan"
	"mercator/provider/sandbox"
	"mercator/schema"
)

// The two kinds of service accounts, each with one that is declared as CI: good for a hundred days, and replaced when
// thirty are left.
var accountKinds = map[schema.Address]string{
	"service_account.ci": `
project "shop" {}
service_account "ci" {
	name                       = "CI"
	description                = "Deploys"
	roles                      = ["ORG_MEMBER"]
	secret_expires_after_hours = 2400
	rotate_before              = "720h"
	secret_file                = "secrets/ci.json"
}`,
	"project.shop.project_service_account.ci": `
project "shop" {
	project_service_account "ci" {
		name                       = "CI"
		description                = "Deploys"
		roles                      = ["GROUP_OWNER"]
		secret_expires_after_hours = 2400
		rotate_before              = "720h"
		secret_file                = "secrets/ci.json"
	}
}`,
}

// eachAccountKind runs a test for each of them.
func eachAccountKind(t *testing.T, options sandbox.Options, run func(t *testing.T, r *rig, address schema.Address, text string)) {
	for address, text := range accountKinds {
		t.Run(address.Kind(), func(t *testing.T) { run(t, newRig(t, options).write(text), address, text) })
	}
}

func (r *rig) accounts() []map[string]any {
	return r.box.List(sandbox.ServiceAccount, sandbox.DefaultOrgID)
}

// heldSecret reads what was delivered for CI.
func (r *rig) heldSecret() map[string]string {
	r.t.Helper()
	text, err := os.ReadFile(filepath.Join(r.dir, "secrets", "ci.json"))
	var held map[string]string
	if err == nil {
		err = json.Unmarshal(text, &held)
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return held
}

// logsIn reports whether Atlas gives a token for a secret.
func (r *rig) logsIn(held map[string]string) bool {
	r.t.Helper()
	req, err := http.NewRequest("POST", r.url+"/api/oauth/token", strings.NewReader(url.Values{"grant_type": {"client_credentials"}}.Encode()))
	if err != nil {
		r.t.Fatal(err)
	}
	req.SetBasicAuth(url.QueryEscape(held["client_id"]), url.QueryEscape(held["secret"]))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// expectOneAccount makes sure that Atlas has CI once, under its name and with one secret, which is the delivered one, and
// that the account itself can read what was planned.
func (r *rig) expectOneAccount(address schema.Address) {
	r.t.Helper()
	held, bound, live := r.heldSecret(), r.read().Resources[address], r.accounts()
	if bound == nil || held["id"] != bound.ID || held["secret_id"] != bound.Secret || len(bound.Stale) > 0 || bound.Waiting != "" {
		r.t.Fatalf("the file holds the secret %s of %s, and the state knows %+v", held["secret_id"], held["id"], bound)
	}
	if len(live) != 1 || live[0]["clientId"] != bound.ID || live[0]["description"] != "Deploys" || len(live[0]["secrets"].([]any)) != 1 {
		r.t.Errorf("Atlas has %v", live)
	}
	if !r.logsIn(held) {
		r.t.Error("the delivered secret does not log in")
	}
	as := *r
	as.env = map[string]string{"MONGODB_ATLAS_BASE_URL": r.url, "MONGODB_ATLAS_ORG_ID": sandbox.DefaultOrgID,
		"MONGODB_ATLAS_CLIENT_ID": held["client_id"], "MONGODB_ATLAS_CLIENT_SECRET": held["secret"]}
	as.expectEmpty()
}

// TestRule_R33_AnAccountIsNeverLockedOut has a scheduled job apply over a year: each secret logs in until the one after it
// is in the file, and no longer.
func TestRule_R33_AnAccountIsNeverLockedOut(t *testing.T) {
	eachAccountKind(t, sandbox.Options{}, func(t *testing.T, r *rig, address schema.Address, _ string) {
		r.converge()
		r.expectOneAccount(address)
		for range 3 {
			r.clock.advance(69 * 24 * time.Hour)
			r.expectEmpty()
			r.clock.advance(2 * 24 * time.Hour)
			old := r.heldSecret()
			p := r.plan(plan.Options{})
			c := find(t, p, address)
			if c.Action != plan.Update || !c.Mints() || len(p.Refusals()) > 0 || len(c.Risks) != 1 || c.Risks[0].Risk != schema.MintsCredential ||
				len(c.Reasons) != 1 || !strings.Contains(c.Reasons[0].Text, "expires on") {
				t.Fatalf("planned is %+v", c)
			}
			revoked := 0
			r.faults(sandbox.Fault{Method: "DELETE", Path: "/secrets/", Before: func(requestHook) {
				revoked++
				if now := r.heldSecret(); now["secret_id"] == old["secret_id"] || !r.logsIn(old) || !r.logsIn(now) {
					t.Error("the old secret goes before the new one is delivered")
				}
			}})
			r.converge()
			r.faults()
			if revoked != 1 || r.logsIn(old) {
				t.Errorf("%d secrets were revoked", revoked)
			}
			r.expectOneAccount(address)
		}
	})
}

// TestRule_R33_AnAccountWhoseSecretNobodyGotIsRevoked takes the place for the secret away in the last moment: from a
// creation, and from a rotation.
func TestRule_R33_AnAccountWhoseSecretNobodyGotIsRevoked(t *testing.T) {
	eachAccountKind(t, sandbox.Options{}, func(t *testing.T, r *rig, address schema.Address, _ string) {
		path := filepath.Join(r.dir, "secrets", "ci.json")
		obstruct := sandbox.Fault{Method: "POST", Path: "/serviceAccounts$|/secrets$", Before: func(requestHook) {
			r.check(os.RemoveAll(filepath.Dir(path)))
			r.check(os.WriteFile(filepath.Dir(path), nil, 0o600))
		}}
		r.faults(obstruct)
		a := r.apply(plan.Options{})
		expectCodes(t, a.Result.All(), "secret_undelivered")
		for _, live := range r.accounts() {
			if len(live["secrets"].([]any)) > 0 || address.Kind() == "service_account" {
				t.Errorf("accounts that somebody may use are left: %v", live)
			}
		}
		r.faults()
		r.check(os.Remove(filepath.Dir(path)))
		for _, live := range r.accounts() { // what the project's endpoints cannot delete
			r.check(r.box.Delete(sandbox.ServiceAccount, sandbox.DefaultOrgID, live["clientId"].(string)))
		}
		r.converge()
		r.expectOneAccount(address)

		r.clock.advance(71 * 24 * time.Hour)
		old := r.heldSecret()
		r.faults(obstruct)
		a = r.apply(plan.Options{})
		expectCodes(t, a.Result.All(), "secret_undelivered")
		if len(r.accounts()[0]["secrets"].([]any)) != 1 || !r.logsIn(old) {
			t.Errorf("the old secret does not serve any more: %v", r.accounts())
		}
		r.faults()
		r.check(os.Remove(filepath.Dir(path)))
		r.converge()
		r.expectOneAccount(address)
	})
}

func (r *rig) check(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// TestRule_R33_ACommandThatFailsCostsNothingButTheNewSecret hands secrets to a command that exits with 1.
func TestRule_R33_ACommandThatFailsCostsNothingButTheNewSecret(t *testing.T) {
	eachAccountKind(t, sandbox.Options{}, func(t *testing.T, r *rig, address schema.Address, text string) {
		to := func(command string) string {
			return strings.Replace(text, `secret_file                = "secrets/ci.json"`, `secret_command = ["sh", "-c", "`+command+`"]`, 1)
		}
		r.check(os.Mkdir(filepath.Join(r.dir, "secrets"), 0o700))
		r.write(to("cat > secrets/ci.json; exit 1"))
		a := r.apply(plan.Options{})
		expectCodes(t, a.Result.All(), "secret_undelivered")
		if r.logsIn(r.heldSecret()) {
			t.Error("an account that counts as undelivered logs in")
		}
		r.write(to("cat > secrets/ci.json"))
		for _, live := range r.accounts() {
			r.check(r.box.Delete(sandbox.ServiceAccount, sandbox.DefaultOrgID, live["clientId"].(string)))
		}
		r.converge()
		r.expectOneAccount(address)
		r.clock.advance(71 * 24 * time.Hour)
		old := r.heldSecret()
		r.write(to("cat > lost.json; exit 1"))
		a = r.apply(plan.Options{})
		expectCodes(t, a.Result.All(), "secret_undelivered")
		if !r.logsIn(old) || len(r.accounts()[0]["secrets"].([]any)) != 1 {
			t.Errorf("the old secret does not serve any more: %v", r.accounts())
		}
		r.write(to("cat > secrets/ci.json"))
		r.converge()
		r.expectOneAccount(address)
	})
}

// TestRule_R33_LostAnswersAboutAccounts loses the answer to each kind of call of a creation and of a rotation, and lets
// others fail.
func TestRule_R33_LostAnswersAboutAccounts(t *testing.T) {
	eachAccountKind(t, sandbox.Options{}, func(t *testing.T, _ *rig, address schema.Address, text string) {
		for _, days := range []int{0, 71} {
			for _, call := range []struct{ method, path string }{{"POST", "/serviceAccounts$"}, {"PATCH", "/serviceAccounts/"}, {"POST", "/secrets$"}, {"DELETE", "/secrets/"}} {
				for _, action := range []sandbox.Action{sandbox.Lost, sandbox.Reset, sandbox.Status} {
					r := newRig(t, sandbox.Options{NoDefaultAlerts: true}).write(text)
					if days > 0 {
						r.converge()
						r.clock.advance(time.Duration(days) * 24 * time.Hour)
					}
					fault := sandbox.Fault{Method: call.method, Path: call.path, Count: 1, Action: action}
					if action == sandbox.Status {
						fault.Status = 500
					}
					var old map[string]string
					if days > 0 {
						old = r.heldSecret()
					}
					r.faults(fault)
					r.apply(plan.Options{})
					r.faults()
					if days > 0 && !r.logsIn(r.heldSecret()) {
						t.Errorf("%s %s %v: neither %s nor the one after it logs in", call.method, call.path, action, old["secret_id"])
					}
					r.converge()
					held := r.heldSecret()
					if bound := r.read().Resources[address]; !r.logsIn(held) || bound.Secret != held["secret_id"] {
						t.Errorf("%s %s %v after %d days: the file holds %s, and the state knows %+v", call.method, call.path, action, days, held["secret_id"], bound)
					}
					living := 0
					for _, live := range r.accounts() {
						living += len(live["secrets"].([]any))
					}
					if living != 1 {
						t.Errorf("%s %s %v after %d days: %d secrets are there", call.method, call.path, action, days, living)
					}
				}
			}
		}
	})
}

// TestRule_R33_AnAccountIsKilledBetweenSecretAndDelivery ends the run at the moment in which Atlas has answered: nothing
// that was shown is delivered, and the run records nothing any more.
func TestRule_R33_AnAccountIsKilledBetweenSecretAndDelivery(t *testing.T) {
	eachAccountKind(t, sandbox.Options{}, func(t *testing.T, r *rig, address schema.Address, _ string) {
		// What lies on the disk when Atlas is asked for the secret is all that a run which dies then leaves.
		killed := func() {
			t.Helper()
			var kept map[string][]byte
			r.faults(sandbox.Fault{Method: "POST", Path: "/serviceAccounts$|/secrets$", Before: func(requestHook) { kept = r.copyState() }},
				sandbox.Fault{Method: "DELETE", Path: "/secrets/", Action: sandbox.Status, Status: 400},
				sandbox.Fault{Method: "PATCH", Path: "/serviceAccounts/", Action: sandbox.Status, Status: 400})
			r.apply(plan.Options{})
			r.faults()
			r.restore(kept)
		}
		killed()
		r.check(os.RemoveAll(filepath.Join(r.dir, "secrets")))
		p := r.plan(plan.Options{})
		if c := find(t, p, address); c.Action != plan.Replace || !c.Undelivered {
			t.Errorf("what nobody was given is planned as %+v", c)
		}
		r.converge()
		for _, live := range r.accounts() {
			if live["clientId"] != r.heldSecret()["id"] {
				if len(live["secrets"].([]any)) > 0 {
					t.Errorf("an account that nobody was given can still log in: %v", live)
				}
				r.check(r.box.Delete(sandbox.ServiceAccount, sandbox.DefaultOrgID, live["clientId"].(string)))
			}
		}
		r.expectOneAccount(address)

		r.clock.advance(71 * 24 * time.Hour)
		old, err := os.ReadFile(filepath.Join(r.dir, "secrets", "ci.json"))
		r.check(err)
		killed()
		r.check(os.WriteFile(filepath.Join(r.dir, "secrets", "ci.json"), old, 0o600))
		if !r.logsIn(r.heldSecret()) {
			t.Error("the old secret does not serve any more")
		}
		p = r.plan(plan.Options{})
		c := find(t, p, address)
		if len(c.Reasons) != 2 || c.Reasons[1].Code != "stale_secret" || len(c.Calls) != 3 || c.Calls[0].Verb != schema.CallRevoke {
			t.Errorf("a secret that nobody was given is planned as %+v %+v", c.Reasons, c.Calls)
		}
		r.converge()
		r.expectOneAccount(address)
	})
}

// TestRule_R23_AnAccountReplacesItsOwnSecretLast lets the account that Mercator logs in with be given a new secret: after
// everything else, since its token ends with the old one, and only where that is allowed.
func TestRule_R23_AnAccountReplacesItsOwnSecretLast(t *testing.T) {
	text := strings.Replace(accountKinds["service_account.ci"], "ORG_MEMBER", "ORG_OWNER", 1)
	r := newRig(t, sandbox.Options{NoDefaultAlerts: true}).write(text)
	r.converge()
	own := func() {
		held := r.heldSecret()
		r.env["MONGODB_ATLAS_CLIENT_ID"], r.env["MONGODB_ATLAS_CLIENT_SECRET"] = held["client_id"], held["secret"]
	}
	own()
	r.clock.advance(71 * 24 * time.Hour)
	r.write(text + "\nproject \"lab\" {}\n")
	p := r.plan(plan.Options{})
	if c := find(t, p, "service_account.ci"); !c.HasRisk(schema.LocksOut) || c.NeedsAllow != "allow-destroy" {
		t.Errorf("planned is %+v", c.Risks)
	}
	r.box.ResetCalls()
	a := r.apply(plan.Options{})
	if errs := a.Result.All().Errors(); len(errs) > 0 {
		t.Errorf("the apply failed: %v", errs)
	}
	equal(t, "calls", r.writes(), "createGroup", "createOrgServiceAccountSecret", "deleteOrgServiceAccountSecret")
	own()
	r.expectEmpty()
	r.expectOneAccount("service_account.ci")
}
