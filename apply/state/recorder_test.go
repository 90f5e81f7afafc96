package state_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"mercator/apply/state"
	"mercator/apply/state/local"
	"mercator/apply/state/statetest"
	"mercator/schema"
)

var withJournal = state.Capabilities{Journal: true}

func (f *fakeLease) answerAppend(do func() error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.onAppend = do
}

// groups returns how many records each append held, and each whole write's number of resources.
func (f *fakeLease) groups() (appends, writes []int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, records := range f.appends {
		appends = append(appends, len(records))
	}
	for _, s := range f.writes {
		writes = append(writes, len(s.Resources))
	}
	return appends, writes
}

func (f *fakeLease) expect(t *testing.T, appends, writes []int) {
	t.Helper()
	a, w := f.groups()
	if fmt.Sprint(a, w) != fmt.Sprint(appends, writes) {
		t.Errorf("appends %v and whole writes %v, want %v and %v", a, w, appends, writes)
	}
}

func recording(t *testing.T, can state.Capabilities) (*state.Recorder, *fakeLease, *statetest.Clock) {
	t.Helper()
	lease, clock := &fakeLease{}, statetest.NewClock()
	return state.NewRecorder(lease, can, state.New(), clock), lease, clock
}

func bind(t testing.TB, n int) state.Record {
	return state.Record{Bind: statetest.Box(t, fmt.Sprintf("n%d", n), n)}
}

// saved returns a channel that gets a value after each save, which the lease makes wait for nobody.
func saved(lease *fakeLease) <-chan struct{} {
	ch := make(chan struct{}, 100)
	lease.onAppend = func() error { ch <- struct{}{}; return nil }
	lease.onWrite = lease.onAppend
	return ch
}

func TestRule_R26_ResultsAreSavedWithinASecond(t *testing.T) {
	ctx := context.Background()
	r, lease, clock := recording(t, withJournal)
	done := saved(lease)
	r.Add(bind(t, 1))
	r.Add(bind(t, 2), bind(t, 3))
	clock.AwaitSleepers(1)
	clock.Advance(time.Second - time.Nanosecond)
	lease.expect(t, nil, nil)
	clock.Advance(time.Nanosecond)
	<-done
	lease.expect(t, []int{3}, nil)
	r.Add(bind(t, 4))
	clock.AwaitSleepers(1)
	clock.Advance(time.Second)
	<-done
	lease.expect(t, []int{3, 1}, nil)
	s, err := r.Close(ctx)
	if err != nil || len(s.Resources) != 4 {
		t.Errorf("closed with %+v, %v", s, err)
	}
	lease.expect(t, []int{3, 1}, []int{4})
}

func TestRule_R26_AFlushIsDurableBeforeTheCall(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // even when the apply was interrupted
	r, lease, _ := recording(t, withJournal)
	r.Add(bind(t, 1), state.Record{Arm: statetest.Armed(t, "i", "box.new")})
	if err := r.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	lease.expect(t, []int{2}, nil)
	if err := r.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	lease.expect(t, []int{2}, nil)
	if got := r.State(); len(got.Intents) != 1 || !got.Intents[0].Armed {
		t.Errorf("the state so far: %+v", got)
	}
	if _, err := r.Close(ctx); err != nil {
		t.Error(err)
	}
}

// A timer that runs while a flush saves its records has nothing left to do.
func TestRecorderWritesNothingTwice(t *testing.T) {
	r, lease, clock := recording(t, withJournal)
	r.Add(bind(t, 1))
	clock.AwaitSleepers(1)
	if err := r.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	clock.Advance(time.Second)
	if _, err := r.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	lease.expect(t, []int{1}, []int{1})
}

func TestRecorderKeepsItsFirstError(t *testing.T) {
	ctx := context.Background()
	r, lease, _ := recording(t, withJournal)
	lost := &state.LostError{Reason: "taken over"}
	lease.answerAppend(func() error { return lost })
	r.Add(bind(t, 1))
	if err := r.Flush(ctx); !errors.Is(err, lost) {
		t.Errorf("first flush: %v", err)
	}
	lease.answerAppend(nil)
	r.Add(bind(t, 2))
	if err := r.Flush(ctx); !errors.Is(err, lost) {
		t.Errorf("second flush: %v", err)
	}
	if s, err := r.Close(ctx); !errors.Is(err, lost) || s != nil {
		t.Errorf("close: %v, %v", s, err)
	}
	lease.expect(t, []int{1}, nil)
}

func TestRecorderIsSharedByWorkers(t *testing.T) {
	const workers, each = 8, 25
	ctx := context.Background()
	r, lease, _ := recording(t, withJournal)
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			for n := range each {
				r.Add(bind(t, w*each+n))
				if err := r.Flush(ctx); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	s, err := r.Close(ctx)
	if err != nil || len(s.Resources) != workers*each {
		t.Fatalf("%d resources, %v", len(s.Resources), err)
	}
	var records []state.Record
	for _, group := range lease.appends {
		records = append(records, group...)
	}
	if diff := statetest.Diff(s, state.Fold(state.New(), records)); diff != "" || len(records) != workers*each {
		t.Errorf("%d records amount to something else:\n%s", len(records), diff)
	}
}

func TestRule_R34_WithoutAJournalTheStateIsWrittenWhole(t *testing.T) {
	ctx := context.Background()
	r, lease, clock := recording(t, state.Capabilities{})
	done := saved(lease)
	r.Add(bind(t, 1))
	clock.AwaitSleepers(1)
	r.Add(bind(t, 2))
	clock.Advance(10*time.Second - time.Nanosecond)
	lease.expect(t, nil, nil)
	clock.Advance(time.Nanosecond)
	<-done
	lease.expect(t, nil, []int{2})
	r.Add(bind(t, 3), state.Record{Drop: []schema.Address{"box.n1"}})
	if err := r.Flush(ctx); err != nil { // a secret was minted
		t.Fatal(err)
	}
	lease.expect(t, nil, []int{2, 2})
	if s, err := r.Close(ctx); err != nil || len(s.Resources) != 2 {
		t.Errorf("closed with %+v, %v", s, err)
	}
}

// Whole writes go on from the serial that the one before made.
func TestRecorderFollowsTheSerial(t *testing.T) {
	ctx := context.Background()
	clock := statetest.NewClock()
	lease, err := local.New(filepath.Join(t.TempDir(), "state.json"), statetest.Catalog(t), clock).Lock(ctx, state.LockInfo{})
	if err != nil {
		t.Fatal(err)
	}
	r := state.NewRecorder(lease, state.Capabilities{}, state.New(), clock)
	for n := range 3 {
		r.Add(bind(t, n))
		if err := r.Flush(ctx); err != nil {
			t.Fatal(err)
		}
	}
	s, err := r.Close(ctx)
	if err != nil || s.Serial != 3 || s.Lineage == "" {
		t.Fatalf("closed with serial %d of %q, %v", s.Serial, s.Lineage, err)
	}
	got, err := lease.Read(ctx)
	if err := errors.Join(err, lease.Release(ctx)); err != nil {
		t.Fatal(err)
	}
	if diff := statetest.Diff(s, got); diff != "" {
		t.Errorf("stored (- closed with, + found):\n%s", diff)
	}
}

// What is in the store or in its journal needs no other place; what is in neither is handed out.
func TestUnsaved(t *testing.T) {
	broken := errors.New("the disk is full")
	fails := func() error { return broken }
	loses := func() error { return &state.LostError{} }
	for name, c := range map[string]struct {
		can           state.Capabilities
		append, write func() error
		want          bool
		resources     int
	}{
		"all is well":                 {withJournal, nil, nil, false, 0},
		"the journal fails":           {withJournal, fails, nil, true, 1},
		"the journal has it":          {withJournal, nil, fails, false, 0},
		"the lease is lost":           {withJournal, loses, nil, false, 0},
		"without a journal, the same": {state.Capabilities{}, nil, loses, true, 1},
		"without a journal":           {state.Capabilities{}, nil, nil, false, 0},
		"without a journal, it fails": {state.Capabilities{}, nil, fails, true, 1},
	} {
		r, lease, _ := recording(t, c.can)
		lease.onAppend, lease.onWrite = c.append, c.write
		r.Add(bind(t, 1))
		if r.Unsaved() != nil {
			t.Errorf("%s: something is unsaved before anything was tried", name)
		}
		_, _ = r.Close(context.Background())
		got := r.Unsaved()
		if (got != nil) != c.want || got != nil && len(got.Resources) != c.resources {
			t.Errorf("%s: unsaved is %+v", name, got)
		}
	}
}

// What an apply ended is known to the state that it could not save: that may be pushed over what the store has of it.
func TestUnsavedKnowsWhatEnded(t *testing.T) {
	r, lease, _ := recording(t, withJournal)
	intent := state.Intent{ID: "i1", Address: "box.a", Kind: "box", Verb: schema.CallCreate, Content: schema.NullObject(statetest.Catalog(t).Kind("box").Attributes)}
	r.Add(state.Record{Plan: []state.Intent{intent}})
	if err := r.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	stored := r.State()
	lease.onAppend = func() error { return errors.New("the disk is full") }
	r.Add(bind(t, 1), state.Record{Done: []string{"i1"}})
	_, _ = r.Close(context.Background())
	unsaved := r.Unsaved()
	if unsaved == nil || len(unsaved.Intents) != 1 || unsaved.Intents[0].Armed {
		t.Fatalf("unsaved is %+v", unsaved)
	}
	unsaved.Serial++
	next, err := state.Push(statetest.Catalog(t), stored, unsaved, false)
	if err != nil || len(next.Intents) > 0 || len(next.Resources) != 1 {
		t.Errorf("pushed it is %+v: %v", next, err)
	}
}
