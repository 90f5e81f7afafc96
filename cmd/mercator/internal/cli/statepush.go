package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"mercator/apply/state"
	"mercator/cmd/mercator/internal/workflow"
)

func (m *mending) pull() *cobra.Command {
	return &cobra.Command{
		Use:   "pull",
		Short: "Print the state as JSON",
		Long: "Pull prints the whole state as JSON, with what an apply that is under way or was cut off has recorded. It takes no lock. There " +
			"are no secrets in it.",
		Example:     "  mercator state pull > backup.json\n  mercator state pull | jq '.resources | keys'",
		Args:        cobra.NoArgs,
		Annotations: codes(codeDone, codeFailed),
		RunE: func(cmd *cobra.Command, _ []string) error {
			f, st, err := m.read(cmd.Context())
			if err != nil {
				return err
			}
			text, err := state.Encode(f.catalog, st)
			if err == nil {
				_, err = m.w.Stdout.Write(text)
			}
			return err
		},
	}
}

func (m *mending) push() *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use:   "push FILE",
		Short: "Replace the state",
		Long: "Push puts the state in FILE, or on the standard input for \"-\", in the place of the present one. One of another lineage, and one " +
			"that is not newer, is refused, since what was recorded meanwhile would be lost; --force takes it. What is replaced is kept in a " +
			"file. Nothing in Atlas is changed.",
		Example:     "  mercator state push mercator.recovery.state.json\n  mercator state push --force backup.json",
		Args:        cobra.ExactArgs(1),
		Annotations: stateCodes(),
		RunE:        func(cmd *cobra.Command, args []string) error { return m.pushFrom(cmd, args[0], force) },
	}
	cmd.Flags().BoolVar(&force, "force", false, "push an older state, or one of another lineage")
	return cmd
}

func (m *mending) pushFrom(cmd *cobra.Command, path string, force bool) error {
	f, store, err := m.open()
	if err != nil {
		return err
	}
	pushed, err := f.readState(path)
	if err != nil {
		return err
	}
	kept, same := "", false
	err = f.locked(cmd.Context(), store, operation(cmd), func(current *state.State) (*state.State, error) {
		next, err := state.Push(f.catalog, current, pushed, force)
		if err != nil && !force {
			return nil, fmt.Errorf("%w; nothing was changed. To push it all the same: mercator state push --force %s", err, shellQuote(path))
		}
		if err != nil {
			return nil, err
		}
		if same, err = f.equal(current, next); err == nil && !same {
			kept, err = f.keepReplaced(current)
		}
		return next, err
	})
	if err != nil {
		return err
	}
	s := m.screen()
	if same {
		s.printf("The state remembers just that already.\n")
		return nil
	}
	s.printf("The state now remembers %s.\n", resources(len(pushed.Resources)))
	if kept != "" {
		s.printf("What it replaced is kept in %s.\n", kept)
	}
	return nil
}

func resources(n int) string { return count(n, "resource") }

// equal reports whether two states remember the same, whatever their lineages and serials are.
func (f *folder) equal(a, b *state.State) (bool, error) {
	b = b.Clone()
	b.Lineage, b.Serial = a.Lineage, a.Serial
	first, err1 := state.Encode(f.catalog, a)
	second, err2 := state.Encode(f.catalog, b)
	return bytes.Equal(first, second), errors.Join(err1, err2)
}

// readState reads a state from a file, or from the standard input for "-".
func (f *folder) readState(path string) (*state.State, error) {
	var data []byte
	var err error
	if path == "-" {
		data, err = io.ReadAll(f.world.Stdin)
	} else {
		data, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, usagef("%s: %s", path, reason(err))
	}
	st, err := state.Decode(f.catalog, data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return st, nil
}

// keepReplaced writes a state that is about to be replaced to a file, and returns its name; "" where nothing was ever
// written.
func (f *folder) keepReplaced(st *state.State) (string, error) {
	if st.Lineage == "" && len(st.Resources)+len(st.Intents) == 0 {
		return "", nil
	}
	dir := f.dir
	if f.globals.sandbox {
		dir = f.sandboxDir()
	}
	return workflow.Keep(f.catalog, dir, fmt.Sprintf("mercator.replaced-%d", st.Serial), st)
}
