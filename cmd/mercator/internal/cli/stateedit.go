package cli

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"mercator/apply/state"
	"mercator/provider"
	"mercator/schema"
)

func (m *mending) move() *cobra.Command {
	return &cobra.Command{
		Use:   "mv FROM TO",
		Short: "Rename what is remembered",
		Long: "Mv renames what is remembered at FROM: a resource, a block with its instances, and all that lives inside. The objects stay " +
			"where they are in Atlas. A moved block in the files does the same for everybody who shares them.",
		Example:     "  mercator state mv project.old project.new\n  mercator state mv 'project.a[\"dev\"]' 'project.a[\"test\"]'",
		Args:        cobra.ExactArgs(2),
		Annotations: stateCodes(),
		RunE: func(cmd *cobra.Command, args []string) error {
			from, err := schema.ParseAddress(args[0])
			if err != nil {
				return err
			}
			to, err := schema.ParseAddress(args[1])
			if err != nil {
				return err
			}
			err = m.edit(cmd, func(st *state.State) (*state.State, error) { return state.Move(st, from, to) })
			if err == nil {
				m.screen().printf("Moved %s to %s.\n", from, to)
			}
			return err
		},
	}
}

func (m *mending) remove() *cobra.Command {
	return &cobra.Command{
		Use:   "rm ADDR...",
		Short: "Forget resources",
		Long: "Rm forgets what is remembered at an address: a resource, a block with its instances, and all that lives inside. The objects " +
			"stay in Atlas; while they are still declared, the next plan adopts them again.",
		Example:     "  mercator state rm project.old\n  mercator state rm 'project.a[\"dev\"].database_user.app'",
		Args:        cobra.MinimumNArgs(1),
		Annotations: stateCodes(),
		RunE: func(cmd *cobra.Command, args []string) error {
			var given []schema.Address
			for _, text := range args {
				a, err := schema.ParseAddress(text)
				if err != nil {
					return err
				}
				given = append(given, a)
			}
			var removed []schema.Address
			err := m.edit(cmd, func(st *state.State) (*state.State, error) {
				for _, a := range given {
					next, gone, err := state.Remove(st, a)
					if err != nil {
						return nil, err
					}
					st, removed = next, append(removed, gone...)
				}
				return st, nil
			})
			if err != nil {
				return err
			}
			told(m.screen(), "Forgot", removed)
			return nil
		},
	}
}

// told prints a line for each address that was changed.
func told(s screen, did string, addresses []schema.Address) {
	for _, a := range addresses {
		s.printf("%s %s.\n", did, visible(string(a)))
	}
}

func (m *mending) own() *cobra.Command {
	return &cobra.Command{
		Use:   "own ADDR",
		Short: "Make what was adopted Mercator's own",
		Long: "Own turns an adopted resource, or all instances of a block, into an owned one: it is then deleted when it is no longer " +
			"declared, as if Mercator had made it. What lives inside is not meant.",
		Example:     "  mercator state own 'project.a[\"dev\"].cluster.orders'",
		Args:        cobra.ExactArgs(1),
		Annotations: stateCodes(),
		RunE: func(cmd *cobra.Command, args []string) error {
			address, err := schema.ParseAddress(args[0])
			if err != nil {
				return err
			}
			var owned []schema.Address
			err = m.edit(cmd, func(st *state.State) (next *state.State, err error) {
				next, owned, err = state.Own(st, address)
				return next, err
			})
			if err != nil {
				return err
			}
			s := m.screen()
			if len(owned) == 0 {
				s.printf("%s is owned already.\n", address)
			}
			told(s, "Now owned:", owned)
			return nil
		},
	}
}

func (m *mending) bind() *cobra.Command {
	return &cobra.Command{
		Use:   "bind ADDR ID",
		Short: "Bind a resource to an object in Atlas",
		Long: "Bind records that the declared resource at ADDR is the object that Atlas knows by ID: its id, or its natural key such as a " +
			"cluster's name. It asks Atlas whether that exists. The next plan shows what differs. What is bound counts as adopted.",
		Example:     "  mercator state bind project.a.alert_config.lag 5f1d7c0e9b1e8a0a2c3d4e5f",
		Args:        cobra.ExactArgs(2),
		Annotations: stateCodes(),
		RunE: func(cmd *cobra.Command, args []string) error {
			address, err := schema.ParseAddress(args[0])
			if err != nil {
				return err
			}
			f, s, err := sessionOf(m.w, m.g, nil, m.in)
			if err != nil {
				return err
			}
			defer s.close()
			f.stderr.findings(s.warnings, s.Config.Excerpts())
			var bound *schema.Bound
			err = f.locked(cmd.Context(), s.Store, operation(cmd), func(st *state.State) (*state.State, error) {
				if bound, err = lookUp(cmd.Context(), s, st, address, args[1]); err != nil {
					return nil, err
				}
				return state.Bind(st, bound)
			})
			if err == nil {
				m.screen().printf("Bound %s to the %s %s.\n", address, bound.Kind, visible(args[1]))
			}
			return err
		},
	}
}

// lookUp finds the object with an id or natural key in the place where the declared resource lives.
func lookUp(ctx context.Context, s *opened, st *state.State, address schema.Address, id string) (*schema.Bound, error) {
	evaluation, _ := s.Config.Evaluate(nil) // opening the session has shown the findings
	at := slices.IndexFunc(evaluation.Desired.Resources, func(r schema.Resource) bool { return r.Address == address })
	if at < 0 {
		return nil, fmt.Errorf("%s is not declared; declare it first, since what is bound and not declared would be forgotten again", address)
	}
	declared := &evaluation.Desired.Resources[at]
	kind := s.Catalog.Kind(declared.Kind)
	place, err := placeOf(s, st, declared, kind)
	if err != nil {
		return nil, err
	}
	p, err := s.Provider(declared.Connection)
	if err != nil {
		return nil, err
	}
	sweep, err := provider.ReadOnly(p).List(ctx, kind, place)
	if err != nil {
		return nil, err
	}
	var meant []schema.Object
	for _, o := range sweep.Objects {
		if kind.Names(o, id) {
			meant = append(meant, o)
		}
	}
	switch len(meant) {
	case 0:
		return nil, fmt.Errorf("atlas has no %s with the id or name %q there; it has %s", kind.Name, id, namesOf(sweep.Objects))
	case 1:
		return &schema.Bound{Address: address, Kind: kind.Name, Connection: declared.Connection, Place: place, ID: meant[0].ID, Key: meant[0].Key,
			Applied: schema.NullObject(kind.Attributes), Adopted: true, Lifecycle: declared.Lifecycle, Timeouts: declared.Timeouts}, nil
	default:
		return nil, fmt.Errorf("%q can mean any of %s; write one of these in full", id, namesOf(meant))
	}
}

// fewNames is how many objects a message names.
const fewNames = 10

func namesOf(objects []schema.Object) string {
	var names []string
	for _, o := range objects {
		names = append(names, cmp.Or(schema.KeyText(o.Key), o.ID))
	}
	slices.Sort(names)
	if more := len(names) - fewNames; more > 0 {
		names = append(names[:fewNames], count(more, "other"))
	}
	return list(names)
}

// placeOf returns where a declared resource lives: what its parent is bound to says so.
func placeOf(s *opened, st *state.State, declared *schema.Resource, kind *schema.Kind) (schema.Place, error) {
	place := s.Place(declared.Connection)
	if kind.Parent == "" {
		return place, nil
	}
	if declared.Parent.Lookup != "" {
		return "", fmt.Errorf("%s lives in what %s finds, which only a plan reads; write in the files instead: import { to = %s, id = \"...\" }",
			declared.Address, declared.Parent.Lookup, declared.Address)
	}
	parent := s.Catalog.Kind(kind.Parent)
	if declared.Parent.Address == "" && declared.Parent.ID != "" {
		place, err := parent.Inside(place, declared.Parent.ID, "")
		return kind.Spot(place, declared.Value), err
	}
	b := st.Resources[declared.Parent.Address]
	if b == nil {
		return "", fmt.Errorf("%s lives in %s, which is not bound to anything yet; bind that first, or apply it", declared.Address, declared.Parent.Address)
	}
	place, err := parent.Inside(b.Place, b.ID, b.Key)
	return kind.Spot(place, declared.Value), err
}

// sortedKeys returns the keys of a map in order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
