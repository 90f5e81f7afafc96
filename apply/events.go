package apply

import (
	"time"

	"mercator/plan"
	"mercator/schema"
	"mercator/schema/diag"
)

// EventType says what an [Event] reports, by the name that the machine-readable output uses.
type EventType string

// The types of events.
const (
	// EventStart: the calls for an address begin.
	EventStart EventType = "apply_start"
	// EventProgress: it has been under way for another ten seconds.
	EventProgress EventType = "apply_progress"
	// EventComplete: it is done.
	EventComplete EventType = "apply_complete"
	// EventErrored: it failed.
	EventErrored EventType = "apply_errored"
)

// Event is one piece of news while a plan is carried out. It never holds a secret.
type Event struct {
	Type    EventType
	Address schema.Address
	Kind    string
	// Action is what happens now: of a replacement, its creation or its deletion. It is no-op for a mere wait.
	Action plan.Action
	// ID and Key name the object, where they are known.
	ID, Key string
	// Note says in a few words what is being waited for.
	Note string
	// Elapsed is the time since the start, zero at the start.
	Elapsed time.Duration
	// Diagnostic says what failed, set on EventErrored.
	Diagnostic *diag.Diagnostic
}

// progressEvery is the pause between two EventProgress of one address.
const progressEvery = 10 * time.Second

// emit hands an event on, one at a time.
func (r *run) emit(e Event) {
	if r.in.Events == nil {
		return
	}
	r.eventMu.Lock()
	defer r.eventMu.Unlock()
	r.in.Events(e)
}

func (s *step) event(r *run, t EventType) Event {
	e := Event{Type: t, Address: s.change.Address, Kind: s.change.Kind, Action: s.action(), ID: s.id, Key: s.key}
	if t != EventStart {
		e.Elapsed = r.in.Clock.Elapsed() - s.started
	}
	return e
}

// action is what the step does, seen by itself.
func (s *step) action() plan.Action {
	switch {
	case s.phase == waitPhase:
		return plan.NoOp
	case s.phase == plan.Remove:
		return plan.Delete
	case s.change.Action == plan.Replace:
		return plan.Create
	default:
		return s.change.Action
	}
}
