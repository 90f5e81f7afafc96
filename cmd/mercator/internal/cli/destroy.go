package cli

import "github.com/spf13/cobra"

func destroyCommand(w *World, g *globals) *cobra.Command {
	a := &applying{operation: "destroy"}
	cmd := &cobra.Command{
		Use:   "destroy [DIR]",
		Short: "Remove all that the state owns",
		Long: "Destroy plans the removal of everything that the state owns, asks, and carries it out. What was adopted and not made by " +
			"Mercator is forgotten and stays in Atlas, unless --allow-destroy names it.",
		Example: `  mercator destroy
  mercator destroy --target project.preview
  mercator destroy --auto-approve --allow-destroy all`,
		Args:        planArgs,
		Annotations: applyCodes(),
		RunE:        func(cmd *cobra.Command, args []string) error { return a.run(cmd, w, g, args) },
	}
	a.register(cmd)
	return cmd
}
