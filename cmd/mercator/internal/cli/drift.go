package cli

import (
	"bytes"
	"context"

	"github.com/spf13/cobra"

	"mercator/plan"
	"mercator/plan/render"
)

// drifting is what the drift command is asked for.
type drifting struct {
	in        inputs
	formats   formats
	unmanaged bool
}

func driftCommand(w *World, g *globals) *cobra.Command {
	var d drifting
	cmd := &cobra.Command{
		Use:   "drift [DIR]",
		Short: "Show what changed outside Mercator",
		Long: "Drift compares the live state with what was last applied: what was changed, what was deleted, and what is there that nobody " +
			"declared. It changes nothing and takes no lock, and suits a scheduled job. Secrets are not compared.",
		Example:     "  mercator drift\n  mercator drift --unmanaged --format json=drift.json --format text",
		Args:        planArgs,
		Annotations: codes("0    no drift", codeFailed, "2    there is drift", codeInterrupted),
		RunE:        func(cmd *cobra.Command, args []string) error { return d.run(cmd.Context(), w, g, args) },
	}
	cmd.Flags().BoolVar(&d.unmanaged, "unmanaged", false, "count every unmanaged object as drift")
	d.formats.register(cmd)
	d.in.registerState(cmd)
	return cmd
}

func (d *drifting) run(ctx context.Context, w *World, g *globals, args []string) error {
	outputs, err := d.formats.parse("")
	if err != nil {
		return err
	}
	f, s, err := sessionOf(w, g, args, d.in)
	if err != nil {
		return err
	}
	defer s.close()
	made, err := s.Plan(ctx, plan.Options{SkipSecrets: true, SkipAdvice: true})
	if err != nil {
		return err
	}
	s.warn(made)
	options := renderOptions(f, s, "apply")
	options.Unmanaged = d.unmanaged
	err = write(outputs, newScreen(w, g, w.Stdout), options, func(r render.Renderer, b *bytes.Buffer) error { return r.Drift(b, made) })
	if err != nil {
		return err
	}
	if err := f.tell(s, outputs, made); err != nil {
		return err
	}
	if render.Drifted(made, d.unmanaged) {
		return exit(exitDifference)
	}
	return nil
}
