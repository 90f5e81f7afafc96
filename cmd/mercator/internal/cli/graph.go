package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"mercator/plan/render"
	"mercator/schema/config"
)

func graphCommand(w *World, g *globals) *cobra.Command {
	var in inputs
	var format string
	cmd := &cobra.Command{
		Use:   "graph [DIR]",
		Short: "Draw what depends on what",
		Long: "Graph prints the dependency picture of the configuration in DIR, or in the current folder, for a program that draws it: " +
			"every resource, every lookup with a dashed border, and modules as frames around what is in them. A bold arrow leads to what a " +
			"resource lives in, any other to what it refers to or depends on. It needs no credentials, and shows addresses without values.",
		Example:     "  mercator graph | dot -Tsvg > graph.svg\n  mercator graph environments/prod --format mermaid",
		Args:        planArgs,
		Annotations: codes(codeDone, codeFailed),
		RunE: func(_ *cobra.Command, args []string) error {
			if !slices.Contains(render.GraphFormats(), format) {
				return usagef("--format %q: the formats are %s", format, strings.Join(render.GraphFormats(), " and "))
			}
			f, err := folderOf(w, g, args, in)
			if err != nil {
				return err
			}
			c, diags := config.Load(f.dir, f.configOptions())
			evaluation, more := c.Evaluate(nil)
			if err := f.judge(append(diags, more...).Sort(), c); err != nil {
				return err
			}
			return render.Graph(w.Stdout, format, &evaluation.Desired)
		},
	}
	cmd.Flags().StringVar(&format, "format", render.GraphFormats()[0], strings.Join(render.GraphFormats(), " or ")+", as `FORMAT`")
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(render.GraphFormats(), cobra.ShellCompDirectiveNoFileComp))
	in.register(cmd)
	return cmd
}
