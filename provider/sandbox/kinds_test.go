package sandbox

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestUserLife(t *testing.T) {
	c := start(t, Options{})
	project := c.project("p")
	path := project + "/databaseUsers"
	created := c.do("POST", path, scramUser("app/one"), 201)
	if strings.Contains(created.raw, "password") || strings.Contains(created.raw, "correct-horse") {
		t.Errorf("the answer shows the password: %s", created.raw)
	}
	if !c.s.Received("correct-horse") {
		t.Error("the password is not among the received secrets")
	}
	for field, want := range map[string]string{"awsIAMType": `"NONE"`, "x509Type": `"NONE"`, "ldapAuthType": `"NONE"`, "oidcAuthType": `"NONE"`, "scopes": "[]", "labels": "[]"} {
		if got := canonical(created.body[field]); got != want {
			t.Errorf("%s is %s, want %s", field, got, want)
		}
	}
	self := objectsOf(created.body, "links")[0]["href"].(string)
	if !strings.HasSuffix(self, "/databaseUsers/admin/app%2Fone") {
		t.Errorf("self %s", self)
	}
	one := path + "/admin/app%2Fone"
	if got := c.do("GET", one, nil, 200); canonical(got.body) != canonical(created.body) {
		t.Errorf("GET %s, POST answered %s", got.raw, created.raw)
	}
	c.refuse("POST", path, scramUser("app/one"), 409, "USER_ALREADY_EXISTS")

	roles := []any{object{"roleName": "read", "databaseName": "a"}, object{"roleName": "read", "databaseName": "b", "collectionName": "c"}}
	updated := c.do("PATCH", one, object{"roles": roles, "description": "reader"}, 200)
	if len(listOf(updated.body, "roles")) != 2 || textOf(updated.body, "description") != "reader" {
		t.Errorf("updated %s", updated.raw)
	}
	if got := canonical(updated.body["roles"]); got == canonical(roles) {
		t.Error("roles came back in the order in which they were written")
	}
	c.refuse("PATCH", one, object{"username": "other"}, 409, "DATABASE_USERNAME_CANNOT_BE_CHANGED")
	c.refuse("PATCH", one, object{"databaseName": "$external"}, 409, "DATABASE_NAME_CANNOT_BE_CHANGED")
	c.refuse("PATCH", one, object{"x509Type": "MANAGED"}, 409, "AUTH_TYPE_CANNOT_BE_CHANGED")
	c.refuse("PATCH", one, object{"deleteAfterDate": stamp(testStart.Add(time.Hour))}, 400, "PERMANENT_ENTITY_CANNOT_BE_MADE_TEMPORARY")
	c.do("DELETE", one, nil, 204)
	c.refuse("GET", one, nil, 404, "USERNAME_NOT_FOUND")
	c.refuse("DELETE", one, nil, 404, "USERNAME_NOT_FOUND")
	c.refuse("POST", "/api/atlas/v2/groups/5a0db0000000000000000009/databaseUsers", scramUser("u"), 404, "GROUP_NOT_FOUND")
}

func TestUserChecks(t *testing.T) {
	c := start(t, Options{})
	path := c.project("p") + "/databaseUsers"
	with := func(changes object) object {
		doc := scramUser("u")
		for k, v := range changes {
			if doc[k] = v; v == nil {
				delete(doc, k)
			}
		}
		return doc
	}
	for _, tt := range []struct {
		change object
		code   string
	}{
		{object{"password": nil}, "MISSING_ATTRIBUTE"},
		{object{"password": "short"}, "WEAK_PASSWORD"},
		{object{"roles": nil}, "MISSING_ATTRIBUTE"},
		{object{"databaseName": "orders"}, "INVALID_ENUM_VALUE"},
		{object{"databaseName": "$external"}, "DATABASE_NAME_INVALID_ADMIN"},
		{object{"x509Type": "MANAGED", "password": nil}, "DATABASE_NAME_INVALID_EXTERNAL"},
		{object{"x509Type": "MANAGED", "databaseName": "$external"}, "ATLAS_X509_USER_CANNOT_USE_SCRAM"},
		{object{"roles": []any{object{"roleName": "reader", "databaseName": "admin"}}}, "ATLAS_INVALID_ROLE"},
		{object{"deleteAfterDate": stamp(testStart.Add(-time.Hour))}, "EXPIRATION_DATE_IN_PAST"},
		{object{"deleteAfterDate": stamp(testStart.Add(8 * 24 * time.Hour))}, "EXPIRATION_DATE_EXCEEDS_MAX"},
		{object{"deleteAfterDate": "tomorrow"}, "INVALID_JSON_ATTRIBUTE"},
	} {
		c.refuse("POST", path, with(tt.change), 400, tt.code)
	}
	for i, good := range []object{
		{"x509Type": "MANAGED", "databaseName": "$external", "password": nil},
		{"awsIAMType": "role", "databaseName": "$external", "password": nil},
		{"oidcAuthType": "IDP_GROUP", "password": nil},
		{"oidcAuthType": "USER", "databaseName": "$external", "password": nil},
	} {
		good["username"] = fmt.Sprintf("u%d", i)
		c.do("POST", path, with(good), 201)
	}
}

func TestExpiry(t *testing.T) {
	c := start(t, Options{})
	project := c.project("p")
	user := scramUser("guest")
	user["deleteAfterDate"] = stamp(testStart.Add(time.Hour))
	c.do("POST", project+"/databaseUsers", user, 201)
	c.do("POST", project+"/databaseUsers", scramUser("staff"), 201)
	c.do("POST", project+"/accessList", []any{object{"ipAddress": "203.0.113.7", "deleteAfterDate": stamp(testStart.Add(2 * time.Hour))}}, 201)
	c.do("PATCH", project+"/databaseUsers/admin/guest", object{"deleteAfterDate": stamp(testStart.Add(90 * time.Minute))}, 200)
	c.clock.Advance(time.Hour)
	c.do("GET", project+"/databaseUsers/admin/guest", nil, 200)
	c.clock.Advance(30 * time.Minute)
	c.refuse("GET", project+"/databaseUsers/admin/guest", nil, 404, "USERNAME_NOT_FOUND")
	c.do("GET", project+"/accessList/203.0.113.7", nil, 200)
	c.s.Advance(30 * time.Minute)
	c.refuse("GET", project+"/accessList/203.0.113.7", nil, 404, "ATLAS_NETWORK_PERMISSION_ENTRY_NOT_FOUND")
	c.do("GET", project+"/databaseUsers/admin/staff", nil, 200)
}

func TestRoleLife(t *testing.T) {
	c := start(t, Options{})
	project := c.project("p")
	path := project + "/customDBRoles/roles"
	actions := []any{
		object{"action": "FIND", "resources": []any{object{"db": "a", "collection": ""}, object{"db": "b", "collection": ""}}},
		object{"action": "LIST_SESSIONS", "resources": []any{object{"cluster": true}}},
	}
	created := c.do("POST", path, object{"roleName": "reader", "actions": actions}, 202)
	if canonical(created.body["inheritedRoles"]) != "[]" || created.body["links"] != nil {
		t.Errorf("created %s", created.raw)
	}
	if canonical(created.body["actions"]) == canonical(actions) {
		t.Error("actions came back in the order in which they were written")
	}
	c.refuse("POST", path, object{"roleName": "reader", "actions": actions}, 409, "ATLAS_CUSTOM_ROLE_NAME_ALREADY_EXISTS")
	c.refuse("POST", path, object{"roleName": "-x", "actions": actions}, 400, "ATLAS_CUSTOM_ROLE_INVALID_NAME")
	c.refuse("POST", path, object{"roleName": "empty"}, 400, "ATLAS_CUSTOM_ROLE_HAS_NO_PERMISSIONS")
	c.refuse("POST", path, object{"roleName": "x", "inheritedRoles": []any{object{"db": "admin", "role": "nobody"}}}, 400, "ATLAS_INVALID_ROLE")
	c.refuse("PATCH", path+"/reader", object{"roleName": "writer"}, 400, "INVALID_ATTRIBUTE")
	c.do("POST", path, object{"roleName": "child", "inheritedRoles": []any{object{"db": "admin", "role": "reader"}}}, 202)

	user := scramUser("u")
	user["roles"] = []any{object{"roleName": "reader", "databaseName": "admin"}}
	c.do("POST", project+"/databaseUsers", user, 201)
	c.refuse("DELETE", path+"/reader", nil, 409, "ATLAS_CUSTOM_ROLE_IN_USE_BY_USERS")
	c.do("PATCH", project+"/databaseUsers/admin/u", object{"roles": []any{object{"roleName": "read", "databaseName": "a"}, object{"roleName": "reader", "databaseName": "admin"}}}, 200)
	c.refuse("DELETE", path+"/reader", nil, 409, "ATLAS_CUSTOM_ROLE_IN_USE_BY_ROLES")
	c.do("PATCH", path+"/child", object{"actions": actions}, 200)
	c.do("DELETE", path+"/reader", nil, 204)
	if got := canonical(c.do("GET", project+"/databaseUsers/admin/u", nil, 200).body["roles"]); strings.Contains(got, "reader") {
		t.Errorf("a deleted role is still granted: %s", got)
	}
	if got := c.do("GET", path, nil, 200).list; len(got) != 1 {
		t.Errorf("roles %v", got)
	}
	c.refuse("GET", path+"/reader", nil, 404, "ATLAS_CUSTOM_ROLE_NOT_FOUND")
}

func TestAccessListForms(t *testing.T) {
	c := start(t, Options{})
	path := c.project("p") + "/accessList"
	for _, tt := range []struct {
		entry     object
		key, want string // want is cidrBlock, ipAddress
	}{
		{object{"ipAddress": "203.0.113.7"}, "203.0.113.7", "203.0.113.7/32 203.0.113.7"},
		{object{"cidrBlock": "203.0.113.8/32"}, "203.0.113.8%2F32", "203.0.113.8/32 203.0.113.8"},
		{object{"cidrBlock": "203.0.113.9/32", "ipAddress": "203.0.113.9"}, "203.0.113.9", "203.0.113.9/32 203.0.113.9"},
		{object{"cidrBlock": "10.20.0.0/16"}, "10.20.0.0%2F16", "10.20.0.0/16 "},
		{object{"ipAddress": "2001:DB8:0::1"}, "2001:db8::1", "2001:db8::1/128 2001:db8::1"},
	} {
		c.do("POST", path, []any{tt.entry}, 201)
		got := c.do("GET", path+"/"+tt.key, nil, 200).body
		if s := textOf(got, "cidrBlock") + " " + textOf(got, "ipAddress"); s != tt.want {
			t.Errorf("%v: got %s, want %s", tt.entry, s, tt.want)
		}
	}
	c.do("POST", path, []any{object{"awsSecurityGroup": "sg-0123456789"}}, 201)
	if got := c.do("GET", path+"/sg-0123456789/status", nil, 200).body; got["STATUS"] != "ACTIVE" {
		t.Errorf("status %v", got)
	}
	for _, tt := range []struct {
		entry object
		code  string
	}{
		{object{}, "MISSING_ATTRIBUTE"},
		{object{"ipAddress": "203.0.113.300"}, "INVALID_IP_ADDRESS_OR_CIDR_NOTATION"},
		{object{"ipAddress": "203.0.113.0/24"}, "INVALID_IP_ADDRESS_OR_CIDR_NOTATION"},
		{object{"cidrBlock": "10.0.0.0/33"}, "INVALID_IP_ADDRESS_OR_CIDR_NOTATION"},
		{object{"ipAddress": "203.0.113.1", "cidrBlock": "203.0.113.0/24"}, "MULTIPLE_VALUES_SPECIFIED_FOR_ONE_NETWORK_PERMISSION_ENTRY"},
		{object{"ipAddress": "203.0.113.1", "awsSecurityGroup": "sg-1"}, "MULTIPLE_VALUES_SPECIFIED_FOR_ONE_NETWORK_PERMISSION_ENTRY"},
		{object{"ipAddress": "203.0.113.1", "comment": strings.Repeat("é", 81)}, "INVALID_NETWORK_PERMISSION_COMMENT"},
		{object{"ipAddress": "203.0.113.1", "label": "x"}, "INVALID_ATTRIBUTE"},
	} {
		c.refuse("POST", path, []any{tt.entry}, 400, tt.code)
	}
	c.refuse("POST", path, object{"ipAddress": "203.0.113.1"}, 400, "INVALID_JSON")
	c.do("DELETE", path+"/203.0.113.7%2F32", nil, 204)
	c.refuse("DELETE", path+"/203.0.113.7", nil, 404, "ATLAS_NETWORK_PERMISSION_ENTRY_NOT_FOUND")
}

func TestAccessListUpsert(t *testing.T) {
	for _, ignore := range []bool{false, true} {
		c := start(t, Options{IgnoreRepeatedEntries: ignore})
		path := c.project("p") + "/accessList"
		c.do("POST", path, []any{object{"ipAddress": "203.0.113.7", "comment": "old"}}, 201)
		c.do("POST", path, []any{object{"ipAddress": "203.0.113.7", "comment": "new"}, object{"ipAddress": "203.0.113.8"}}, 201)
		want := map[bool]string{false: "new", true: "old"}[ignore]
		if got := textOf(c.do("GET", path+"/203.0.113.7", nil, 200).body, "comment"); got != want {
			t.Errorf("IgnoreRepeatedEntries %t: comment %q, want %q", ignore, got, want)
		}
		if got := intOf(c.do("GET", path, nil, 200).body, "totalCount"); got != 2 {
			t.Errorf("%d entries", got)
		}
	}
}

func TestAccessListIsAllOrNothing(t *testing.T) {
	c := start(t, Options{})
	project := c.project("p")
	c.refuse("POST", project+"/accessList", []any{object{"ipAddress": "203.0.113.7"}, object{"ipAddress": "nowhere"}}, 400, "INVALID_IP_ADDRESS_OR_CIDR_NOTATION")
	if got := c.do("GET", project+"/accessList", nil, 200).results(); len(got) != 0 {
		t.Errorf("entries of a refused request: %v", got)
	}
	c.do("PATCH", project+"/limits/atlas.project.security.networkAccess.entries", object{"value": 1}, 200)
	c.refuse("POST", project+"/accessList", []any{object{"ipAddress": "203.0.113.7"}, object{"ipAddress": "203.0.113.8"}}, 403, "ATLAS_NETWORK_PERMISSIONS_LIMIT_EXCEEDED")
}

// A limit without a default is there while it is set.
func TestLimitsOfDataFederationComeAndGo(t *testing.T) {
	c := start(t, Options{})
	path := c.project("p") + "/limits"
	const name = "dataFederation.bytesProcessed.daily"
	listed := func() bool {
		return strings.Contains(canonical(c.do("GET", path, nil, 200).list), name)
	}
	if listed() {
		t.Error("it is there from the start")
	}
	c.refuse("GET", path+"/"+name, nil, 400, "INVALID_PATH_PARAMETER")
	if got := c.do("PATCH", path+"/"+name, object{"value": 1 << 40}, 200).body; intOf(got, "value") != 1<<40 || got["maximumLimit"] != nil {
		t.Errorf("it was answered as %v", got)
	}
	if !listed() {
		t.Error("it is not there after it was set")
	}
	c.do("DELETE", path+"/"+name, nil, 204)
	if listed() {
		t.Error("it is there after it was deleted")
	}
}

func TestListsAreShuffledPerSeed(t *testing.T) {
	order := func(seed uint64, restless bool) []string {
		c := start(t, Options{Seed: seed, Restless: restless})
		path := c.project("p") + "/databaseUsers"
		user := scramUser("u")
		user["scopes"] = []any{}
		for i := range 6 {
			user["scopes"] = append(user["scopes"].([]any), object{"name": fmt.Sprintf("c%d", i), "type": "CLUSTER"})
		}
		c.do("POST", path, user, 201)
		var out []string
		for range 3 {
			out = append(out, canonical(c.do("GET", path+"/admin/u", nil, 200).body["scopes"]))
		}
		return out
	}
	if a, b := order(1, false), order(1, false); !slices.Equal(a, b) || a[0] != a[1] {
		t.Errorf("the same seed gives %v and %v", a, b)
	}
	if a, b := order(1, false), order(2, false); a[0] == b[0] {
		t.Errorf("two seeds give the same order %v", a)
	}
	if a, b := order(1, true), order(1, true); !slices.Equal(a, b) || a[0] == a[1] && a[1] == a[2] {
		t.Errorf("restless orders %v and %v", a, b)
	}
}
