//go:build unix

package killtest

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	"mercator/apply/state"
	"mercator/provider/sandbox"
)

// A request that was on its way when its sender was killed is carried out after the next apply has begun. It waits
// until that can't be any more, and takes over what the request made: it makes nothing twice and fails at nothing.
func TestRule_R26_ARequestOutlivesItsSender(t *testing.T) {
	const project = `project "p" {
  name = "p"
`
	for name, c := range map[string]struct{ path, block string }{
		"no natural key": {"/alertConfigs$", `  alert_config "primary" {
    event_type_name = "NO_PRIMARY"
    enabled         = false
    notifications   = [{ type_name = "EMAIL", interval_min = 5, delay_min = 0, email_address = "oncall@example.com" }]
  }
`},
		"a natural key": {"/databaseUsers$", `  database_user "app" {
    password = "sandbox-only"
    roles    = [{ role_name = "read", database_name = "orders" }]
  }
`},
		"asynchronous": {"/clusters$", `  cluster "orders" {
    provider_name = "AWS"
    region_name   = "EU_WEST_1"
    instance_size = "M10"
  }
`},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			text := project + c.block + "}\n"
			undisturbed := s.write(t, text)
			undisturbed.converge()
			want := undisturbed.ending()

			sc := s.write(t, text)
			arrived, gate, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
			err := sc.box.SetFaults(sandbox.Fault{Method: http.MethodPost, Path: c.path, Nth: 1,
				Before: func(*http.Request) { close(arrived); <-gate }, After: func(*http.Request) { close(done) }})
			if err != nil {
				t.Fatal(err)
			}
			victim := sc.start(orders{Parallelism: 1, Lazy: true})
			<-arrived
			victim.kill()
			waited := time.Duration(0)
			arrive := func(d time.Duration) {
				if waited == 0 && d >= state.CallLimit {
					waited = d
					close(gate)
					<-done
				}
			}
			sc.clock.slept = arrive
			sc.converge()
			sc.clock.slept = nil
			if waited == 0 {
				t.Error("the next apply did not wait until the request could not be on its way any more")
				arrive(state.CallLimit)
			}
			sc.ending().same(t, want)
		})
	}
}

// What a killed apply left is not waited for where nothing of it can be under way: it had not begun, or died long ago.
func TestNothingIsWaitedForThatIsOver(t *testing.T) {
	const text = `project "p" { name = "p" }`
	s := newStage(t)
	sc := s.write(t, text)
	sc.converge()
	made := slices.IndexFunc(sc.box.Calls(), func(c sandbox.Call) bool { return c.Mutating }) + 1
	for name, c := range map[string]struct {
		n     int
		later time.Duration
		waits bool
	}{
		"just now": {made, 0, true},
		"unbegun":  {made - 1, 0, false},
		"long ago": {made, state.LeaseLength, false},
	} {
		t.Run(name, func(t *testing.T) {
			sc := s.write(t, text)
			if _, lived := sc.run(orders{Parallelism: 1, Lazy: true, Moment: afterDone, N: c.n}); lived {
				t.Fatal("the victim lives")
			}
			sc.clock.passed = c.later
			waits := false
			o := everything()
			o.Quieting = func(time.Duration) { waits = true }
			if a, err := sc.open().Apply(context.Background(), o); err != nil || !a.Result.OK() {
				t.Fatal(err, a.Result)
			}
			if waits != c.waits {
				t.Errorf("it waits %t, want %t", waits, c.waits)
			}
			sc.ending()
		})
	}
}
