package httpstate

import (
	"context"
	"errors"
	"testing"
	"time"

	"mercator/apply/state"
	"mercator/apply/state/http/httptestserver"
	"mercator/apply/state/statetest"
)

// telling is a lease that tells of each write when it is done.
type telling struct {
	state.Lease
	wrote chan error
}

// Write implements state.Lease.
func (l telling) Write(ctx context.Context, s *state.State) error {
	err := l.Lease.Write(ctx, s)
	l.wrote <- err
	return err
}

// What an apply sends is the state, whole, each time that something has to be durable: before its first call, ten
// seconds after a record, before each creation, and at the end. Ten updates, which by default are made at a time, are
// three of those; of ten creations that wait for each other, as those of credentials do, each is one more.
func TestWhatAnApplyWrites(t *testing.T) {
	const changes = 10
	plan, before, after := statetest.Changes(t, changes, -1)
	for name, c := range map[string]struct {
		boxes, states, requests int
		do                      func(*testing.T, *state.Recorder, *statetest.Clock, chan error)
	}{
		"updates at a time": {10_000, 3, 10, func(_ *testing.T, r *state.Recorder, clock *statetest.Clock, wrote chan error) {
			r.Add(before...)
			clock.AwaitSleepers(1)
			clock.Advance(10 * time.Second) // and all calls still run
			<-wrote
			for _, records := range after {
				r.Add(records...)
			}
		}},
		"creations in turn": {1_000, 2 + changes, 28, func(t *testing.T, r *state.Recorder, _ *statetest.Clock, _ chan error) {
			for i := range before {
				r.Add(before[i])
				if err := r.Flush(context.Background()); err != nil {
					t.Fatal(err)
				}
				r.Add(after[i]...)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			s := serve(t, httptestserver.Terraform)
			clock := statetest.NewClock()
			store := openAt(t, s.Arguments(), clock)
			size := statetest.Fill(t, store, c.boxes)
			asked, sent := len(s.Requests()), len(s.Received())
			lease := telling{lockFor(t, store, "a@host"), make(chan error, 100)}
			base, err := lease.Read(ctx)
			if err != nil {
				t.Fatal(err)
			}
			recorder := state.NewRecorder(lease, store.Capabilities(), base, clock)
			recorder.Add(plan)
			if err := recorder.Flush(ctx); err != nil {
				t.Fatal(err)
			}
			<-lease.wrote
			c.do(t, recorder, clock, lease.wrote)
			_, err = recorder.Close(ctx)
			if err := errors.Join(err, lease.Release(ctx)); err != nil {
				t.Fatal(err)
			}
			asked, sent = len(s.Requests())-asked, len(s.Received())-sent
			t.Logf("http, %d %s: a state of %d bytes, %d bytes sent in %d requests", changes, name, size, sent, asked)
			if most := c.states * size; sent < most || sent > most+most/10 || asked != c.requests {
				t.Errorf("%d bytes were sent in %d requests, %.1f times a state of %d", sent, asked, float64(sent)/float64(size), size)
			}
		})
	}
}
