package atlas_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"mercator/provider"
	"mercator/provider/atlas"
	"mercator/provider/sandbox"
	"mercator/schema"
	"mercator/schema/kinds"
)

// world is a sandbox and a real client that talks to it, on one clock that only waits move.
type world struct {
	*atlas.Client
	t       testing.TB
	server  *sandbox.Server
	clock   *sandbox.ManualClock
	url     string
	catalog *schema.Catalog
	org     schema.Place
}

func token() atlas.Credentials { return atlas.Credentials{Token: sandbox.DefaultAccessToken} }

func start(t testing.TB, opts sandbox.Options, cred atlas.Credentials, change ...func(*atlas.Config)) *world {
	t.Helper()
	catalog, err := kinds.Catalog()
	if err != nil {
		t.Fatal(err)
	}
	clock := sandbox.NewManualClock(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	opts.Clock = clock
	server, err := sandbox.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(server.Handler())
	t.Cleanup(func() {
		web.Close()
		_ = server.Close()
	})
	w := &world{t: t, server: server, clock: clock, url: web.URL, catalog: catalog,
		org: schema.Place("").With("orgId", sandbox.DefaultOrgID)}
	w.Client = w.connect(cred, change...)
	return w
}

func (w *world) connect(cred atlas.Credentials, change ...func(*atlas.Config)) *atlas.Client {
	w.t.Helper()
	cfg := atlas.Config{BaseURL: w.url, Credentials: cred, Clock: w.clock, Version: "test"}
	for _, f := range change {
		f(&cfg)
	}
	c, err := atlas.New(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func (w *world) kind(name string) *schema.Kind {
	w.t.Helper()
	k := w.catalog.Kind(name)
	if k == nil {
		w.t.Fatalf("no kind %s", name)
	}
	return k
}

// value makes a value of a kind; what is not given is null.
func value(k *schema.Kind, given map[string]cty.Value) cty.Value {
	values := schema.NullObject(k.Attributes).AsValueMap()
	for name, v := range given {
		values[name] = v
	}
	return cty.ObjectVal(values)
}

func (w *world) project(name string) (schema.Object, schema.Place) {
	w.t.Helper()
	k := w.kind("project")
	o, err := w.Write(context.Background(), provider.Write{
		Ref: provider.Ref{Kind: k, Place: w.org}, Endpoint: k.Endpoints.Create,
		Bodies: []cty.Value{value(k, map[string]cty.Value{"name": cty.StringVal(name)})},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	inside, err := k.Inside(o.Place, o.ID, o.Key)
	if err != nil {
		w.t.Fatal(err)
	}
	return o, inside
}

func (w *world) user(place schema.Place, name, password string) (schema.Object, error) {
	k := w.kind("database_user")
	role := schema.NullObject(k.Attribute("roles").Nested).AsValueMap()
	role["role_name"], role["database_name"] = cty.StringVal("readWrite"), cty.StringVal("orders")
	return w.Write(context.Background(), provider.Write{
		Ref: provider.Ref{Kind: k, Place: place}, Endpoint: k.Endpoints.Create,
		Bodies: []cty.Value{value(k, map[string]cty.Value{
			"username": cty.StringVal(name), "database_name": cty.StringVal("admin"),
			"password": cty.StringVal(password).Mark(schema.Sensitive), "roles": cty.ListVal([]cty.Value{cty.ObjectVal(role)}),
		})},
	})
}

func TestAgainstSandbox(t *testing.T) {
	for name, cred := range map[string]atlas.Credentials{
		"access token":    token(),
		"service account": {ClientID: sandbox.DefaultClientID, ClientSecret: sandbox.DefaultClientSecret},
		"API key":         {PublicKey: sandbox.DefaultPublicKey, PrivateKey: sandbox.DefaultPrivateKey},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t, sandbox.Options{}, cred)
			o, place := w.project("payments")
			if o.ID == "" || o.Key != "payments" || o.Kind != "project" || o.Place != w.org {
				t.Fatalf("the created project is %+v", o)
			}
			ctx := context.Background()
			users := w.kind("database_user")
			made, err := w.user(place, "d0..d/user-829", "correct horse battery")
			if err != nil {
				t.Fatal(err)
			}
			if !made.Value.GetAttr("password").IsNull() {
				t.Error("the password came back")
			}
			got, err := w.Get(ctx, provider.Ref{Kind: users, Place: place, Key: users.KeyParts(made.Key)})
			if err != nil {
				t.Fatal(err)
			}
			if got.Value.GetAttr("username").AsString() != "d0..d/user-829" || got.Key != made.Key {
				t.Errorf("read back %q with key %q, want key %q", got.Value.GetAttr("username").AsString(), got.Key, made.Key)
			}
			if len(got.Unknown) > 0 {
				t.Errorf("not described: %q", got.Unknown)
			}
			sweep, err := w.List(ctx, w.kind("project"), w.org)
			if err != nil || len(sweep.Objects) != 1 {
				t.Fatalf("projects: %d, %v", len(sweep.Objects), err)
			}
			if _, err := w.Write(ctx, provider.Write{
				Ref: provider.Ref{Kind: users, Place: place, Key: users.KeyParts(made.Key)}, Endpoint: users.Endpoints.Delete,
			}); err != nil {
				t.Fatal(err)
			}
			_, err = w.Get(ctx, provider.Ref{Kind: users, Place: place, Key: users.KeyParts(made.Key)})
			if !provider.IsNotFound(err) {
				t.Errorf("after the deletion: %v, want NotFound", err)
			}
		})
	}
}

func TestAccessListBatch(t *testing.T) {
	w := start(t, sandbox.Options{}, token())
	_, place := w.project("payments")
	k := w.kind("access_list")
	var bodies []cty.Value
	for _, entry := range []string{"203.0.113.7", "10.20.0.0/16"} {
		bodies = append(bodies, value(k, map[string]cty.Value{"entry": cty.StringVal(entry), "comment": cty.StringVal("office")}))
	}
	ctx := context.Background()
	o, err := w.Write(ctx, provider.Write{Ref: provider.Ref{Kind: k, Place: place}, Endpoint: k.Endpoints.Create, Bodies: bodies})
	if err != nil || o.Kind != "" {
		t.Fatalf("created %+v, %v; want the zero object, since the answer is a list", o, err)
	}
	sweep, err := w.List(ctx, k, place)
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, o := range sweep.Objects {
		keys = append(keys, o.Key)
	}
	slices.Sort(keys)
	if want := []string{"10.20.0.0%2F16", "203.0.113.7"}; !slices.Equal(keys, want) {
		t.Errorf("keys %q, want %q", keys, want)
	}
	for _, key := range keys {
		ref := provider.Ref{Kind: k, Place: place, Key: k.KeyParts(key)}
		if _, err := w.Get(ctx, ref); err != nil {
			t.Error(err)
		}
	}
}

func TestParts(t *testing.T) {
	w := start(t, sandbox.Options{}, token())
	o, _ := w.project("payments")
	k := w.kind("project")
	ref := provider.Ref{Kind: k, Place: w.org, ID: o.ID}
	ctx := context.Background()
	for _, tc := range []struct {
		part, key string
		set       cty.Value
	}{
		{"settings", "is_schema_advisor_enabled", cty.False},
		{"limits", "atlas.project.deployment.clusters", cty.NumberIntVal(30)},
	} {
		part := k.Part(tc.part)
		nested := schema.NullObject(k.Attribute(tc.part).Nested).AsValueMap()
		nested[tc.key] = tc.set
		write := provider.Write{
			Ref: ref, Endpoint: part.Write, Part: part,
			Bodies: []cty.Value{value(k, map[string]cty.Value{tc.part: cty.ObjectVal(nested)})},
		}
		if part.Each {
			write.PartKey = tc.key
		}
		if _, err := w.Write(ctx, write); err != nil {
			t.Fatalf("%s: %v", tc.part, err)
		}
		got, err := w.Part(ctx, ref, part)
		if err != nil {
			t.Fatalf("%s: %v", tc.part, err)
		}
		if v := got.GetAttr(tc.key); !v.RawEquals(tc.set) {
			t.Errorf("%s %s is %#v, want %#v", tc.part, tc.key, v, tc.set)
		}
	}
}

func TestObserveSandbox(t *testing.T) {
	w := start(t, sandbox.Options{}, token())
	var places []schema.Place
	for i := range 5 {
		_, place := w.project(fmt.Sprintf("p%d", i))
		places = append(places, place)
		for j := range 3 {
			if _, err := w.user(place, fmt.Sprintf("u%d", j), "correct horse battery"); err != nil {
				t.Fatal(err)
			}
		}
	}
	wants := []provider.Want{{Kind: w.kind("project"), Place: w.org}}
	for _, p := range places {
		wants = append(wants, provider.Want{Kind: w.kind("database_user"), Place: p})
	}
	projects := w.kind("project")
	first, err := w.List(context.Background(), projects, w.org)
	if err != nil {
		t.Fatal(err)
	}
	ref := provider.Ref{Kind: projects, Place: w.org, ID: first.Objects[0].ID}
	live, err := provider.Observe(context.Background(), map[string]provider.Reader{"": w}, wants,
		[]provider.WantPart{{Ref: ref, Part: projects.Part("settings")}}, 4)
	if err != nil {
		t.Fatal(err)
	}
	if live.Len() != 5+15 {
		t.Errorf("%d objects, want 20", live.Len())
	}
	o, ok := live.ByID("", "project", w.org, ref.ID)
	if !ok || !o.Parts["settings"] || o.Value.GetAttr("settings").IsNull() {
		t.Errorf("the project's settings were read, but it is %+v", o.Parts)
	}

	gone := schema.Place("").With("orgId", sandbox.DefaultOrgID).With("groupId", strings.Repeat("0", 24))
	_, err = provider.Observe(context.Background(), map[string]provider.Reader{"": w},
		[]provider.Want{{Kind: w.kind("database_user"), Place: gone}}, nil, 4)
	if !provider.IsNotFound(err) || !strings.Contains(err.Error(), "deleted while the plan was made") {
		t.Errorf("a project that is gone: %v", err)
	}
}

// TestEveryPathOfTheCatalogue fills the path of each endpoint from a place and an identity, as a plan has them.
func TestEveryPathOfTheCatalogue(t *testing.T) {
	catalog, err := kinds.Catalog()
	if err != nil {
		t.Fatal(err)
	}
	var inside func(k *schema.Kind) schema.Place
	identity := func(k *schema.Kind) (string, map[string]string) {
		key := map[string]string{}
		for _, name := range k.Identity.Key {
			key[name] = "203.0.113.7"
		}
		for _, name := range k.Identity.Params { // what a path names besides
			if name != k.Identity.ID {
				key[name] = "203.0.113.7"
			}
		}
		return "5a0db0000000000000000009", key
	}
	inside = func(k *schema.Kind) schema.Place {
		if k == nil {
			return schema.Place("").With("orgId", sandbox.DefaultOrgID)
		}
		id, key := identity(k)
		place, err := k.Inside(inside(catalog.Kind(k.Parent)), id, k.JoinKey(key))
		if err != nil {
			t.Errorf("inside %s: %v", k.Name, err)
		}
		return place
	}
	for _, name := range catalog.Names() {
		k := catalog.Kind(name)
		place := inside(catalog.Kind(k.Parent))
		id, key := identity(k)
		for _, e := range k.AllEndpoints() {
			at := place
			for i := range k.Parts {
				if p := &k.Parts[i]; p.Each {
					at = at.With(p.EachParam, "x")
				}
			}
			if path, err := k.Path(e.Path, at, id, key); err != nil || strings.ContainsAny(path, "{}") {
				t.Errorf("%s %s: %q, %v", name, e.Operation, path, err)
			}
		}
	}
}

// TestClusterLifeInSandbox creates, reads, changes and deletes what takes its time.
func TestClusterLifeInSandbox(t *testing.T) {
	w := start(t, sandbox.Options{Polls: 2}, token())
	_, place := w.project("payments")
	k := w.kind("cluster")
	specs := k.Attribute("replication_specs")
	regions := schema.Find(specs.Nested, "region_configs")
	electable := schema.Find(regions.Nested, "electable_specs")
	of := func(attrs []schema.Attribute, set map[string]cty.Value) cty.Value {
		values := schema.NullObject(attrs).AsValueMap()
		for name, v := range set {
			values[name] = v
		}
		return cty.ObjectVal(values)
	}
	region := of(regions.Nested, map[string]cty.Value{
		"provider_name": cty.StringVal("AWS"), "region_name": cty.StringVal("EU_WEST_1"), "priority": cty.NumberIntVal(7),
		"electable_specs": of(electable.Nested, map[string]cty.Value{"instance_size": cty.StringVal("M10"), "node_count": cty.NumberIntVal(3)}),
	})
	spec := of(specs.Nested, map[string]cty.Value{"region_configs": cty.ListVal([]cty.Value{region})})
	ctx := context.Background()
	o, err := w.Write(ctx, provider.Write{Ref: provider.Ref{Kind: k, Place: place}, Endpoint: k.Endpoints.Create,
		Bodies: []cty.Value{value(k, map[string]cty.Value{
			"name": cty.StringVal("orders"), "cluster_type": cty.StringVal("REPLICASET"), "replication_specs": cty.ListVal([]cty.Value{spec})})}})
	if err != nil {
		t.Fatal(err)
	}
	ref := provider.Ref{Kind: k, Place: place, ID: o.ID, Key: k.KeyParts(o.Key)}
	state := func() string {
		t.Helper()
		got, err := w.Get(ctx, ref)
		if provider.IsNotFound(err) {
			return "gone"
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Unknown) > 0 {
			t.Errorf("not described: %q", got.Unknown)
		}
		return got.Value.GetAttr(k.Settle.Field).AsString()
	}
	reaches := func(want string) {
		t.Helper()
		for range 10 {
			if state() == want {
				return
			}
		}
		t.Fatalf("the cluster does not come to %s", want)
	}
	if first := state(); first != "CREATING" {
		t.Errorf("at first it is %s", first)
	}
	reaches("IDLE")
	if _, err := w.Write(ctx, provider.Write{Ref: ref, Endpoint: k.Endpoints.Update, Attributes: []string{"backup_enabled"},
		Bodies: []cty.Value{value(k, map[string]cty.Value{"backup_enabled": cty.True, "paused": cty.True})}}); err != nil {
		t.Fatal(err)
	}
	reaches("IDLE")
	if got, err := w.Get(ctx, ref); err != nil || !got.Value.GetAttr("backup_enabled").True() || got.Value.GetAttr("paused").True() {
		t.Errorf("after the change: %v", err)
	}
	for i := range k.Parts {
		if args, err := w.Part(ctx, ref, &k.Parts[i]); err != nil || args.IsNull() {
			t.Errorf("%s: %#v, %v", k.Parts[i].Attribute, args, err)
		}
	}
	if _, err := w.Write(ctx, provider.Write{Ref: ref, Endpoint: k.Endpoints.Delete, Query: map[string][]string{"retainBackups": {"true"}}}); err != nil {
		t.Fatal(err)
	}
	reaches("gone")
}
