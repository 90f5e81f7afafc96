package apply

import (
	"context"
	"time"

	"mercator/plan"
	"mercator/provider"
	"mercator/schema"
	"mercator/schema/diag"
)

// waitPhase is the phase of a step that only waits for what an earlier run began (R9).
const waitPhase plan.Phase = "wait"

// step is one task of the plan under way.
type step struct {
	change *plan.Change
	kind   *schema.Kind
	prov   provider.Provider
	phase  plan.Phase
	lane   *lane

	// open counts the needs that are not done yet; then are the steps that need this one.
	open int
	then []*step

	// intents are those of the calls, in the order of calls.
	intents []listed

	// status is "" until the step is over.
	status  Status
	because schema.Address
	diags   diag.List
	// id and key name the object as far as known.
	id, key string
	started time.Duration
	elapsed time.Duration
}

// lane is a queue of steps that run one after the other, or as one batch: Atlas wants it so (Kind.Serial), or a
// creation without natural key must be told from its siblings (R26). Most steps have a lane to themselves.
type lane struct {
	queue  []*step
	busy   bool
	listed bool // it stands in walker.lanes
}

type laneName struct {
	connection, kind string
	place            schema.Place
	parent           schema.Address // where the place is not known
}

// walker starts steps whose needs are done and whose lane is free, in the order in which they became ready. Only
// its loop touches it; steps report through done.
type walker struct {
	run   *run
	lanes []*lane // those with something to start
	named map[laneName]*lane
	done  chan []*step
}

// walk carries the steps out. It returns when every step has a status.
func (r *run) walk(ctx context.Context) {
	w := &walker{run: r, named: map[laneName]*lane{}, done: make(chan []*step)}
	for _, s := range r.steps {
		if s.open == 0 {
			w.ready(s)
		}
	}
	running := 0
	for {
		for !r.stopping(ctx) && w.start(ctx) {
			running++
		}
		if running == 0 {
			break
		}
		select {
		case group := <-w.done:
			running--
			w.finish(group)
		case <-r.wake:
		}
	}
	for _, s := range r.steps {
		if s.status == "" {
			s.status = Interrupted
		}
	}
}

// ready puts a step into its lane.
func (w *walker) ready(s *step) {
	s.lane = &lane{}
	if name, exclusive := w.run.laneOf(s); exclusive {
		if w.named[name] == nil {
			w.named[name] = &lane{}
		}
		s.lane = w.named[name]
	}
	s.lane.queue = append(s.lane.queue, s)
	w.list(s.lane)
}

func (w *walker) list(l *lane) {
	if !l.listed && !l.busy && len(l.queue) > 0 {
		l.listed = true
		w.lanes = append(w.lanes, l)
	}
}

// start begins the next step or batch, if there is one and a worker is free.
func (w *walker) start(ctx context.Context) bool {
	if len(w.lanes) == 0 || !w.run.tryWorker() {
		return false
	}
	l := w.lanes[0]
	w.lanes = w.lanes[1:]
	n := 1
	for n < len(l.queue) && n < l.queue[0].batch() && l.queue[n].batch() > 1 {
		n++
	}
	group := l.queue[:n:n]
	l.queue = l.queue[n:]
	l.busy, l.listed = true, false
	go func() {
		w.run.perform(ctx, group)
		w.run.freeWorker()
		w.done <- group
	}()
	return true
}

// finish makes what needed the group ready, or skips it, and frees its lane.
func (w *walker) finish(group []*step) {
	group[0].lane.busy = false
	w.list(group[0].lane)
	for _, s := range group {
		w.settle(s)
	}
}

// settle passes a step's status on to those that need it.
func (w *walker) settle(s *step) {
	for _, next := range s.then {
		if next.status != "" {
			continue
		}
		switch s.status {
		case Done:
			if next.open--; next.open == 0 {
				w.ready(next)
			}
			continue
		case Failed:
			next.status, next.because = Skipped, s.change.Address
		default:
			next.status, next.because = s.status, s.because
		}
		w.settle(next)
	}
}

// laneOf returns the name of the step's lane, and whether its steps must not overlap.
func (r *run) laneOf(s *step) (laneName, bool) {
	name := laneName{connection: s.change.Connection, kind: s.change.Kind}
	exclusive := s.phase != waitPhase && (s.kind.Serial || s.batch() > 1 || s.creates() && needsListing(s.kind))
	if !exclusive {
		return laneName{}, false
	}
	name.place = r.placeOf(s, s.change.Desired)
	if name.place == "" {
		name.parent = s.change.Parent
	}
	return name, true
}

// needsListing reports whether objects of the kind are made one at a time, after a look at their siblings: they
// have no natural key (R26), or Atlas makes some by itself (R24).
func needsListing(k *schema.Kind) bool {
	return !k.Singleton && (len(k.Identity.Key) == 0 || k.Siblings)
}

// creates reports whether the step begins with a creation.
func (s *step) creates() bool {
	return s.phase == plan.Write && len(s.change.Calls) > 0 && s.change.Calls[0].Verb == schema.CallCreate
}

// batch is how many creations like this one go into one call; 1 for everything else.
func (s *step) batch() int {
	if !s.creates() || needsListing(s.kind) || deposes(s.change) {
		return 1
	}
	if e, err := endpoint(s.kind, &s.change.Calls[0]); err == nil && e.Batch > 1 {
		return e.Batch
	}
	return 1
}

// tryWorker takes a worker if one is free.
func (r *run) tryWorker() bool {
	select {
	case r.workers <- struct{}{}:
		return true
	default:
		return false
	}
}

// freeWorker gives a worker back and tells the walker.
func (r *run) freeWorker() {
	<-r.workers
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// rest gives the worker back while f waits, so that a cluster that takes a quarter of an hour keeps nobody from
// working.
func (r *run) rest(f func() error) error {
	r.freeWorker()
	err := f()
	r.workers <- struct{}{}
	return err
}
