package deliver_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"mercator/apply"
	"mercator/cmd/mercator/internal/deliver"
)

const secret = "9c0ffee0-secret"

func delivery(id string) apply.Delivery {
	return apply.Delivery{Address: `api_key.ci["a"]`, Kind: "api_key", ID: id, Fields: map[string]string{"public_key": "abc", "private_key": secret},
		Ours: func(other string) bool { return other == "k1" }}
}

func read(t *testing.T, path string) map[string]string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]string
	if err := json.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestRule_R33_AFileIsReplacedOnlyWhereItIsOurs(t *testing.T) {
	dir := t.TempDir()
	r := deliver.Deliverer{Dir: dir}
	d := delivery("k1")
	d.File = "keys/ci.json"
	for _, id := range []string{"k1", "k2"} { // k2 takes the place of k1, which the state knows
		d.ID = id
		if err := r.Ready(d); err != nil {
			t.Fatal(err)
		}
		if err := r.Deliver(context.Background(), d); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "keys", "ci.json")
	if doc := read(t, path); doc["id"] != "k2" || doc["public_key"] != "abc" || doc["private_key"] != secret || doc["kind"] != "api_key" {
		t.Errorf("it holds %v", doc)
	}
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("its mode is %v, %v", info.Mode(), err)
	}
	d.ID = "k3" // k2 is not known to the state
	for name, err := range map[string]error{"ready": r.Ready(d), "deliver": r.Deliver(context.Background(), d)} {
		if err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := os.WriteFile(path, []byte("notes of somebody"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := r.Deliver(context.Background(), d); err == nil {
		t.Error("somebody's file was replaced")
	}
	if whose, there := r.Held("keys/ci.json"); whose.ID != "" || !there {
		t.Errorf("somebody's file holds %q, %t", whose.ID, there)
	}
	if err := r.Withdraw(d); err != nil {
		t.Error(err)
	}
	if _, there := r.Held("keys/ci.json"); !there {
		t.Error("somebody's file was removed")
	}
	if _, there := r.Held("nothing.json"); there {
		t.Error("a file that is not there is there")
	}
	left, err := filepath.Glob(filepath.Join(dir, "keys", ".*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// The file of a credential that was deleted goes; that of another one, and one that is not there, is nobody's business.
func TestRule_R33_AFileGoesWithItsCredential(t *testing.T) {
	r := deliver.Deliverer{Dir: t.TempDir()}
	d := delivery("k1")
	d.File, d.Secret = "ci.json", "s1"
	if err := r.Deliver(context.Background(), d); err != nil {
		t.Fatal(err)
	}
	other := d
	other.ID = "k2"
	if err := r.Withdraw(other); err != nil {
		t.Error(err)
	}
	if whose, there := r.Held("ci.json"); !there || whose.ID != "k1" || whose.Secret != "s1" {
		t.Errorf("the file holds %+v, %t", whose, there)
	}
	for range 2 {
		if err := r.Withdraw(d); err != nil {
			t.Error(err)
		}
		if _, there := r.Held("ci.json"); there {
			t.Error("the file is still there")
		}
	}
	d.File, d.Command = "", []string{"true"}
	if err := r.Withdraw(d); err != nil {
		t.Error(err)
	}
}

func TestRule_R33_ACommandTakesTheSecretOnItsInput(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the commands of this test are those of Unix")
	}
	dir := t.TempDir()
	r := deliver.Deliverer{Dir: dir}
	d := delivery("k1")
	d.Command = []string{"tee", "taken.json"}
	if err := r.Ready(d); err != nil {
		t.Fatal(err)
	}
	if err := r.Deliver(context.Background(), d); err != nil {
		t.Fatal(err)
	}
	if doc := read(t, filepath.Join(dir, "taken.json")); doc["private_key"] != secret {
		t.Errorf("it took %v", doc)
	}
	d.Command = []string{"sh", "-c", "cat >&2; exit 3"}
	if err := r.Deliver(context.Background(), d); err == nil || !strings.Contains(err.Error(), "exit status 3") || strings.Contains(err.Error(), secret) {
		t.Errorf("a command that fails: %v", err)
	}
	d.Command = []string{"no-such-program-anywhere"}
	if err := r.Ready(d); err == nil {
		t.Error("a command that is not there is ready")
	}
}

// In the sandbox nothing leaves its folder.
func TestRule_R33_TheSandboxKeepsItsSecrets(t *testing.T) {
	dir := t.TempDir()
	r := deliver.Deliverer{Dir: dir, Sandbox: filepath.Join(dir, "box")}
	for _, file := range []string{"", "ci.json", "../up.json", "/abs/ci.json"} {
		d := delivery("k1")
		d.File, d.Command = file, []string{"touch", filepath.Join(dir, "ran")}
		if err := r.Ready(d); err != nil {
			t.Fatal(err)
		}
		if err := r.Deliver(context.Background(), d); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "ran")); err == nil {
		t.Error("a command ran")
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("beside the sandbox's folder there is %v, %v", entries, err)
	}
	if entries, err := os.ReadDir(r.Sandbox); err != nil || len(entries) != 4 {
		t.Errorf("the sandbox's folder holds %v, %v", entries, err)
	}
	if whose, there := r.Held("../up.json"); whose.ID != "k1" || !there {
		t.Errorf("it holds %q, %t", whose.ID, there)
	}
}
