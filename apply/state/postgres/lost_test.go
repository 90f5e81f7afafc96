//go:build unix

package postgres

import (
	"context"
	"errors"
	"testing"
	"time"

	"mercator/apply/state"
	"mercator/apply/state/postgres/postgrestest"
	"mercator/apply/state/statetest"
)

// wire is a state with two ways to it: one on which the answer to a query is lost, and one on which nothing happens.
type wire struct {
	*faulty
	lossy, direct *Store
}

// forServers runs a test against a fresh state, reached directly and through a pooler.
func forServers(t *testing.T, test func(*testing.T, *wire)) {
	server := postgrestest.Shared(t)
	for name, address := range map[string]string{"direct": server.Address, "through PgBouncer": server.PoolerAddress} {
		t.Run(name, func(t *testing.T) {
			w, schema, clock := &wire{faulty: newFaulty(t, address)}, freshSchema(), hasty{statetest.NewClock()}
			w.lossy, w.direct = open(t, w.Address, schema, clock), open(t, server.Address, schema, clock)
			test(t, w)
		})
	}
}

// losing has the answer to the next query that holds a text be lost, and returns a check that one was.
func (w *wire) losing(t *testing.T, like string) (check func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.like, w.action = like, postgrestest.LoseAnswer
	return func() {
		t.Helper()
		if lost, last := w.done(); !lost {
			t.Errorf("there was no query like %q whose answer could be lost; the last one was %q", like, last)
		}
	}
}

// expectRows fails where the tables do not hold that many versions of the state and entries of its journal.
func (w *wire) expectRows(t *testing.T, versions, entries int) {
	t.Helper()
	if v, j := len(rows(t, w.direct, "versions")), len(rows(t, w.direct, "journal")); v != versions || j != entries {
		t.Errorf("%d versions and %d entries in the journal, want %d and %d", v, j, versions, entries)
	}
}

func lockFor(t *testing.T, s *Store) state.Lease {
	t.Helper()
	held, err := s.Lock(context.Background(), state.LockInfo{Operation: "apply", Who: "somebody@host"})
	if err != nil {
		t.Fatal(err)
	}
	return held
}

// The lock was taken and the answer lost: the lease in the row is ours. Whoever had it before, the fencing number rises
// by one.
func TestLostAnswerToLock(t *testing.T) {
	ctx := context.Background()
	for before, leave := range map[string]func(*testing.T, *wire) (fence uint64){
		"nobody had it": func(*testing.T, *wire) uint64 { return 0 },
		"it was released": func(t *testing.T, w *wire) uint64 {
			if err := lockFor(t, w.direct).Release(ctx); err != nil {
				t.Fatal(err)
			}
			return 1
		},
		"its holder died": func(t *testing.T, w *wire) uint64 {
			lockFor(t, w.direct)
			w.direct.clock.(hasty).Advance(free + time.Second)
			return 1
		},
	} {
		t.Run(before, func(t *testing.T) {
			forServers(t, func(t *testing.T, w *wire) {
				fence := leave(t, w)
				check := w.losing(t, "SET fence")
				held := lockFor(t, w.lossy)
				check()
				if got := held.Info().Fence; got != fence+1 {
					t.Errorf("the fence is %d, want %d", got, fence+1)
				}
				statetest.ExpectHeld(t, w.direct, held)
				if err := held.Release(ctx); err != nil {
					t.Fatal(err)
				}
				statetest.ExpectFree(t, w.direct)
			})
		})
	}
}

// An entry of the journal, or the state, was written and the answer lost: each is there once.
func TestLostAnswerToWrite(t *testing.T) {
	ctx := context.Background()
	for what, like := range map[string]string{"an append": "SET batch", "the state": "SET serial", "a state that is the same": "emptied AS (DELETE"} {
		t.Run(what, func(t *testing.T) {
			forServers(t, func(t *testing.T, w *wire) {
				held := lockFor(t, w.lossy)
				want := state.New()
				if what == "a state that is the same" { // so that only the journal is to be emptied
					want.Resources["box.a"] = statetest.Box(t, "a", 1)
					if err := held.Write(ctx, want); err != nil {
						t.Fatal(err)
					}
				}
				written := int(want.Serial)
				check := w.losing(t, like)
				if err := held.Append(ctx, state.Record{Bind: statetest.Box(t, "a", 1)}); err != nil {
					t.Fatal(err)
				}
				w.expectRows(t, written, 1)
				want.Resources["box.a"] = statetest.Box(t, "a", 1)
				if err := errors.Join(sameState(ctx, w.direct, want), held.Write(ctx, want)); err != nil {
					t.Fatal(err)
				}
				check()
				w.expectRows(t, 1, 0)
				if err := sameState(ctx, w.direct, want); err != nil || want.Serial != 1 {
					t.Errorf("serial %d, %v", want.Serial, err)
				}
				statetest.ExpectHeld(t, w.direct, held)
				if err := held.Release(ctx); err != nil {
					t.Fatal(err)
				}
				statetest.ExpectFree(t, w.direct)
			})
		})
	}
}

// The lock was ended, by its holder or by somebody else, and the answer lost: that it is no longer there is as it
// should be.
func TestLostAnswerToUnlock(t *testing.T) {
	ctx := context.Background()
	for who, end := range map[string]func(*Store, state.Lease) error{
		"its holder":    func(_ *Store, held state.Lease) error { return held.Release(ctx) },
		"somebody else": func(s *Store, held state.Lease) error { return s.Unlock(ctx, held.Info().ID) },
	} {
		t.Run(who, func(t *testing.T) {
			forServers(t, func(t *testing.T, w *wire) {
				held := lockFor(t, w.lossy)
				if err := held.Append(ctx, state.Record{Bind: statetest.Box(t, "a", 1)}); err != nil {
					t.Fatal(err)
				}
				check := w.losing(t, "SET lease = ''")
				if err := end(w.lossy, held); err != nil {
					t.Fatal(err)
				}
				check()
				var lost *state.LostError
				if err := held.Append(ctx, state.Record{Bind: statetest.Box(t, "late", 1)}); !errors.As(err, &lost) {
					t.Errorf("an append after the end: %v", err)
				}
				w.expectRows(t, 0, 1)
				statetest.ExpectFree(t, w.direct)
				if err := held.Release(ctx); err != nil { // which ends nobody else's
					t.Error(err)
				}
				if next := lockFor(t, w.direct); next.Info().Fence != 3 {
					t.Errorf("the third holder has the fence %d", next.Info().Fence)
				}
			})
		})
	}
}
