package cli

import (
	"github.com/fatih/color"
	"github.com/spf13/cobra"

	"mercator/plan"
	"mercator/schema/config"
)

func validateCommand(w *World, g *globals) *cobra.Command {
	var in inputs
	cmd := &cobra.Command{
		Use:   "validate [DIR]",
		Short: "Check the files without asking Atlas",
		Long: "Validate checks the configuration in DIR, or in the current folder: syntax, names, types, references and the rules of " +
			"each kind. It needs no credentials and no network, and shows everything that it finds.",
		Example:     "  mercator validate\n  mercator validate environments/prod --var-file prod.vars.hcl",
		Args:        planArgs,
		Annotations: codes("0    the configuration is valid", codeFailed),
		RunE: func(_ *cobra.Command, args []string) error {
			f, err := folderOf(w, g, args, in)
			if err != nil {
				return err
			}
			c, evaluation, diags := config.Validate(f.dir, f.configOptions())
			if !diags.HasErrors() {
				diags = append(diags, plan.Review(f.catalog, evaluation.Desired, f.now)...).Sort()
			}
			if err := f.judge(diags, c); err != nil {
				return err
			}
			stdout := newScreen(w, g, w.Stdout)
			stdout.line("%s", stdout.paint("The configuration is valid.", color.FgGreen))
			return nil
		},
	}
	in.register(cmd)
	return cmd
}
