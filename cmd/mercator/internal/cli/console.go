package cli

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/zclconf/go-cty/cty"

	"mercator/plan"
	"mercator/schema"
	"mercator/schema/config"
)

func consoleCommand(w *World, g *globals) *cobra.Command {
	var in inputs
	cmd := &cobra.Command{
		Use:   "console [DIR]",
		Short: "Evaluate expressions",
		Long: "Console reads expressions, one a line, and prints their values: variables, locals, functions, and resources with what Atlas " +
			"says of them where credentials are set. Secrets are masked. It ends with \"exit\" or at the end of its input. On a terminal an " +
			"expression goes on in the next line while a bracket or a heredoc is open, Tab completes, and the arrows and Ctrl-R find what was " +
			"typed before. Kept for the next time is what had a value and tells no secret; what begins with a space is not.",
		Example:     "  mercator console\n  echo 'cidrsubnet(\"10.0.0.0/8\", 8, 3)' | mercator console",
		Args:        planArgs,
		Annotations: codes(codeDone, codeFailed+" in one of the expressions", codeInterrupted),
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := folderOf(w, g, args, in)
			if err != nil {
				return err
			}
			return f.console(cmd.Context(), newScreen(w, g, w.Stdout))
		},
	}
	in.registerState(cmd)
	return cmd
}

// repl evaluates expressions one after another.
type repl struct {
	screen
	errors     screen
	config     *config.Config
	evaluation *config.Evaluation
	known      config.Known
}

func (f *folder) console(ctx context.Context, s screen) error {
	c, err := f.load()
	if err != nil {
		return err
	}
	r := &repl{screen: s, errors: f.stderr, config: c}
	if live, err := f.live(ctx); err != nil {
		f.stderr.line("What Atlas decides about is unknown here: %s", err)
	} else {
		r.known = live
	}
	r.evaluation, _ = c.Evaluate(r.known)
	if _, terminal := terminalOf(f.world.Stdin); terminal && s.terminal {
		return r.interactive(ctx)
	}
	return r.pipe(ctx, f.world.Stdin)
}

// liveValues are the live objects by address.
type liveValues map[schema.Address]cty.Value

// Object implements config.Known.
func (l liveValues) Object(a schema.Address) (cty.Value, bool) {
	v, ok := l[a]
	return v, ok
}

// live reads what Atlas holds, where there are credentials.
func (f *folder) live(ctx context.Context) (liveValues, error) {
	s, err := f.session()
	if err != nil {
		var list *found
		if errors.As(err, &list) {
			return nil, errors.New(strings.ToLower(list.list.Errors()[0].Summary[:1]) + list.list.Errors()[0].Summary[1:])
		}
		return nil, err
	}
	defer s.close()
	p, err := s.Plan(ctx, plan.Options{SkipSecrets: true, SkipAdvice: true})
	if err != nil {
		return nil, err
	}
	out := liveValues{}
	for i := range p.Changes {
		if c := &p.Changes[i]; c.Before != cty.NilVal && !c.Before.IsNull() {
			out[c.Address] = c.Before
		}
	}
	return out, nil
}

// eval prints the value of one expression, and returns it and whether there is one.
func (r *repl) eval(text string) (cty.Value, bool) {
	v, diags := r.evaluation.Eval(text, r.known)
	if diags.HasErrors() {
		r.errors.findings(diags, map[string][]byte{config.ConsoleFile: []byte(text)})
		return cty.NilVal, false
	}
	r.printf("%s\n", valueText(v))
	return v, true
}

// valueText shows a value: texts in quotes, objects as JSON, secrets and what is unknown in words.
func valueText(v cty.Value) string {
	switch {
	case v.IsMarked():
		return "(sensitive)"
	case !v.IsKnown():
		return "(known after apply)"
	}
	v, _ = cty.Transform(v, func(_ cty.Path, v cty.Value) (cty.Value, error) {
		switch {
		case v.IsMarked():
			return cty.StringVal("(sensitive)"), nil
		case !v.IsKnown():
			return cty.StringVal("(known after apply)"), nil
		}
		return v, nil
	})
	text, err := valueJSON(v)
	if err != nil {
		return "(a value that cannot be shown)"
	}
	return visible(text)
}

func (r *repl) pipe(ctx context.Context, in io.Reader) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, config.MaxFile)
	failed := false
	for ctx.Err() == nil && lines.Scan() {
		text := strings.TrimSpace(lines.Text())
		if text == "exit" {
			break
		}
		if text != "" {
			_, ok := r.eval(text)
			failed = failed || !ok
		}
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case lines.Err() != nil:
		return lines.Err()
	case failed:
		return exit(exitError)
	default:
		return nil
	}
}
