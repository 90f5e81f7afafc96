// Package apply carries a plan out: in order, several calls at a time, each of them announced in the journal
// before it is made and recorded after it, so that a run that is killed at any point leaves enough behind for the
// next one to go on.
//
// It knows no kind by name and reads no files: what to call stands in the plan, how in the kinds, and a [Resolver]
// fills in what only Atlas could tell. How it can be killed is told in intents.go.
package apply

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	"mercator/apply/state"
	"mercator/plan"
	"mercator/provider"
	"mercator/schema"
	"mercator/schema/diag"
)

// Input is what a run needs.
type Input struct {
	// Plan is what to do. A plan with errors is not carried out.
	Plan    *plan.Plan
	Catalog *schema.Catalog
	// Providers are the connections to Atlas, by name. They ask the guard that a call's context carries right
	// before they send it (see [provider.WithGuard]).
	Providers map[string]provider.Provider
	// State is what the state remembered when the lock was taken. It is not changed.
	State *state.State
	// Recorder writes the journal, and Guard says whether the lock still holds.
	Recorder Recorder
	Guard    Guard
	Resolver Resolver
	// Deliverer hands over the secrets that Atlas shows once; it may be nil where no kind has one.
	Deliverer Deliverer
	Clock     state.Clock
	// Hasher makes what the state keeps of secrets (R20); nil means one of the run's own.
	Hasher *state.Hasher
	// NewID returns a new random id for an intent.
	NewID func() string
	// Events takes the news as it comes, one event at a time; nil means that nobody listens.
	Events func(Event)
	// Parallelism is how many steps work at a time, those that merely wait for Atlas not counted; 0 means 10.
	Parallelism int
	// Connections are what is to be recorded of the connections in use, by name.
	Connections map[string]state.Connection
	// Outputs evaluates the outputs after everything else is done; nil means that there are none.
	Outputs func(ctx context.Context) (map[string]state.Output, diag.List)
}

// Resolver fills in what the plan could not know (R25). Its methods are called one at a time.
type Resolver interface {
	// Resolve returns the desired value of a resource with everything known that can be, secrets included and
	// marked, normalized as the kind wants it. It may read of Atlas what could not be read for the plan.
	Resolve(ctx context.Context, address schema.Address) (schema.Resource, diag.List)
	// Learn tells what Atlas answered, for those that refer to it.
	Learn(address schema.Address, o schema.Object)
}

// Recorder writes the journal in the order in which it is given records: a *state.Recorder.
type Recorder interface {
	// Add takes records that are durable within a second. A failure is returned by the next Flush.
	Add(records ...state.Record)
	// Flush returns when all that was added is durable, or why it is not: a *state.LostError where the lease was lost.
	Flush(ctx context.Context) error
}

// Guard says whether the lock still holds: a *state.Guard.
type Guard interface {
	// Check returns nil where the lease outlasts a call that is made now, and else a *state.LostError.
	Check(ctx context.Context) error
}

// errInterrupted ends a step because the run was asked to stop.
var errInterrupted = errors.New("the run was interrupted")

// run is one run under way.
type run struct {
	in      Input
	plan    *plan.Plan
	changes map[schema.Address]*plan.Change
	steps   []*step
	workers chan struct{}
	wake    chan struct{}

	eventMu   sync.Mutex
	resolveMu sync.Mutex

	mu          sync.Mutex
	inside      map[schema.Address]schema.Place // where the children of what this run made live
	siblings    map[laneName]*siblings
	halt        error // why nothing further is called, where the journal or the lease failed
	interrupted bool
	recorded    []schema.Address
	replan      []schema.Address
	diags       diag.List
	late        []*plan.Change // records that need values which only this run makes known
}

// Run carries a plan out and says what became of it. Canceling ctx starts no new call, lets running ones end and
// stops all waits (R29). The caller holds the lock, replaces the state with what the journal then amounts to, and
// releases the lock.
func Run(ctx context.Context, in Input) Result {
	r := newRun(in)
	ctx = provider.WithGuard(ctx, r.mayRead)
	if in.Plan.Diagnostics.HasErrors() {
		r.diags.Add(diag.Internalf("A plan with errors was to be applied", "Nothing was done."))
	} else if r.begin(ctx) {
		r.walk(ctx)
		r.end(ctx)
	}
	for _, s := range r.steps {
		if s.status == "" {
			s.status = Interrupted
		}
	}
	return r.result()
}

// Needed reports whether Run has anything to do: also where Atlas is as planned, the state may have to learn
// something (R16), or an earlier run's intents are to be ended.
func Needed(p *plan.Plan, s *state.State) bool {
	return !p.Empty() || len(s.Intents) > 0 || len(p.Drops) > 0 ||
		slices.ContainsFunc(p.Changes, func(c plan.Change) bool { return c.Record })
}

func newRun(in Input) *run {
	if in.Parallelism <= 0 {
		in.Parallelism = 10
	}
	if in.Hasher == nil {
		in.Hasher = &state.Hasher{}
	}
	r := &run{
		in: in, plan: in.Plan,
		changes:  map[schema.Address]*plan.Change{},
		workers:  make(chan struct{}, in.Parallelism),
		wake:     make(chan struct{}, 1),
		inside:   map[schema.Address]schema.Place{},
		siblings: map[laneName]*siblings{},
	}
	for i := range in.Plan.Changes {
		if c := &in.Plan.Changes[i]; r.changes[c.Address] == nil { // a leftover under the same address stands second
			r.changes[c.Address] = c
		}
	}
	r.layOut()
	return r
}

// layOut makes the steps of the plan's tasks.
func (r *run) layOut() {
	removals := map[*plan.Change]*step{}
	for i := range r.plan.Tasks {
		t := &r.plan.Tasks[i]
		s := r.newStep(&r.plan.Changes[t.Change], t.Phase)
		if s.phase == plan.Write && len(s.change.Calls) > 0 && len(s.calls()) == 0 {
			s.phase = waitPhase
		}
		if s.phase == plan.Remove {
			removals[s.change] = s
		}
		r.steps = append(r.steps, s)
	}
	for i, s := range r.steps {
		needs := map[*step]bool{}
		for _, need := range r.plan.Tasks[i].Needs {
			needs[r.steps[need]] = true
		}
		if root := removals[r.changes[s.change.GoesWith]]; root != nil && s.phase == plan.Remove {
			needs[root] = true
		}
		s.open = len(needs)
		for need := range needs {
			need.then = append(need.then, s)
		}
	}
}

func (r *run) newStep(c *plan.Change, phase plan.Phase) *step {
	return &step{change: c, phase: phase, kind: r.in.Catalog.Kind(c.Kind), prov: r.in.Providers[c.Connection], id: c.ID, key: c.Key}
}

// begin records what needs no call, lists all calls, and reports whether the walk may begin.
func (r *run) begin(ctx context.Context) bool {
	for _, s := range r.steps {
		if s.kind == nil || s.prov == nil {
			r.diags.Add(diag.Internalf("The plan does not fit this run",
				"There is no kind %q or no connection %q. Nothing was done.", s.change.Kind, s.change.Connection).
				On(string(s.change.Address)))
			return false
		}
	}
	intents := r.recover(ctx)
	r.recordStateOnly(ctx)
	intents = append(intents, r.intend()...)
	if len(intents) > 0 || len(r.in.State.Intents) > 0 {
		r.add(state.Record{Plan: append([]state.Intent{}, intents...)})
	}
	return r.flush(ctx) == nil
}

// recordStateOnly records the connections, and every change of the state that needs no call (R16).
func (r *run) recordStateOnly(ctx context.Context) {
	if connections := r.connections(); !maps.Equal(connections, r.in.State.Connections) {
		r.add(state.Record{Connections: connections})
	}
	var binds []*schema.Bound
	asides := map[schema.Address]*schema.Bound{}
	for i := range r.plan.Changes {
		c := &r.plan.Changes[i]
		if r.leftover(c) {
			b := r.aside(c)
			asides[b.Address] = b
			continue
		}
		b := r.known(c)
		if !c.Writes() && (c.Record || c.Action == plan.Adopt) {
			if full, ok := r.recordable(ctx, c); ok {
				b = full
			} else {
				r.late = append(r.late, c)
			}
			r.recorded = append(r.recorded, c.Address)
		}
		if b != nil {
			binds = append(binds, b)
		}
	}
	r.rebind(binds, asides)
	r.withdrawGone()
}

func (r *run) connections() map[string]state.Connection {
	all := maps.Clone(r.in.State.Connections)
	if all == nil {
		all = map[string]state.Connection{}
	}
	maps.Copy(all, r.in.Connections)
	return all
}

// end records what could only be known now and ends the intents that were never armed.
func (r *run) end(ctx context.Context) {
	r.mu.Lock()
	r.interrupted = r.interrupted || ctx.Err() != nil
	r.mu.Unlock()
	if r.halted() != nil {
		_ = r.flush(ctx) // what was done before may still be recorded
		return
	}
	for _, c := range r.late {
		if b, ok := r.recordable(ctx, c); ok {
			r.add(state.Record{Bind: b})
		}
	}
	if never := r.neverArmed(); len(never) > 0 {
		r.add(state.Record{Done: never})
	}
	r.recordOutputs(ctx)
	_ = r.flush(ctx) // a failure is in the result's diagnostics
}

// recordOutputs records the outputs where they changed. One that is not known because something failed keeps its
// last value.
func (r *run) recordOutputs(ctx context.Context) {
	if r.in.Outputs == nil {
		return
	}
	outputs, diags := r.in.Outputs(ctx)
	r.diags.Add(slices.DeleteFunc(diags, r.told)...)
	same := len(outputs) == len(r.in.State.Outputs)
	for name, o := range outputs {
		old, ok := r.in.State.Outputs[name]
		if !o.Sensitive && !o.Value.IsWhollyKnown() {
			delete(outputs, name)
			if ok {
				outputs[name] = old
			}
			continue
		}
		same = same && ok && old.Sensitive == o.Sensitive && (o.Sensitive || old.Value.RawEquals(o.Value))
	}
	if !same {
		r.add(state.Record{Outputs: outputs})
	}
}

// told reports whether a step has failed for the same reason at the same place.
func (r *run) told(d diag.Diagnostic) bool {
	return slices.ContainsFunc(r.steps, func(s *step) bool {
		return slices.ContainsFunc(s.diags, func(o diag.Diagnostic) bool { return o.Code == d.Code && o.Summary == d.Summary && o.Range == d.Range })
	})
}

// add hands records to the journal.
func (r *run) add(records ...state.Record) { r.in.Recorder.Add(records...) }

// flush returns when the journal is durable. A failure ends the run: what cannot be recorded must not be done.
func (r *run) flush(ctx context.Context) error {
	err := r.in.Recorder.Flush(context.WithoutCancel(ctx))
	if err != nil {
		r.stop(err)
	}
	return err
}

// stop makes sure that nothing further is called.
func (r *run) stop(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.halt != nil {
		return
	}
	r.halt = err
	var lost *state.LostError
	if errors.As(err, &lost) {
		r.diags.Add(diag.Errorf("lease_lost", "The state's lock was lost",
			"%s. No further call was made. What was under way is in the journal: run it again, and it goes on from there.", diag.Sentence(lost.Reason)))
		return
	}
	r.diags.Add(diag.Errorf("journal_failed", "The state's journal cannot be written",
		"%s. No further call was made, because it could not have been recorded. Mend that and run it again: it goes on from there.", diag.Sentence(err.Error())))
}

func (r *run) halted() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.halt
}

func (r *run) leaseLost() bool {
	var lost *state.LostError
	return errors.As(r.halted(), &lost)
}

// stopping reports whether no new step is begun.
func (r *run) stopping(ctx context.Context) bool { return ctx.Err() != nil || r.halted() != nil }

// mayCall returns nil where a mutating call may be made now (R28, R29).
func (r *run) mayCall(ctx context.Context) error {
	if ctx.Err() != nil {
		return errInterrupted
	}
	if err := r.halted(); err != nil {
		return err
	}
	if err := r.in.Guard.Check(context.WithoutCancel(ctx)); err != nil {
		r.stop(err)
		return err
	}
	return nil
}

// mayRead returns nil where a read may be made now (R28). A stop of the run keeps nobody from reading.
func (r *run) mayRead(ctx context.Context) error {
	err := r.in.Guard.Check(context.WithoutCancel(ctx))
	if err != nil {
		r.stop(err)
	}
	return err
}

// notSent is an error that kept a call from being sent at all.
type notSent struct{ error }

// Unwrap returns why.
func (e notSent) Unwrap() error { return e.error }

// write makes one mutating call. A stop of the run does not end it once it was sent; before, it is not sent.
func (r *run) write(ctx context.Context, s *step, w provider.Write) (schema.Object, error) {
	if err := r.mayCall(ctx); err != nil {
		return schema.Object{}, notSent{err}
	}
	passed, refused := false, false
	guarded := provider.WithGuard(context.WithoutCancel(ctx), func(context.Context) error {
		err := r.mayCall(ctx)
		passed, refused = passed || err == nil, refused || err != nil
		return err
	})
	o, err := s.prov.Write(guarded, w)
	if err != nil && refused && !passed {
		err = notSent{err}
	}
	return o, err
}
