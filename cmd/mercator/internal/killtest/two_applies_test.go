//go:build unix

package killtest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"mercator/apply/state"
	"mercator/provider/sandbox"
)

// more is what somebody adds to the estate while it is applied.
const more = `database_user "more" {
  project  = project.shop["prod"]
  password = "sandbox-only-more"
  roles    = [{ role_name = "read", database_name = "orders" }]
}
`

func (sc *scene) add(text string) {
	sc.t.Helper()
	if err := os.WriteFile(filepath.Join(sc.configuration(), "more.hcl"), []byte(text), 0o600); err != nil {
		sc.t.Fatal(err)
	}
}

// Of two applies at once the second gives up at once, naming the holder, or when its patience is over, or waits until
// the first is done; and then it does what the first did not. Who waits makes no call.
func TestTwoAppliesAtOnce(t *testing.T) {
	s := newStage(t, creation)
	undisturbed := s.begin(t, creation)
	undisturbed.add(more)
	undisturbed.converge()
	want := undisturbed.ending()

	sc := s.begin(t, creation)
	arrived, gate := make(chan struct{}), make(chan struct{})
	err := sc.box.SetFaults(sandbox.Fault{Method: http.MethodPost, Path: "/clusters$", Nth: 2,
		Before: func(*http.Request) { close(arrived); <-gate }})
	if err != nil {
		t.Fatal(err)
	}
	first := sc.start(orders{Parallelism: 1, Lazy: true})
	<-arrived
	calls := len(sc.box.Calls())

	tower := newTower()
	tower.hold()
	clock := httptest.NewServer(tower)
	t.Cleanup(clock.Close)
	sc.add(more)
	named := func(r report, words ...string) {
		t.Helper()
		if r.Done || r.Holder != first.command.Process.Pid {
			t.Errorf("it names process %d, the holder is %d: %+v", r.Holder, first.command.Process.Pid, r)
		}
		for _, w := range append(words, "apply", fmt.Sprint(first.command.Process.Pid), "lock id") {
			if !strings.Contains(r.Error, w) {
				t.Errorf("%q is not in %q", w, r.Error)
			}
		}
	}
	r, _ := sc.start(orders{}).end(t)
	named(r)
	impatient := sc.start(orders{LockTimeout: state.CallLimit, Clock: clock.URL})
	<-tower.slept
	tower.advance(state.CallLimit)
	r, _ = impatient.end(t)
	named(r, "waited 30s")
	second := sc.start(orders{LockTimeout: 10 * state.LeaseLength, Clock: clock.URL})
	<-tower.slept
	if now := len(sc.box.Calls()); now != calls {
		t.Errorf("those who did not get the lock made %d calls", now-calls)
	}
	close(gate)
	if r, _ := first.end(t); !r.Done {
		t.Errorf("the first: %+v", r)
	}
	tower.free()
	if r, _ := second.end(t); !r.Done {
		t.Errorf("the second: %+v", r)
	}
	sc.ending().same(t, want)
}

// An apply that is stopped past its lease, and then goes on, makes no further call to Atlas, and what its successor
// did meanwhile stays as it is.
func TestRule_R28_AStoppedHolderMakesNoFurtherCall(t *testing.T) {
	s := newStage(t, creation, changes)
	stops := []struct {
		what string
		pass func(*tower)
	}{
		{"the process", func(c *tower) { c.advance(over) }},
		{"the machine", func(c *tower) { c.lapse(over) }}, // whose running time does not count its sleep
	}
	for _, a := range []*act{creation, changes} {
		undisturbed := s.begin(t, a)
		r, _ := undisturbed.run(orders{Parallelism: 1, Lazy: true})
		want := undisturbed.ending()
		for i, n := 0, 5; n <= r.Calls; i, n = i+1, n+30 {
			stop := stops[i%len(stops)]
			t.Run(fmt.Sprintf("%s/%s stops at call %d", a.name, stop.what, n), func(t *testing.T) {
				s.stop(t, a, n, stop.pass, want)
			})
		}
	}
}

// stop stops an apply that waits for the answer to its request number n, its only one under way, and lets it go on
// when another apply is done.
func (s *stage) stop(t *testing.T, a *act, n int, pass func(*tower), want ending) {
	sc := s.begin(t, a)
	tower := newTower()
	clock := httptest.NewServer(tower)
	t.Cleanup(clock.Close)
	stopped := make(chan error)
	holder := sc.start(orders{Parallelism: 1, Clock: clock.URL}, func(p *process) sandbox.Fault {
		return sandbox.Fault{Nth: n, After: func(*http.Request) {
			stopped <- p.stop()
		}}
	})
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}

	sc.time = tower
	var locked *state.LockedError
	if _, err := sc.open().Apply(context.Background(), everything()); !errors.As(err, &locked) || locked.Holder.PID != holder.command.Process.Pid {
		t.Errorf("a lease that is not over: %v", err)
	}
	pass(tower)
	sc.converge()
	calls, before := len(sc.box.Calls()), sc.files()
	if err := holder.command.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	r, _ := holder.end(t)
	if r.Done || !slices.Contains(r.Codes, "lease_lost") && !strings.Contains(r.Error, "lock was lost") {
		t.Errorf("the holder went on: %+v", r)
	}
	for _, c := range sc.box.Calls()[calls:] {
		t.Errorf("having lost its lease it called %s %s", c.Method, c.Path)
	}
	if after := sc.files(); after != before {
		t.Errorf("having lost its lease it changed the state's files:\n%s\nwere\n%s", after, before)
	}
	sc.ending().same(t, want)
}

// files are the state's file and what stands beside it.
func (sc *scene) files() string {
	sc.t.Helper()
	paths, err := filepath.Glob(filepath.Join(sc.configuration(), "mercator.state.json*"))
	if err != nil {
		sc.t.Fatal(err)
	}
	var out strings.Builder
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			sc.t.Fatal(err)
		}
		fmt.Fprintf(&out, "%s\n%s\n", filepath.Base(path), text)
	}
	return out.String()
}
