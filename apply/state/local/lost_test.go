package local

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"mercator/apply/state"
	"mercator/apply/state/statetest"
)

var errUnsure = errors.New("the disk says that it failed")

// unsure is a store on whose disk a change of one file can be carried out and be called a failure all the same: what
// comes nearest to an answer that is lost. That is an error always, since a power cut might undo it.
type unsure struct {
	*Store
	struck bool
}

func newUnsure(t *testing.T) *unsure {
	return &unsure{Store: New(filepath.Join(t.TempDir(), "state.json"), statetest.Catalog(t), statetest.NewClock())}
}

// losing has the next change of path fail after it was carried out.
func (u *unsure) losing(path string) {
	done := false
	u.disk.fault = func(op, file string, size int) (int, error) {
		done = done || (op == "rename" || op == "write") && file == path
		if op != "sync" || !done || u.struck {
			return size, nil
		}
		u.struck = true
		return size, errUnsure
	}
}

// expect fails where an operation did not end as one whose fate is unknown.
func (u *unsure) expect(t *testing.T, err error) {
	t.Helper()
	if !u.struck || !errors.Is(err, errUnsure) {
		t.Fatalf("the disk failed: %t; the error is %v", u.struck, err)
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

// The lock was taken and that is not known: nobody has it, and it keeps nobody out.
func TestLostAnswerToLock(t *testing.T) {
	u := newUnsure(t)
	u.losing(u.lockPath())
	_, err := u.Lock(context.Background(), state.LockInfo{Who: "somebody@host"})
	u.expect(t, err)
	statetest.ExpectFree(t, u.Store)
	noLitter(t, filepath.Dir(u.path))
}

// Lines of the journal, or the state, were written and that is not known: they are there, count once, and the lease
// is held and ended as ever.
func TestLostAnswerToWrite(t *testing.T) {
	ctx := context.Background()
	record := func(name string) state.Record { return state.Record{Bind: statetest.Box(t, name, 1)} }
	want := state.Fold(state.New(), []state.Record{record("a"), record("b")})
	t.Run("an append", func(t *testing.T) {
		u := newUnsure(t)
		held := lockFor(t, u.Store)
		if err := held.Append(ctx, record("a")); err != nil {
			t.Fatal(err)
		}
		u.losing(u.journalPath())
		u.expect(t, held.Append(ctx, record("b")))
		if err := errors.Join(sameState(ctx, u, want), held.Append(ctx, record("b")), sameState(ctx, u, want)); err != nil {
			t.Error(err)
		}
		statetest.ExpectHeld(t, u.Store, held)
		if err := held.Release(ctx); err != nil {
			t.Fatal(err)
		}
		statetest.ExpectFree(t, u.Store)
	})
	t.Run("the state", func(t *testing.T) {
		u := newUnsure(t)
		held := lockFor(t, u.Store)
		if err := held.Append(ctx, record("a"), record("b")); err != nil {
			t.Fatal(err)
		}
		u.losing(u.path)
		u.expect(t, held.Write(ctx, want))
		got, err := held.Read(ctx) // the journal, which is still there, is not folded in again
		if err != nil || got.Serial != 1 || len(got.Resources) != 2 {
			t.Fatalf("serial %d, %d resources, %v", got.Serial, len(got.Resources), err)
		}
		statetest.ExpectHeld(t, u.Store, held)
		if err := errors.Join(held.Write(ctx, got), held.Release(ctx), sameState(ctx, u, got)); err != nil || got.Serial != 1 {
			t.Fatalf("serial %d, %v", got.Serial, err)
		}
		statetest.ExpectFree(t, u.Store)
		noLitter(t, filepath.Dir(u.path))
	})
}

// The lock was ended, by its holder or by somebody else, and that is not known: nobody is kept out.
func TestLostAnswerToUnlock(t *testing.T) {
	ctx := context.Background()
	for who, end := range map[string]func(*Store, state.Lease) error{
		"its holder":    func(_ *Store, held state.Lease) error { return held.Release(ctx) },
		"somebody else": func(s *Store, held state.Lease) error { return s.Unlock(ctx, held.Info().ID) },
	} {
		t.Run(who, func(t *testing.T) {
			u := newUnsure(t)
			held := lockFor(t, u.Store)
			u.losing(u.lockPath())
			u.expect(t, end(u.Store, held))
			statetest.ExpectFree(t, u.Store)
			if err := held.Release(ctx); err != nil { // again, or as one that was sent away
				t.Error(err)
			}
			statetest.ExpectFree(t, u.Store)
			noLitter(t, filepath.Dir(u.path))
		})
	}
}
