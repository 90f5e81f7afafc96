package cli

import (
	"context"
	"encoding/json"
	"errors"
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
	in := &inputs{}
	for _, sub := range []*cobra.Command{stateList(w, g, in), stateShow(w, g, in), stateMove(w, g, in), stateRemove(w, g, in),
		stateBind(w, g, in), stateOwn(w, g, in), stateUnlock(w, g, in)} {
		in.registerState(sub)
		cmd.AddCommand(sub)
	}
	return cmd
}

func stateCodes() map[string]string { return codes(codeDone, codeFailed, codeLocked) }

// remembered reads the state of the current folder without a lock.
func remembered(ctx context.Context, w *World, g *globals, in *inputs) (*state.State, *folder, error) {
	f, err := openFolder(w, g, ".", *in)
	if err != nil {
		return nil, nil, err
	}
	store, err := f.openStore()
	if err != nil {
		return nil, nil, err
	}
	st, err := store.Read(ctx)
	return st, f, err
}

func stateList(w *World, g *globals, in *inputs) *cobra.Command {
	return &cobra.Command{
		Use:         "list",
		Short:       "List the addresses in the state",
		Example:     "  mercator state list",
		Args:        cobra.NoArgs,
		Annotations: codes(codeDone, codeFailed),
		RunE: func(cmd *cobra.Command, _ []string) error {
			st, _, err := remembered(cmd.Context(), w, g, in)
			if err != nil {
				return err
			}
			for _, a := range sortedAddresses(st) {
				screen{w: w.Stdout}.printf("%s\n", visible(string(a)))
			}
			return nil
		},
	}
}

func stateShow(w *World, g *globals, in *inputs) *cobra.Command {
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
			st, f, err := remembered(cmd.Context(), w, g, in)
			if err != nil {
				return err
			}
			b := st.Resources[address]
			if b == nil {
				return fmt.Errorf("nothing is remembered at %s; mercator state list shows what is", address)
			}
			return showBound(newScreen(w, g, w.Stdout), f.catalog, b)
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

func stateUnlock(w *World, g *globals, in *inputs) *cobra.Command {
	return &cobra.Command{
		Use:   "unlock ID",
		Short: "Take the lock away from its holder",
		Long: "Unlock ends the lock with that id. Whoever holds it makes no further call to Atlas. A lock whose holder died expires by " +
			"itself, so this is rarely needed. The message of a command that found the state locked names the id.",
		Example:     "  mercator state unlock 1f0e8a5c-5e5d-4b6e-9a57-6d6a4a8c0f51",
		Args:        cobra.ExactArgs(1),
		Annotations: codes(codeDone, codeFailed),
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := openFolder(w, g, ".", *in)
			if err != nil {
				return err
			}
			store, err := f.openStore()
			if err != nil {
				return err
			}
			err = store.Unlock(cmd.Context(), args[0])
			var other *state.LockedError
			if errors.As(err, &other) { // a wrong id, not a lock in the way
				return fmt.Errorf("there is no lock with the id %s; the state is locked by %s with the id %s", args[0], other.Holder.Who, other.Holder.ID)
			}
			if err != nil {
				return err
			}
			newScreen(w, g, w.Stdout).line("The state is no longer locked.")
			return nil
		},
	}
}
