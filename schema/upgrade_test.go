package schema_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
)

func upgradeKinds() (tent, house schema.Kind) {
	identity := schema.Identity{Binds: schema.ByKey, Key: []string{"name"}, Namespace: "buildings"}
	end := func(op string) *schema.Endpoint {
		return &schema.Endpoint{Operation: op, Method: "POST", Path: "/api/atlas/v2/x", Version: "2024-01-01", Role: "Owner"}
	}
	name := schema.Attribute{Name: "name", Type: schema.TypeString}
	spot := []schema.Attribute{{Name: "street", Type: schema.TypeString}, {Name: "number", Type: schema.TypeInteger}}
	tent = schema.Kind{Name: "tent", Identity: identity, Attributes: []schema.Attribute{name, {Name: "cloth", Type: schema.TypeString},
		{Name: "spot", Type: schema.TypeObject, Nested: spot[:1]}}}
	house = schema.Kind{Name: "house", Identity: identity, Attributes: []schema.Attribute{name, {Name: "cloth", Type: schema.TypeBool},
		{Name: "spot", Type: schema.TypeObject, Nested: spot},
		{Name: "tags", Type: schema.TypePairs},
		{Name: "rooms", Type: schema.TypeList, Nested: []schema.Attribute{{Name: "walls", Type: schema.TypeString}, {Name: "doors", Type: schema.TypeInteger}}}},
		Upgrades: []schema.Upgrade{{Doc: "A tent becomes a house.", From: "tent", Call: end("build"),
			Body: []schema.Field{{API: "called", Attribute: "name"}, {API: "spec.walls", Attribute: "rooms.walls"}, {API: "spec.doors", Attribute: "rooms.doors"},
				{API: "spec.by", Text: "US"}, {API: "tags", Attribute: "tags"}},
			Leaves: map[string]cty.Value{"rooms.doors": cty.NumberIntVal(1), "spot.number": cty.NumberIntVal(7), "cloth": cty.False}}}}
	return tent, house
}

func upgradeCatalog(t *testing.T) (tent, house *schema.Kind) {
	t.Helper()
	a, b := upgradeKinds()
	c, err := schema.NewCatalog(a, b)
	if err != nil {
		t.Fatal(err)
	}
	return c.Kind("tent"), c.Kind("house")
}

func decode(t *testing.T, k *schema.Kind, text string) cty.Value {
	t.Helper()
	var j map[string]any
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		t.Fatal(err)
	}
	v, unknown := schema.Decode(k.Attributes, j, schema.ByName)
	if len(unknown) > 0 {
		t.Fatal(unknown)
	}
	return v
}

func asJSON(t *testing.T, k *schema.Kind, v cty.Value) string {
	t.Helper()
	j, err := schema.Encode(k.Attributes, v, schema.ByName)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(j)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestUpgradeSaysWhatItSendsAndMakes(t *testing.T) {
	tent, house := upgradeCatalog(t)
	u := house.UpgradeOf(tent, decode(t, tent, `{"name":"x"}`), decode(t, house, `{"name":"x"}`))
	if u == nil || house.Upgrade("build") != u || house.Upgrade("other") != nil {
		t.Fatal("there is no upgrade")
	}
	desired := decode(t, house, `{"name":"x","tags":{"a":"b"},"rooms":[{"doors":3},{"walls":"BRICK","doors":2},{"walls":"GLASS"}]}`)
	body, err := u.Request(house, desired)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := json.Marshal(body)
	if want := `{"called":"x","spec":{"by":"US","doors":2,"walls":"BRICK"},"tags":[{"key":"a","value":"b"}]}`; string(text) != want {
		t.Errorf("sends %s, want %s", text, want)
	}
	live := schema.Carry(tent.Attributes, house.Attributes, decode(t, tent, `{"name":"x","cloth":"LINEN","spot":{"street":"High"}}`))
	if got, want := asJSON(t, house, live), `{"name":"x","spot":{"street":"High"}}`; got != want {
		t.Errorf("carries %s, want %s", got, want)
	}
	got := asJSON(t, house, u.Result(house, decode(t, house, `{"name":"x","rooms":[{"walls":"BRICK"}]}`), live))
	if want := `{"cloth":false,"name":"x","rooms":[{"doors":1,"walls":"BRICK"}],"spot":{"number":7}}`; got != want {
		t.Errorf("makes %s, want %s", got, want)
	}
}

func TestCatalogChecksUpgrades(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(tent, house *schema.Kind)
		want   string
	}{
		"no words":          {func(_, h *schema.Kind) { h.Upgrades[0].Doc = "" }, "lacks words"},
		"nothing to send":   {func(_, h *schema.Kind) { h.Upgrades[0].Body = nil }, "lacks words"},
		"another namespace": {func(k, _ *schema.Kind) { k.Identity.Namespace = "" }, "shares no names"},
		"no such attribute": {func(_, h *schema.Kind) { h.Upgrades[0].Body[0].Attribute = "nome" }, "called"},
		"no such leaf":      {func(_, h *schema.Kind) { h.Upgrades[0].Leaves["rooms.floor"] = cty.True }, "rooms.floor"},
		"no such condition": {func(_, h *schema.Kind) { h.Upgrades[0].When = []schema.Condition{{Attribute: "size"}} }, "size"},
		"a kind's name":     {func(k, h *schema.Kind) { k.Identity.Namespace, h.Identity.Namespace = "tent", "tent" }, "not called like a kind"},
	} {
		t.Run(name, func(t *testing.T) {
			tent, house := upgradeKinds()
			tc.change(&tent, &house)
			if _, err := schema.NewCatalog(tent, house); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("the mistake is told as %v", err)
			}
		})
	}
}
