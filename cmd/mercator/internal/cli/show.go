package cli

import (
	"github.com/spf13/cobra"

	"mercator/plan/planfile"
	"mercator/schema/kinds"
)

func showCommand(w *World, g *globals) *cobra.Command {
	var formats formats
	cmd := &cobra.Command{
		Use:         "show PLANFILE",
		Short:       "Print a saved plan",
		Long:        "Show prints a plan that was saved with \"plan --out\". It needs no credentials, no configuration and no state.",
		Example:     "  mercator show plan.bin\n  mercator show plan.bin --format json | jq .mercator.summary",
		Args:        cobra.ExactArgs(1),
		Annotations: codes(codeDone, codeFailed),
		RunE: func(_ *cobra.Command, args []string) error {
			outputs, err := formats.parse(args[0])
			if err != nil {
				return err
			}
			file, err := planfile.Read(args[0])
			if err != nil {
				return err
			}
			catalog, err := kinds.Catalog()
			if err != nil {
				return err
			}
			return writePlan(outputs, newScreen(w, g, w.Stdout), reportOptions(catalog), file.Plan)
		},
	}
	formats.register(cmd)
	return cmd
}
