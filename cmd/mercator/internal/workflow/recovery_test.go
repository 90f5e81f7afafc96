package workflow_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"mercator/apply/state"
	httpstate "mercator/apply/state/http"
	"mercator/apply/state/http/httptestserver"
	"mercator/cmd/mercator/internal/workflow"
	"mercator/plan"
	"mercator/provider/sandbox"
	"mercator/schema/config"
)

// remote is a rig whose state is kept by a server.
type remote struct {
	*rig
	server *httptestserver.Server
}

func newRemote(t *testing.T) *remote {
	server := httptestserver.New(httptestserver.GitLab)
	t.Cleanup(server.Close)
	return &remote{newRig(t, sandbox.Options{}), server}
}

func (r *remote) session() *workflow.Session {
	r.t.Helper()
	options := r.options()
	options.Store = func(config.State) (state.Store, error) {
		return httpstate.Backend().Open(state.Settings{Values: r.server.Arguments(), Catalog: catalog, Clock: patient{r.clock}})
	}
	s, diags := workflow.Open(options)
	if diags.HasErrors() {
		r.t.Fatal(diags)
	}
	return s
}

func (r *remote) apply() workflow.Applied {
	r.t.Helper()
	a, err := r.session().Apply(context.Background(), workflow.ApplyOptions{Operation: "apply"})
	if err != nil {
		r.t.Fatal(err)
	}
	return a
}

const remoteFiles = `
project "shop" {
  access_list "office" { entries = { "203.0.113.7" = "Office" } }
  database_user "app" {
    password = "canary-recovery-long"
    roles    = [{ role_name = "read", database_name = "orders" }]
  }
}
`

// Whichever write of an apply is the first that the server does not take: the file that is left holds all that was
// done. Pushed, it lets the next apply go on, and nothing is made twice.
func TestAnUnsavedStateIsRecovered(t *testing.T) {
	for nth := 1; ; nth++ {
		r := newRemote(t)
		r.write(remoteFiles)
		r.server.Fail(httptestserver.Fault{Method: "POST", Path: httptestserver.Path, Status: 413, Nth: nth})
		failing := r.apply()
		path := filepath.Join(r.dir, "mercator.recovery.state.json")
		if !failing.Recovered {
			if nth < 3 || !failing.Result.OK() {
				t.Fatalf("after %d writes nothing is recovered: %v", nth-1, failing.Result.All())
			}
			if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("a file is left: %v", err)
			}
			return
		}
		codes := []string{}
		for _, d := range failing.Result.All().Errors() {
			codes = append(codes, d.Code)
			if d.Code == "state_not_saved" && !strings.Contains(d.Detail, "mercator state push "+path) {
				t.Errorf("write %d: %s", nth, d.Detail)
			}
		}
		if !slices.Contains(codes, "state_not_saved") || len(codes) < 2 {
			t.Errorf("write %d: findings %v, want what happened, why, and what to do", nth, codes)
		}
		r.server.Fail()
		r.push(path)
		if a := r.apply(); !a.Result.OK() {
			t.Fatalf("write %d: the next apply: %v", nth, a.Result.All())
		}
		p, err := r.session().Plan(context.Background(), plan.Options{})
		if err != nil || !p.Empty() || p.Diagnostics.HasErrors() {
			t.Errorf("write %d: the plan after that is not empty: %v\n%s", nth, err, describe(p))
		}
		if n := len(r.box.List(sandbox.Project, "")); n != 1 {
			t.Errorf("write %d: there are %d projects", nth, n)
		}
	}
}

// push does what mercator state push does, and removes the file.
func (r *remote) push(path string) {
	r.t.Helper()
	ctx := context.Background()
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		r.t.Fatalf("the file: %v, %v", info, err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		r.t.Fatal(err)
	}
	if strings.Contains(string(data), "canary") {
		r.t.Errorf("a secret is in the file: %s", data)
	}
	pushed, err := state.Decode(catalog, data)
	if err != nil {
		r.t.Fatal(err)
	}
	lease, err := r.session().Store.Lock(ctx, state.LockInfo{})
	if err != nil {
		r.t.Fatal(err)
	}
	current, err := lease.Read(ctx)
	if err != nil {
		r.t.Fatal(err)
	}
	next, err := state.Push(catalog, current, pushed, false)
	if err != nil {
		r.t.Fatal(err)
	}
	if err := errors.Join(lease.Write(ctx, next), lease.Release(ctx), os.Remove(path)); err != nil {
		r.t.Fatal(err)
	}
}

// A kept state never takes the place of another file.
func TestKeepOverwritesNothing(t *testing.T) {
	dir := t.TempDir()
	for _, want := range []string{"x.state.json", "x-2.state.json", "x-3.state.json"} {
		path, err := workflow.Keep(catalog, dir, "x", state.New())
		if err != nil || path != filepath.Join(dir, want) {
			t.Errorf("%s, %v", path, err)
		}
	}
	if _, err := workflow.Keep(catalog, filepath.Join(dir, "x.state.json", "y"), "x", state.New()); err == nil {
		t.Error("a file in a file")
	}
}

// die has the server hear nothing more from the nth request on, as if the process had been killed there: neither is
// the state written, nor the lock given back. With after, that request itself is still carried out.
func (r *remote) die(nth int, after bool) (killed func() bool) {
	var dead atomic.Bool
	faults := []httptestserver.Fault{{From: nth, Before: func() { dead.Store(true) }, Cut: true}}
	if after {
		faults = []httptestserver.Fault{{From: nth + 1, Cut: true}, {Nth: nth, Before: func() { dead.Store(true) }, Lost: true}}
	}
	r.server.Fail(faults...)
	return dead.Load
}

const killedFiles = remoteFiles + `
alert_config "lag" {
  project         = project.shop
  event_type_name = "HOST_DOWN"
  notifications   = [{ type_name = "GROUP", interval_min = 15, delay_min = 0, email_enabled = true, roles = ["GROUP_OWNER"] }]
}
`

// Whenever the process of an apply dies, with what it wrote last on the server or not, and the machine with it, so that
// no file is left: once somebody has ended its lock, the next apply takes over what it made, and makes nothing twice.
func TestKilledWithAServerForTheState(t *testing.T) {
	for _, after := range []bool{false, true} {
		for nth := 1; ; nth++ {
			r := newRemote(t)
			r.write(killedFiles)
			killed := r.die(nth, after)
			_, _ = r.session().Apply(context.Background(), workflow.ApplyOptions{Operation: "apply"})
			if !killed() {
				if nth < 10 {
					t.Errorf("an apply asks the server %d times only", nth-1)
				}
				break
			}
			_ = os.Remove(filepath.Join(r.dir, "mercator.recovery.state.json"))
			r.server.Fail()
			if id := r.server.LockID(); id != "" {
				if err := r.session().Store.Unlock(context.Background(), id); err != nil {
					t.Fatalf("request %d: %v", nth, err)
				}
			}
			if a := r.apply(); !a.Result.OK() || a.Plan.Diagnostics.HasErrors() {
				t.Fatalf("request %d (after: %v): the next apply: %v %v", nth, after, a.Plan.Diagnostics.Errors(), a.Result.All())
			}
			p, err := r.session().Plan(context.Background(), plan.Options{})
			if err != nil || !p.Empty() {
				t.Errorf("request %d (after: %v): the plan is not empty: %v\n%s", nth, after, err, describe(p))
			}
			projects := r.box.List(sandbox.Project, "")
			if len(projects) != 1 {
				t.Fatalf("request %d (after: %v): there are %d projects", nth, after, len(projects))
			}
			alerts := 0
			for _, doc := range r.box.List(sandbox.AlertConfig, projects[0]["id"].(string)) {
				if doc["eventTypeName"] == "HOST_DOWN" {
					alerts++
				}
			}
			if alerts != 1 {
				t.Errorf("request %d (after: %v): there are %d alert configurations", nth, after, alerts)
			}
		}
	}
}
