package statetest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"mercator/apply/state"
)

// ExpectHeld fails where a store's lock is not that of a lease, or keeps others out no longer.
func ExpectHeld(t testing.TB, store state.Store, lease state.Lease) {
	t.Helper()
	ctx := context.Background()
	if err := lease.Renew(ctx); err != nil {
		t.Errorf("the holder cannot renew its lease: %v", err)
	}
	var locked *state.LockedError
	if _, err := store.Lock(ctx, state.LockInfo{Who: "other@host"}); !errors.As(err, &locked) || locked.Holder.ID != lease.Info().ID {
		t.Errorf("beside the holder %s: %v", lease.Info().ID, err)
	}
}

// ExpectFree fails where a store's lock is held, or the next one that asks for it cannot have it, write under it, and
// leave.
func ExpectFree(t testing.TB, store state.Store) {
	t.Helper()
	ctx := context.Background()
	if holder, err := store.Holder(ctx); holder != nil || err != nil {
		t.Errorf("the lock is held by %+v, %v", holder, err)
	}
	lease, err := store.Lock(ctx, state.LockInfo{Operation: "apply", Who: "next@host"})
	if err != nil {
		t.Fatalf("the next one does not get the lock: %v", err)
	}
	s, err := lease.Read(ctx)
	if err != nil {
		t.Fatal(err)
	}
	b := Box(t, fmt.Sprintf("next%d", s.Serial), 1)
	s = s.Clone()
	s.Resources[b.Address] = b
	if err := errors.Join(lease.Write(ctx, s), lease.Release(ctx)); err != nil {
		t.Fatalf("the next one: %v", err)
	}
}
