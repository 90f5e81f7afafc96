package cli

import (
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"mercator/apply/state"
)

func (m *mending) history() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "history",
		Short: "List the earlier states that the store keeps",
		Long: "History lists the states that are kept, the newest first: the serial, when it was written and by whom, and its size. The store " +
			"decides how many it keeps, and some keep none.",
		Example:     "  mercator state history",
		Args:        cobra.NoArgs,
		Annotations: codes(codeDone, codeFailed),
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, store, err := m.historian()
			if err != nil {
				return err
			}
			versions, err := store.History(cmd.Context())
			switch {
			case err != nil:
				return err
			case asJSON && versions == nil:
				return m.screen().json([]state.Version{})
			case asJSON:
				return m.screen().json(versions)
			case len(versions) == 0:
				m.screen().line("No state was written yet.")
				return nil
			}
			return m.screen().versions(versions)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// historian opens the state's store, if it keeps earlier states.
func (m *mending) historian() (*folder, state.Historian, error) {
	f, store, err := m.open()
	if err != nil {
		return nil, nil, err
	}
	h, ok := store.(state.Historian)
	if !ok {
		return nil, nil, fmt.Errorf("this store keeps no earlier states that Mercator could look at. Keep copies with mercator state pull > FILE, " +
			"and put one back with mercator state push --force FILE")
	}
	return f, h, nil
}

// versions prints a table of states.
func (s screen) versions(versions []state.Version) error {
	var b strings.Builder
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "SERIAL\tWRITTEN\tBYTES\tBY") // a strings.Builder takes everything
	for _, v := range versions {
		_, _ = fmt.Fprintf(table, "%d\t%s\t%d\t%s\n", v.Serial, v.At.UTC().Format(time.RFC3339), v.Size, visible(v.Who))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for line := range strings.Lines(b.String()) {
		s.printf("%s\n", strings.TrimRight(line, " \n"))
	}
	return nil
}

func (m *mending) rollback() *cobra.Command {
	return &cobra.Command{
		Use:   "rollback SERIAL",
		Short: "Go back to an earlier state",
		Long: "Rollback makes the contents of an earlier state the present ones, under a new serial. Nothing in Atlas is changed: the next plan " +
			"shows how what is live differs from what is remembered then. What is replaced is kept in a file.",
		Example:     "  mercator state history\n  mercator state rollback 41",
		Args:        cobra.ExactArgs(1),
		Annotations: stateCodes(),
		RunE: func(cmd *cobra.Command, args []string) error {
			serial, err := strconv.ParseUint(args[0], 10, 64)
			if err != nil {
				return usagef("%q is not a serial; mercator state history lists them", args[0])
			}
			f, store, err := m.historian()
			if err != nil {
				return err
			}
			var kept string
			var next *state.State
			err = f.locked(cmd.Context(), store, operation(cmd), func(current *state.State) (*state.State, error) {
				old, err := store.Version(cmd.Context(), serial)
				if err != nil {
					return nil, err
				}
				if next, err = state.Rollback(current, old); err != nil {
					return nil, err
				}
				kept, err = f.keepReplaced(current)
				return next, err
			})
			if err != nil {
				return err
			}
			m.screen().printf("The state is as it was with serial %d, and has serial %d. What it replaced is kept in %s.\n", serial, next.Serial, kept)
			return nil
		},
	}
}
