// Package doctor looks at everything that a run rests on (files, state, lock, credentials, the way to Atlas, clocks,
// roles, access lists), one check after the other. It changes nothing; only a token may be fetched and kept, as every
// run does. A check that cannot be made says why.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"mercator/apply/state"
	"mercator/cmd/mercator/internal/workflow"
	"mercator/plan"
	"mercator/provider"
	"mercator/provider/atlas"
	"mercator/schema"
	"mercator/schema/config"
	"mercator/schema/diag"
)

// Status is what a check came to.
type Status string

// The verdicts of checks.
const (
	OK      Status = "ok"
	Warning Status = "warning"
	Problem Status = "problem"
	// Skipped is a check that could not be made.
	Skipped Status = "skipped"
)

// Check is one thing that was looked at.
type Check struct {
	Name string `json:"name"`
	// Connection is the label of the atlas block that it is about, "" for the default one and for none.
	Connection string `json:"connection,omitempty"`
	Status     Status `json:"status"`
	// Found says in a sentence what was found, or why it could not be looked at, and Details list it.
	Found   string   `json:"found"`
	Details []string `json:"details,omitempty"`
	// Remedy says what to do, "" where nothing has to be done.
	Remedy string `json:"remedy,omitempty"`
}

// Report is all that was looked at.
type Report struct {
	Checks []Check `json:"checks"`
}

// Healthy reports whether nothing is a problem.
func (r *Report) Healthy() bool {
	return !slices.ContainsFunc(r.Checks, func(c Check) bool { return c.Status == Problem })
}

// Visit is what is examined, and how.
type Visit struct {
	workflow.Options
	// Reach asks the Atlas of a connection for a sign of life.
	Reach func(context.Context, workflow.Connection) (atlas.Reached, error)
	// Embedded says that the Atlas is the program's own, which has its own credentials.
	Embedded bool
}

// examination is one visit.
type examination struct {
	Visit
	ctx    context.Context
	report Report
	cfg    *config.Config
	// session is nil where the configuration does not open.
	session *workflow.Session
	// deaf are the connections whose Atlas does not answer, or does not accept the credential.
	deaf map[string]bool
}

// Examine makes every check that can be made of a configuration.
func Examine(ctx context.Context, v Visit) Report {
	e := &examination{Visit: v, ctx: ctx, deaf: map[string]bool{}}
	connections := e.files()
	e.state()
	var opened diag.List
	if e.session, opened = workflow.Open(v.Options); opened.HasErrors() {
		e.session = nil
	}
	var patients []*patient
	for _, c := range connections {
		patients = append(patients, e.connection(c))
	}
	made := e.plan()
	for _, p := range patients {
		e.roles(p, made)
		e.accessList(p, made)
	}
	return e.report
}

func (e *examination) add(c Check) { e.report.Checks = append(e.report.Checks, c) }

// files checks the configuration by itself, and returns its connections as far as they can be told.
func (e *examination) files() []schema.Connection {
	cfg, diags := config.Load(e.Dir, e.ConfigOptions())
	e.cfg = cfg
	evaluation, more := cfg.Evaluate(nil)
	diags = append(diags, more...).Sort()
	check := Check{Name: "files", Status: OK, Found: fmt.Sprintf("%s in %s", count(len(evaluation.Desired.Resources), "resource"), count(len(cfg.Sources()), "file"))}
	if n := len(diags.Errors()); n > 0 {
		check.Status, check.Found = Problem, fmt.Sprintf("%s, the first: %s", count(n, "error"), headline(diags.Errors()[0]))
		check.Remedy = "mercator validate shows them all."
	}
	e.add(check)
	if connections := workflow.Connections(cfg, evaluation.Desired); len(connections) > 0 {
		return connections
	}
	return []schema.Connection{{}}
}

// headline is a finding in one line.
func headline(d diag.Diagnostic) string {
	if where := d.Range.String(); where != "" {
		return where + ": " + d.Summary
	}
	return d.Summary
}

// state checks that the state can be read, and who works on it.
func (e *examination) state() {
	kind := e.cfg.Settings().State.Type
	store, err := e.Store(e.cfg.Settings().State)
	if err != nil {
		e.add(failed(Check{Name: "state", Remedy: storeRemedy(kind)}, err))
		e.add(Check{Name: "lock", Status: Skipped, Found: "the state cannot be opened"})
		return
	}
	st, err := store.Read(e.ctx)
	if err != nil {
		e.add(failed(Check{Name: "state", Remedy: storeRemedy(kind)}, fmt.Errorf("the state %q cannot be read: %w", kind, err)))
		e.add(Check{Name: "lock", Status: Skipped, Found: "the state cannot be read"})
		return
	}
	e.add(e.stateOf(kind, st))
	e.lock(store)
}

// storeRemedy is what to do where a store cannot be used and does not say why better.
func storeRemedy(kind string) string {
	return fmt.Sprintf("Check the settings of the store and its credentials: mercator state stores %s lists them.", kind)
}

func (e *examination) stateOf(kind string, st *state.State) Check {
	check := Check{Name: "state", Status: OK, Found: fmt.Sprintf("%q, version %d, serial %d, %s", kind, state.FormatVersion, st.Serial, count(len(st.Resources), "resource"))}
	if st.Lineage == "" {
		check.Found = fmt.Sprintf("%q, nothing written yet", kind)
	}
	if len(st.Intents) > 0 {
		check.Status = Warning
		check.Found += fmt.Sprintf("; %s of an apply that did not finish", count(len(st.Intents), "open intent"))
		for _, i := range st.Intents {
			check.Details = append(check.Details, fmt.Sprintf("%s of %s", i.Verb, i.Address))
		}
		check.Remedy = "The next apply finds out what became of them, and goes on."
	}
	for _, d := range e.Unrecovered() {
		check.Status = Warning
		check.Details = append(check.Details, d.Detail)
	}
	return check
}

// lock says who works on the state. A store without leases cannot be asked, only tried.
func (e *examination) lock(store state.Store) {
	check := Check{Name: "lock", Status: OK, Found: "nobody holds it"}
	can := store.Capabilities()
	switch {
	case can.Unguarded != "":
		check.Status, check.Found, check.Remedy = Warning, "the state is kept without a lock, so that two applies can undo each other", can.Unguarded
	case !can.Lease:
		check.Status, check.Found = Skipped, "this store can only be asked by taking the lock, which is not done here"
		check.Remedy = "mercator state lock takes it and gives it back."
	default:
		holder, err := store.Holder(e.ctx)
		if err != nil {
			check = failed(Check{Name: "lock", Remedy: storeRemedy(e.cfg.Settings().State.Type)}, err)
		} else if holder != nil {
			check.Status, check.Found = Warning, (&state.LockedError{Holder: *holder}).Error()
			check.Remedy = "Wait for it, for example with --lock-timeout 10m. A lock whose holder died expires by itself."
		}
	}
	e.add(check)
}

// plan makes a plan, by which roles and calls are known; nil where it cannot be made.
func (e *examination) plan() *plan.Plan {
	check := Check{Name: "plan", Status: OK}
	var made *plan.Plan
	if e.session == nil {
		check.Status, check.Found = Skipped, "the configuration does not open; see above"
	} else if len(e.deaf) > 0 {
		check.Status, check.Found = Skipped, "Atlas cannot be read; see above"
	} else if p, err := e.session.Plan(e.ctx, plan.Options{SkipAdvice: true}); err != nil {
		check = failed(Check{Name: "plan", Remedy: "mercator plan --log-level debug tells every request."}, err)
	} else {
		made, check.Found = p, planText(p)
		if errs := p.Diagnostics.Errors(); len(errs) > 0 {
			check.Status, check.Found = Problem, fmt.Sprintf("it has %s, the first: %s", count(len(errs), "error"), headline(errs[0]))
			check.Remedy = "mercator plan shows them."
		}
	}
	e.add(check)
	return made
}

func planText(p *plan.Plan) string {
	n := p.Summary()
	if p.Empty() {
		return "nothing to do"
	}
	return fmt.Sprintf("%d to create, %d to update, %d to replace, %d to delete, %d to adopt", n.Create, n.Update, n.Replace, n.Delete, n.Adopt)
}

// failed makes a problem of an error: what went wrong, and what to do about it, if the error knows that better.
func failed(check Check, err error) Check {
	check.Status = Problem
	var call *provider.Error
	var finding diag.Diagnostic
	switch {
	case errors.As(err, &call):
		bare := *call
		bare.Remedy = ""
		check.Found = strings.Replace(err.Error(), call.Error(), bare.Error(), 1)
		if call.Remedy != "" {
			check.Remedy = diag.Stop(diag.Sentence(call.Remedy))
		}
	case errors.As(err, &finding):
		check.Found, check.Remedy = headline(finding), finding.Detail
	default:
		check.Found = err.Error()
	}
	return check
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// span is a duration for people.
func span(d time.Duration) string { return d.Round(time.Second).String() }
