package httpstate

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"mercator/apply/state"
	"mercator/apply/state/http/httptestserver"
	"mercator/apply/state/statetest"
)

// quick is a clock by which pauses pass at once, and are counted.
type quick struct {
	*statetest.Clock
	slept []time.Duration
}

func (q *quick) Sleep(ctx context.Context, d time.Duration) error {
	q.slept = append(q.slept, d)
	q.Advance(d)
	return ctx.Err()
}

// serve starts a server that ends with the test.
func serve(t *testing.T, d httptestserver.Dialect) *httptestserver.Server {
	t.Helper()
	s := httptestserver.New(d)
	t.Cleanup(s.Close)
	return s
}

// openAt opens the store with these arguments.
func openAt(t *testing.T, arguments map[string]string, clock state.Clock) *Store {
	t.Helper()
	store, err := Backend().Open(state.Settings{Values: arguments, Catalog: statetest.Catalog(t), Clock: clock, Version: "1.2.3"})
	if err != nil {
		t.Fatal(err)
	}
	return store.(*Store)
}

// handle opens the store of a server, with a clock whose pauses pass at once.
func handle(t *testing.T, s *httptestserver.Server) (*Store, *quick) {
	t.Helper()
	clock := &quick{Clock: statetest.NewClock()}
	return openAt(t, s.Arguments(), clock), clock
}

func dialects() map[string]httptestserver.Dialect {
	return map[string]httptestserver.Dialect{"Terraform": httptestserver.Terraform, "GitLab": httptestserver.GitLab}
}

func TestConformance(t *testing.T) {
	for name, dialect := range dialects() {
		t.Run(name, func(t *testing.T) {
			statetest.Run(t, func(t *testing.T) statetest.Opener {
				s := serve(t, dialect)
				s.Faithful() // what is known of a holder otherwise shows in TestHolderIsDescribed
				t.Cleanup(func() {
					if bytes.Contains(s.Received(), []byte("CANARY")) {
						t.Error("a secret got to the server")
					}
				})
				return func(t *testing.T, clock state.Clock) state.Store { return openAt(t, s.Arguments(), clock) }
			})
		})
	}
}

func lockFor(t *testing.T, store *Store, who string) state.Lease {
	t.Helper()
	lease, err := store.Lock(context.Background(), state.LockInfo{Operation: "apply", Who: who, PID: 7, Version: "1.2.3",
		Job: "https://ci.example/job/1", Commit: "abc"})
	if err != nil {
		t.Fatal(err)
	}
	return lease
}

// addBox writes one more box under the lease.
func addBox(t *testing.T, lease state.Lease, name string) (*state.State, error) {
	t.Helper()
	st, err := lease.Read(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	st = st.Clone()
	b := statetest.Box(t, name, 1)
	st.Resources[b.Address] = b
	return st, lease.Write(context.Background(), st)
}

// What the protocol has no key for is carried in Info, and is not taken for the holder's where it is the asker's.
func TestHolderIsDescribed(t *testing.T) {
	s := serve(t, httptestserver.Terraform)
	store, clock := handle(t, s)
	lockFor(t, store, "first@host")
	holder, err := store.Holder(context.Background())
	if err != nil || holder == nil {
		t.Fatalf("%v, %v", holder, err)
	}
	if holder.Job != "https://ci.example/job/1" || holder.Commit != "abc" || holder.PID != 7 || !holder.Since.Equal(clock.Now()) {
		t.Errorf("the holder is %+v", holder)
	}

	gitlab := serve(t, httptestserver.GitLab)
	store, _ = handle(t, gitlab)
	lease := lockFor(t, store, "first@host")
	_, err = store.Lock(context.Background(), state.LockInfo{Operation: "destroy", Who: "second@host", PID: 8, Job: "https://ci.example/job/2"})
	var locked *state.LockedError
	if !errors.As(err, &locked) {
		t.Fatal(err)
	}
	if h := locked.Holder; h.ID != lease.Info().ID || h.Who != "first@host" || h.PID != 0 || h.Job != "" || h.Operation != "" {
		t.Errorf("the holder is described by the asker's words: %+v", h)
	}
}

// A lock that a tool of another make holds, or a server that says nothing of the holder, is respected.
func TestForeignLocks(t *testing.T) {
	for words, want := range map[string]string{
		`{"ID":"x-1","Operation":"OperationTypeApply","Info":"","Who":"ann@laptop","Version":"1.9.0","Created":"2024-03-01T11:00:00.5Z","Path":""}`: "the state is locked by ann@laptop (OperationTypeApply) since 2024-03-01T11:00:00Z; lock id x-1",
		``:              "the state is locked by somebody whom the server does not name",
		`<html></html>`: "the state is locked by somebody whom the server does not name",
		`{"ID": 3}`:     "the state is locked by somebody whom the server does not name",
	} {
		s := serve(t, httptestserver.Terraform)
		s.SetLock("x-1", words)
		store, _ := handle(t, s)
		_, err := store.Lock(context.Background(), state.LockInfo{})
		var locked *state.LockedError
		if !errors.As(err, &locked) || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
		if s.LockID() != "x-1" {
			t.Errorf("the lock is now %q", s.LockID())
		}
	}
}

// Where no lock is configured nothing is locked, and the store says so.
func TestWithoutLock(t *testing.T) {
	s := serve(t, httptestserver.Terraform)
	arguments := s.Arguments()
	delete(arguments, "lock_address")
	store := openAt(t, arguments, statetest.NewClock())
	if why := store.Capabilities().Unguarded; !strings.Contains(why, "lock_address") {
		t.Errorf("it is unguarded because %q", why)
	}
	lease := lockFor(t, store, "first@host")
	if _, err := addBox(t, lease, "a"); err != nil {
		t.Fatal(err)
	}
	if err := lease.Release(context.Background()); err != nil {
		t.Fatal(err)
	}
	if holder, err := store.Holder(context.Background()); holder != nil || err != nil {
		t.Errorf("holder %v, %v", holder, err)
	}
	if err := store.Unlock(context.Background(), "x"); err == nil {
		t.Error("unlocking was no error")
	}
	for _, r := range s.Requests() {
		if strings.HasPrefix(r, "LOCK") || strings.HasPrefix(r, "UNLOCK") {
			t.Errorf("asked for %s", r)
		}
	}
}

// Guarded stores say nothing of the kind, and none has what the protocol lacks (R34).
func TestRule_R34_AServerPromisesNothing(t *testing.T) {
	store, _ := handle(t, serve(t, httptestserver.GitLab))
	if got := store.Capabilities(); got != (state.Capabilities{}) {
		t.Errorf("capabilities %+v", got)
	}
	lease := lockFor(t, store, "a@host")
	if err := lease.Append(context.Background(), state.Record{Done: []string{"x"}}); err == nil {
		t.Error("appending was no error")
	}
	if info := lease.Info(); !info.Expires.IsZero() || !info.Quiet.Equal(info.Since.Add(state.CallLimit)) {
		t.Errorf("the lock is %+v", info)
	}
}

// A released lease writes nothing, whatever the server would take.
func TestReleasedLease(t *testing.T) {
	s := serve(t, httptestserver.Terraform)
	store, _ := handle(t, s)
	lease := lockFor(t, store, "a@host")
	if err := lease.Release(context.Background()); err != nil {
		t.Fatal(err)
	}
	var lost *state.LostError
	if _, err := addBox(t, lease, "a"); !errors.As(err, &lost) || s.Stored() != nil {
		t.Errorf("got %v, stored %s", err, s.Stored())
	}
}

// What somebody wrote past the lock is not overwritten.
func TestWrittenPastTheLock(t *testing.T) {
	s := serve(t, httptestserver.Terraform)
	store, _ := handle(t, s)
	lease := lockFor(t, store, "a@host")
	if _, err := addBox(t, lease, "a"); err != nil {
		t.Fatal(err)
	}
	mine, err := lease.Read(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	theirs := bytes.Replace(s.Stored(), []byte(`"serial": 1`), []byte(`"serial": 2`), 1)
	s.Store(theirs)
	b := statetest.Box(t, "b", 1)
	mine.Resources[b.Address] = b
	if err := lease.Write(context.Background(), mine); err == nil || !bytes.Equal(s.Stored(), theirs) {
		t.Errorf("got %v, stored %s", err, s.Stored())
	}
}

func TestNotAState(t *testing.T) {
	for text, want := range map[string]string{
		`{"version": 4, "terraform_version": "1.9.0", "serial": 1, "lineage": "x"}`: "this is a state of Terraform",
		`{"version": 99, "serial": 1}`:                                              "newer Mercator",
		`<html>`:                                                                    "damaged",
	} {
		s := serve(t, httptestserver.Terraform)
		s.Store([]byte(text))
		store, _ := handle(t, s)
		_, err := store.Read(context.Background())
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), httptestserver.Path) {
			t.Errorf("reading %s: %v", text, err)
		}
		if _, err := addBoxTo(t, lockFor(t, store, "a@host"), state.New()); err == nil || string(s.Stored()) != text {
			t.Errorf("writing over %s: %v", text, err)
		}
	}
}

// addBoxTo writes a state with one more box, without reading first.
func addBoxTo(t *testing.T, lease state.Lease, st *state.State) (*state.State, error) {
	t.Helper()
	b := statetest.Box(t, "a", 1)
	st.Resources[b.Address] = b
	return st, lease.Write(context.Background(), st)
}
