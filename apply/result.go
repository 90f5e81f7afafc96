package apply

import (
	"cmp"
	"slices"
	"time"

	"mercator/plan"
	"mercator/schema"
	"mercator/schema/diag"
)

// Status is what became of a change.
type Status string

// The statuses.
const (
	// Done: Atlas and the state are as planned.
	Done Status = "done"
	// Failed: a call or a wait failed; Outcome.Diagnostics say why.
	Failed Status = "failed"
	// Skipped: something that it needs failed, see Outcome.Because.
	Skipped Status = "skipped"
	// Interrupted: it was not begun, or not ended, because the run was asked to stop or lost its lock.
	Interrupted Status = "interrupted"
)

// Outcome is what became of one address that had something to do.
type Outcome struct {
	Address schema.Address
	Kind    string
	Action  plan.Action
	Status  Status
	// Because is the address whose failure made this one be skipped.
	Because schema.Address
	// ID and Key name the object, where they are known.
	ID, Key string
	Elapsed time.Duration
	// Diagnostics are the errors, and warnings about what succeeded otherwise than planned.
	Diagnostics diag.List
}

// Result is what became of a plan. It is complete whatever happened: every address that had something to do has
// an outcome.
type Result struct {
	// Outcomes are by address.
	Outcomes []Outcome
	// Recorded are the addresses of which only the state changed (R16).
	Recorded []schema.Address
	// Replan are the addresses that were in progress from an earlier run and have come to rest: the caller plans
	// them again (R9).
	Replan []schema.Address
	// Diagnostics are findings that concern no single address, such as a state that could not be written.
	Diagnostics diag.List
	// Interrupted says that the run was asked to stop, LeaseLost that it stopped because it lost its lock.
	Interrupted, LeaseLost bool
}

// Count returns how many outcomes have the status.
func (r *Result) Count(status Status) int {
	n := 0
	for i := range r.Outcomes {
		if r.Outcomes[i].Status == status {
			n++
		}
	}
	return n
}

// Summary counts what was done, by action.
func (r *Result) Summary() plan.Summary {
	var p plan.Plan
	for i := range r.Outcomes {
		if r.Outcomes[i].Status == Done {
			p.Changes = append(p.Changes, plan.Change{Action: r.Outcomes[i].Action})
		}
	}
	return p.Summary()
}

// OK reports whether everything was done.
func (r *Result) OK() bool {
	return r.Count(Done) == len(r.Outcomes) && !r.LeaseLost && !r.Interrupted && !r.Diagnostics.HasErrors()
}

// All returns every finding, those of the outcomes included, with the addresses they concern.
func (r *Result) All() diag.List {
	all := slices.Clone(r.Diagnostics)
	for i := range r.Outcomes {
		all.Add(r.Outcomes[i].Diagnostics...)
	}
	return all
}

// result gathers what the steps came to; of a replacement's two, the worse one counts.
func (r *run) result() Result {
	out := Result{Recorded: r.recorded, Replan: r.replan, Diagnostics: r.diags, Interrupted: r.interrupted, LeaseLost: r.leaseLost()}
	byAddress := map[schema.Address]int{}
	for _, s := range r.steps {
		at, ok := byAddress[s.change.Address]
		if !ok {
			at = len(out.Outcomes)
			byAddress[s.change.Address] = at
			out.Outcomes = append(out.Outcomes, Outcome{
				Address: s.change.Address, Kind: s.change.Kind, Action: s.change.Action, Status: Done,
				ID: s.change.ID, Key: s.change.Key,
			})
		}
		out.Outcomes[at].add(s)
	}
	slices.SortFunc(out.Outcomes, func(a, b Outcome) int { return cmp.Compare(a.Address, b.Address) })
	slices.Sort(out.Recorded)
	slices.Sort(out.Replan)
	return out
}

// worse orders the statuses of the steps of one address.
var worse = []Status{Done, Skipped, Interrupted, Failed}

func (o *Outcome) add(s *step) {
	o.Elapsed += s.elapsed
	o.Diagnostics.Add(s.diags...)
	if s.phase != plan.Remove && (s.id != "" || s.key != "") {
		o.ID, o.Key = s.id, s.key
	}
	if slices.Index(worse, s.status) > slices.Index(worse, o.Status) {
		o.Status, o.Because = s.status, s.because
	}
}
