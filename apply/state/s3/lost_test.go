package s3

import (
	"context"
	"errors"
	"testing"

	"mercator/apply/state"
	"mercator/apply/state/s3/s3test"
	"mercator/apply/state/statetest"
	"mercator/apply/state/statetest/faultproxy"
)

// losing has the answer to the next request of that name be lost, and returns a check that one was.
func (r *rig) losing(name string) (check func()) {
	lost := &nth{at: 1, fault: faultproxy.Fault{Action: faultproxy.LoseAnswer},
		only: func(q faultproxy.Request) bool { return what(q) == name }}
	r.proxy.Script(lost.script)
	return func() {
		r.Helper()
		if lost.hit() == "" {
			r.Errorf("there was no %s whose answer could be lost", name)
		}
	}
}

// The lock was taken, or the seal after it put there, and the answer lost: what is in the way of the repetition is
// ours. Whoever had the lock before, the fencing number rises by one.
func TestLostAnswerToLock(t *testing.T) {
	r := newRig(t)
	ctx := context.Background()
	nobody := func() {}
	released := func() { r.must(r.lock(r.direct()).Release(ctx)) }
	died := func() {
		r.lock(r.direct())
		r.clock.Advance(2 * sealAge)
	}
	for _, c := range []struct {
		before  string
		leave   func()
		request string
		fence   uint64
		seals   int // the first holder puts one, and who comes after one that did not leave in order
	}{
		{"nobody had it", nobody, "PUT lock", 1, 1},
		{"nobody had it", nobody, "PUT slot 00-01", 1, 1},
		{"it was released", released, "PUT lock", 2, 1},
		{"its holder died", died, "PUT lock", 2, 2},
		{"its holder died", died, "PUT slot 00-02", 2, 2},
	} {
		t.Run(c.before+"/"+c.request, func(t *testing.T) {
			r.next(t)
			c.leave()
			check := r.losing(c.request)
			held := r.lock(r.through(2))
			check()
			if fence, seals := held.Info().Fence, len(r.slots()); fence != c.fence || seals != c.seals {
				t.Errorf("fence %d and %d seals, want %d and %d", fence, seals, c.fence, c.seals)
			}
			statetest.ExpectHeld(t, r.direct(), held)
			r.must(held.Release(ctx))
			statetest.ExpectFree(t, r.direct())
		})
	}
}

// A part of the journal, or the state, was written and the answer lost: each is there once, in a bucket that keeps
// whatever is written twice.
func TestLostAnswerToWrite(t *testing.T) {
	r := rigAt(t, s3test.StartVersioned(t))
	ctx := context.Background()
	for request, is := range map[string]string{
		"PUT slot 00-02": "an append", "PUT slot 00-03": "what announces the state", "PUT state": "the state",
		"DELETE several": "the end of the journal",
	} {
		t.Run(is+"/"+request, func(t *testing.T) {
			r.next(t)
			held := r.lock(r.through(2))
			check := r.losing(request)
			r.must(held.Append(ctx, r.bind("a")))
			if got := len(r.slots()); got != 2 {
				t.Errorf("%d objects in the journal, want a seal and what was appended", got)
			}
			r.expectBoxes(r.read(), "a")
			r.must(fold(ctx, held))
			check()
			got := r.read()
			r.expectBoxes(got, "a")
			versions, err := r.direct().History(ctx)
			r.must(err)
			if got.Serial != 1 || len(versions) != 1 {
				t.Errorf("serial %d, want 1, in one version and not %+v", got.Serial, versions)
			}
			r.expectNoLitter()
			statetest.ExpectHeld(t, r.direct(), held)
			r.must(errors.Join(held.Append(ctx, r.bind("b")), fold(ctx, held), held.Release(ctx)))
			r.expectBoxes(r.read(), "a", "b")
			statetest.ExpectFree(t, r.direct())
		})
	}
}

// The lock was ended, by its holder or by somebody else, and the answer lost: that it is no longer there is as it
// should be.
func TestLostAnswerToUnlock(t *testing.T) {
	r := newRig(t)
	ctx := context.Background()
	for _, c := range []struct {
		who, request string
		slots        int // a seal, what was appended, and where the holder was sent away another seal
		end          func(s *Store, held *lease) error
	}{
		{"its holder", "PUT lock", 2, func(_ *Store, held *lease) error { return held.Release(ctx) }},
		{"somebody else", "PUT lock", 3, func(s *Store, held *lease) error { return s.Unlock(ctx, held.Info().ID) }},
		{"somebody else", "PUT slot 00-03", 3, func(s *Store, held *lease) error { return s.Unlock(ctx, held.Info().ID) }},
	} {
		t.Run(c.who+"/"+c.request, func(t *testing.T) {
			r.next(t)
			held := r.lock(r.through(2))
			r.must(held.Append(ctx, r.bind("a")))
			check := r.losing(c.request)
			r.must(c.end(r.through(2), held))
			check()
			if got := len(r.slots()); got != c.slots {
				t.Errorf("%d objects in the journal, want %d", got, c.slots)
			}
			var lost *state.LostError
			if err := held.Append(ctx, r.bind("late")); !errors.As(err, &lost) {
				t.Errorf("an append after the end: %v", err)
			}
			r.expectBoxes(r.read(), "a")
			statetest.ExpectFree(t, r.direct())
			r.must(held.Release(ctx)) // which ends nobody else's
			if next := r.lock(r.direct()); next.Info().Fence != 3 {
				t.Errorf("the third holder has the fence %d", next.Info().Fence)
			}
		})
	}
}
