package httpstate

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/google/uuid"

	"mercator/apply/state"
	"mercator/schema"
)

// Store is a state behind a server. It implements [state.Store].
type Store struct {
	client  *client
	catalog *schema.Catalog
}

// Capabilities implements [state.Store]: the protocol has none (R34).
func (s *Store) Capabilities() state.Capabilities {
	if s.client.lockAddress == nil {
		return state.Capabilities{Unguarded: "Set lock_address, if the server can lock; in GitLab it is the address with /lock at its end."}
	}
	return state.Capabilities{}
}

// Read implements [state.Store].
func (s *Store) Read(ctx context.Context) (*state.State, error) {
	data, err := s.client.read(ctx)
	switch {
	case err != nil:
		return nil, err
	case data == nil:
		return state.New(), nil
	}
	st, err := state.Decode(s.catalog, data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.client.shown(s.client.address), err)
	}
	return st, nil
}

// Lock implements [state.Store]. Where no lock is configured it succeeds, and keeps nobody out.
func (s *Store) Lock(ctx context.Context, info state.LockInfo) (state.Lease, error) {
	now := s.client.clock.Now().UTC()
	info.ID, info.Since = uuid.NewString(), now
	// Nothing here outlasts a holder who died and was unlocked, so a call of one may still be under way.
	info.Quiet = now.Add(state.CallLimit)
	if s.client.lockAddress != nil {
		if err := s.client.lock(ctx, info); err != nil {
			return nil, err
		}
	}
	return &lease{store: s, info: info}, nil
}

// Holder implements [state.Store]. Nobody can be named where no lock is configured.
func (s *Store) Holder(ctx context.Context) (*state.LockInfo, error) {
	if s.client.lockAddress == nil {
		return nil, nil
	}
	probe := state.LockInfo{ID: uuid.NewString(), Operation: "state lock", Since: s.client.clock.Now().UTC()}
	return s.client.holder(ctx, probe)
}

// Unlock implements [state.Store]. It makes sure first whose lock it is: not every server does.
func (s *Store) Unlock(ctx context.Context, id string) error {
	if s.client.lockAddress == nil {
		return errors.New("the state has no lock: lock_address is not set")
	}
	holder, err := s.Holder(ctx)
	switch {
	case err != nil:
		return err
	case holder == nil:
		return fmt.Errorf("there is no lock with the id %q: nobody holds the state", id)
	case holder.ID != "" && holder.ID != id:
		return fmt.Errorf("there is no lock with the id %q: %w", id, &state.LockedError{Holder: *holder})
	}
	ended, err := s.client.unlock(ctx, id)
	if err == nil && !ended {
		err = fmt.Errorf("there is no lock with the id %q: the server refuses to end it", id)
	}
	return err
}

// lease is a held lock. It implements [state.Lease].
type lease struct {
	store *Store
	info  state.LockInfo

	mu       sync.Mutex
	released bool
}

// Info implements [state.Lease]. Renewed, Expires and Fence are zero: the protocol knows nothing of the kind.
func (l *lease) Info() state.LockInfo { return l.info }

// Read implements [state.Lease].
func (l *lease) Read(ctx context.Context) (*state.State, error) { return l.store.Read(ctx) }

// Renew implements [state.Lease]. The lock lasts until it is unlocked, and nobody tells its holder of that.
func (l *lease) Renew(context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.held()
}

func (l *lease) held() error {
	if l.released {
		return &state.LostError{Reason: "it was released"}
	}
	return nil
}

// Append implements [state.Lease].
func (l *lease) Append(context.Context, ...state.Record) error {
	return errors.New("a state behind http has no journal; it is written whole")
}

// Write implements [state.Lease]. Between its reading and its writing others can write, if they ignore the lock.
func (l *lease) Write(ctx context.Context, s *state.State) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.held(); err != nil {
		return err
	}
	c := l.store.client
	stored, err := c.read(ctx)
	if err != nil {
		return err
	}
	next, err := state.Succeed(l.store.catalog, stored, s)
	if err != nil {
		return err
	}
	if next.Data != nil {
		id := ""
		if c.lockAddress != nil {
			id = l.info.ID
		}
		if err := c.write(ctx, id, stored, next.Data); err != nil {
			return err
		}
	}
	s.Lineage, s.Serial = next.Base.Lineage, next.Base.Serial
	return nil
}

// Release implements [state.Lease].
func (l *lease) Release(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.released {
		return nil
	}
	if l.store.client.lockAddress != nil {
		if _, err := l.store.client.unlock(ctx, l.info.ID); err != nil {
			return err
		}
	}
	l.released = true
	return nil
}
