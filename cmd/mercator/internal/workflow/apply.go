package workflow

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"mercator/apply"
	"mercator/apply/state"
	"mercator/plan"
	"mercator/plan/planfile"
	"mercator/provider"
	"mercator/schema"
	"mercator/schema/diag"
)

// maxReplans bounds how often what was in progress is planned again within one apply (R9).
const maxReplans = 3

// ApplyOptions are what a command knows when it applies.
type ApplyOptions struct {
	Plan plan.Options
	// Saved is the saved plan to be carried out as it was made, with its options and its time, or nil.
	Saved *planfile.File
	// Operation is the command's name, for the lock.
	Operation string
	// Confirm asks a human about a plan that has something to do; nil means that there is none (R30).
	Confirm func(context.Context, *plan.Plan) (bool, error)
	// Show prints a plan that will not be asked about; it may be nil.
	Show        func(*plan.Plan)
	LockTimeout time.Duration
	// Waiting is told who holds the lock while it is waited for.
	Waiting func(*state.LockedError)
	// Quieting is told how long it takes until nothing of an apply that died can be under way any more.
	Quieting    func(time.Duration)
	Parallelism int
	Events      func(apply.Event)
}

// Applied is what an apply came to.
type Applied struct {
	Plan *plan.Plan
	// Ran says that the plan was carried out; Declined that a human said no.
	Ran, Declined bool
	// Refused are the changes that need a flag where no human answers; nothing was done.
	Refused diag.List
	Result  apply.Result
	// Saved is the state as it was written in the end.
	Saved *state.State
	// Recovered says that the store did not take all of it, and Result where it is kept.
	Recovered bool
}

// StaleError says that a saved plan no longer fits (exit code 4).
type StaleError struct{ Reasons []string }

// Error lists the reasons.
func (e *StaleError) Error() string {
	return "the saved plan is stale: " + strings.Join(e.Reasons, "; ") + "; make a new plan and look at it"
}

// Apply locks the state, plans, asks, and carries the plan out. The state is written and the lock released
// whatever happens. A lock that somebody else holds is a *state.LockedError, a saved plan that no longer fits a
// *StaleError; in both cases nothing was done.
func (s *Session) Apply(ctx context.Context, o ApplyOptions) (out Applied, err error) {
	info := state.CurrentHolder(o.Operation, s.Version, s.Getenv)
	lease, err := state.LockWait(ctx, s.Store, info, o.LockTimeout, s.Clock, o.Waiting)
	if err != nil {
		return out, err
	}
	guard := state.StartGuard(context.WithoutCancel(ctx), lease, s.Clock)
	defer func() {
		guard.Stop()
		if released := lease.Release(context.WithoutCancel(ctx)); err == nil && released != nil {
			err = fmt.Errorf("releasing the lock: %w", released)
		}
	}()
	options := o.Plan
	if o.Saved != nil {
		options = o.Saved.Plan.Options()
		if s, err = s.at(o.Saved.Plan.Now); err != nil {
			return out, err
		}
	}
	for round := 0; ; round++ {
		again, err := s.applyOnce(ctx, o, options, lease, guard, &out, round > 0)
		if err != nil || !again || round >= maxReplans {
			return out, err
		}
	}
}

// applyOnce plans and applies; again says that something was in progress and has come to rest.
func (s *Session) applyOnce(ctx context.Context, o ApplyOptions, options plan.Options, lease state.Lease, guard *state.Guard, out *Applied, repeated bool) (again bool, err error) {
	st, err := lease.Read(ctx)
	if err != nil {
		return false, err
	}
	if !repeated {
		if err := state.AwaitQuiet(ctx, lease, st, s.Clock, o.Quieting); err != nil {
			return false, err
		}
	}
	guarded := provider.WithGuard(ctx, guard.Check)
	p, made, err := s.plan(guarded, st, options)
	if err != nil {
		return false, err
	}
	out.Plan = p
	if o.Saved != nil && !repeated {
		source, err := s.Source()
		if err != nil {
			return false, err
		}
		if reasons := planfile.Stale(o.Saved, p, source, st.Lineage, s.Catalog); len(reasons) > 0 {
			return false, &StaleError{reasons}
		}
	}
	if !repeated {
		p.Diagnostics = append(p.Diagnostics, s.missingRoles(guarded, p, true)...).Sort()
	}
	if p.Diagnostics.HasErrors() {
		return false, nil
	}
	if !repeated {
		if yes, err := s.ask(ctx, o, p, out); err != nil || !yes {
			return false, err
		}
	} else if out.Refused = p.Refusals(); out.Refused.HasErrors() {
		return false, nil // what came to light after waiting is not done unasked
	}
	result, err := s.carryOut(ctx, o, st, p, made, lease, guard, out)
	out.Ran = true
	out.Result = merge(out.Result, result)
	if err != nil && !out.Result.Diagnostics.HasErrors() { // else the run has said it
		return false, err
	}
	return len(result.Replan) > 0 && result.OK(), nil
}

// ask confirms the plan with a human, or holds it against the flags where there is none.
func (s *Session) ask(ctx context.Context, o ApplyOptions, p *plan.Plan, out *Applied) (bool, error) {
	if o.Confirm == nil {
		if o.Show != nil {
			o.Show(p)
		}
		out.Refused = p.Refusals()
		return !out.Refused.HasErrors(), nil
	}
	if p.Empty() {
		if o.Show != nil {
			o.Show(p)
		}
		return true, nil // what remains is the state's own housekeeping
	}
	yes, err := o.Confirm(ctx, p)
	out.Declined = err == nil && !yes
	return yes, err
}

func (s *Session) carryOut(ctx context.Context, o ApplyOptions, st *state.State, p *plan.Plan, made *planned, lease state.Lease, guard *state.Guard, out *Applied) (apply.Result, error) {
	recorder := state.NewRecorder(lease, s.Store.Capabilities(), st, s.Clock)
	r := newResolver(s, made, p.Diagnostics)
	connections := map[string]state.Connection{}
	for name, c := range s.connections {
		connections[name] = state.Connection{OrgID: c.OrgID, BaseURL: c.BaseURL, CredentialsPrefix: c.CredentialsPrefix}
	}
	in := apply.Input{Plan: p, Catalog: s.Catalog, Providers: s.providers, State: st, Recorder: recorder, Guard: guard,
		Resolver: r, Deliverer: s.deliverer(), Clock: s.Clock, NewID: s.newID, Events: o.Events, Parallelism: o.Parallelism, Connections: connections}
	if !p.Destroying {
		in.Outputs = r.outputs
	} else if len(st.Outputs) > 0 {
		in.Outputs = func(context.Context) (map[string]state.Output, diag.List) { return map[string]state.Output{}, nil }
	}
	result := apply.Run(ctx, in)
	saved, err := recorder.Close(context.WithoutCancel(ctx))
	out.Saved = saved
	if unsaved := recorder.Unsaved(); unsaved != nil {
		out.Recovered = true
		if !slices.ContainsFunc(result.Diagnostics, saysWhy) {
			result.Diagnostics.Add(Finding(err))
		}
		result.Diagnostics.Add(s.recovered(unsaved, err))
	}
	return result, err
}

// saysWhy reports whether a finding of a run says why its state could not be written any more.
func saysWhy(d diag.Diagnostic) bool { return d.Code == "journal_failed" || d.Code == "lease_lost" }

// merge adds the result of a further round.
func merge(a, b apply.Result) apply.Result {
	replanned := map[schema.Address]bool{}
	for _, o := range b.Outcomes {
		replanned[o.Address] = true
	}
	for _, o := range a.Outcomes {
		if !replanned[o.Address] {
			b.Outcomes = append(b.Outcomes, o)
		}
	}
	b.Recorded = append(a.Recorded, b.Recorded...)
	b.Diagnostics = append(a.Diagnostics, b.Diagnostics...)
	return b
}
