package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"mercator/apply/state"
	"mercator/schema"
)

func stateCommand(w *World, g *globals) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "state",
		Short: "Look at the state and mend it",
		Long: "State shows what Mercator remembers of the current folder's configuration, and changes it by hand, under the lock. " +
			"Nothing in Atlas is changed by it. Put addresses with brackets in single quotes.",
		Example: `  mercator state list
  mercator state show 'project.a["dev"].cluster.orders'
  mercator state mv project.old project.new`,
		Annotations: stateCodes(),
		Args:        cobra.NoArgs,
		RunE:        func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	m := &mending{w: w, g: g}
	for _, sub := range []*cobra.Command{m.list(), m.show(), m.move(), m.remove(), m.bind(), m.own(), m.lock(), m.unlock(),
		m.pull(), m.push(), m.history(), m.rollback(), m.migrate()} {
		m.in.registerState(sub)
		cmd.AddCommand(sub)
	}
	cmd.AddCommand(m.stores())
	return cmd
}

// mending is what the subcommands of state share: they work on the state of the current folder.
type mending struct {
	w  *World
	g  *globals
	in inputs
}

func (m *mending) screen() screen { return newScreen(m.w, m.g, m.w.Stdout) }

// open opens the state.
func (m *mending) open() (*folder, state.Store, error) {
	f, err := openFolder(m.w, m.g, ".", m.in)
	if err != nil {
		return nil, nil, err
	}
	store, err := f.openStore()
	return f, store, err
}

// read reads the state without a lock.
func (m *mending) read(ctx context.Context) (*folder, *state.State, error) {
	f, store, err := m.open()
	if err != nil {
		return nil, nil, err
	}
	st, err := store.Read(ctx)
	return f, st, err
}

// edit changes the state under its lock.
func (m *mending) edit(cmd *cobra.Command, change func(*state.State) (*state.State, error)) error {
	f, store, err := m.open()
	if err != nil {
		return err
	}
	return f.locked(cmd.Context(), store, operation(cmd), change)
}

// operation is what a lock says of a command: "state mv".
func operation(cmd *cobra.Command) string { return strings.TrimPrefix(cmd.CommandPath(), "mercator ") }

func stateCodes() map[string]string { return codes(codeDone, codeFailed, codeLocked) }

func (m *mending) list() *cobra.Command {
	return &cobra.Command{
		Use:         "list",
		Short:       "List the addresses in the state",
		Example:     "  mercator state list",
		Args:        cobra.NoArgs,
		Annotations: codes(codeDone, codeFailed),
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, st, err := m.read(cmd.Context())
			if err != nil {
				return err
			}
			for _, a := range sortedAddresses(st) {
				m.screen().printf("%s\n", visible(string(a)))
			}
			return nil
		},
	}
}

func (m *mending) show() *cobra.Command {
	return &cobra.Command{
		Use:         "show ADDR",
		Short:       "Show what is remembered of a resource",
		Long:        "Show prints what the state remembers of a resource: the object it is bound to, the arguments as last applied, and what protects it. Of secrets the state has hashes only; they are named, not shown.",
		Example:     "  mercator state show 'project.a[\"dev\"].cluster.orders'",
		Args:        cobra.ExactArgs(1),
		Annotations: codes(codeDone, codeFailed),
		RunE: func(cmd *cobra.Command, args []string) error {
			address, err := schema.ParseAddress(args[0])
			if err != nil {
				return err
			}
			f, st, err := m.read(cmd.Context())
			if err != nil {
				return err
			}
			b := st.Resources[address]
			if b == nil {
				return fmt.Errorf("nothing is remembered at %s; mercator state list shows what is", address)
			}
			return showBound(m.screen(), f.catalog, b)
		},
	}
}

// showBound prints a binding in aligned lines, arguments as JSON.
func showBound(s screen, catalog *schema.Catalog, b *schema.Bound) error {
	s.printf("%s\n", visible(string(b.Address)))
	fact := func(name, value string) {
		if value != "" {
			s.printf("  %-13s%s\n", name, visible(value))
		}
	}
	fact("kind", b.Kind)
	fact("id", b.ID)
	fact("key", b.Key)
	fact("connection", b.Connection)
	fact("lives in", strings.ReplaceAll(string(b.Place), ";", " "))
	if b.Adopted {
		fact("owned", "no, it was adopted (mercator state own)")
	}
	if b.Lifecycle.PreventDestroy {
		fact("protected", "prevent_destroy")
	}
	if len(b.Lifecycle.SnapshotBefore) > 0 {
		fact("snapshot before", strings.Join(b.Lifecycle.SnapshotBefore, ", "))
	}
	if b.Lifecycle.Abandon {
		fact("removal", "forgets it and leaves it in Atlas")
	}
	switch b.Waiting {
	case "":
	case schema.Undelivered:
		fact("secret", "not delivered; the next apply revokes it")
	default:
		fact("in progress", b.Waiting)
	}
	fact("secret", b.Secret)
	fact("to revoke", strings.Join(b.Stale, " "))
	for i, d := range b.Dependencies {
		fact(map[bool]string{true: "needs"}[i == 0], string(d))
	}
	kind := catalog.Kind(b.Kind)
	if kind == nil || b.Applied.IsNull() {
		return nil
	}
	applied, err := schema.Encode(kind.Attributes, b.Applied, schema.ByName)
	if err != nil {
		return err
	}
	s.printf("\n")
	for i := range kind.Attributes {
		a := &kind.Attributes[i]
		value, ok := applied[a.Name]
		if !ok || value == nil {
			continue
		}
		text, err := json.MarshalIndent(value, "  ", "  ")
		if err != nil {
			return err
		}
		s.printf("  %s = %s\n", a.Name, visible(string(text)))
	}
	for _, path := range sortedKeys(b.Secrets) {
		s.printf("  %s = (secret, kept as a hash)\n", path)
	}
	return nil
}
