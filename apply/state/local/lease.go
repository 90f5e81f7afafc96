package local

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/gofrs/flock"

	"mercator/apply/state"
)

// lease is a held lease. It implements [state.Lease].
//
// It stays good until somebody else takes it or takes it away, even past its expiry: that is checked and acted
// upon under the mutex, so nothing can come in between.
type lease struct {
	store *Store
	alive *flock.Flock

	mu   sync.Mutex
	info state.LockInfo
	// appending says that the journal on disk is whole and this lease's, so that lines can be added to it.
	appending bool
	released  bool
}

// Info implements [state.Lease].
func (l *lease) Info() state.LockInfo {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.info
}

// Read implements [state.Lease].
func (l *lease) Read(ctx context.Context) (*state.State, error) { return l.store.Read(ctx) }

// change runs do under the mutex, if the lease is still this holder's.
func (l *lease) change(ctx context.Context, do func() error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	leave, err := l.store.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	if err := l.check(); err != nil {
		return err
	}
	return do()
}

func (l *lease) check() error {
	if l.released {
		return &state.LostError{Reason: "it was released"}
	}
	now, err := l.store.readLock()
	switch {
	case err != nil:
		return err
	case now.Fence == l.info.Fence && now.ID == l.info.ID:
		return nil
	case now.ID == "":
		return &state.LostError{Reason: fmt.Sprintf("it was taken away (mercator state unlock %s)", l.info.ID)}
	}
	return &state.LostError{Reason: fmt.Sprintf("it was taken over by %s (%s, process %d) at %s",
		now.Who, now.Operation, now.PID, now.Since.Format("15:04:05"))}
}

// Renew implements [state.Lease].
func (l *lease) Renew(ctx context.Context) error {
	return l.change(ctx, func() error {
		info := l.info
		info.Renewed = l.store.clock.Now().UTC()
		info.Expires = info.Renewed.Add(state.LeaseLength)
		if err := l.store.writeLock(lockFile{info, l.store.host}); err != nil {
			return err
		}
		l.info = info
		return nil
	})
}

// Append implements [state.Lease]. It sets the records' fence.
func (l *lease) Append(ctx context.Context, records ...state.Record) error {
	if len(records) == 0 {
		return nil
	}
	fenced := make([]state.Record, len(records))
	for i, r := range records {
		r.Fence = l.Info().Fence
		fenced[i] = r
	}
	lines, err := state.JournalLines(l.store.catalog, fenced)
	if err != nil {
		return err
	}
	return l.change(ctx, func() error { return l.extend(lines) })
}

// extend adds lines to the journal. The first time, and after a failure that may have left half a line, the
// journal is written anew with what is whole in it.
func (l *lease) extend(lines []byte) error {
	if l.appending {
		err := l.store.disk.extend(l.store.journalPath(), lines)
		l.appending = err == nil
		return err
	}
	before, err := l.store.journalSoFar()
	if err != nil {
		return err
	}
	if err := l.store.disk.replace(l.store.journalPath(), append(before, lines...)); err != nil {
		return err
	}
	l.appending = true
	return nil
}

// journalSoFar returns the journal's whole lines where it builds on the stored state, else a new head.
func (s *Store) journalSoFar() ([]byte, error) {
	journal, whole, err := s.readJournal()
	if err != nil {
		return nil, err
	}
	stored, err := s.disk.read(s.path)
	if err != nil {
		return nil, err
	}
	var base state.Base
	if stored != nil {
		if base, err = state.Peek(stored); err != nil {
			return nil, fmt.Errorf("%s: %w", s.path, err)
		}
	}
	continues, err := journal.Continues(base)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.journalPath(), err)
	}
	if continues {
		return whole, nil
	}
	return state.JournalHead(base)
}

// Write implements [state.Lease].
func (l *lease) Write(ctx context.Context, s *state.State) error {
	return l.change(ctx, func() error {
		stored, err := l.store.disk.read(l.store.path)
		if err != nil {
			return err
		}
		next, err := state.Succeed(l.store.catalog, stored, s)
		if err != nil {
			return err
		}
		if next.Data != nil {
			if err := l.store.remember(stored); err != nil {
				return fmt.Errorf("the earlier state cannot be kept: %w", err)
			}
			if err := l.store.disk.replace(l.store.path, next.Data); err != nil {
				return err
			}
		}
		s.Lineage, s.Serial = next.Base.Lineage, next.Base.Serial
		l.appending = false
		return l.store.disk.remove(l.store.journalPath())
	})
}

// Release implements [state.Lease].
func (l *lease) Release(ctx context.Context) error {
	err := l.change(ctx, func() error { return l.store.free(lockFile{l.info, l.store.host}) })
	var lost *state.LostError
	if errors.As(err, &lost) {
		err = nil
	}
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.released {
		return nil
	}
	l.released = true
	return errors.Join(l.alive.Close(), l.store.disk.remove(l.alive.Path()))
}
