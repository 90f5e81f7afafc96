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

	"pgregory.net/rapid"

	"mercator/plan"
	"mercator/provider/sandbox"
	"mercator/schema"
)

// lawAPIKey is an API key as a file declares it: its roles, by project name with "" for the organization, and from where
// it is accepted.
type lawAPIKey struct {
	desc      string
	roles     map[string][]string
	addresses []string
}

// TestLawOfKeys is the promise of the whole for credentials, which live beside the projects that TestLaw makes:
// whatever keys are declared one after the other, and whatever requests fail meanwhile, there is in the end each
// declared key once, as the file says, its file holds the secret of just that key, and nothing else is left.
func TestLawOfKeys(t *testing.T) {
	setLawCases(t)
	rapid.Check(t, func(rt *rapid.T) {
		r := newRig(t, sandbox.Options{NoDefaultAlerts: true, Restless: true})
		keys := map[string]lawAPIKey{}
		for range rapid.IntRange(1, 3).Draw(rt, "steps") {
			for _, label := range []string{"deployer", "reader"} {
				if old, there := keys[label]; !there || rapid.IntRange(0, 4).Draw(rt, "touch") > 0 {
					keys[label] = drawLawAPIKey(rt, old)
				} else {
					delete(keys, label)
				}
			}
			r.write(keysText(keys))
			fault := sandbox.Fault{Method: rapid.SampledFrom([]string{"", "POST", "PATCH", "DELETE"}).Draw(rt, "method"), Path: "/apiKeys",
				Nth: rapid.IntRange(1, 6).Draw(rt, "nth"), Action: rapid.SampledFrom([]sandbox.Action{sandbox.Lost, sandbox.Reset, sandbox.Status}).Draw(rt, "action")}
			if fault.Action == sandbox.Status {
				fault.Status = 500
			}
			r.faults(fault)
			r.apply(plan.Options{})
			r.faults()
			r.converge()
			if want, is := wantedKeys(keys), r.liveKeys(); !slices.Equal(want, is) {
				rt.Fatalf("Atlas has\n %s\nand declared is\n %s", strings.Join(is, "\n "), strings.Join(want, "\n "))
			}
			r.checkSecrets(rt, keys)
			for _, label := range []string{"deployer", "reader"} {
				if _, err := os.Stat(filepath.Join(r.dir, label+".json")); keys[label].desc == "" && err == nil {
					rt.Fatalf("the file of %s is left, which is gone", label)
				}
			}
		}
	})
}

func drawLawAPIKey(rt *rapid.T, old lawAPIKey) lawAPIKey {
	some := func(name string, least int, from ...string) []string {
		out := rapid.SliceOfNDistinct(rapid.SampledFrom(from), least, 2, rapid.ID).Draw(rt, name)
		slices.Sort(out)
		return out
	}
	k := lawAPIKey{desc: rapid.SampledFrom([]string{"one", "two", old.desc + "+"}).Draw(rt, "desc"),
		roles:     map[string][]string{"": some("roles", 1, "ORG_MEMBER", "ORG_READ_ONLY", "ORG_GROUP_CREATOR")},
		addresses: some("addresses", 0, "10.0.0.0/8", "203.0.113.7/32", "2001:db8::/32")}
	for _, project := range some("projects", 0, "shop", "lab") {
		k.roles[project] = some("roles in "+project, 1, "GROUP_OWNER", "GROUP_READ_ONLY", "GROUP_CLUSTER_MANAGER")
	}
	return k
}

func keysText(keys map[string]lawAPIKey) string {
	text := "project \"shop\" {}\nproject \"lab\" {}\n"
	for _, label := range slices.Sorted(maps.Keys(keys)) {
		k := keys[label]
		projects, addresses := "", ""
		for _, name := range slices.Sorted(maps.Keys(k.roles)) {
			if name != "" {
				projects += fmt.Sprintf("{ project_id = project.%s.id, roles = [%s] },", name, quoted(k.roles[name]))
			}
		}
		for _, address := range k.addresses {
			addresses += fmt.Sprintf("{ cidr_block = %q },", address)
		}
		text += fmt.Sprintf("api_key %q {\n desc = %q\n roles = [%s]\n projects = [%s]\n access_list = [%s]\n secret_file = \"%s.json\"\n}\n",
			label, k.desc, quoted(k.roles[""]), projects, addresses, label)
	}
	return text
}

func quoted(texts []string) string { return `"` + strings.Join(texts, `","`) + `"` }

// wantedKeys are the declared keys, in a line each.
func wantedKeys(keys map[string]lawAPIKey) []string {
	var out []string
	for _, k := range keys {
		roles := []any{}
		for project, names := range k.roles {
			for _, name := range names {
				roles = append(roles, strings.TrimPrefix(project+"/"+name, "/"))
			}
		}
		out = append(out, keyLine(map[string]any{"desc": k.desc, "roles": roles, "addresses": lawMapAny(k.addresses)}))
	}
	slices.Sort(out)
	return out
}

// liveKeys are the keys in Atlas, in a line each.
func (r *rig) liveKeys() []string {
	var out []string
	for name, doc := range r.box.Snapshot() {
		if strings.Contains(name, "/api_key/") {
			out = append(out, keyLine(doc.(map[string]any)))
		}
	}
	slices.Sort(out)
	return out
}

func keyLine(key map[string]any) string {
	sorted := func(list any) []string {
		var out []string
		for _, v := range list.([]any) {
			out = append(out, fmt.Sprint(v))
		}
		slices.Sort(out)
		return out
	}
	return fmt.Sprint(key["desc"], " ", sorted(key["roles"]), " ", sorted(key["addresses"]))
}

// checkSecrets makes sure that the file of each declared key holds the secret of the object that the state knows.
func (r *rig) checkSecrets(rt *rapid.T, keys map[string]lawAPIKey) {
	for label := range keys {
		var held map[string]string
		text, err := os.ReadFile(filepath.Join(r.dir, label+".json"))
		if err == nil {
			err = json.Unmarshal(text, &held)
		}
		bound := r.read().Resources[schema.Address("api_key."+label)]
		live := slices.IndexFunc(r.keys(), func(key map[string]any) bool {
			return key["id"] == held["id"] && key["publicKey"] == held["public_key"]
		})
		if err != nil || bound == nil || bound.ID != held["id"] || bound.Waiting != "" || live < 0 || held["private_key"] == "" {
			rt.Fatalf("the state knows %s as %+v, and its file holds the secret of %q: %v", label, bound, held["id"], err)
		}
	}
}
