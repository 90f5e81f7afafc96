package state

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// How long results may be in memory only: in a store with a journal, and in one that is written whole (R34).
const (
	journalEvery = time.Second
	wholeEvery   = 10 * time.Second
)

// Recorder saves what an apply does as it comes: results together, a second apart at most, and at once what must
// be durable before the next call (R26). It keeps the state that all records amount to. In a store without a
// journal it writes that state whole instead, every ten seconds and on each Flush.
//
// The first failure ends it: every Flush from then on returns it, and nothing more is written. It is safe for
// concurrent use; those who flush at the same time share one write.
type Recorder struct {
	lease Lease
	clock Clock
	whole bool

	timers sync.WaitGroup
	cancel context.CancelFunc
	ctx    context.Context // of the timers

	writing sync.Mutex // held while writing; taken before mu

	mu      sync.Mutex
	folded  *folder
	known   []Intent // every intent that was open at some time
	queue   []Record
	waiting bool // a timer is running
	written Base // of the last whole write
	failed  error
	behind  bool // something that was added is in memory only, for good
}

// NewRecorder returns a recorder over a state that was read under the lease. What the store can do decides how
// it saves.
func NewRecorder(lease Lease, can Capabilities, base *State, clock Clock) *Recorder {
	ctx, cancel := context.WithCancel(context.Background())
	return &Recorder{
		lease: lease, clock: clock, whole: !can.Journal, ctx: ctx, cancel: cancel,
		folded: newFolder(base), written: base.Base(), known: slices.Clone(base.Intents),
	}
}

// Add takes records, in their order, which are durable a second later at the latest. A failure to save them is
// returned by the next Flush.
func (r *Recorder) Add(records ...Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range records {
		r.folded.add(&records[i])
		r.known = append(r.known, records[i].Plan...)
	}
	r.queue = append(r.queue, records...)
	if r.waiting || len(r.queue) == 0 || r.failed != nil || r.ctx.Err() != nil {
		return
	}
	r.waiting = true
	r.timers.Go(r.later)
}

// later saves when the time has come.
func (r *Recorder) later() {
	pause := journalEvery
	if r.whole {
		pause = wholeEvery
	}
	err := r.clock.Sleep(r.ctx, pause)
	r.mu.Lock()
	r.waiting = false
	r.mu.Unlock()
	if err == nil {
		_ = r.save(r.ctx) // kept, and returned by the next Flush
	}
}

// Flush returns when everything added before is durable, or why it is not: a *LostError where the lease was
// lost. An interruption does not stop a write: what was done must be recorded all the same (R29).
func (r *Recorder) Flush(ctx context.Context) error { return r.save(ctx) }

func (r *Recorder) save(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	r.writing.Lock() // whoever holds it may be saving our records, too
	defer r.writing.Unlock()
	r.mu.Lock()
	records, err := r.queue, r.failed
	var whole *State
	if r.whole && err == nil && len(records) > 0 {
		whole = r.state()
	}
	r.queue = nil
	r.mu.Unlock()
	if err != nil || len(records) == 0 {
		return err
	}
	if r.whole {
		err = r.write(ctx, whole)
	} else {
		err = r.lease.Append(ctx, records...)
	}
	if err != nil {
		var lost *LostError
		r.fail(err, r.whole || !errors.As(err, &lost))
	}
	return err
}

func (r *Recorder) fail(err error, behind bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed, r.behind = err, behind
}

func (r *Recorder) write(ctx context.Context, s *State) error {
	err := r.lease.Write(ctx, s)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.written = s.Base()
	return err
}

// State returns the state that all records so far amount to, durable or not.
func (r *Recorder) State() *State {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state()
}

func (r *Recorder) state() *State {
	s := r.folded.result()
	s.Lineage, s.Serial = r.written.Lineage, r.written.Serial
	return s
}

// Close makes everything durable and then replaces the state by what it amounts to, which empties the journal.
// Nothing may be added afterwards. After a failure it returns that, and the journal is left for the next run.
func (r *Recorder) Close(ctx context.Context) (*State, error) {
	r.cancel()
	r.timers.Wait()
	if err := r.save(ctx); err != nil {
		return nil, err
	}
	r.writing.Lock()
	defer r.writing.Unlock()
	s := r.State()
	if err := r.write(context.WithoutCancel(ctx), s); err != nil {
		r.fail(err, r.whole)
		return nil, err
	}
	return s, nil
}

// Unsaved returns the state that all records amount to where neither the store nor its journal has all of it, as far
// as is known; else nil. Intents that ended stand in it unarmed, which tells whoever pushes it over the store's that
// they are known to it (see [Push]). Who lost the lease of a store with a journal has nothing unsaved: the successor learns by the
// intents there what was done, and goes on from that.
func (r *Recorder) Unsaved() *State {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.behind {
		return nil
	}
	s := r.state()
	for _, i := range r.known {
		if !slices.ContainsFunc(s.Intents, func(open Intent) bool { return open.ID == i.ID }) {
			i.Armed = false
			s.Intents = append(s.Intents, i)
		}
	}
	return s
}
