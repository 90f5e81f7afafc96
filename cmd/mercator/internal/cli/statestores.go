package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"mercator/apply/state"
	"mercator/schema/config"
)

func (m *mending) stores() *cobra.Command {
	return &cobra.Command{
		Use:   "stores [NAME]",
		Short: "List the stores, or the arguments of one",
		Long: "Stores lists where states can be kept, or the arguments of one such store with the environment variables that set them. A state " +
			"block in the mercator block names the store. For each argument, a --state-config flag comes before the block, and that before the " +
			"variables, of which the first counts.",
		Example:     "  mercator state stores\n  mercator state stores http",
		Args:        cobra.MaximumNArgs(1),
		Annotations: codes(codeDone, codeFailed),
		RunE: func(_ *cobra.Command, args []string) error {
			all := backends()
			if len(args) == 0 {
				for _, b := range all {
					m.screen().printf("%s\n", b.Name)
				}
				return nil
			}
			at := slices.IndexFunc(all, func(b state.Backend) bool { return b.Name == args[0] })
			if at < 0 {
				return unknownStore(config.State{Type: args[0]}, all)
			}
			m.screen().arguments(all[at])
			return nil
		},
	}
}

// arguments prints what a store takes.
func (s screen) arguments(b state.Backend) {
	s.printf("state %q\n", b.Name)
	for _, a := range b.Arguments {
		var marks []string
		if a.Required {
			marks = append(marks, "required")
		}
		if a.Sensitive {
			marks = append(marks, "never shown")
		}
		head := "  " + a.Name
		if len(marks) > 0 {
			head += " (" + strings.Join(marks, ", ") + ")"
		}
		s.printf("\n%s\n%s\n", head, indent(a.Help, "      ", s.width))
		if len(a.Environment) > 0 {
			s.printf("      %s\n", strings.Join(a.Environment, ", "))
		}
	}
}
