package schema_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
)

func pathKind(name string, id schema.Identity) *schema.Kind {
	return &schema.Kind{Name: name, Identity: id, Attributes: []schema.Attribute{
		{Name: "id", API: "id", Type: schema.TypeString}, {Name: "name", API: "name", Type: schema.TypeString},
		{Name: "database_name", API: "databaseName", Type: schema.TypeString}, {Name: "username", API: "username", Type: schema.TypeString},
	}}
}

func TestPath(t *testing.T) {
	project := pathKind("project", schema.Identity{ID: "id", Key: []string{"name"}, Params: map[string]string{"groupId": "id"}})
	cluster := pathKind("cluster", schema.Identity{ID: "id", Key: []string{"name"}, Params: map[string]string{"clusterName": "name"}})
	user := pathKind("user", schema.Identity{Key: []string{"database_name", "username"}})
	alert := pathKind("alert", schema.Identity{ID: "id"})
	entry := pathKind("entry", schema.Identity{Key: []string{"name"}})
	place := schema.Place("").With("orgId", "o/1").With("groupId", "g1")
	for _, tc := range []struct {
		kind     *schema.Kind
		template string
		place    schema.Place
		id       string
		key      map[string]string
		want     string
		says     string
	}{
		{kind: project, template: "/orgs/{orgId}/groups", place: place, want: "/orgs/o%2F1/groups"},
		{kind: project, template: "/groups/{groupId}", place: "orgId=o", id: "g9", key: map[string]string{"name": "n"}, want: "/groups/g9"},
		{kind: cluster, template: "/groups/{groupId}/clusters/{clusterName}", place: place, id: "c", key: map[string]string{"name": "orders"}, want: "/groups/g1/clusters/orders"},
		{kind: user, template: "/groups/{groupId}/databaseUsers/{databaseName}/{username}", place: place,
			key: map[string]string{"database_name": "$external", "username": "CN=a/ü,OU=b c+d%~"}, want: "/groups/g1/databaseUsers/%24external/CN%3Da%2F%C3%BC%2COU%3Db%20c%2Bd%25~"},
		{kind: alert, template: "/groups/{groupId}/alertConfigs/{alertConfigId}", place: place, id: "a1", want: "/groups/g1/alertConfigs/a1"},
		{kind: entry, template: "/groups/{groupId}/accessList/{entryValue}", place: place, key: map[string]string{"name": "10.0.0.0/8"}, want: "/groups/g1/accessList/10.0.0.0%2F8"},
		{kind: alert, template: "/groups/{groupId}/alertConfigs/{alertConfigId}", place: place, says: "{alertConfigId}"},
		{kind: alert, template: "/groups/{groupId}/alertConfigs", place: "", says: "{groupId}"},
		{kind: entry, template: "/x/{entryValue}", place: place, key: map[string]string{"name": ".."}, says: "cannot be addressed"},
	} {
		got, err := tc.kind.Path(tc.template, tc.place, tc.id, tc.key)
		if tc.says != "" {
			if err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%s: %q, %v; want an error that says %q", tc.template, got, err, tc.says)
			}
			continue
		}
		if err != nil || got != tc.want {
			t.Errorf("%s gives %q, %v; want %q", tc.template, got, err, tc.want)
		}
	}
}

// What a path names beside the id is taken from the object.
func TestPathValues(t *testing.T) {
	role := pathKind("role", schema.Identity{ID: "id", Params: map[string]string{"provider": "name"}})
	role.Endpoints.Delete = &schema.Endpoint{Path: "/groups/{groupId}/roles/{provider}/{roleId}"}
	value := cty.ObjectVal(map[string]cty.Value{"id": cty.StringVal("r1"), "name": cty.StringVal("A/Z"),
		"database_name": cty.StringVal("d"), "username": cty.NullVal(cty.String)})
	key := role.PathValues("", value)
	if want := map[string]string{"name": "A/Z"}; !maps.Equal(key, want) {
		t.Errorf("got %v, want %v", key, want)
	}
	path, err := role.Path(role.Endpoints.Delete.Path, "groupId=g1", "r1", key)
	if path != "/groups/g1/roles/A%2FZ/r1" || err != nil {
		t.Errorf("got %q, %v", path, err)
	}
	user := pathKind("user", schema.Identity{Key: []string{"database_name", "username"}})
	if got := user.PathValues("admin/a%2Fb", cty.NilVal); !maps.Equal(got, map[string]string{"database_name": "admin", "username": "a/b"}) {
		t.Errorf("of a key it gives %v", got)
	}
	if got := role.PathValues("", cty.NullVal(value.Type())); got != nil {
		t.Errorf("of nothing it gives %v", got)
	}
}

func TestInside(t *testing.T) {
	cluster := pathKind("cluster", schema.Identity{ID: "id", Key: []string{"name"}, Params: map[string]string{"clusterName": "name"}})
	cluster.Endpoints.Get = &schema.Endpoint{Path: "/groups/{groupId}/clusters/{clusterName}"}
	got, err := cluster.Inside("groupId=g1", "c1", "or%2Fders")
	if err != nil || got.Param("groupId") != "g1" || got.Param("clusterName") != "or/ders" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := cluster.Inside("groupId=g1", "c1", ""); err == nil {
		t.Error("a cluster without a name has a place inside")
	}
	singleton := &schema.Kind{Name: "auditing", Singleton: true}
	singleton.Endpoints.Get = &schema.Endpoint{Path: "/groups/{groupId}/auditLog"}
	if got, err := singleton.Inside("groupId=g1", "", ""); err != nil || got != "groupId=g1" {
		t.Errorf("inside a singleton: %q, %v", got, err)
	}
}

func TestKeyParts(t *testing.T) {
	user := pathKind("user", schema.Identity{Key: []string{"database_name", "username"}})
	parts := map[string]string{"database_name": "admin", "username": "a/b%c"}
	key := user.JoinKey(parts)
	if key != "admin/a%2Fb%25c" || !maps.Equal(user.KeyParts(key), parts) {
		t.Errorf("%q is taken apart as %q", key, user.KeyParts(key))
	}
	if user.KeyParts("") != nil || user.JoinKey(map[string]string{"username": "x"}) != "" {
		t.Error("a key that is not whole is one")
	}
	upper := pathKind("upper", schema.Identity{Key: []string{"name"}, Canonical: func(s string) (string, error) { return strings.ToUpper(s), nil }})
	if got := upper.JoinKey(map[string]string{"name": "a"}); got != "A" {
		t.Errorf("the key is not in canonical form: %q", got)
	}
}

func FuzzPath(f *testing.F) {
	entry := pathKind("entry", schema.Identity{Key: []string{"name"}})
	f.Add("a/b")
	f.Add("{name}")
	f.Fuzz(func(t *testing.T, name string) {
		got, err := entry.Path("/x/{entryValue}/y", "", "", map[string]string{"name": name})
		if err == nil && strings.Count(got, "/") != 3 {
			t.Errorf("%q leaves its segment: %q", name, got)
		}
		if key := entry.JoinKey(map[string]string{"name": name}); key != "" && entry.KeyParts(key)["name"] != name {
			t.Errorf("%q does not come back from the key %q", name, key)
		}
	})
}

func TestNames(t *testing.T) {
	user := &schema.Kind{Identity: schema.Identity{Key: []string{"database", "name"}, LabelIs: "name"}}
	entry := &schema.Kind{Identity: schema.Identity{Key: []string{"entry"}, Canonical: func(s string) (string, error) { return strings.TrimSuffix(s, "/32"), nil }}}
	for _, tc := range []struct {
		kind *schema.Kind
		o    schema.Object
		name string
		want bool
	}{
		{user, schema.Object{ID: "7", Key: "$external/CN=a-b%2Fc"}, "7", true},
		{user, schema.Object{Key: "$external/CN=a-b%2Fc"}, "CN=a-b/c", true},
		{user, schema.Object{Key: "$external/CN=a-b%2Fc"}, "$external/CN=a-b/c", true},
		{user, schema.Object{Key: "$external/CN=a-b%2Fc"}, "$external/CN=a-b%2Fc", true},
		{user, schema.Object{Key: "admin/app"}, "admin", false},
		{user, schema.Object{Key: "admin/app"}, "", false},
		{entry, schema.Object{Key: "10.0.0.0%2F8"}, "10.0.0.0/8", true},
		{entry, schema.Object{Key: "10.0.0.1"}, "10.0.0.1/32", true},
	} {
		if got := tc.kind.Names(tc.o, tc.name); got != tc.want {
			t.Errorf("%q names %+v: %t, want %t", tc.name, tc.o, got, tc.want)
		}
	}
}

func TestSpots(t *testing.T) {
	kind := schema.Kind{Name: "sock", Identity: schema.Identity{Binds: schema.ByKey, Key: []string{"side", "name", "patch"}, Optional: []string{"patch"}},
		Attributes: []schema.Attribute{
			{Name: "side", Type: schema.TypeString, Required: true, Immutable: true, Enum: []string{"LEFT", "RIGHT"}},
			{Name: "name", Type: schema.TypeString}, {Name: "patch", Type: schema.TypeString}},
		Endpoints: schema.Endpoints{List: &schema.Endpoint{Operation: "l", Method: "GET", Path: "/api/atlas/v2/x", Version: "2024-01-01", Role: "R",
			Per: &schema.Per{Attribute: "side", Param: "which"}}}}
	c, err := schema.NewCatalog(kind)
	if err != nil {
		t.Fatal(err)
	}
	k := c.Kind("sock")
	value := func(j map[string]any) cty.Value { v, _ := schema.Decode(k.Attributes, j, schema.ByName); return v }
	place := schema.Place("groupId=g1")
	left := place.With("which", "LEFT")
	if got := k.Spot(place, value(map[string]any{"side": "left"})); got != left || k.Around(got) != place || k.Around(place) != place {
		t.Errorf("it lives in %s, around that is %s", got, k.Around(got))
	}
	if k.Spot(place, value(nil)) != "" || k.Spot("", value(map[string]any{"side": "LEFT"})) != "" {
		t.Error("it lives somewhere although that is not known")
	}
	if got := k.Spots(place); !slices.Equal(got, []schema.Place{left, place.With("which", "RIGHT")}) {
		t.Errorf("its kind can live in %v", got)
	}
	plain := &schema.Kind{Name: "x"}
	if plain.Spot(place, cty.NilVal) != place || !slices.Equal(plain.Spots(place), []schema.Place{place}) || plain.Around(left) != left {
		t.Error("a list that is one is divided")
	}
	for want, j := range map[string]map[string]any{"LEFT/a/": {"side": "left", "name": "a"}, "LEFT/a/b": {"side": "LEFT", "name": "a", "patch": "b"}} {
		key, known, err := k.NaturalKey(value(j))
		if key != want || !known || err != nil || k.JoinKey(k.KeyParts(key)) != key {
			t.Errorf("%v is known by %q (%t, %v), want %q", j, key, known, err, want)
		}
	}
	if k.JoinKey(map[string]string{"side": "left", "name": "a"}) != "LEFT/a/" || k.JoinKey(map[string]string{"side": "LEFT"}) != "" || schema.KeyText("LEFT/a/") != "LEFT/a" {
		t.Error("a key without its optional part is another one")
	}
	kind.Attributes[0].Enum, kind.Identity.Optional = nil, []string{"color"}
	_, err = schema.NewCatalog(kind)
	for _, want := range []string{`per value of "side"`, `"color" is an optional`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want a problem with %s, got %v", want, err)
		}
	}
}

// A form can depend on what stands beside the value, and be answered in another field.
func TestFormsBesideOthers(t *testing.T) {
	c, err := schema.NewCatalog(schema.Kind{Name: "hat", Identity: schema.Identity{Binds: schema.ByKey, Key: []string{"place"}}, Attributes: []schema.Attribute{
		{Name: "cloud", Type: schema.TypeString},
		{Name: "place", Type: schema.TypeString, Forms: []schema.Form{
			{API: "region", Pattern: ".*", When: []schema.Condition{{Attribute: "cloud", Values: []string{"AZURE"}}}},
			{API: "regionName", Answer: "where", Pattern: ".*"}}}}})
	if err != nil {
		t.Fatal(err)
	}
	k := c.Kind("hat")
	for cloud, field := range map[string]string{"AZURE": "region", "AWS": "regionName"} {
		v, unknown := k.Answer(map[string]any{"cloud": cloud, "where": "x"})
		j, err := schema.Encode(k.Attributes, v, schema.ByAPI)
		if err != nil || j[field] != "x" || len(unknown) > 0 || len(j) != 2 {
			t.Errorf("on %s it is sent as %v, %v; unknown %v", cloud, j, err, unknown)
		}
	}
}
