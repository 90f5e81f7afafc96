package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"mercator/apply/state"
	"mercator/schema/config"
)

// migration is what state migrate is asked for.
type migration struct {
	to, from             string
	toConfig, fromConfig []string
}

func (m *mending) migrate() *cobra.Command {
	var mig migration
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Copy the state from one store to another",
		Long: "Migrate copies the state from the store that the files name to the one of --to, or from the one of --from to the one that the " +
			"files name already. Both are locked, and the copy is read back and compared. The new store must hold no state yet. The old one stays " +
			"as it is. The copy gets a lineage of its own, so plans that were saved before are stale.",
		Example: `  mercator state migrate --to http \
    --to-config address=https://states.example.com/shop
  mercator state migrate --from local`,
		Args:        cobra.NoArgs,
		Annotations: stateCodes(),
		RunE:        func(cmd *cobra.Command, _ []string) error { return m.migrateBy(cmd, mig) },
	}
	flags := cmd.Flags()
	flags.StringVar(&mig.to, "to", "", "copy to the store `NAME`")
	flags.StringArrayVar(&mig.toConfig, "to-config", nil, "`KEY=VALUE` for the store of --to; repeatable")
	flags.StringVar(&mig.from, "from", "", "copy from the store `NAME`")
	flags.StringArrayVar(&mig.fromConfig, "from-config", nil, "`KEY=VALUE` for the store of --from; repeatable")
	return cmd
}

// check says what is wrong with the flags.
func (mig *migration) check(g *globals) error {
	switch {
	case g.sandbox:
		return usagef("the state of --sandbox stays beside it")
	case (mig.to == "") == (mig.from == ""):
		return usagef("give either --to or --from; the other store is the one that the files name")
	case mig.to == "" && len(mig.toConfig) > 0:
		return usagef("--to-config belongs to --to")
	case mig.from == "" && len(mig.fromConfig) > 0:
		return usagef("--from-config belongs to --from")
	}
	return nil
}

func (m *mending) migrateBy(cmd *cobra.Command, mig migration) error {
	if err := mig.check(m.g); err != nil {
		return err
	}
	f, named, err := m.open()
	if err != nil {
		return err
	}
	other, diags := f.openBackend(config.State{Type: mig.to + mig.from}, slices.Concat(mig.toConfig, mig.fromConfig))
	if err := f.judge(diags, nil); err != nil {
		return err
	}
	from, to := named, other
	if mig.from != "" {
		from, to = other, named
	}
	st, err := f.copyState(cmd.Context(), from, to, operation(cmd))
	if err != nil {
		return err
	}
	s := m.screen()
	s.line("The state with %s was copied, and read back: it is the same. The old one stays where it is.", resources(len(st.Resources)))
	if mig.from != "" {
		s.line("The files name the new store already.")
		return nil
	}
	s.printf("\nWrite this in the mercator block of the files, before anybody applies again:\n\n%s", mig.block())
	return nil
}

// block is the state block that names the new store. Secrets are left to the environment.
func (mig *migration) block() string {
	at := slices.IndexFunc(backends(), func(b state.Backend) bool { return b.Name == mig.to })
	b := backends()[at]
	var text strings.Builder
	fmt.Fprintf(&text, "  state %q {\n", mig.to)
	for _, pair := range mig.toConfig {
		name, value, _ := strings.Cut(pair, "=") // it has been opened with it
		i := slices.IndexFunc(b.Arguments, func(a state.Argument) bool { return a.Name == name })
		if !b.Arguments[i].Sensitive {
			fmt.Fprintf(&text, "    %s = %q\n", name, value)
		}
	}
	text.WriteString("  }\n")
	return text.String()
}

// copyState copies a state into an empty store, with both locked, and makes sure that it arrived.
func (f *folder) copyState(ctx context.Context, from, to state.Store, operation string) (st *state.State, err error) {
	info := state.CurrentHolder(operation, version, f.world.getenv)
	release := func(lease state.Lease) {
		if released := lease.Release(context.WithoutCancel(ctx)); err == nil {
			err = released
		}
	}
	source, err := from.Lock(ctx, info)
	if err != nil {
		return nil, err
	}
	defer release(source)
	target, err := to.Lock(ctx, info)
	if err != nil {
		return nil, fmt.Errorf("the store to copy to: %w", err)
	}
	defer release(target)
	if st, err = source.Read(ctx); err != nil {
		return nil, err
	}
	if err := state.AwaitQuiet(ctx, source, st, f.clock, nil); err != nil {
		return nil, err
	}
	there, err := target.Read(ctx)
	if err != nil {
		return nil, err
	}
	if there.Lineage != "" || len(there.Resources)+len(there.Intents) > 0 {
		return nil, fmt.Errorf("there is a state with %s in that store already; nothing was copied. If it is the copy of an earlier attempt, the files can "+
			"name that store now; otherwise give another place in it", resources(len(there.Resources)))
	}
	next, err := state.Push(f.catalog, there, st, false)
	if err != nil {
		return nil, err
	}
	if err := target.Write(ctx, next); err != nil {
		return nil, err
	}
	return st, f.arrived(ctx, to, st)
}

// arrived makes sure that a store holds what a state says.
func (f *folder) arrived(ctx context.Context, store state.Store, want *state.State) error {
	got, err := store.Read(ctx)
	if err != nil {
		return fmt.Errorf("the copy cannot be read back: %w", err)
	}
	same, err := f.equal(want, got)
	if err == nil && !same {
		err = errors.New("what was read back is not what was written: go on with the old store, and look into the new one")
	}
	return err
}
