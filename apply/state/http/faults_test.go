package httpstate

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"mercator/apply/state"
	"mercator/apply/state/http/httptestserver"
	"mercator/apply/state/statetest"
)

// methods are those of a dialect: of a lock, an unlock and a write.
func methods(d httptestserver.Dialect) (lock, unlock, lockPath string) {
	if d == httptestserver.GitLab {
		return "POST", "DELETE", httptestserver.Path + "/lock"
	}
	return "LOCK", "UNLOCK", httptestserver.Path
}

// forDialects runs a test against a fresh server of each dialect.
func forDialects(t *testing.T, test func(t *testing.T, d httptestserver.Dialect, s *httptestserver.Server)) {
	for name, dialect := range dialects() {
		t.Run(name, func(t *testing.T) { test(t, dialect, serve(t, dialect)) })
	}
}

// The lock was given and the answer lost: what is in the way of the next try is our own lock.
func TestLostAnswerToLock(t *testing.T) {
	forDialects(t, func(t *testing.T, d httptestserver.Dialect, s *httptestserver.Server) {
		lock, _, path := methods(d)
		s.Fail(httptestserver.Fault{Method: lock, Path: path, Nth: 1, Lost: true})
		store, _ := handle(t, s)
		lease := lockFor(t, store, "a@host")
		if s.LockID() != lease.Info().ID {
			t.Errorf("the server holds the lock %q, we %q", s.LockID(), lease.Info().ID)
		}
		other, _ := handle(t, s)
		statetest.ExpectHeld(t, other, lease)
		if err := lease.Release(context.Background()); err != nil || s.LockID() != "" {
			t.Errorf("released: %v, lock %q", err, s.LockID())
		}
		statetest.ExpectFree(t, other)
	})
}

// Somebody else took the lock between a try that did not arrive and the next one.
func TestLockTakenBetweenTries(t *testing.T) {
	s := serve(t, httptestserver.Terraform)
	s.Fail(httptestserver.Fault{Method: "LOCK", Nth: 1, Before: func() { s.SetLock("x-1", `{"ID":"x-1","Who":"b@host"}`) }, Cut: true})
	store, _ := handle(t, s)
	var locked *state.LockedError
	if _, err := store.Lock(context.Background(), state.LockInfo{}); !errors.As(err, &locked) || locked.Holder.ID != "x-1" {
		t.Errorf("got %v", err)
	}
}

// A lock that nobody answers for is given back, and where not even that can be done the error tells its id.
func TestLockNeverAnswered(t *testing.T) {
	forDialects(t, func(t *testing.T, d httptestserver.Dialect, s *httptestserver.Server) {
		lock, unlock, path := methods(d)
		s.Fail(httptestserver.Fault{Method: lock, Path: path, Lost: true})
		store, _ := handle(t, s)
		if _, err := store.Lock(context.Background(), state.LockInfo{}); err == nil || strings.Contains(err.Error(), "state unlock") || s.LockID() != "" {
			t.Errorf("got %v, lock %q", err, s.LockID())
		}
		s.Fail(httptestserver.Fault{Method: lock, Path: path, Lost: true}, httptestserver.Fault{Method: unlock, Path: path, Cut: true})
		_, err := store.Lock(context.Background(), state.LockInfo{})
		if err == nil || s.LockID() == "" || !strings.Contains(err.Error(), "mercator state unlock "+s.LockID()) {
			t.Errorf("got %v, lock %q", err, s.LockID())
		}
	})
}

// The state was written and the answer lost, or came in half: the repetition finds it there, and GitLab, which takes
// no serial twice, is not asked for it again.
func TestLostAnswerToWrite(t *testing.T) {
	forDialects(t, func(t *testing.T, d httptestserver.Dialect, s *httptestserver.Server) {
		store, _ := handle(t, s)
		lease := lockFor(t, store, "a@host")
		for i, f := range []httptestserver.Fault{{Lost: true}, {Status: 502}, {Cut: true}} {
			f.Method, f.Path, f.Nth = "POST", httptestserver.Path, 1
			s.Fail(f)
			st, err := addBox(t, lease, string(rune('a'+i)))
			if err != nil || st.Serial != uint64(i+1) {
				t.Fatalf("%+v: serial %d, %v", f, st.Serial, err)
			}
			got, err := store.Read(context.Background())
			if err != nil || statetest.Diff(st, got) != "" {
				t.Errorf("%+v: %v, %s", f, err, statetest.Diff(st, got))
			}
		}
		wrote := slices.DeleteFunc(s.Requests(), func(r string) bool { return r != "POST "+httptestserver.Path })
		if len(wrote) != 5 {
			t.Errorf("%d writes, want 5: the lost one is not repeated", len(wrote))
		}
		statetest.ExpectHeld(t, store, lease)
		if err := lease.Release(context.Background()); err != nil {
			t.Fatal(err)
		}
		statetest.ExpectFree(t, store)
	})
}

// While an answer was out, somebody wrote past the lock: that is not overwritten by the repetition.
func TestWrittenBetweenTries(t *testing.T) {
	s := serve(t, httptestserver.Terraform)
	store, _ := handle(t, s)
	lease := lockFor(t, store, "a@host")
	if _, err := addBox(t, lease, "a"); err != nil {
		t.Fatal(err)
	}
	theirs := bytes.Replace(s.Stored(), []byte(`"serial": 1`), []byte(`"serial": 7`), 1)
	s.Fail(httptestserver.Fault{Method: "POST", Nth: 1, Before: func() { s.Store(theirs) }, Cut: true})
	var lost *state.LostError
	if _, err := addBox(t, lease, "b"); !errors.As(err, &lost) || !bytes.Equal(s.Stored(), theirs) {
		t.Errorf("got %v, stored %s", err, s.Stored())
	}
}

// The lock was ended, by its holder or by somebody else, and the answer lost: that there is none is not held against
// the repetition.
func TestLostAnswerToUnlock(t *testing.T) {
	ctx := context.Background()
	for who, end := range map[string]func(*Store, state.Lease) error{
		"its holder":    func(_ *Store, l state.Lease) error { return l.Release(ctx) },
		"somebody else": func(s *Store, l state.Lease) error { return s.Unlock(ctx, l.Info().ID) },
	} {
		t.Run(who, func(t *testing.T) {
			forDialects(t, func(t *testing.T, d httptestserver.Dialect, s *httptestserver.Server) {
				_, unlock, path := methods(d)
				store, _ := handle(t, s)
				other, _ := handle(t, s)
				lease := lockFor(t, store, "a@host")
				s.Fail(httptestserver.Fault{Method: unlock, Path: path, Nth: 1, Lost: true})
				if err := end(other, lease); err != nil || s.LockID() != "" {
					t.Fatalf("ended: %v, lock %q", err, s.LockID())
				}
				if asked := slices.DeleteFunc(s.Requests(), func(r string) bool { return r != unlock+" "+path }); len(asked) != 2 {
					t.Errorf("%d requests to end it, want the lost one and its repetition", len(asked))
				}
				s.Fail()
				statetest.ExpectFree(t, other)
				if err := lease.Release(ctx); err != nil {
					t.Errorf("releasing what is over: %v", err)
				}
				statetest.ExpectFree(t, other)
			})
		})
	}
}

// What a server says to the repetition of an unlock whose answer was lost: that there is no such lock, in its way,
// which is as it should be; or that it does not want to, which is not.
func TestRepeatedUnlock(t *testing.T) {
	for status, ends := range map[int]bool{400: true, 404: true, 409: true, 410: true, 423: true, 401: false, 403: false} {
		s := serve(t, httptestserver.Terraform)
		store, _ := handle(t, s)
		lease := lockFor(t, store, "a@host")
		s.Fail(httptestserver.Fault{Method: "UNLOCK", Nth: 1, Lost: true}, httptestserver.Fault{Method: "UNLOCK", Nth: 2, Status: status})
		if err := lease.Release(context.Background()); (err == nil) != ends {
			t.Errorf("answered with %d: %v", status, err)
		}
	}
}

// Unlocking that fails for good says what remains and how to end it.
func TestUnlockFails(t *testing.T) {
	s := serve(t, httptestserver.Terraform)
	store, _ := handle(t, s)
	lease := lockFor(t, store, "a@host")
	s.Fail(httptestserver.Fault{Method: "UNLOCK", Status: 404})
	if err := lease.Release(context.Background()); err == nil || !strings.Contains(err.Error(), "mercator state unlock "+lease.Info().ID) {
		t.Errorf("got %v", err)
	}
	s.Fail()
	if err := lease.Release(context.Background()); err != nil || s.LockID() != "" {
		t.Errorf("releasing again: %v, lock %q", err, s.LockID())
	}
}

// A server that takes any id is not let to end somebody else's lock.
func TestUnlockLooksFirst(t *testing.T) {
	s := serve(t, httptestserver.Terraform)
	store, _ := handle(t, s)
	lockFor(t, store, "a@host")
	s.Fail(httptestserver.Fault{Method: "UNLOCK", Status: 200})
	if err := store.Unlock(context.Background(), "wrong"); err == nil || slices.Contains(s.Requests(), "UNLOCK "+httptestserver.Path) {
		t.Errorf("got %v after %v", err, s.Requests())
	}
}

// What comes damaged or in half is asked for again.
func TestDamagedAnswers(t *testing.T) {
	for _, f := range []httptestserver.Fault{{Damage: true}, {Half: true}, {Status: 503, Header: map[string]string{"Retry-After": "3"}}, {Status: 429}} {
		s := serve(t, httptestserver.Terraform)
		store, clock := handle(t, s)
		wrote, err := addBox(t, lockFor(t, store, "a@host"), "a")
		if err != nil {
			t.Fatal(err)
		}
		f.Method, f.Nth = "GET", 1
		s.Fail(f)
		got, err := store.Read(context.Background())
		if err != nil || statetest.Diff(wrote, got) != "" {
			t.Errorf("%+v: %v", f, err)
		}
		want := time.Second
		if f.Header != nil {
			want = 3 * time.Second
		}
		if !slices.Equal(clock.slept, []time.Duration{want}) {
			t.Errorf("%+v: slept %v", f, clock.slept)
		}
	}
}

// Repetitions are as many, and as far apart, as the arguments say.
func TestRetries(t *testing.T) {
	s := serve(t, httptestserver.Terraform)
	s.Fail(httptestserver.Fault{Status: 500})
	arguments := s.Arguments()
	arguments["retry_max"], arguments["retry_wait_min"], arguments["retry_wait_max"] = "4", "2", "9"
	clock := &quick{Clock: statetest.NewClock()}
	if _, err := openAt(t, arguments, clock).Read(context.Background()); err == nil {
		t.Error("no error")
	}
	if want := []time.Duration{2 * time.Second, 4 * time.Second, 8 * time.Second, 9 * time.Second}; !slices.Equal(clock.slept, want) {
		t.Errorf("slept %v, want %v", clock.slept, want)
	}
	if n := len(s.Requests()); n != 5 {
		t.Errorf("%d requests", n)
	}
}

// An interruption ends the repetitions, and leaves no lock that nobody knows of.
func TestInterrupted(t *testing.T) {
	s := serve(t, httptestserver.Terraform)
	store, _ := handle(t, s)
	ctx, cancel := context.WithCancel(context.Background())
	s.Fail(httptestserver.Fault{Method: "LOCK", Before: cancel, Lost: true})
	if _, err := store.Lock(ctx, state.LockInfo{}); err == nil || s.LockID() != "" {
		t.Errorf("got %v, lock %q", err, s.LockID())
	}
	if _, err := store.Read(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("reading: %v", err)
	}
}

// The server took the lock away from us: it says so when we write, and nothing is written.
func TestLockTakenAway(t *testing.T) {
	forDialects(t, func(t *testing.T, d httptestserver.Dialect, s *httptestserver.Server) {
		store, _ := handle(t, s)
		lease := lockFor(t, store, "a@host")
		if err := store.Unlock(context.Background(), lease.Info().ID); err != nil {
			t.Fatal(err)
		}
		var lost *state.LostError
		if _, err := addBox(t, lease, "a"); !errors.As(err, &lost) || s.Stored() != nil {
			t.Errorf("got %v, stored %s", err, s.Stored())
		}
		if err := lease.Release(context.Background()); err != nil {
			t.Errorf("releasing what was lost: %v", err)
		}
	})
}
