package render_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"mercator/plan"
	"mercator/schema"
	"mercator/schema/diag"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; run the test with -update to write it", err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs from what was rendered; got:\n%s\nwant:\n%s", path, got, want)
	}
}

// canary is in every secret of the tests' plans.
const canary = "hunter2"

func catalog(t testing.TB) *schema.Catalog {
	t.Helper()
	str := func(name string) schema.Attribute { return schema.Attribute{Name: name, Type: schema.TypeString} }
	c, err := schema.NewCatalog(
		schema.Kind{
			Name: "site", Identity: schema.Identity{Binds: schema.ByID, ID: "id", Key: []string{"name"}},
			Attributes: []schema.Attribute{
				{Name: "id", Type: schema.TypeString, Owner: schema.Server},
				str("name"),
				{Name: "tags", Type: schema.TypePairs},
				{Name: "limits", Type: schema.TypeObject, Nested: []schema.Attribute{{Name: "site.engines", Type: schema.TypeInteger}}},
			},
		},
		schema.Kind{
			Name: "engine", Parent: "site", Identity: schema.Identity{Binds: schema.ByKey, Key: []string{"name"}},
			Attributes: []schema.Attribute{
				str("name"), str("version"),
				{Name: "backup", Type: schema.TypeBool},
				{Name: "ratio", Type: schema.TypeNumber},
				{Name: "starts", Type: schema.TypeTime},
				{Name: "description", Type: schema.TypeString},
				{Name: "definition", Type: schema.TypeString},
				{Name: "address", Type: schema.TypeString, Owner: schema.Server},
				{Name: "specs", Type: schema.TypeList, Nested: []schema.Attribute{
					str("zone"),
					{Name: "regions", Type: schema.TypeList, Elem: schema.Elem{Key: []string{"region"}, Ordered: true}, Nested: []schema.Attribute{
						str("region"), {Name: "priority", Type: schema.TypeInteger},
						{Name: "electable", Type: schema.TypeObject, Nested: []schema.Attribute{
							str("size"), {Name: "nodes", Type: schema.TypeInteger}}},
					}},
				}},
			},
		},
		schema.Kind{
			Name: "gate", Parent: "site", Identity: schema.Identity{Binds: schema.ByKey, Key: []string{"address"}},
			Attributes: []schema.Attribute{str("address"), str("comment"), {Name: "until", Type: schema.TypeTime}},
		},
		schema.Kind{
			Name: "person", Parent: "site", Identity: schema.Identity{Binds: schema.ByKey, Key: []string{"name"}},
			Attributes: []schema.Attribute{
				str("name"), {Name: "password", Type: schema.TypeString, WriteOnly: true},
				{Name: "roles", Type: schema.TypeList, Elem: schema.Elem{Whole: true}, Nested: []schema.Attribute{str("role"), str("database")}},
			},
		},
		schema.Kind{
			Name: "bell", Parent: "site", Identity: schema.Identity{Binds: schema.ByContent, ID: "id"},
			Attributes: []schema.Attribute{
				{Name: "id", Type: schema.TypeString, Owner: schema.Server},
				str("event"),
				{Name: "hooks", Type: schema.TypeList, Nested: []schema.Attribute{
					str("type"), str("channel"), {Name: "token", Type: schema.TypeString, WriteOnly: true},
					{Name: "roles", Type: schema.TypeList, Of: schema.TypeString}}},
			},
		},
		schema.Kind{
			Name: "schedule", Parent: "engine", Singleton: true,
			Attributes: []schema.Attribute{{Name: "hour", Type: schema.TypeInteger}},
		},
	)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// value makes a value of the kind from JSON in which the text "?" is unknown and texts with the canary are marked.
func value(t testing.TB, c *schema.Catalog, kind, text string) cty.Value {
	t.Helper()
	k := c.Kind(kind)
	if text == "" {
		return cty.NullVal(k.Type())
	}
	var j map[string]any
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	v, unknown := schema.Decode(k.Attributes, j, schema.ByName)
	if unknown != nil {
		t.Fatalf("%s: the kind %s lacks %q", text, kind, unknown)
	}
	return special(t, v)
}

func special(t testing.TB, v cty.Value) cty.Value {
	t.Helper()
	v, err := cty.Transform(v, func(_ cty.Path, v cty.Value) (cty.Value, error) {
		if v.IsNull() || v.Type() != cty.String {
			return v, nil
		}
		switch text := v.AsString(); {
		case text == "?":
			return cty.UnknownVal(cty.String), nil
		case strings.Contains(text, canary):
			return v.Mark(schema.Sensitive), nil
		}
		return v, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func str(s string) cty.Value { return cty.StringVal(s) }
func num(n int64) cty.Value  { return cty.NumberIntVal(n) }

func set(path string, old, next cty.Value) plan.Diff {
	return plan.Diff{Path: path, Op: plan.DiffChange, Old: old, New: next}
}

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const (
	siteDev  = schema.Address(`site.shop["dev"]`)
	siteProd = schema.Address(`site.shop["prod"]`)
)

// creations is a plan that makes everything anew.
func creations(t testing.TB, c *schema.Catalog) *plan.Plan {
	create := func(a schema.Address, text string) plan.Change {
		after := value(t, c, a.Kind(), text)
		desired := value(t, c, a.Kind(), strings.NewReplacer(`, "id": "?"`, "", `, "address": "?"`, "").Replace(text))
		return plan.Change{
			Address: a, Kind: a.Kind(), Action: plan.Create, Before: cty.NullVal(after.Type()), Desired: desired, After: after,
			Roles: []string{"Site Owner"}, Calls: []schema.Call{{Verb: schema.CallCreate}},
		}
	}
	p := &plan.Plan{Now: now, Changes: []plan.Change{
		create(siteDev, `{"name": "shop-dev", "id": "?", "tags": {"team": "shop", "cost-centre": "4711"}, "limits": {"site.engines": 25}}`),
		create(siteDev.Child("bell", "lag"), `{"event": "LAG", "hooks": [
			{"type": "GROUP", "roles": ["OWNER", "READER"]},
			{"type": "CHAT", "channel": "#operations-of-the-shop", "token": "hunter2-chat"}]}`),
		create(siteDev.Child("engine", "orders"), `{"name": "orders", "version": "8.0", "backup": true, "ratio": 0.25, "address": "?",
			"description": "Holds the orders.\nSee the handbook.\n",
			"specs": [{"zone": "Zone 1", "regions": [
				{"region": "EU_WEST_1", "priority": 7, "electable": {"size": "M30", "nodes": 3}},
				{"region": "EU_CENTRAL_1", "priority": 6, "electable": {"size": "M30", "nodes": 2}}]}]}`),
		create(siteDev.Child("engine", "orders").Child("schedule", ""), `{"hour": 3}`),
		create(siteDev.Child("gate", "office").Key("10.20.0.0/16"), `{"address": "10.20.0.0/16", "comment": "VPC peering"}`),
		create(siteDev.Child("gate", "office").Key("203.0.113.7"), `{"address": "203.0.113.7", "comment": "Contractor", "until": "2026-03-04T12:00:00Z"}`),
		create(siteDev.Child("gate", "office").Key("198.51.100.0/24"), `{"address": "198.51.100.0/24"}`),
		create(siteDev.Child("person", "app"), `{"name": "app", "password": "hunter2-app", "roles": [{"role": "readWrite", "database": "orders"}, {"role": "read"}]}`),
	}}
	p.Changes[4].Risks = []plan.RiskNote{{Risk: schema.OpensNetwork, Note: "65,536 addresses"}}
	p.Changes[7].Risks = []plan.RiskNote{{Risk: schema.GrantsAccess}}
	p.Changes[7].Secrets = []string{"password"}
	return p
}

// mixed is a plan in which everything occurs that a plan can hold.
func mixed(t testing.TB, c *schema.Catalog) *plan.Plan {
	change := func(a schema.Address, action plan.Action, before, after string) plan.Change {
		ch := plan.Change{Address: a, Kind: a.Kind(), Action: action, Place: "orgId=o1;siteId=s1", Key: a.Last().Label}
		ch.Before, ch.After = value(t, c, ch.Kind, before), value(t, c, ch.Kind, after)
		ch.Desired = ch.After
		return ch
	}
	orders := siteProd.Child("engine", "orders")

	updated := change(orders, plan.Update,
		`{"name": "orders", "version": "7.0", "backup": false, "description": "Holds the orders.\nSee the handbook.\nNo alarms.\n"}`,
		`{"name": "orders", "version": "8.0", "backup": true, "description": "Holds the orders.\nSee the wiki.\nNo alarms.\n", "address": "?"}`)
	updated.Previous = siteProd.Child("engine", "old_orders")
	updated.Diffs = []plan.Diff{
		set("version", str("7.0"), str("8.0")),
		{Path: "backup", Op: plan.DiffChange, Old: cty.False, New: cty.True, UndoesDrift: true},
		{Path: "ratio", Op: plan.DiffAdd, Old: cty.NullVal(cty.Number), New: cty.NumberFloatVal(0.5)},
		set("starts", str("2026-03-01T08:00:00Z"), str("2026-04-01T08:00:00Z")),
		set("address", str("orders.example.net"), cty.UnknownVal(cty.String)),
		set("description", str("Holds the orders.\nSee the handbook.\nNo alarms.\n"), str("Holds the orders.\nSee the wiki.\nNo alarms.\n")),
		set("definition", str(`{"dynamic":false,"fields":{"title":"text","year":"number"}}`), str(`{"dynamic":true,"fields":{"title":"text","year":"number"}}`)),
		{Path: "specs[0].regions[0].electable.size", Label: "Zone 1, EU_WEST_1", Op: plan.DiffChange, Old: str("M30"), New: str("M40")},
		{Path: "specs[0].regions[0].electable.nodes", Label: "Zone 1, EU_WEST_1", Op: plan.DiffChange, Old: num(3), New: num(5)},
		{Path: "specs[0].regions[1]", Label: "Zone 1, US_EAST_1", Op: plan.DiffAdd, New: cty.ObjectVal(map[string]cty.Value{
			"region": str("US_EAST_1"), "priority": num(5),
			"electable": cty.ObjectVal(map[string]cty.Value{"size": str("M40"), "nodes": num(2)})})},
	}
	updated.Calls = []schema.Call{
		{Verb: schema.CallUpdate, Attributes: []string{"version"}, Note: "the version alone, before the size"},
		{Verb: schema.CallWait}, {Verb: schema.CallUpdate, Attributes: []string{"backup", "specs"}},
	}
	updated.Risks = []plan.RiskNote{{Risk: schema.Billable, Note: "larger size M40, 2 more nodes"}}
	updated.Roles = []string{"Site Engine Manager"}

	tagged := change(siteProd, plan.Update, `{"name": "shop-prod"}`, `{"name": "shop-prod"}`)
	tagged.Diffs = []plan.Diff{
		set("limits.site.engines", num(25), num(40)),
		{Path: `tags["cost centre"]`, Op: plan.DiffAdd, New: str("4711")},
		{Path: `tags["owner"]`, Op: plan.DiffRemove, Old: str("nobody")},
		set(`tags["team"]`, str("shop"), str("web")),
	}
	tagged.Roles = []string{"Site Owner"}

	bell := change(siteProd.Child("bell", "lag"), plan.Update, `{"event": "LAG"}`, `{"event": "LAG", "hooks": [{"type": "CHAT", "token": "hunter2-chat"}]}`)
	bell.ID = "b7"
	bell.Diffs = []plan.Diff{
		{Path: "hooks[0].channel", Label: "CHAT", Op: plan.DiffChange, Old: str("#shop"), New: str("#shop-operations")},
		{Path: "hooks[0].token", Label: "CHAT", Op: plan.DiffChange, Sensitive: true},
		{Path: "hooks[1]", Label: "MAIL ops", Op: plan.DiffRemove, Old: value(t, c, "bell", `{"hooks": [{"type": "MAIL", "channel": "ops"}]}`).GetAttr("hooks").Index(num(0))},
		{Path: "hooks[2].roles[1]", Label: "GROUP", Op: plan.DiffAdd, New: str("READER")},
	}
	bell.Secrets = []string{"hooks[0].token", "hooks[3].token"}

	renewed := change(siteProd.Child("engine", "cache"), plan.Replace, `{"name": "cache", "version": "7.0"}`, `{"name": "cache", "version": "8.0"}`)
	renewed.ID = "64f0aa"
	renewed.Diffs = []plan.Diff{{Path: "version", Op: plan.DiffChange, Old: str("7.0"), New: str("8.0"), Replaces: true}}
	renewed.Reasons = []plan.Reason{{Code: "cannot_update", Path: "version", Text: "version cannot be changed in place"}}
	renewed.Risks = []plan.RiskNote{{Risk: schema.Irreversible, Note: "the engine's data is lost"}, {Risk: schema.Downtime}}
	renewed.NeedsAllow = "allow-destroy"

	swapped := change(siteProd.Child("gate", "office").Key("192.0.2.0/24"), plan.Replace, `{"address": "192.0.2.1"}`, `{"address": "192.0.2.0/24"}`)
	swapped.Key, swapped.CreateFirst = "192.0.2.1", true
	swapped.Diffs = []plan.Diff{{Path: "address", Op: plan.DiffChange, Old: str("192.0.2.1"), New: str("192.0.2.0/24"), Replaces: true}}

	deleted := change(schema.Address("site.attic"), plan.Delete, `{"name": "attic", "id": "s9"}`, "")
	deleted.ID, deleted.Reasons = "s9", []plan.Reason{{Code: "not_declared", Text: "no block declares it any more"}}
	deleted.NeedsAllow = "allow-destroy"
	deleted.Risks = []plan.RiskNote{{Risk: schema.Irreversible}}
	gone := change(schema.Address("site.attic").Child("person", "ghost"), plan.Delete, `{"name": "ghost"}`, "")
	gone.GoesWith, gone.NeedsAllow = deleted.Address, "allow-destroy"

	adopted := change(siteProd.Child("person", "app"), plan.Adopt, `{"name": "app"}`, `{"name": "app", "password": "hunter2-app"}`)
	adopted.Reasons = []plan.Reason{{Code: "natural_key", Text: "Atlas has it already, under the same name"}}
	adopted.Diffs = []plan.Diff{{Path: "roles[0]", Label: "readWrite orders", Op: plan.DiffAdd, New: value(t, c, "person", `{"roles": [{"role": "readWrite", "database": "orders"}]}`).GetAttr("roles").Index(num(0))}}
	adopted.Secrets, adopted.NeedsAllow = []string{"password"}, "allow-adopt"
	adopted.Calls = []schema.Call{{Verb: schema.CallUpdate}}
	adopted.Risks = []plan.RiskNote{{Risk: schema.GrantsAccess, Note: "readWrite on orders"}}

	forgotten := change(siteProd.Child("person", "guest"), plan.Forget, `{"name": "guest"}`, "")
	forgotten.Reasons = []plan.Reason{{Code: "adopted_undeclared", Text: "was adopted and is not declared any more; stays in Atlas"}}

	stranger := change(siteProd.Child("gate", "_").Key("0.0.0.0/0"), plan.Delete, `{"address": "0.0.0.0/0"}`, "")
	stranger.Key, stranger.Exclusive, stranger.NeedsAllow = "0.0.0.0/0", true, "allow-destroy"
	stranger.Risks = []plan.RiskNote{{Risk: schema.Irreversible}}

	busy := change(siteProd.Child("engine", "reports"), plan.NoOp, `{"name": "reports"}`, `{"name": "reports"}`)
	busy.Waiting = "create"

	p := &plan.Plan{
		Now: now, Lineage: "d0", Serial: 4,
		Changes: []plan.Change{tagged, bell, renewed, updated, busy, swapped, stranger, adopted, forgotten, deleted, gone},
		Drift: []plan.Drift{
			{Address: orders, Kind: "engine", Reverts: true, Diffs: []plan.Diff{set("backup", cty.True, cty.False)}},
			{Address: siteProd.Child("engine", "reports"), Kind: "engine", Note: "Atlas resumes paused engines after 30 days",
				Diffs: []plan.Diff{set("ratio", num(0), num(1)), {Path: "definition", Op: plan.DiffChange, Sensitive: true}}},
			{Address: siteProd.Child("person", "cron"), Kind: "person", Deleted: true, Reverts: true},
		},
		StateOnly: []plan.StateChange{
			{Address: orders, From: siteProd.Child("engine", "old_orders"), Kind: "move", Text: "moved from " + string(siteProd.Child("engine", "old_orders"))},
			{Address: siteProd, Kind: "release", Path: "name", Text: "no longer managed: name, stays shop-prod"},
		},
		Unmanaged: []plan.Unmanaged{
			{Kind: "bell", Place: "orgId=o1;siteId=s1", Parent: siteProd, ID: "b1"},
			{Kind: "bell", Place: "orgId=o1;siteId=s1", Parent: siteProd, ID: "b2"},
			{Kind: "person", Place: "orgId=o1;siteId=s5", Key: "admin/a-person-with-quite-a-long-name"},
		},
		Outputs: []plan.OutputChange{
			{Name: "uri", Action: plan.Create, Before: cty.NullVal(cty.String), After: cty.UnknownVal(cty.String)},
			{Name: "secret", Action: plan.Update, Before: cty.NullVal(cty.String), After: str(canary).Mark(schema.Sensitive), Sensitive: true},
			{Name: "names", Action: plan.Update, Before: cty.TupleVal([]cty.Value{str("a"), str("b")}), After: cty.TupleVal([]cty.Value{str("a"), str("c"), num(3)})},
			{Name: "gone", Action: plan.Delete, Before: cty.ObjectVal(map[string]cty.Value{"x": num(1)}), After: cty.NullVal(cty.DynamicPseudoType)},
			{Name: "same", Action: plan.NoOp, Before: str("x"), After: str("x")},
		},
		Blast: &plan.Blast{Removed: 12, Owned: 30},
		Diagnostics: diag.List{
			diag.Warningf("expired", "An entry has expired", "It is gone, as it should be. The entry %q can be removed from the file.", "203.0.113.7").
				On(string(siteProd.Child("gate", "office"))).At(diag.Range{File: "main.hcl", Start: diag.Pos{Line: 4, Column: 3}}),
			diag.Errorf("rename_destroys", "A renamed engine would lose its data", "Set name = \"orders\" to keep it.").On(string(orders)),
		},
	}
	return p
}
