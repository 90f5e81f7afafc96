package config_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
	"mercator/schema/config"
)

// now is the time of every run in these tests.
var now = time.Date(2030, 1, 31, 12, 0, 0, 0, time.UTC)

// toys is a catalogue with one kind of each sort: at the top, inside, singleton, fan, without a natural key.
func toys(tb testing.TB) *schema.Catalog {
	tb.Helper()
	one, most := 1.0, 50.0
	id := schema.Attribute{Name: "id", Type: schema.TypeString, Owner: schema.Server}
	project := schema.Kind{
		Name:     "project",
		Identity: schema.Identity{Binds: schema.ByID, ID: "id", Key: []string{"name"}, LabelIs: "name"},
		Attributes: []schema.Attribute{
			id,
			{Name: "name", Type: schema.TypeString, Required: true, MaxLen: 64},
			{Name: "created", Type: schema.TypeTime, Owner: schema.Server},
			{Name: "tags", Type: schema.TypePairs},
			{Name: "limits", Type: schema.TypeObject, Nested: []schema.Attribute{
				{Name: "atlas.users", Type: schema.TypeInteger},
			}},
		},
	}
	cluster := schema.Kind{
		Name: "cluster", Parent: "project",
		Identity: schema.Identity{Binds: schema.ByKey, ID: "id", Key: []string{"name"}, LabelIs: "name",
			Pattern: `^[a-zA-Z0-9][a-zA-Z0-9-]*$`, Hint: "letters, digits and hyphens"},
		Attributes: []schema.Attribute{
			id,
			{Name: "name", Type: schema.TypeString, Required: true},
			{Name: "size", Type: schema.TypeString, Enum: []string{"M10", "M20", "M30"}},
			{Name: "version", Type: schema.TypeString},
			{Name: "nodes", Type: schema.TypeInteger, Min: &one, Max: &most},
			{Name: "ratio", Type: schema.TypeNumber},
			{Name: "backup", Type: schema.TypeBool},
			{Name: "state", Type: schema.TypeString, Owner: schema.Server},
			{Name: "tags", Type: schema.TypePairs},
			{Name: "weights", Type: schema.TypeMap, Of: schema.TypeNumber},
			{Name: "zones", Type: schema.TypeList, Of: schema.TypeString},
			{Name: "scaling", Type: schema.TypeObject, Nested: []schema.Attribute{
				{Name: "enabled", Type: schema.TypeBool, Required: true},
				{Name: "max_size", Type: schema.TypeString},
			}},
			{Name: "specs", Type: schema.TypeList, Nested: []schema.Attribute{
				{Name: "id", Type: schema.TypeString, Handle: true},
				{Name: "region", Type: schema.TypeString, Required: true},
				{Name: "nodes", Type: schema.TypeInteger},
				{Name: "host", Type: schema.TypeString, Owner: schema.Server},
			}},
		},
		Advice: []schema.Advice{{Code: "no_backup", Summary: "has no backups", Why: "Data is lost.", Mend: "Set backup = true.",
			When: []schema.Condition{{Attribute: "backup", Values: []string{"false"}, Unset: true}}}},
	}
	schedule := schema.Kind{
		Name: "schedule", Parent: "cluster", Singleton: true,
		Attributes: []schema.Attribute{
			{Name: "hour", Type: schema.TypeInteger},
			{Name: "next", Type: schema.TypeTime, Owner: schema.Server},
		},
	}
	user := schema.Kind{
		Name: "user", Parent: "project",
		Identity: schema.Identity{Binds: schema.ByKey, Key: []string{"username", "database"}, LabelIs: "username"},
		Attributes: []schema.Attribute{
			{Name: "username", Type: schema.TypeString, Required: true},
			{Name: "database", Type: schema.TypeString, Default: cty.StringVal("admin")},
			{Name: "password", Type: schema.TypeString, WriteOnly: true},
			{Name: "roles", Type: schema.TypeList, Elem: schema.Elem{Whole: true}, Nested: []schema.Attribute{
				{Name: "role", Type: schema.TypeString, Required: true},
				{Name: "collection", Type: schema.TypeString},
			}},
		},
	}
	access := schema.Kind{
		Name: "access", Parent: "project",
		Identity: schema.Identity{Binds: schema.ByKey, Key: []string{"address"}, Canonical: canonicalAddress},
		Fan:      &schema.Fan{Argument: "entries", Key: "address", Short: "comment"},
		Attributes: []schema.Attribute{
			{Name: "address", Type: schema.TypeString},
			{Name: "comment", Type: schema.TypeString, MaxLen: 80},
			{Name: "expires", Type: schema.TypeTime, Within: &schema.Horizon{Soonest: "5m", Latest: "168h"}},
		},
	}
	alert := schema.Kind{
		Name: "alert", Parent: "project",
		Identity: schema.Identity{Binds: schema.ByContent, ID: "id"},
		Attributes: []schema.Attribute{
			id,
			{Name: "event", Type: schema.TypeString, Required: true},
			{Name: "targets", Type: schema.TypeList, Nested: []schema.Attribute{
				{Name: "kind", Type: schema.TypeString, Required: true},
				{Name: "key", Type: schema.TypeString, WriteOnly: true},
			}},
		},
	}
	team := schema.Kind{
		Name:     "team",
		Identity: schema.Identity{Binds: schema.ByID, ID: "id", Key: []string{"name"}, LabelIs: "name"},
		Attributes: []schema.Attribute{
			id,
			{Name: "name", Type: schema.TypeString, Required: true},
			{Name: "members", Type: schema.TypeList, Of: schema.TypeString, MinItems: 1},
		},
	}
	c, err := schema.NewCatalog(project, cluster, schedule, user, access, alert, team)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// canonicalAddress is the canonical form of an access-list entry, as the real kind has it.
func canonicalAddress(text string) (string, error) {
	if addr, err := netip.ParseAddr(text); err == nil {
		return addr.String(), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return "", errors.New("an address or a network like 10.0.0.0/16 is expected")
	}
	if p.Masked() != p {
		return "", errors.New("bits are set beyond the length of the network; " + p.Masked().String() + " is the network")
	}
	if p.IsSingleIP() {
		return p.Addr().String(), nil
	}
	return p.String(), nil
}

// environ makes a lookup of the given variables.
func environ(vars map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		v, ok := vars[name]
		return v, ok
	}
}

func options(tb testing.TB, vars map[string]string) config.Options {
	return config.Options{Catalog: toys(tb), Environ: environ(vars), Now: now, Version: "0.5.0"}
}

// world is what Atlas holds in a test.
type world map[schema.Address]cty.Value

// Object implements config.Known.
func (w world) Object(addr schema.Address) (cty.Value, bool) {
	v, ok := w[addr]
	return v, ok
}

// live makes a live object of a toy kind out of the given attributes.
func live(tb testing.TB, kind string, attrs map[string]any) cty.Value {
	tb.Helper()
	v, unknown := schema.Decode(toys(tb).Kind(kind).Attributes, attrs, schema.ByName)
	if len(unknown) > 0 {
		tb.Fatalf("a %s has no %s", kind, strings.Join(unknown, ", "))
	}
	return v
}
