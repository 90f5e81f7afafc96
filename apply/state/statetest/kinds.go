package statetest

import (
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/zclconf/go-cty/cty"

	"mercator/apply/state"
	"mercator/schema"
)

// Catalog returns two toy kinds that have every type of attribute: a box, known by its name, and the lids on
// it, which have no natural key. The golden files of the format are written with them, so they only grow.
func Catalog(t testing.TB) *schema.Catalog {
	t.Helper()
	c, err := catalog()
	if err != nil {
		t.Fatalf("toy kinds: %v", err)
	}
	return c
}

var catalog = sync.OnceValues(func() (*schema.Catalog, error) { return schema.NewCatalog(box(), lid()) })

func box() schema.Kind {
	return schema.Kind{
		Name:     "box",
		Identity: schema.Identity{Binds: schema.ByKey, Key: []string{"name"}, LabelIs: "name"},
		Attributes: []schema.Attribute{
			{Name: "name", Type: schema.TypeString, Required: true},
			{Name: "size", Type: schema.TypeInteger},
			{Name: "weight", Type: schema.TypeNumber},
			{Name: "open", Type: schema.TypeBool},
			{Name: "best_before", Type: schema.TypeTime},
			{Name: "code", Type: schema.TypeString, WriteOnly: true},
			{Name: "tags", Type: schema.TypePairs},
			{Name: "limits", Type: schema.TypeMap, Of: schema.TypeNumber},
			{Name: "colors", Type: schema.TypeList, Of: schema.TypeString},
			{Name: "lock", Type: schema.TypeObject, Nested: []schema.Attribute{
				{Name: "maker", Type: schema.TypeString},
				{Name: "pin", Type: schema.TypeString, WriteOnly: true},
			}},
			{Name: "shelves", Type: schema.TypeList, Nested: []schema.Attribute{
				{Name: "height", Type: schema.TypeNumber},
				{Name: "label", Type: schema.TypeString},
				{Name: "key", Type: schema.TypeString, WriteOnly: true},
			}},
		},
	}
}

func lid() schema.Kind {
	return schema.Kind{
		Name:     "lid",
		Parent:   "box",
		Identity: schema.Identity{Binds: schema.ByContent, ID: "id"},
		Attributes: []schema.Attribute{
			{Name: "id", Type: schema.TypeString, Owner: schema.Server},
			{Name: "shape", Type: schema.TypeString},
		},
	}
}

// Value returns a value of a kind, given as decoded JSON by attribute name.
func Value(t testing.TB, kind string, fields map[string]any) cty.Value {
	t.Helper()
	v, unknown := schema.Decode(Catalog(t).Kind(kind).Attributes, fields, schema.ByName)
	if len(unknown) > 0 {
		t.Fatalf("a %s has no %v", kind, unknown)
	}
	return v
}

// Box returns what a state remembers of the box with that name and size.
func Box(t testing.TB, name string, size int) *schema.Bound {
	t.Helper()
	return &schema.Bound{
		Address: schema.Address("").Child("box", name), Kind: "box", Place: "orgId=o1", ID: "id-" + name, Key: name,
		Applied: Value(t, "box", map[string]any{"name": name, "size": float64(size)}),
	}
}

// Diff returns how two states differ, "" if they do not. Empty and absent collections are the same.
func Diff(want, got *state.State) string {
	return cmp.Diff(want, got, options()...)
}

func options() []cmp.Option {
	return []cmp.Option{
		cmpopts.EquateEmpty(),
		cmp.Comparer(func(a, b cty.Value) bool {
			if a == cty.NilVal || b == cty.NilVal {
				return a == b
			}
			return a.RawEquals(b)
		}),
	}
}
