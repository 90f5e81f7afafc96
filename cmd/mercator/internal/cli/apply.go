package cli

import (
	"context"
	"errors"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"mercator/apply"
	"mercator/apply/state"
	"mercator/cmd/mercator/internal/workflow"
	"mercator/plan"
	"mercator/plan/planfile"
	"mercator/plan/render"
	"mercator/schema/diag"
)

// applying is what apply and destroy are asked for.
type applying struct {
	operation   string
	flags       planFlags
	in          inputs
	autoApprove bool
	json        bool
	parallelism int
	lockTimeout time.Duration
}

func (a *applying) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&a.autoApprove, "auto-approve", false, "do not ask")
	flags.BoolVar(&a.json, "json", false, "print a line of JSON per event; do not ask")
	flags.IntVar(&a.parallelism, "parallelism", 10, "work on up to `N` resources at a time")
	flags.DurationVar(&a.lockTimeout, "lock-timeout", 0, "wait for the state's lock up to `DURATION`")
	a.flags.register(cmd, a.operation == "destroy")
	a.in.registerState(cmd)
}

// applyCodes are the exit codes of the commands that change something.
func applyCodes() map[string]string {
	return codes(codeDone, codeFailed, codeLocked, codeStale, codeInterrupted)
}

func applyCommand(w *World, g *globals) *cobra.Command {
	a := &applying{operation: "apply"}
	cmd := &cobra.Command{
		Use:   "apply [DIR | PLANFILE]",
		Short: "Plan, ask, and carry out",
		Long: "Apply takes the state's lock, makes a plan, asks for confirmation, and carries the plan out in order. A saved plan is carried " +
			"out as it was made, without a question, or refused as stale. In the end it says what was done, what failed, and what was " +
			"skipped because of that. Ctrl-C starts nothing new, lets running calls end, saves and exits; the next apply goes on.",
		Example: `  mercator apply
  mercator apply --sandbox
  mercator apply plan.bin
  mercator apply --auto-approve --lock-timeout 10m
  mercator apply --auto-approve \
    --allow-destroy 'project.a["dev"].cluster.orders'`,
		Args:        planArgs,
		Annotations: applyCodes(),
		RunE:        func(cmd *cobra.Command, args []string) error { return a.run(cmd, w, g, args) },
	}
	a.register(cmd)
	return cmd
}

// run is the command, apart from where its news go.
func (a *applying) run(cmd *cobra.Command, w *World, g *globals, args []string) error {
	if a.parallelism < 1 {
		return usagef("--parallelism must be at least 1")
	}
	ctx, stdout := cmd.Context(), newScreen(w, g, w.Stdout)
	if !a.json {
		return a.apply(cmd, w, g, args, newView(stdout, newScreen(w, g, w.Stderr)))
	}
	view := newJSONView(stdout, w.Now, a.operation)
	err := a.apply(cmd, w, g, args, view)
	code, why := judge(ctx, err)
	view.diagnostics(why.list, why.sources)
	if code != exitDone {
		return exit(code)
	}
	return nil
}

// saved reads the plan file that the arguments name, if they name one.
func (a *applying) saved(cmd *cobra.Command, args []string) (*planfile.File, error) {
	if len(args) == 0 {
		return nil, nil
	}
	info, err := os.Stat(args[0])
	if err != nil {
		return nil, usagef("%s: %s", args[0], reason(err))
	}
	if info.IsDir() {
		return nil, nil
	}
	if a.operation == "destroy" {
		return nil, usagef("%s is not a folder; a saved plan is carried out by apply", args[0])
	}
	if flag := a.flags.changed(cmd); flag != "" {
		return nil, usagef("--%s cannot be given with a saved plan, which is carried out as it was made; give it to plan", flag)
	}
	return planfile.Read(args[0])
}

func (a *applying) apply(cmd *cobra.Command, w *World, g *globals, args []string, v view) error {
	ctx := cmd.Context()
	saved, err := a.saved(cmd, args)
	if err != nil {
		return err
	}
	options := workflow.ApplyOptions{Plan: a.flags.options(), Saved: saved, Operation: a.operation, LockTimeout: a.lockTimeout,
		Parallelism: a.parallelism, Waiting: v.locked, Quieting: v.quieting, Events: v.event}
	dir := "."
	if saved != nil {
		dir = saved.Source.Dir
	} else if dir, err = dirOf(args); err != nil {
		return err
	}
	f, err := openFolder(w, g, dir, a.in)
	if err != nil {
		return err
	}
	s, err := f.session()
	if err != nil {
		return err
	}
	defer s.close()
	v.open(renderOptions(f, s, a.operation))
	if text := limits(s.Store.Capabilities()); text != "" {
		v.limits(text)
	}
	_, terminal := terminalOf(w.Stdin)
	if terminal && !a.autoApprove && !a.json && saved == nil {
		h := newHuman(w.Stdin, newScreen(w, g, w.Stdout))
		options.Confirm = func(ctx context.Context, p *plan.Plan) (bool, error) {
			s.warn(p)
			v.plan(p)
			yes, err := h.confirm(ctx, p)
			if err == nil && yes {
				v.begin()
			}
			return yes, err
		}
	}
	options.Show = func(p *plan.Plan) {
		s.warn(p)
		v.plan(p)
		v.begin()
	}
	stop := context.AfterFunc(ctx, v.interrupted)
	defer stop()
	done, err := s.Apply(ctx, options)
	v.end(done)
	return a.outcome(ctx, s, done, err, v)
}

// limits says in a line what a store cannot do that others can (R34), "" where that is nothing.
func limits(can state.Capabilities) string {
	var parts []string
	if !can.Journal {
		parts = append(parts, "the state is saved every 10 s and after each secret")
	}
	if !can.Lease && can.Unguarded == "" {
		parts = append(parts, "its lock does not expire")
	}
	return diag.Stop(diag.Sentence(strings.Join(parts, "; ")))
}

// outcome turns what an apply came to into the command's error.
func (a *applying) outcome(ctx context.Context, s *opened, done workflow.Applied, err error, v view) error {
	sources := s.Config.Excerpts()
	result := done.Result
	switch {
	case err != nil && done.Ran:
		list := result.All()
		list.Add(workflow.Finding(err))
		return &found{list, sources}
	case err != nil:
		return err
	case done.Plan != nil && done.Plan.Diagnostics.HasErrors():
		s.warn(done.Plan)
		v.plan(done.Plan)
		if !a.json {
			return planHasErrors(done.Plan) // the text has told them
		}
		return &found{done.Plan.Diagnostics.Errors(), sources}
	case done.Refused.HasErrors():
		list := done.Refused
		list.Add(result.All()...)
		return &found{list, sources}
	case done.Declined:
		return exit(exitError)
	case result.Interrupted:
		v.diagnostics(result.All(), sources)
		return exit(exitInterrupted)
	case !result.OK():
		list := result.All()
		if !list.HasErrors() {
			list.Add(diag.Internalf("Not everything was done, and nothing says why", "The state is saved; running it again goes on from here."))
		}
		return &found{list, sources}
	default:
		v.diagnostics(result.All(), sources)
		return nil
	}
}

// view hears how an apply goes and shows it.
type view interface {
	// open says how plans are shown.
	open(o render.Options)
	// limits says what the store cannot do, in a sentence.
	limits(text string)
	locked(e *state.LockedError)
	// quieting says how long it takes until nothing of an apply that died can be under way.
	quieting(d time.Duration)
	plan(p *plan.Plan)
	// begin says that the plan is being carried out from now on.
	begin()
	event(e apply.Event)
	// interrupted says that the run was asked to stop.
	interrupted()
	// end sums up what was done; it is called once, whatever happened.
	end(done workflow.Applied)
	diagnostics(list diag.List, sources map[string][]byte)
}

var errNoAnswer = errors.New("the input ended before the question was answered; nothing was done")
