package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"mercator/apply/state"
	"mercator/cmd/mercator/internal/workflow"
	"mercator/schema/diag"
)

// The exit codes. Scripts depend on them.
const (
	exitDone        = 0
	exitError       = 1
	exitDifference  = 2
	exitLocked      = 3
	exitStale       = 4
	exitInterrupted = 130
)

// exit is an error that has been told already, or a result other than 0 that is none.
type exit int

// Error implements error; nobody prints it.
func (e exit) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// usageError is a mistake in the command line.
type usageError struct{ text string }

// Error says what is wrong.
func (e usageError) Error() string { return e.text }

func usagef(format string, args ...any) error { return usageError{fmt.Sprintf(format, args...)} }

// found is an error made of findings.
type found struct {
	list    diag.List
	sources map[string][]byte
}

// Error joins the findings; report prints them one by one instead.
func (f *found) Error() string { return f.list.Err().Error() }

// report prints why a command failed and returns its exit code.
func report(ctx context.Context, s screen, cmd *cobra.Command, err error) int {
	code, why := judge(ctx, err)
	var usage usageError
	if errors.As(err, &usage) {
		why.list[0].Detail = fmt.Sprintf(`See "%s --help".`, cmd.CommandPath())
	}
	s.findings(why.list, why.sources)
	return code
}

// judge returns the exit code that an error means, and what is to be said about it.
func judge(ctx context.Context, err error) (int, found) {
	var (
		done   exit
		list   *found
		locked *state.LockedError
		stale  *workflow.StaleError
	)
	switch {
	case err == nil:
		return exitDone, found{}
	case errors.As(err, &done):
		return int(done), found{}
	case errors.As(err, &locked):
		return exitLocked, one(lockedFinding(locked))
	case errors.As(err, &stale):
		return exitStale, one(staleFinding(stale))
	case ctx.Err() != nil:
		return exitInterrupted, one(diag.Errorf("interrupted", "Interrupted", "Nothing more was begun. Run it again to go on."))
	case errors.As(err, &list):
		return exitError, *list
	default:
		return exitError, one(workflow.Finding(err))
	}
}

func one(d diag.Diagnostic) found { return found{list: diag.List{d}} }

func lockedFinding(e *state.LockedError) diag.Diagnostic {
	ends := "A lock whose holder died expires by itself;"
	if e.Holder.Expires.IsZero() {
		ends = "In this store it lasts until it is ended;"
	}
	return diag.Errorf("locked", "Somebody else is at work on this state",
		"%s.\n\nWait for it, for example with --lock-timeout 10m. %s if you are sure that nobody is at work: mercator state unlock %s",
		diag.Sentence(e.Error()), ends, e.Holder.ID)
}

func staleFinding(e *workflow.StaleError) diag.Diagnostic {
	text := "Something changed since the plan was made. Nothing was done."
	for _, r := range e.Reasons {
		text += "\n- " + r
	}
	return diag.Errorf("stale_plan", "The saved plan is stale", "%s", text+"\n\nMake a new plan and look at it.")
}
