package plan_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"mercator/plan"
	"mercator/schema"
	"mercator/schema/diag"
)

// The toys: a shelf stands in the organization and is known by its id; boxes on it are known by their name and
// hold things; bells have no name at all and ring people, with secrets; tags are single entries; guests are
// named people with grants; radios are known by their band, however it is spelt, and have secrets of their own; passes
// and keepers let people in. A shelf has one lamp, which can be reset, and one motto, which cannot; a box has one seal,
// and photos of it are taken once. A box is poured into another one once, whose things are lost. Nothing names cats, which
// get their licence when they are there.

func endpoint(op, method, path string) *schema.Endpoint {
	return &schema.Endpoint{Operation: op, Method: method, Path: "/api/atlas/v2" + path, Version: "2024-01-01", Role: "Shelf Owner"}
}

func crud(name, list, one string) schema.Endpoints {
	return schema.Endpoints{
		List: endpoint("list"+name, "GET", list), Get: endpoint("get"+name, "GET", one),
		Create: endpoint("create"+name, "POST", list), Update: endpoint("update"+name, "PATCH", one), Delete: endpoint("delete"+name, "DELETE", one),
	}
}

var str = schema.TypeString

var toys = func() *schema.Catalog {
	id := schema.Attribute{Name: "id", Type: str, Owner: schema.Server}
	name := schema.Attribute{Name: "name", Type: str}
	bells := crud("Bell", "/shelves/{shelfId}/bells", "/shelves/{shelfId}/bells/{bellId}")
	bells.Update.Method, bells.Update.Replaces = "PUT", true
	toggle := endpoint("toggleBell", "PATCH", "/shelves/{shelfId}/bells/{bellId}")
	toggle.Only = []string{"enabled"}
	bells.Partial = []*schema.Endpoint{toggle}
	radios := crud("Radio", "/shelves/{shelfId}/radios", "/shelves/{shelfId}/radios/{band}")
	radios.Update.Method, radios.Update.Replaces = "PUT", true
	paid := []schema.Condition{{Attribute: "band", Values: []string{"PAID"}}}
	socks := crud("Sock", "/shelves/{shelfId}/socks/{side}", "/shelves/{shelfId}/socks/{side}/{sockId}")
	socks.List.Per = &schema.Per{Attribute: "side", Param: "side"}
	c, err := schema.NewCatalog(append(buildings(),
		schema.Kind{Name: "shelf", Identity: schema.Identity{Binds: schema.ByID, ID: "id", Key: []string{"name"}, LabelIs: "name"},
			Attributes: []schema.Attribute{id, name,
				{Name: "wood", Type: str, Immutable: true},
				{Name: "tags", Type: schema.TypePairs},
				{Name: "settings", Type: schema.TypeObject, Nested: []schema.Attribute{{Name: "lit", Type: schema.TypeBool}, {Name: "loud", Type: schema.TypeBool}}},
			},
			Endpoints: crud("Shelf", "/orgs/{orgId}/shelves", "/shelves/{shelfId}"),
			HoldsData: true, Risks: []schema.RiskRule{{Risk: schema.Irreversible, On: []schema.Event{schema.OnDelete}}}},
		schema.Kind{Name: "box", Parent: "shelf", Identity: schema.Identity{Binds: schema.ByKey, ID: "id", Key: []string{"name"}, LabelIs: "name"},
			Attributes: []schema.Attribute{id, name,
				{Name: "size", Type: str, Enum: []string{"S", "M", "L"}},
				{Name: "weight", Type: schema.TypeNumber, Restless: "Things dry."},
				{Name: "locked", Type: schema.TypeBool, Protects: true},
				{Name: "light", Type: str, Enum: []string{"DARK", "BRIGHT"}, Refers: []schema.Refer{{Kind: "lamp", Of: []string{"BRIGHT"}}}},
				{Name: "keep_copy", Type: schema.TypeBool, DestroyTime: true},
				{Name: "parts", Type: schema.TypeList, Elem: schema.Elem{Key: []string{"zone"}, Ordinal: true}, Nested: []schema.Attribute{
					{Name: "id", Type: str, Handle: true}, {Name: "zone", Type: str, Default: cty.StringVal("Z1")},
					{Name: "count", Type: schema.TypeInteger}, {Name: "color", Type: str}}},
				{Name: "state", Type: str, Owner: schema.Server},
				{Name: "fault", Type: str, Owner: schema.Server},
				{Name: "address", Type: str, Owner: schema.Server, Volatile: true},
			},
			Endpoints: crud("Box", "/shelves/{shelfId}/boxes", "/shelves/{shelfId}/boxes/{name}"),
			Settle: &schema.Settle{Field: "state", Creating: []string{"MAKING"}, Busy: []string{"WORKING"}, Deleting: []string{"GOING"}, Ready: []string{"IDLE", "LENT"}, First: time.Second, Max: time.Minute, Limit: time.Hour,
				Failed: []string{"TORN"}, Why: []string{"fault"}, Others: map[string]string{"LENT": "Ask the neighbour for it."}},
			HoldsData: true, BlocksParent: true,
			Safeguard: &schema.Safeguard{Copies: []string{"photo"}, Text: "caption", Taken: "taken", Version: "size", Kept: "keep_copy"},
			Risks: []schema.RiskRule{
				{Risk: schema.Irreversible, On: []schema.Event{schema.OnDelete}},
				{Risk: schema.Billable, Attribute: "size", When: schema.Raised},
				{Risk: schema.Billable, Attribute: "parts.count", When: schema.Raised}}},
		schema.Kind{Name: "bell", Parent: "shelf", Identity: schema.Identity{Binds: schema.ByContent, ID: "id", Similar: []string{"event"}},
			Attributes: []schema.Attribute{id,
				{Name: "event", Type: str, Required: true},
				{Name: "enabled", Type: schema.TypeBool, Default: cty.True},
				{Name: "degrees", Type: schema.TypeInteger, AllowedWhen: []schema.Condition{{Attribute: "event", Values: []string{"HOT", "COLD"}}}},
				{Name: "matchers", Type: schema.TypeList, Default: cty.ListValEmpty(cty.Object(map[string]cty.Type{"field": cty.String, "value": cty.String})),
					Elem: schema.Elem{Whole: true}, Nested: []schema.Attribute{{Name: "field", Type: str}, {Name: "value", Type: str}}},
				{Name: "calls", Type: schema.TypeList, Elem: schema.Elem{Tag: "via", Tags: map[string][]string{"MAIL": {"to"}}}, Nested: []schema.Attribute{
					{Name: "via", Type: str}, {Name: "to", Type: str, AllowedWhen: []schema.Condition{{Attribute: "via", Values: []string{"MAIL"}}}},
					{Name: "delay", Type: schema.TypeInteger, Default: cty.Zero}, {Name: "volume", Type: schema.TypeInteger, Filled: true},
					{Name: "token", Type: str, WriteOnly: true, AllowedWhen: []schema.Condition{{Attribute: "via", Values: []string{"PAGER"}}}},
					{Name: "call_id", Type: str, Handle: true}}},
			},
			Endpoints: bells, Siblings: true},
		schema.Kind{Name: "guest", Parent: "shelf", Identity: schema.Identity{Binds: schema.ByKey, Key: []string{"name"}, LabelIs: "name"},
			Attributes: []schema.Attribute{name,
				{Name: "password", Type: str, WriteOnly: true},
				{Name: "method", Type: str, Immutable: true},
				{Name: "note", Type: str},
				{Name: "foot", Type: str, Refers: []schema.Refer{{Kind: "sock", Attribute: "side"}}},
				{Name: "until", Type: schema.TypeTime, Within: &schema.Horizon{Soonest: "5m", Latest: "168h"}, AtBirth: true},
				{Name: "grants", Type: schema.TypeList, Elem: schema.Elem{Whole: true}, Nested: []schema.Attribute{
					{Name: "role", Type: str, Refers: []schema.Refer{{Kind: "role", Attribute: "name"}}}, {Name: "room", Type: str}, {Name: "corner", Type: str}}},
			},
			Endpoints: crud("Guest", "/shelves/{shelfId}/guests", "/shelves/{shelfId}/guests/{name}"),
			Risks: []schema.RiskRule{{Risk: schema.GrantsAccess, On: []schema.Event{schema.OnCreate}},
				{Risk: schema.GrantsAccess, Attribute: "grants", When: schema.Added}}},
		schema.Kind{Name: "role", Parent: "shelf", Identity: schema.Identity{Binds: schema.ByKey, Key: []string{"name"}, LabelIs: "name"},
			Attributes: []schema.Attribute{name, {Name: "text", Type: str}},
			Endpoints:  crud("Role", "/shelves/{shelfId}/roles", "/shelves/{shelfId}/roles/{name}")},
		schema.Kind{Name: "door", Parent: "shelf", Identity: schema.Identity{Binds: schema.ByKey, Key: []string{"name"}},
			Attributes:  []schema.Attribute{name, {Name: "text", Type: str}},
			Endpoints:   crud("Door", "/shelves/{shelfId}/doors", "/shelves/{shelfId}/doors/{name}"),
			CreateFirst: true, Risks: []schema.RiskRule{{Risk: schema.OpensNetwork, On: []schema.Event{schema.OnCreate}}}},
		schema.Kind{Name: "radio", Parent: "shelf", Identity: schema.Identity{Binds: schema.ByKey, Key: []string{"band"},
			Canonical: func(s string) (string, error) { return strings.ToUpper(s), nil }},
			Attributes: []schema.Attribute{{Name: "band", Type: str, Required: true, Enum: []string{"FREE", "PAID"}}, {Name: "volume", Type: schema.TypeInteger},
				{Name: "key", Type: str, WriteOnly: true, Masked: true, AllowedWhen: paid, RequiredWhen: paid},
				{Name: "pin", Type: str, WriteOnly: true, Masked: true},
				{Name: "alarm", Type: schema.TypeObject, Nested: []schema.Attribute{{Name: "hour", Type: schema.TypeInteger},
					{Name: "code", Type: str, WriteOnly: true, RequiredWhen: []schema.Condition{{Attribute: "hour"}}}}}},
			Endpoints: radios},
		schema.Kind{Name: "cat", Parent: "shelf", Identity: schema.Identity{Binds: schema.ByID, ID: "id"},
			Attributes: []schema.Attribute{id, {Name: "breed", Type: str, Immutable: true}, {Name: "licence", Type: str, Later: true}},
			Endpoints:  crud("Cat", "/shelves/{shelfId}/cats", "/shelves/{shelfId}/cats/{catId}")},
		schema.Kind{Name: "lamp", Parent: "shelf", Singleton: true, Reset: "it burns as it did when it was bought",
			Attributes: []schema.Attribute{{Name: "watts", Type: schema.TypeInteger}, {Name: "color", Type: str}},
			Endpoints: schema.Endpoints{Get: endpoint("getLamp", "GET", "/shelves/{shelfId}/lamp"),
				Update: endpoint("setLamp", "PATCH", "/shelves/{shelfId}/lamp"), Delete: endpoint("resetLamp", "DELETE", "/shelves/{shelfId}/lamp")},
			Risks: []schema.RiskRule{{Risk: schema.Downtime, Attribute: "watts", When: schema.Altered}}},
		schema.Kind{Name: "sock", Parent: "shelf", BlocksParent: true,
			Identity: schema.Identity{Binds: schema.ByKey, ID: "id", Key: []string{"side", "drawer", "patch"}, Optional: []string{"patch"}, LabelIs: "drawer"},
			Attributes: []schema.Attribute{id, {Name: "side", Type: str, Required: true, Immutable: true, Enum: []string{"LEFT", "RIGHT"}},
				{Name: "drawer", Type: str, Immutable: true}, {Name: "patch", Type: str, Immutable: true}, {Name: "color", Type: str}},
			Endpoints: socks},
		schema.Kind{Name: "seal", Parent: "box", Singleton: true, Attributes: []schema.Attribute{{Name: "color", Type: str}},
			Endpoints: schema.Endpoints{Get: endpoint("getSeal", "GET", "/shelves/{shelfId}/boxes/{name}/seal"),
				Update: endpoint("setSeal", "PATCH", "/shelves/{shelfId}/boxes/{name}/seal")}},
		schema.Kind{Name: "paint", Parent: "box", Singleton: true, Lasting: "a carpenter alone can take it off", Attributes: []schema.Attribute{{Name: "color", Type: str}},
			Endpoints: schema.Endpoints{Get: endpoint("getPaint", "GET", "/shelves/{shelfId}/boxes/{name}/paint"),
				Update: endpoint("setPaint", "PUT", "/shelves/{shelfId}/boxes/{name}/paint")},
			Risks: []schema.RiskRule{{Risk: schema.Irreversible, Attribute: "color", When: schema.Added}}},
		schema.Kind{Name: "photo", Parent: "box", Identity: schema.Identity{Binds: schema.ByID, ID: "id"}, Once: true,
			Attributes: []schema.Attribute{id, {Name: "caption", Type: str, Immutable: true}, {Name: "days", Type: schema.TypeInteger, Unread: true},
				{Name: "taken", Type: schema.TypeTime, Owner: schema.Server}, {Name: "state", Type: str, Owner: schema.Server}},
			Endpoints: crud("Photo", "/shelves/{shelfId}/boxes/{name}/photos", "/shelves/{shelfId}/boxes/{name}/photos/{photoId}"),
			Settle:    &schema.Settle{Field: "state", Creating: []string{"MAKING"}, Ready: []string{"DONE"}, Failed: []string{"BLURRED"}, First: time.Second, Max: time.Minute, Limit: time.Hour},
			InParent:  []schema.Condition{{Attribute: "locked", Values: []string{"false"}, Unset: true}},
			Risks:     []schema.RiskRule{{Risk: schema.Irreversible, On: []schema.Event{schema.OnDelete}}}},
		schema.Kind{Name: "hall", Singleton: true, Attributes: []schema.Attribute{{Name: "text", Type: str}},
			Endpoints: schema.Endpoints{Get: endpoint("getHall", "GET", "/orgs/{orgId}"), Update: endpoint("setHall", "PATCH", "/orgs/{orgId}")}},
		schema.Kind{Name: "pour", Parent: "box", Identity: schema.Identity{Binds: schema.ByID, ID: "id"}, Once: true,
			Attributes: []schema.Attribute{id, {Name: "into", Type: str, Required: true, Immutable: true}, {Name: "on", Type: str, Required: true, Immutable: true},
				{Name: "state", Type: str, Owner: schema.Server}},
			Endpoints: schema.Endpoints{List: endpoint("listPour", "GET", "/shelves/{shelfId}/boxes/{name}/pours"),
				Create: endpoint("createPour", "POST", "/shelves/{shelfId}/boxes/{name}/pours")},
			Settle:     &schema.Settle{Field: "state", Creating: []string{"POURING"}, Ready: []string{"DONE"}, First: time.Second, Max: time.Minute, Limit: time.Hour},
			Overwrites: &schema.Overwrites{Kind: "box", Name: "into", In: "on"},
			Risks:      []schema.RiskRule{{Risk: schema.Irreversible, On: []schema.Event{schema.OnCreate}}}},
		schema.Kind{Name: "badge", Identity: schema.Identity{Binds: schema.ByID, ID: "id"},
			Credential: &schema.Credential{Public: "number", Secret: "pin", Provisional: "label"},
			Attributes: []schema.Attribute{id, {Name: "number", Type: str, Owner: schema.Server}, {Name: "label", Type: str, Required: true},
				{Name: "doors", Type: schema.TypeList, Of: str, Elem: schema.Elem{Whole: true}}, {Name: "pin", Type: str, Owner: schema.Server, OnceShown: true}},
			Endpoints: crud("Badge", "/orgs/{orgId}/badges", "/orgs/{orgId}/badges/{badgeId}"),
			Risks: []schema.RiskRule{{Risk: schema.Irreversible, On: []schema.Event{schema.OnDelete, schema.OnReplace}},
				{Risk: schema.LocksOut, InUse: true, On: []schema.Event{schema.OnDelete, schema.OnReplace}},
				{Risk: schema.LocksOut, InUse: true, Attribute: "doors", When: schema.Changed}}},
		schema.Kind{Name: "warden", Identity: schema.Identity{Binds: schema.ByKey, Key: []string{"name"},
			Canonical: wardenName},
			Attributes: []schema.Attribute{name, {Name: "state", Type: str, Owner: schema.Server},
				{Name: "holds", Type: schema.TypeObject, Nested: []schema.Attribute{{Name: "keys", Type: schema.TypeList, Of: str, Elem: schema.Elem{Whole: true}}}}},
			Endpoints: crud("Warden", "/orgs/{orgId}/wardens", "/orgs/{orgId}/wardens/{name}"),
			Last:      &schema.Last{Attribute: "holds.keys", Value: "MASTER", Among: schema.Condition{Attribute: "state", Values: []string{"HERE"}}}},
		schema.Kind{Name: "shift", Parent: "shelf", Identity: schema.Identity{Binds: schema.ByKey, Key: []string{"name"}},
			Attributes: []schema.Attribute{name, {Name: "by", Type: schema.TypeList, Of: str, AnyCase: true, Elem: schema.Elem{Whole: true},
				Refers: []schema.Refer{{Kind: "warden", Attribute: "name"}}}},
			Endpoints: crud("Shift", "/shelves/{shelfId}/shifts", "/shelves/{shelfId}/shifts/{name}")},
		schema.Kind{Name: "pass", Alias: "keeper", Parent: "shelf", Identity: schema.Identity{Binds: schema.ByID, ID: "id"},
			Attributes: passAttributes(id), Credential: passCredential("/shelves/{shelfId}/passes/{id}", true),
			Endpoints: crud("Pass", "/shelves/{shelfId}/passes", "/shelves/{shelfId}/passes/{id}"), Risks: passRisks},
		schema.Kind{Name: "keeper", Alias: "pass", Identity: schema.Identity{Binds: schema.ByID, ID: "id"},
			Attributes: passAttributes(id), Credential: passCredential("/orgs/{orgId}/keepers/{id}", false),
			Endpoints: crud("Keeper", "/orgs/{orgId}/keepers", "/orgs/{orgId}/keepers/{id}"), Risks: passRisks},
		schema.Kind{Name: "motto", Parent: "shelf", Singleton: true, Attributes: []schema.Attribute{{Name: "text", Type: str}, {Name: "layout", Type: schema.TypeJSON}},
			Endpoints: schema.Endpoints{Get: endpoint("getMotto", "GET", "/shelves/{shelfId}/motto"), Update: endpoint("setMotto", "PATCH", "/shelves/{shelfId}/motto")}},
	)...)
	if err != nil {
		panic(err)
	}
	return c
}()

// A pass and a keeper have codes that expire, three at most; a pass can be used by them after its deletion.
func passAttributes(id schema.Attribute) []schema.Attribute {
	return []schema.Attribute{id, {Name: "label", Type: str, Required: true}, {Name: "hours", Type: schema.TypeInteger, Required: true, Initial: true},
		{Name: "codes", Type: schema.TypeList, Owner: schema.Server, Nested: []schema.Attribute{{Name: "id", Type: str, Owner: schema.Server},
			{Name: "until", Type: schema.TypeTime, Owner: schema.Server}, {Name: "code", Type: str, Owner: schema.Server, OnceShown: true}}}}
}

func passCredential(path string, outlives bool) *schema.Credential {
	return &schema.Credential{Public: "id", Secret: "code", Provisional: "label", Outlives: outlives, Rotation: &schema.Rotation{
		Secrets: "codes", ID: "id", Expires: "until", Lasts: "hours", Most: 3, Param: "codeId",
		Mint: endpoint("mint", "POST", path+"/codes"), Revoke: endpoint("revoke", "DELETE", path+"/codes/{codeId}")}}
}

var passRisks = []schema.RiskRule{{Risk: schema.Irreversible, On: []schema.Event{schema.OnDelete}}, {Risk: schema.MintsCredential, On: []schema.Event{schema.OnCreate, schema.OnMint}}}

// wardenName writes a name in small letters; one of blanks is none.
func wardenName(text string) (string, error) {
	if strings.TrimSpace(text) == "" {
		return "", fmt.Errorf("%q is no name", text)
	}
	return strings.ToLower(text), nil
}

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const root = schema.Place("orgId=o1")

func inside(shelf string) schema.Place { return root.With("shelfId", shelf) }

// val makes a value of a kind from JSON-like fields; strings that begin with "secret:" are marked.
func val(kind string, fields map[string]any) cty.Value {
	v, unknown := schema.Decode(toys.Kind(kind).Attributes, fields, schema.ByName)
	if len(unknown) > 0 {
		panic(fmt.Sprintf("%s has no %v", kind, unknown))
	}
	v, _ = cty.Transform(v, func(_ cty.Path, x cty.Value) (cty.Value, error) {
		if x.Type() == cty.String && x.IsKnown() && !x.IsNull() {
			switch text := x.AsString(); {
			case strings.HasPrefix(text, "secret:"):
				return x.Mark(schema.Sensitive), nil
			case text == "unknown":
				return cty.UnknownVal(cty.String), nil
			}
		}
		return x, nil
	})
	return v
}

type m = map[string]any

// world is an input in the making.
type world struct {
	t   *testing.T
	in  plan.Input
	all []schema.LiveSweep
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return &world{t: t, in: plan.Input{Catalog: toys, Now: now,
		Places:      map[string]schema.Place{"": root},
		Connections: map[string]plan.Connection{"": {OrgID: "o1", BaseURL: "https://cloud.mongodb.com"}},
		Prior:       plan.Prior{Lineage: "l", Serial: 1, Resources: map[schema.Address]*schema.Bound{}, Outputs: map[string]plan.PriorOutput{}},
	}}
}

// want declares a resource; kinds other than shelf live in the shelf whose address is given first.
func (w *world) want(address string, fields m, change ...func(*schema.Resource)) *world {
	w.t.Helper()
	a, err := schema.ParseAddress(address)
	if err != nil {
		w.t.Fatal(err)
	}
	kind := toys.Kind(a.Kind())
	if l := kind.Identity.LabelIs; l != "" && fields[l] == nil {
		fields[l] = a.Last().Label
	}
	r := schema.Resource{Address: a, Kind: kind.Name, Parent: schema.ParentRef{Address: a.Parent()}, Value: val(kind.Name, fields),
		Range: diag.Range{File: "main.hcl", Start: diag.Pos{Line: len(w.in.Desired.Resources) + 1, Column: 1}}}
	for _, f := range change {
		f(&r)
	}
	w.in.Desired.Resources = append(w.in.Desired.Resources, r)
	return w
}

// has puts objects of a kind in a place into Atlas; the place counts as read whole.
func (w *world) has(kind string, place schema.Place, objects ...m) *world {
	sweep := schema.LiveSweep{Kind: kind, Place: place}
	for _, fields := range objects {
		held := masked(kind, fields)
		v := val(kind, fields)
		key, _, _ := toys.Kind(kind).NaturalKey(v)
		o := schema.Object{Kind: kind, Place: place, Key: key, Value: v, Held: held}
		if id, ok := fields["id"].(string); ok {
			o.ID = id
		}
		sweep.Objects = append(sweep.Objects, o)
	}
	w.all = append(w.all, sweep)
	return w
}

// masked takes out of an object's fields the secrets that Atlas shows starred, and lists them.
func masked(kind string, fields m) []string {
	var held []string
	for _, a := range toys.Kind(kind).Attributes {
		if a.Masked && fields[a.Name] != nil {
			held = append(held, a.Name)
			delete(fields, a.Name)
		}
	}
	return held
}

// knows puts an entry into the state.
func (w *world) knows(address string, place schema.Place, id string, applied m, change ...func(*schema.Bound)) *world {
	w.t.Helper()
	a, err := schema.ParseAddress(address)
	if err != nil {
		w.t.Fatal(err)
	}
	kind := toys.Kind(a.Kind())
	if l := kind.Identity.LabelIs; l != "" && applied[l] == nil {
		applied[l] = a.Last().Label
	}
	b := &schema.Bound{Address: a, Kind: kind.Name, Place: place, ID: id, Applied: val(kind.Name, applied)}
	b.Key, _, _ = kind.NaturalKey(b.Applied)
	if a.Parent() != "" {
		b.Dependencies = []schema.Address{a.Parent()}
	}
	for _, f := range change {
		f(b)
	}
	w.in.Prior.Resources[a] = b
	return w
}

// plan builds; lists of our shelves that were not given are read as empty.
func (w *world) plan() *plan.Plan {
	w.t.Helper()
	w.in.Live = schema.NewLive(w.all, nil)
	for range 5 {
		sweeps, _ := plan.NewSurvey(w.in).Pair(w.in.Live).Wanted()
		if len(sweeps) == 0 {
			break
		}
		var more []schema.LiveSweep
		for _, s := range sweeps {
			more = append(more, schema.LiveSweep{Kind: s.Kind.Name, Place: s.Place})
		}
		w.in.Live = w.in.Live.Merge(schema.NewLive(more, nil))
	}
	return plan.Build(w.in)
}

// changes writes the plan's changes that do something, one per line.
func changes(p *plan.Plan) []string {
	var out []string
	for i := range p.Changes {
		c := &p.Changes[i]
		if c.Action == plan.NoOp && !c.Writes() {
			continue
		}
		line := string(c.Action) + " " + string(c.Address)
		for _, d := range c.Diffs {
			line += " " + d.Path
		}
		out = append(out, line)
	}
	return out
}

func codes(p *plan.Plan) []string {
	var out []string
	for _, d := range p.Diagnostics {
		out = append(out, d.Code)
	}
	return out
}

func find(t *testing.T, p *plan.Plan, address string) *plan.Change {
	t.Helper()
	for i := range p.Changes {
		if string(p.Changes[i].Address) == address {
			return &p.Changes[i]
		}
	}
	t.Fatalf("the plan has no change of %s", address)
	return nil
}

func expect(t *testing.T, p *plan.Plan, want ...string) {
	t.Helper()
	if got := changes(p); !slices.Equal(got, want) {
		t.Errorf("changes:\n got %q\nwant %q", got, want)
	}
}

func expectCodes(t *testing.T, p *plan.Plan, want ...string) {
	t.Helper()
	if got := codes(p); !slices.Equal(got, want) {
		t.Errorf("diagnostics: got %q, want %q\n%v", got, want, p.Diagnostics)
	}
}

// shelf is a world with one shelf that is declared, live and known.
func shelf(t *testing.T) *world {
	t.Helper()
	return newWorld(t).want("shelf.a", m{}).has("shelf", root, m{"id": "s1", "name": "a"}).knows("shelf.a", root, "s1", m{})
}
