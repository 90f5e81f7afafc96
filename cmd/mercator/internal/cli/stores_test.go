package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mercator/apply/state"
	"mercator/schema/kinds"
)

// least are the arguments that each store cannot do without, and what locks it where that has to be said.
func least() map[string]map[string]string {
	return map[string]map[string]string{
		"local":    {},
		"http":     {"address": "https://states.example/shop", "lock_address": "https://states.example/shop/lock"},
		"postgres": {"conn_str": "postgres://states.example/shop"},
		"s3":       {"bucket": "states", "key": "shop.json", "region": "eu-west-1"},
	}
}

// TestRule_R34_StoresAreDocumented holds the README's table of what the stores promise against what they declare (R34).
func TestRule_R34_StoresAreDocumented(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join("..", "..", "..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	catalog, err := kinds.Catalog()
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range backends() {
		store, err := b.Open(state.Settings{Values: least()[b.Name], Dir: t.TempDir(), Catalog: catalog, Clock: state.SystemClock(), Version: version})
		if err != nil {
			t.Errorf("%s: %v", b.Name, err)
			continue
		}
		_, row, _ := strings.Cut(string(readme), "\n| `"+b.Name+"` |")
		row, _, _ = strings.Cut(row, "|\n")
		cells := strings.Split(row, "|")
		_, keeps := store.(state.Historian)
		can := store.Capabilities()
		if len(cells) != 4 {
			t.Errorf("the README has no row for %s", b.Name)
			continue
		}
		for i, has := range []bool{can.Lease, can.CompareAndSwap, can.Journal, keeps} {
			says := strings.TrimSpace(cells[i])
			if has != (says == "yes" || strings.HasPrefix(says, "with ")) {
				t.Errorf("%s: the README says %q in column %d, the store %v", b.Name, says, i+1, has)
			}
		}
		if !strings.Contains(string(readme), `state "`+b.Name+`"`) {
			t.Errorf("the README has no example of %s", b.Name)
		}
	}
}

// TestEveryStoreExplainsItself looks at what the stores say of their arguments.
func TestEveryStoreExplainsItself(t *testing.T) {
	for _, b := range backends() {
		names := map[string]bool{}
		for _, a := range b.Arguments {
			if names[a.Name] || a.Name == "" || a.Help == "" || strings.HasSuffix(a.Help, ".") {
				t.Errorf("%s: the argument %+v is named twice, or does not say what it is in half a sentence", b.Name, a)
			}
			names[a.Name] = true
		}
	}
}

// TestTheSandboxHasItsOwnState: whatever the files, the flags and the environment say.
func TestTheSandboxHasItsOwnState(t *testing.T) {
	u := &terrarium{t: t, dir: t.TempDir(), printed: map[string]string{}, env: map[string]string{"MERCATOR_STATE_HTTP_ADDRESS": "http://127.0.0.1:1/never"}}
	t.Chdir(u.dir)
	for _, block := range []string{`state "http" {}`, `state "local" { path = "real.json" }`, `state "nonsense" {}`} {
		u.write("mercator {\n  " + block + "\n}\nproject \"shop\" {}\n")
		u.must(0, "apply", "--sandbox", "--auto-approve", "--state-config", "path=real.json")
		u.must(0, "state", "list", "--sandbox", "--state-config", "nonsense=1")
		if _, err := os.Stat("real.json"); !os.IsNotExist(err) {
			t.Errorf("%s: the real state was touched: %v", block, err)
		}
	}
	if _, err := os.Stat(filepath.Join(".mercator", "sandbox", "mercator.state.json")); err != nil {
		t.Error(err)
	}
}

// TestWhatIsWrongWithAFlagIsToldWithoutIt: a connection string given as the whole flag has a "=" in it, behind the password.
func TestWhatIsWrongWithAFlagIsToldWithoutIt(t *testing.T) {
	u := &terrarium{t: t, dir: t.TempDir(), printed: map[string]string{}}
	t.Chdir(u.dir)
	u.write("mercator {\n  state \"postgres\" {}\n}\n")
	for _, flag := range []string{"postgres://app:canary@db/states?sslmode=disable", "canary", "=canary", "can ary=1"} {
		u.must(1, "state", "list", "--state-config", flag)
	}
	for line, text := range u.printed {
		if strings.Contains(text, "canary") || !strings.Contains(text, "needs a name and a value") {
			t.Errorf("%s:\n%s", line, text)
		}
	}
}
