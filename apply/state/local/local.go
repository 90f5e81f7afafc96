// Package local keeps a state in a file, beside it its journal and its lock:
//
//	mercator.state.json               the state, replaced atomically
//	mercator.state.json.history/      the states before it, where that is asked for
//	mercator.state.json.journal       what an apply did since, until it is folded in
//	mercator.state.json.lock          who holds the lease; it stays, for the fencing number
//	mercator.state.json.lock.mutex    held for the moment of each change, so that check and write are one
//	mercator.state.json.lock.N        held by holder number N as long as its process lives
//
// A dead holder is known at once, since the system frees what it held. One that is stopped, or on another
// machine, is waited for until its lease is long over (R28).
package local

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/gofrs/flock"
	"github.com/google/uuid"

	"mercator/apply/state"
	"mercator/schema"
)

// DefaultPath is where the state is where no path is given.
const DefaultPath = "mercator.state.json"

// mostKept bounds how many earlier states are kept.
const mostKept = 1000

// Store is a state in a file. It implements [state.Historian].
type Store struct {
	path    string
	catalog *schema.Catalog
	clock   state.Clock
	host    string
	disk    disk
	keep    int // how many earlier states
}

// New returns the store of the file at path, [DefaultPath] if that is empty. Nothing is read or made yet. A
// symbolic link is followed now, so that a write replaces the file and not the link.
func New(path string, catalog *schema.Catalog, clock state.Clock, options ...Option) *Store {
	if path == "" {
		path = DefaultPath
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	host, err := os.Hostname()
	if err != nil {
		host = "" // then no holder's life can be judged, and leases are waited for
	}
	s := &Store{path: path, catalog: catalog, clock: clock, host: host}
	for _, o := range options {
		o(s)
	}
	return s
}

// Backend returns the store as configurations name it: state "local" { path = "..." }.
func Backend() state.Backend {
	return state.Backend{
		Name: "local",
		Arguments: []state.Argument{
			{Name: "path", Help: "the file; " + DefaultPath + " unless set. Relative names start at the configuration's folder"},
			{Name: "history", Help: "how many earlier states to keep beside it, for mercator state history; 0 unless set"},
		},
		Open: func(s state.Settings) (state.Store, error) {
			path := cmp.Or(s.Values["path"], DefaultPath)
			if !filepath.IsAbs(path) {
				path = filepath.Join(s.Dir, path)
			}
			keep, err := strconv.Atoi(cmp.Or(s.Values["history"], "0"))
			if err != nil || keep < 0 || keep > mostKept {
				return nil, fmt.Errorf("history is %q, and should be a whole number from 0 to %d", s.Values["history"], mostKept)
			}
			return New(path, s.Catalog, s.Clock, WithHistory(keep)), nil
		},
	}
}

// Option is a way in which a store may differ.
type Option func(*Store)

// WithFaults has every file operation go through faults.
func WithFaults(faults Faults) Option { return func(s *Store) { s.disk.fault = faults } }

// Capabilities says that files can do everything.
func (s *Store) Capabilities() state.Capabilities {
	return state.Capabilities{Lease: true, CompareAndSwap: true, Journal: true}
}

func (s *Store) journalPath() string { return s.path + ".journal" }
func (s *Store) lockPath() string    { return s.path + ".lock" }
func (s *Store) mutexPath() string   { return s.path + ".lock.mutex" }

func (s *Store) alivePath(fence uint64) string {
	return s.lockPath() + "." + strconv.FormatUint(fence, 10)
}

// Read implements [state.Store]. It needs no lock: see the head of the journal's file in package state.
func (s *Store) Read(ctx context.Context) (*state.State, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	journal, _, err := s.readJournal() // before the state, on which it builds
	if err != nil {
		return nil, err
	}
	data, err := s.disk.read(s.path)
	if err != nil {
		return nil, err
	}
	stored := state.New()
	if data != nil {
		if stored, err = state.Decode(s.catalog, data); err != nil {
			return nil, fmt.Errorf("%s: %w", s.path, err)
		}
	}
	folded, err := journal.Over(stored)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.journalPath(), err)
	}
	return folded, nil
}

func (s *Store) readJournal() (state.Journal, []byte, error) {
	data, err := s.disk.read(s.journalPath())
	if err != nil {
		return state.Journal{}, nil, err
	}
	journal, err := state.DecodeJournal(s.catalog, data)
	if err != nil {
		return state.Journal{}, nil, fmt.Errorf("%s: %w", s.journalPath(), err)
	}
	return journal, data[:journal.Size], nil
}

// lockFile is what the lock file holds. An empty ID says that nobody holds the lease.
type lockFile struct {
	state.LockInfo
	// Host is where the holder's process is: only there does its death show.
	Host string `json:"host"`
}

// quiet returns when the calls of all holders so far are over, zero if they are. No call outlasts the lease of who
// makes it, and one that has died makes no further ones.
func (l lockFile) quiet(now time.Time) time.Time {
	until := l.Quiet
	if died := now.Add(state.CallLimit); l.ID != "" && l.Expires.Before(died) {
		until = later(until, l.Expires)
	} else if l.ID != "" {
		until = later(until, died)
	}
	if !until.After(now) {
		return time.Time{}
	}
	return until
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func (s *Store) readLock() (lockFile, error) {
	var l lockFile
	data, err := s.disk.read(s.lockPath())
	if err != nil || data == nil {
		return l, err
	}
	if err := json.Unmarshal(data, &l); err != nil {
		return l, fmt.Errorf("%s is damaged: %w; if no Mercator is at work on this state, remove the file", s.lockPath(), err)
	}
	return l, nil
}

func (s *Store) writeLock(l lockFile) error {
	data, err := json.MarshalIndent(l, "", "  ")
	if err != nil {
		return err
	}
	return s.disk.replace(s.lockPath(), append(data, '\n'))
}

// held reports whether the lease that a lock file tells of must still be respected.
func (s *Store) held(l lockFile) (bool, error) {
	if l.ID == "" {
		return false, nil
	}
	if s.host != "" && l.Host == s.host {
		if alive, err := s.alive(l.Fence); err != nil || !alive {
			return false, err
		}
	}
	return !s.clock.Now().After(l.Expires.Add(state.CallLimit + state.Skew)), nil
}

// alive reports whether the process of the holder with that number is still there.
func (s *Store) alive(fence uint64) (bool, error) {
	probe := flock.New(s.alivePath(fence), flock.SetFlag(os.O_RDONLY))
	free, err := probe.TryRLock()
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("the lock of %s cannot be looked at: %w", s.path, err)
	}
	return !free, probe.Close()
}

// enter takes the store's mutex, which is held for a few file operations only. The caller calls leave.
func (s *Store) enter(ctx context.Context) (leave func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, state.CallLimit)
	defer cancel()
	mutex := flock.New(s.mutexPath())
	if _, err := mutex.TryLockContext(ctx, 2*time.Millisecond); err != nil {
		if errors.Is(err, context.DeadlineExceeded) {
			err = errors.New("another process has been holding it for too long; is one stopped?")
		}
		return nil, fmt.Errorf("%s cannot be locked: %w", mutex.Path(), err)
	}
	return func() { _ = mutex.Close() }, nil // closing frees it, whatever it returns
}

// Lock implements [state.Store].
func (s *Store) Lock(ctx context.Context, info state.LockInfo) (state.Lease, error) {
	if err := os.MkdirAll(filepath.Dir(s.path), 0o755); err != nil {
		return nil, err
	}
	leave, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	last, err := s.readLock()
	if err != nil {
		return nil, err
	}
	if held, err := s.held(last); err != nil {
		return nil, err
	} else if held {
		return nil, &state.LockedError{Holder: last.LockInfo}
	}
	journal, _, err := s.readJournal()
	if err != nil {
		return nil, err
	}
	if err := s.disk.remove(s.alivePath(last.Fence)); err != nil {
		return nil, err
	}
	now := s.clock.Now().UTC()
	info.ID = uuid.NewString()
	info.Since, info.Renewed, info.Expires = now, now, now.Add(state.LeaseLength)
	// The journal counts too, in case the lock file was removed by hand.
	info.Fence = max(last.Fence, journal.Fence()) + 1
	info.Quiet = last.quiet(now)
	return s.take(info)
}

// take makes the lease that info describes the current one.
func (s *Store) take(info state.LockInfo) (*lease, error) {
	alive := flock.New(s.alivePath(info.Fence))
	got, err := alive.TryLock()
	if err == nil && !got {
		err = errors.New("another process holds it")
	}
	if err != nil {
		return nil, fmt.Errorf("%s cannot be locked: %w", alive.Path(), err)
	}
	if err := s.writeLock(lockFile{info, s.host}); err != nil {
		return nil, errors.Join(err, alive.Close())
	}
	return &lease{store: s, info: info, alive: alive}, nil
}

// Holder implements [state.Store].
func (s *Store) Holder(ctx context.Context) (*state.LockInfo, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l, err := s.readLock()
	if err != nil {
		return nil, err
	}
	if held, err := s.held(l); err != nil || !held {
		return nil, err
	}
	return &l.LockInfo, nil
}

// Unlock implements [state.Store].
func (s *Store) Unlock(ctx context.Context, id string) error {
	leave, err := s.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	l, err := s.readLock()
	if err != nil {
		return err
	}
	switch {
	case l.ID == "":
		return fmt.Errorf("there is no lock with the id %q: nobody holds the state", id)
	case l.ID != id:
		return fmt.Errorf("there is no lock with the id %q: %w", id, &state.LockedError{Holder: l.LockInfo})
	}
	l.Quiet = later(l.Quiet, l.Expires) // its holder may live, and notice late
	return s.free(l)
}

// free writes that nobody holds the lease. Who held it last stays, for whoever looks.
func (s *Store) free(l lockFile) error {
	l.ID = ""
	return s.writeLock(l)
}
