package apply_test

import (
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
)

func toyEndpoint(method, path string) *schema.Endpoint {
	return &schema.Endpoint{Operation: method + " " + path, Method: method, Path: "/api/atlas/v2/orgs/{orgId}" + path, Version: "2030-01-01", Role: "Owner"}
}

func toyEndpoints(list, one string) schema.Endpoints {
	return schema.Endpoints{List: toyEndpoint("GET", list), Get: toyEndpoint("GET", one), Create: toyEndpoint("POST", list),
		Update: toyEndpoint("PATCH", one), Delete: toyEndpoint("DELETE", one)}
}

func str(name string) schema.Attribute { return schema.Attribute{Name: name, Type: schema.TypeString} }

func key(name string) schema.Attribute {
	return schema.Attribute{Name: name, Type: schema.TypeString, Required: true, Immutable: true}
}

func serverOwned(name string) schema.Attribute {
	return schema.Attribute{Name: name, Type: schema.TypeString, Owner: schema.Server}
}

// toyCatalog has one kind for each way in which kinds differ.
func toyCatalog(t testing.TB) *schema.Catalog {
	t.Helper()
	const in = "/rooms/{roomId}"
	room := schema.Kind{Name: "room", Identity: schema.Identity{Binds: schema.ByID, ID: "id", Key: []string{"name"}},
		Attributes: []schema.Attribute{str("name"), serverOwned("id"), str("colour")},
		Endpoints:  toyEndpoints("/rooms", in)}
	user := schema.Kind{Name: "user", Parent: "room", Identity: schema.Identity{Binds: schema.ByKey, Key: []string{"name"}},
		Attributes: []schema.Attribute{key("name"), str("role"), {Name: "password", Type: schema.TypeString, WriteOnly: true},
			{Name: "auth", Type: schema.TypeString, Immutable: true}},
		Endpoints: toyEndpoints(in+"/users", in+"/users/{name}")}
	entry := schema.Kind{Name: "entry", Parent: "room", Serial: true, CreateFirst: true,
		Identity:   schema.Identity{Binds: schema.ByKey, Key: []string{"name"}},
		Attributes: []schema.Attribute{key("name"), str("comment")},
		Endpoints:  toyEndpoints(in+"/entries", in+"/entries/{name}")}
	entry.Endpoints.Create.Batch, entry.Endpoints.Create.AnswersList = 3, true
	upsert := *entry.Endpoints.Create
	upsert.Upsert, upsert.Replaces = true, true
	entry.Endpoints.Update = &upsert
	alarm := schema.Kind{Name: "alarm", Parent: "room", Siblings: true, Identity: schema.Identity{Binds: schema.ByContent, ID: "id"},
		Attributes: []schema.Attribute{serverOwned("id"), str("event"), {Name: "enabled", Type: schema.TypeBool},
			{Name: "notifications", Type: schema.TypeList, Elem: schema.Elem{Key: []string{"type"}}, Nested: []schema.Attribute{
				str("type"), {Name: "loud", Type: schema.TypeBool}, {Name: "handle", Type: schema.TypeString, Handle: true}, {Name: "token", Type: schema.TypeString, WriteOnly: true}}}},
		Endpoints: toyEndpoints(in+"/alarms", in+"/alarms/{id}")}
	alarm.Endpoints.Update.Replaces = true
	engine := schema.Kind{Name: "engine", Parent: "room", Identity: schema.Identity{Binds: schema.ByKey, Key: []string{"name"}},
		Attributes: []schema.Attribute{key("name"), str("size"), {Name: "make", Type: schema.TypeString, Immutable: true}, serverOwned("state"),
			{Name: "keep", Type: schema.TypeBool, DestroyTime: true, Default: cty.True},
			{Name: "args", Type: schema.TypeObject, Nested: []schema.Attribute{str("mode"),
				{Name: "range", Type: schema.TypeObject, Nested: []schema.Attribute{str("low"), str("high")}}}}},
		Endpoints: toyEndpoints(in+"/engines", in+"/engines/{name}"),
		Parts: []schema.Part{{Attribute: "args", Read: toyEndpoint("GET", in+"/engines/{name}/args"),
			Write: toyEndpoint("PUT", in+"/engines/{name}/args")}},
		Settle: &schema.Settle{Field: "state", Creating: []string{"CREATING"}, Busy: []string{"BUSY"}, Deleting: []string{"DELETING"},
			Ready: []string{"IDLE"}, Failed: []string{"BROKEN"}, First: 2 * time.Second, Max: 8 * time.Second, Limit: time.Hour}}
	engine.Endpoints.Delete.Query = map[string]string{"keepBackups": "keep"}
	glove := schema.Kind{Name: "glove", Parent: "room", Identity: schema.Identity{Binds: schema.ByKey, ID: "id", Key: []string{"hand", "name"}},
		Attributes: []schema.Attribute{serverOwned("id"), {Name: "hand", Type: schema.TypeString, Required: true, Immutable: true, Enum: []string{"LEFT", "RIGHT"}}, key("name"), str("size")},
		Endpoints:  toyEndpoints(in+"/gloves/{hand}", in+"/gloves/{hand}/{id}")}
	glove.Endpoints.List.Per = &schema.Per{Attribute: "hand", Param: "hand"}
	rules := schema.Kind{Name: "rules", Parent: "room", Singleton: true, Attributes: []schema.Attribute{str("mode")},
		Endpoints: schema.Endpoints{Get: toyEndpoint("GET", in+"/rules"), Update: toyEndpoint("PUT", in+"/rules")}}
	pass := schema.Kind{Name: "pass", Parent: "room", Identity: schema.Identity{Binds: schema.ByID, ID: "id"},
		Credential: &schema.Credential{Public: "number", Secret: "pin", Provisional: "label"},
		Attributes: []schema.Attribute{serverOwned("id"), serverOwned("number"),
			{Name: "label", Type: schema.TypeString, Required: true}, str("door"),
			{Name: "pin", Type: schema.TypeString, Owner: schema.Server, OnceShown: true}},
		Endpoints: toyEndpoints(in+"/passes", in+"/passes/{id}"),
		Risks:     []schema.RiskRule{{Risk: schema.Irreversible, On: []schema.Event{schema.OnDelete, schema.OnReplace}}}}
	badge := schema.Kind{Name: "badge", Parent: "room", Identity: schema.Identity{Binds: schema.ByID, ID: "id"},
		Credential: &schema.Credential{Public: "number", Secret: "code", Provisional: "label", Outlives: true, Rotation: &schema.Rotation{
			Secrets: "codes", ID: "id", Expires: "until", Lasts: "hours", Most: 2, Param: "codeId",
			Mint: toyEndpoint("POST", in+"/badges/{id}/codes"), Revoke: toyEndpoint("DELETE", in+"/badges/{id}/codes/{codeId}")}},
		Attributes: []schema.Attribute{serverOwned("id"), serverOwned("number"),
			{Name: "label", Type: schema.TypeString, Required: true}, str("door"), {Name: "hours", Type: schema.TypeInteger, Required: true, Initial: true},
			{Name: "codes", Type: schema.TypeList, Owner: schema.Server, Nested: []schema.Attribute{serverOwned("id"),
				{Name: "until", Type: schema.TypeTime, Owner: schema.Server}, {Name: "code", Type: schema.TypeString, Owner: schema.Server, OnceShown: true}}}},
		Endpoints: toyEndpoints(in+"/badges", in+"/badges/{id}"),
		Risks: []schema.RiskRule{{Risk: schema.Irreversible, On: []schema.Event{schema.OnDelete, schema.OnReplace}},
			{Risk: schema.MintsCredential, On: []schema.Event{schema.OnMint}}}}
	ranked := func(attribute string, read *schema.Endpoint, change bool) schema.Part {
		one := in + "/teams/{name}/" + attribute + "/{who}"
		m := &schema.Members{Add: toyEndpoint("POST", in+"/teams/{name}/"+attribute), Remove: toyEndpoint("DELETE", one), Params: map[string][]string{"who": {"who"}}}
		if change {
			m.Change = toyEndpoint("PATCH", one)
		}
		return schema.Part{Attribute: attribute, Read: read, Members: m}
	}
	named := func(attribute string) schema.Part { // plain texts, with which a team is made
		path := in + "/teams/{name}/" + attribute
		return schema.Part{Attribute: attribute, AtCreation: true, Members: &schema.Members{
			Add: toyEndpoint("POST", path), Remove: toyEndpoint("PUT", path), Text: &schema.MemberText{Sent: "who"}}}
	}
	members := func(name string) schema.Attribute {
		return schema.Attribute{Name: name, Type: schema.TypeList, Elem: schema.Elem{Key: []string{"who"}}, Nested: []schema.Attribute{str("who"), str("rank")}}
	}
	team := schema.Kind{Name: "team", Parent: "room", Identity: schema.Identity{Binds: schema.ByKey, Key: []string{"name"}},
		Attributes: []schema.Attribute{key("name"), str("motto"), members("players"), members("fans"),
			{Name: "coaches", Type: schema.TypeList, Of: schema.TypeString, Elem: schema.Elem{Whole: true}}},
		Endpoints: toyEndpoints(in+"/teams", in+"/teams/{name}"),
		Parts:     []schema.Part{ranked("players", toyEndpoint("GET", in+"/teams/{name}/players"), true), ranked("fans", nil, false), named("coaches")}}
	robot := schema.Kind{Name: "robot", Parent: "room", Identity: schema.Identity{Binds: schema.ByID, ID: "id", Params: map[string]string{"maker": "made_by"}},
		Attributes: []schema.Attribute{serverOwned("id"), key("made_by"), {Name: "licence", Type: schema.TypeString, Later: true}},
		Endpoints:  toyEndpoints(in+"/robots", in+"/robots/{id}")}
	robot.Endpoints.Update.Replaces = true
	robot.Endpoints.Delete = toyEndpoint("DELETE", in+"/robots/{maker}/{id}")
	const machine = in + "/engines/{name}"
	engine.Safeguard = &schema.Safeguard{Copies: []string{"copy"}, Text: "text", With: map[string]cty.Value{"days": cty.NumberIntVal(7)}, Taken: "taken",
		Version: "size", Kept: "keep"}
	copied := schema.Kind{Name: "copy", Parent: "engine", Once: true, Serial: true, Identity: schema.Identity{Binds: schema.ByID, ID: "id"},
		Attributes: []schema.Attribute{serverOwned("id"), {Name: "text", Type: schema.TypeString, Immutable: true}, serverOwned("state"), serverOwned("taken"),
			{Name: "days", Type: schema.TypeInteger, Unread: true}},
		Endpoints: toyEndpoints(machine+"/copies", machine+"/copies/{id}"), Settle: engine.Settle}
	played := schema.Kind{Name: "play", Parent: "engine", Once: true, Identity: schema.Identity{Binds: schema.ByID, ID: "id"},
		Attributes: []schema.Attribute{serverOwned("id"), {Name: "tune", Type: schema.TypeString, Immutable: true}, serverOwned("state")},
		Endpoints: schema.Endpoints{List: toyEndpoint("GET", machine+"/plays"), Get: toyEndpoint("GET", machine+"/plays/{id}"),
			Create: toyEndpoint("POST", machine+"/plays")}, Settle: engine.Settle}
	radio := schema.Kind{Name: "radio", Parent: "room", Identity: schema.Identity{Binds: schema.ByKey, Key: []string{"band"}},
		Attributes: []schema.Attribute{key("band"), str("volume"), {Name: "code", Type: schema.TypeString, WriteOnly: true, Masked: true}},
		Endpoints:  toyEndpoints(in+"/radios", in+"/radios/{band}")}
	radio.Endpoints.Create.AnswersList = true
	radio.Endpoints.Update.AnswersList, radio.Endpoints.Update.Replaces = true, true
	hut, hall := toyBuildings(in)
	catalog, err := schema.NewCatalog(room, glove, user, entry, alarm, engine, rules, pass, badge, team, radio, robot, copied, played, hut, hall)
	if err != nil {
		t.Fatal(err)
	}
	return catalog
}

// toyBuildings are two kinds that share their names. A hall of straw becomes one of stone by an upgrade, and so does
// a hut.
func toyBuildings(in string) (hut, hall schema.Kind) {
	settle := &schema.Settle{Field: "state", Creating: []string{"CREATING"}, Busy: []string{"BUSY"}, Deleting: []string{"DELETING"},
		Ready: []string{"IDLE"}, First: 2 * time.Second, Max: 8 * time.Second, Limit: time.Hour}
	identity := schema.Identity{Binds: schema.ByKey, ID: "id", Key: []string{"name"}, Namespace: "buildings"}
	hut = schema.Kind{Name: "hut", Parent: "room", Identity: identity, Settle: settle, HoldsData: true,
		Attributes: []schema.Attribute{serverOwned("id"), key("name"), str("flag"), str("cloth"), serverOwned("state")},
		Endpoints:  toyEndpoints(in+"/huts", in+"/huts/{name}")}
	stone := []schema.Condition{{Attribute: "walls", Values: []string{"STONE"}}}
	hall = schema.Kind{Name: "hall", Parent: "room", Identity: identity, Settle: settle, HoldsData: true,
		Attributes: []schema.Attribute{serverOwned("id"), key("name"), str("flag"), str("walls"), str("roof"), serverOwned("state")},
		Endpoints:  toyEndpoints(in+"/halls", in+"/halls/{name}"),
		Upgrades: []schema.Upgrade{
			{Doc: "Straw becomes stone.", From: "hall", When: []schema.Condition{{Attribute: "walls", Values: []string{"STRAW"}}}, Into: stone,
				Call: toyEndpoint("POST", in+"/halls/rebuild"), Body: []schema.Field{{API: "called", Attribute: "name"}, {API: "of", Attribute: "walls"}}},
			{Doc: "A hut becomes a hall of stone.", From: "hut", Into: stone, Call: toyEndpoint("POST", in+"/huts/rebuild")}}}
	hall.Upgrades[1].Call.Only = []string{"name", "walls"}
	return hut, hall
}
