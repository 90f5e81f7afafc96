package workflow_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mercator/plan"
	"mercator/provider/sandbox"
	"mercator/schema"
)

// lawAccount is a service account as a file declares it, in the organization or in the project of its label's name.
type lawAccount struct {
	name, description string
	inProject         bool
	roles             []string
	projects          map[string][]string // of one of the organization
	addresses         []string
	lasts             int
	rotates           string // "" where its secret is not replaced
}

func (a lawAccount) address(label string) schema.Address {
	if a.inProject {
		return schema.Address("project.shop.project_service_account." + label)
	}
	return schema.Address("service_account." + label)
}

// TestLawOfAccounts is the promise of the whole for credentials whose secrets expire: whatever accounts are declared one
// after the other, whatever requests fail, however time passes and whoever deletes secrets, there is in the end each
// declared account once, as the file says, with one secret at most, its file holds just that one, and nothing is left by
// which somebody else could log in.
func TestLawOfAccounts(t *testing.T) {
	setLawCases(t)
	rapid.Check(t, func(rt *rapid.T) {
		r := newRig(t, sandbox.Options{NoDefaultAlerts: true, Restless: true})
		accounts := map[string]lawAccount{}
		for range rapid.IntRange(1, 3).Draw(rt, "steps") {
			for _, label := range []string{"ci", "bot", "inside"} {
				if old, there := accounts[label]; !there || rapid.IntRange(0, 4).Draw(rt, "touch") > 0 {
					accounts[label] = drawLawAccount(rt, old, label == "inside")
				} else {
					delete(accounts, label)
				}
			}
			r.write(accountsText(accounts))
			r.meddle(rt, accounts)
			fault := sandbox.Fault{Method: rapid.SampledFrom([]string{"", "POST", "PATCH", "DELETE"}).Draw(rt, "method"),
				Path: rapid.SampledFrom([]string{"/serviceAccounts", "/secrets"}).Draw(rt, "path"),
				Nth:  rapid.IntRange(1, 6).Draw(rt, "nth"), Action: rapid.SampledFrom([]sandbox.Action{sandbox.Lost, sandbox.Reset, sandbox.Status}).Draw(rt, "action")}
			if fault.Action == sandbox.Status {
				fault.Status = 500
			}
			r.faults(fault)
			r.apply(plan.Options{})
			r.faults()
			r.converge()
			if want, is := wantedAccounts(accounts), r.liveAccounts(); !slices.Equal(want, is) {
				rt.Fatalf("Atlas has\n %s\nand declared is\n %s", strings.Join(is, "\n "), strings.Join(want, "\n "))
			}
			r.checkAccountSecrets(rt, accounts)
		}
	})
}

func drawLawAccount(rt *rapid.T, old lawAccount, inProject bool) lawAccount {
	some := func(name string, least int, from ...string) []string {
		out := rapid.SliceOfNDistinct(rapid.SampledFrom(from), least, 2, rapid.ID).Draw(rt, name)
		slices.Sort(out)
		return out
	}
	a := lawAccount{name: rapid.SampledFrom([]string{"CI", "Bot", old.name + "+"}).Draw(rt, "name"), inProject: inProject,
		description: rapid.SampledFrom([]string{"one", "two"}).Draw(rt, "description"),
		addresses:   some("addresses", 0, "10.0.0.0/8", "203.0.113.7/32", "2001:db8::/32"),
		lasts:       rapid.SampledFrom([]int{240, 2400}).Draw(rt, "lasts"),
		rotates:     rapid.SampledFrom([]string{"", "24h", "200h"}).Draw(rt, "rotates")}
	a.name = strings.ReplaceAll(a.name, "+", ".")
	if inProject {
		a.roles = some("roles", 1, "GROUP_OWNER", "GROUP_READ_ONLY")
		return a
	}
	a.roles, a.projects = some("roles", 1, "ORG_MEMBER", "ORG_READ_ONLY", "ORG_GROUP_CREATOR"), map[string][]string{}
	for _, project := range some("projects", 0, "shop", "lab") {
		a.projects[project] = some("roles in "+project, 1, "GROUP_OWNER", "GROUP_READ_ONLY", "GROUP_CLUSTER_MANAGER")
	}
	return a
}

// meddle lets time pass, and has somebody delete secrets of accounts that get others.
func (r *rig) meddle(rt *rapid.T, accounts map[string]lawAccount) {
	r.clock.advance(time.Duration(rapid.IntRange(0, 20).Draw(rt, "days")) * 24 * time.Hour)
	for _, label := range slices.Sorted(maps.Keys(accounts)) {
		b := r.read().Resources[accounts[label].address(label)]
		if b != nil && accounts[label].rotates != "" && rapid.IntRange(0, 3).Draw(rt, "deletes") == 0 {
			r.check(r.box.Change(sandbox.ServiceAccount, sandbox.DefaultOrgID, b.ID, map[string]any{"secrets": []any{}}))
		}
	}
}

func accountsText(accounts map[string]lawAccount) string {
	inside, outside := "", ""
	for _, label := range slices.Sorted(maps.Keys(accounts)) {
		a := accounts[label]
		addresses := ""
		for _, address := range a.addresses {
			addresses += fmt.Sprintf("{ cidr_block = %q },", address)
		}
		text := fmt.Sprintf(" %q {\n name = %q\n description = %q\n roles = [%s]\n access_list = [%s]\n secret_expires_after_hours = %d\n secret_file = \"%s.json\"\n",
			label, a.name, a.description, quoted(a.roles), addresses, a.lasts, label)
		if a.rotates != "" {
			text += fmt.Sprintf(" rotate_before = %q\n", a.rotates)
		}
		if a.inProject {
			inside += "project_service_account" + text + "}\n"
			continue
		}
		projects := ""
		for _, name := range slices.Sorted(maps.Keys(a.projects)) {
			projects += fmt.Sprintf("{ project_id = project.%s.id, roles = [%s] },", name, quoted(a.projects[name]))
		}
		outside += "service_account" + text + " projects = [" + projects + "]\n}\n"
	}
	return "project \"shop\" {\n" + inside + "}\nproject \"lab\" {}\n" + outside
}

// wantedAccounts are the declared accounts, in a line each.
func wantedAccounts(accounts map[string]lawAccount) []string {
	var out []string
	for _, a := range accounts {
		roles, prefix := []any{}, ""
		if a.inProject {
			roles, prefix = []any{"ORG_MEMBER"}, "shop/"
		}
		for _, name := range a.roles {
			roles = append(roles, prefix+name)
		}
		for project, names := range a.projects {
			for _, name := range names {
				roles = append(roles, project+"/"+name)
			}
		}
		out = append(out, a.name+" "+keyLine(map[string]any{"desc": a.description, "roles": roles, "addresses": lawMapAny(a.addresses)}))
	}
	slices.Sort(out)
	return out
}

// liveAccounts are the accounts in Atlas, in a line each, but those that a project's endpoints cannot delete and by which
// nobody can log in.
func (r *rig) liveAccounts() []string {
	bound := map[any]bool{}
	for _, b := range r.read().Resources {
		bound[b.ID] = true
	}
	for _, live := range r.accounts() {
		if len(live["secrets"].([]any))+len(live["projects"].([]any)) == 0 && !bound[live["clientId"]] {
			r.check(r.box.Delete(sandbox.ServiceAccount, sandbox.DefaultOrgID, live["clientId"].(string)))
		}
	}
	var out []string
	for name, doc := range r.box.Snapshot() {
		if account, ok := doc.(map[string]any); ok && strings.Contains(name, "/service_account/") {
			account["desc"] = account["description"]
			out = append(out, fmt.Sprint(account["name"], " ", keyLine(account)))
		}
	}
	slices.Sort(out)
	return out
}

// checkAccountSecrets makes sure that the file of each declared account holds the one secret of the object that the state
// knows, and that it logs in as long as it is good.
func (r *rig) checkAccountSecrets(rt *rapid.T, accounts map[string]lawAccount) {
	for _, label := range []string{"ci", "bot", "inside"} {
		text, err := os.ReadFile(filepath.Join(r.dir, label+".json"))
		a, declared := accounts[label]
		if !declared {
			if err == nil {
				rt.Fatalf("the file of %s is left, which is gone", label)
			}
			continue
		}
		var held map[string]string
		if err == nil {
			err = json.Unmarshal(text, &held)
		}
		b := r.read().Resources[a.address(label)]
		if err != nil || b == nil || b.ID != held["id"] || b.Secret != held["secret_id"] || b.Waiting != "" || len(b.Stale) > 0 {
			rt.Fatalf("the state knows %s as %+v, and its file holds the secret %s of %q: %v", label, b, held["secret_id"], held["id"], err)
		}
		live, _ := r.box.Get(sandbox.ServiceAccount, sandbox.DefaultOrgID, b.ID)
		if n := len(live["secrets"].([]any)); n != 1 {
			rt.Fatalf("%s has %d secrets", label, n)
		}
		ends, err := time.Parse(time.RFC3339, held["expires_at"])
		if good := ends.After(r.clock.Now()); err != nil || r.logsIn(held) != good || !good && a.rotates != "" {
			rt.Fatalf("the secret of %s logs in: %t, and it ends on %v", label, r.logsIn(held), ends)
		}
	}
}
