package sandbox

import (
	"slices"
	"strings"
	"testing"
	"time"
)

const orgPath = apiRoot + "/orgs/" + DefaultOrgID

// putUsers stores the users of a recorded list, of an organization, a project or a team.
func (c *conformance) putUsers(t *testing.T, r recording) {
	t.Helper()
	for _, doc := range objectsOf(asObject(r.Body), "results") {
		doc := clone(doc)
		if roles, ok := doc["roles"].([]any); ok {
			doc["roles"] = object{"orgRoles": []any{"ORG_MEMBER"}, "groupRoleAssignments": []any{object{"groupId": r.Params["groupId"], "groupRoles": roles}}}
			doc["teamIds"] = []any{}
		}
		c.put(t, OrgUser, c.s.orgs[0].ID, doc)
	}
}

// TestRecordedTeams compares what a sandbox answers to reads and writes of teams with what was recorded.
func TestRecordedTeams(t *testing.T) {
	c := newConformance(t, "teams")
	for _, list := range c.recorded {
		for _, r := range list {
			c.fresh(t, r)
			org, body := c.s.orgs[0].ID, asObject(r.Body)
			r.RawPath = strings.Replace(r.RawPath, "/orgs/"+r.Params["orgId"], "/orgs/"+org, 1)
			teams := objectsOf(body, "results")
			if body != nil && body["results"] == nil {
				teams = []object{body}
			}
			inProject := r.Params["groupId"] != ""
			if id := r.Params["teamId"]; id != "" && (inProject || body == nil || strings.HasSuffix(r.Path, "/users")) {
				teams = append(teams, object{"id": id, "name": "recorded", "teamId": id, "roleNames": []any{"GROUP_READ_ONLY"}})
			}
			for _, doc := range teams {
				id := textOf(doc, "id") + textOf(doc, "teamId")
				if r.Method == "POST" && !inProject || textOf(doc, "username") != "" {
					continue
				}
				c.put(t, Team, org, object{"id": id[:24], "name": textOf(doc, "name")})
				if inProject && r.Method != "POST" {
					c.put(t, ProjectTeam, r.Params["groupId"], object{"teamId": doc["teamId"], "roleNames": doc["roleNames"]})
				}
			}
			switch {
			case strings.HasSuffix(r.Path, "/users"):
				c.putUsers(t, r)
				c.compare(t, r, nil)
			case r.Method == "POST" && inProject:
				grant := objectsOf(body, "results")[0]
				c.compare(t, r, []any{object{"teamId": grant["teamId"], "roleNames": grant["roleNames"]}})
			case r.Method == "PATCH" && inProject:
				c.compare(t, r, object{"roleNames": objectsOf(body, "results")[0]["roleNames"]})
			case r.Method == "POST":
				c.put(t, OrgUser, org, object{"id": "5a0db0000000000000000009", "username": listOf(body, "usernames")[0], "orgMembershipStatus": "ACTIVE",
					"roles": object{"orgRoles": []any{"ORG_OWNER"}}})
				c.compare(t, r, object{"name": body["name"], "usernames": body["usernames"]})
			case r.Method == "PATCH":
				c.compare(t, r, object{"name": body["name"]})
			default:
				c.compare(t, r, nil)
			}
		}
	}
	c.report(t)
}

// invited makes pending users and returns their ids.
func invited(c *client, usernames ...string) []string {
	var ids []string
	for _, username := range usernames {
		got := c.do("POST", orgPath+"/users", object{"username": username, "roles": object{"orgRoles": []any{"ORG_MEMBER"}}}, 201).body
		ids = append(ids, textOf(got, "id"))
	}
	return ids
}

func TestTeams(t *testing.T) {
	c := start(t, Options{})
	ids := invited(c, "ann@example.com", "Bob@Example.com")
	c.refuse("POST", orgPath+"/teams", object{"name": "dev", "usernames": []any{}}, 400, "CANNOT_CREATE_EMPTY_TEAM")
	c.refuse("POST", orgPath+"/teams", object{"name": "dev", "usernames": []any{"nobody@example.com"}}, 404, "USERNAME_NOT_FOUND")
	c.refuse("POST", orgPath+"/teams", object{"name": "dev"}, 400, "MISSING_ATTRIBUTE")
	team := textOf(c.do("POST", orgPath+"/teams", object{"name": "dev", "usernames": []any{"ann@example.com"}}, 201).body, "id")
	c.refuse("POST", orgPath+"/teams", object{"name": "dev", "usernames": []any{"ann@example.com"}}, 409, "TEAM_NAME_NOT_AVAILABLE")
	one := orgPath + "/teams/" + team

	who := func() []string {
		var names []string
		for _, doc := range objectsOf(c.do("GET", one+"/users", nil, 200).body, "results") {
			names = append(names, textOf(doc, "username"))
		}
		slices.Sort(names)
		return names
	}
	c.do("POST", one+":addUser", object{"id": ids[1]}, 200)
	if got := who(); !slices.Equal(got, []string{"ann@example.com", "bob@example.com"}) {
		t.Errorf("the team holds %q", got)
	}
	c.do("POST", one+":removeUser", object{"id": ids[0]}, 200)
	if got := who(); !slices.Equal(got, []string{"bob@example.com"}) {
		t.Errorf("the team holds %q", got)
	}
	c.refuse("POST", one+":addUser", object{"id": "5a0db0000000000000000000"}, 404, "RESOURCE_NOT_FOUND")
	if got := c.do("GET", one, nil, 200).body; got["usernames"] != nil {
		t.Errorf("a team shows its users: %v", got)
	}
	c.do("PATCH", one, object{"name": "developers"}, 200)
	c.do("GET", orgPath+"/teams/byName/developers", nil, 200)
	c.refuse("GET", orgPath+"/teams/byName/dev", nil, 404, "TEAM_NAME_NOT_FOUND")

	group := c.project("shop") + "/teams"
	c.refuse("POST", group, []any{object{"teamId": "5a0db0000000000000000000", "roleNames": []any{"GROUP_OWNER"}}}, 404, "TEAM_NOT_FOUND")
	c.refuse("POST", group, []any{object{"teamId": team, "roleNames": []any{"ORG_OWNER"}}}, 400, "INVALID_ROLE_FOR_GROUP")
	c.do("POST", group, []any{object{"teamId": team, "roleNames": []any{"GROUP_OWNER"}}}, 200)
	c.refuse("POST", group, []any{object{"teamId": team, "roleNames": []any{"GROUP_OWNER"}}}, 409, "TEAM_EXISTS_IN_GROUP")
	c.do("PATCH", group+"/"+team, object{"roleNames": []any{"GROUP_READ_ONLY", "GROUP_DATA_ACCESS_ADMIN"}}, 200)
	c.refuse("PATCH", group+"/"+team, object{"roleNames": []any{}}, 400, "MISSING_ATTRIBUTE")
	if got := c.do("GET", group+"/"+team, nil, 200).body; len(listOf(got, "roleNames")) != 2 {
		t.Errorf("the team in the project is %v", got)
	}
	c.refuse("DELETE", one, nil, 404, "CANNOT_DELETE_TEAM_ASSIGNED_TO_PROJECT")
	c.do("DELETE", group+"/"+team, nil, 204)
	c.do("DELETE", one, nil, 204)
	c.refuse("GET", one, nil, 404, "TEAM_NOT_FOUND")
}

func TestUsers(t *testing.T) {
	c := start(t, Options{})
	id := invited(c, "Ann@example.com")[0]
	one := orgPath + "/users/" + id
	got := c.do("GET", one, nil, 200).body
	if textOf(got, "username") != "ann@example.com" || textOf(got, "orgMembershipStatus") != "PENDING" || textOf(got, "invitationExpiresAt") == "" {
		t.Errorf("invited, the user is %v", got)
	}
	again := object{"username": "ANN@example.com", "roles": object{"orgRoles": []any{"ORG_MEMBER"}}}
	c.refuse("POST", orgPath+"/users", again, 409, "USER_ALREADY_EXISTS")
	c.refuse("POST", orgPath+"/users", object{"username": "no address", "roles": object{"orgRoles": []any{"ORG_MEMBER"}}}, 400, "VALIDATION_ERROR")
	c.refuse("POST", orgPath+"/users", object{"username": "x@example.com", "roles": object{"orgRoles": []any{}}}, 400, "VALIDATION_ERROR")

	c.do("POST", one+":addRole", object{"orgRole": "ORG_READ_ONLY"}, 200)
	c.do("POST", one+":removeRole", object{"orgRole": "ORG_MEMBER"}, 200)
	c.refuse("POST", one+":removeRole", object{"orgRole": "ORG_READ_ONLY"}, 400, "VALIDATION_ERROR")

	group := c.project("shop") + "/users"
	c.do("POST", group, object{"username": "ann@example.com", "roles": []any{"GROUP_READ_ONLY"}}, 201)
	c.refuse("POST", group, object{"username": "ann@example.com", "roles": []any{"GROUP_OWNER"}}, 409, "USER_ALREADY_EXISTS")
	c.do("POST", group+"/"+id+":addRole", object{"groupRole": "GROUP_OWNER"}, 200)
	c.do("POST", group+"/"+id+":removeRole", object{"groupRole": "GROUP_READ_ONLY"}, 200)
	if got := c.do("GET", group+"/"+id, nil, 200).body; !slices.Equal(listOf(got, "roles"), []any{"GROUP_OWNER"}) {
		t.Errorf("in the project the user is %v", got)
	}
	c.do("PATCH", one, object{"roles": object{"orgRoles": []any{"ORG_MEMBER"}}}, 200)
	c.refuse("GET", group+"/"+id, nil, 404, "RESOURCE_NOT_FOUND")
	c.do("POST", group, object{"username": "new@example.com", "roles": []any{"GROUP_READ_ONLY"}}, 201)
	if got := c.do("GET", orgPath+"/users?username=NEW@example.com", nil, 200).body; intOf(got, "totalCount") != 1 {
		t.Errorf("who is new in a project is not in the organization: %v", got)
	}

	c.s.Advance(31 * 24 * time.Hour)
	c.refuse("GET", one, nil, 404, "RESOURCE_NOT_FOUND")
	if got := c.do("GET", orgPath+"/users?orgMembershipStatuses=INVITATION_EXPIRED", nil, 200).body; intOf(got, "totalCount") != 2 {
		t.Errorf("expired are %v", got)
	}
	c.do("POST", orgPath+"/users", again, 201)
}

func TestAnOrganizationKeepsAnOwner(t *testing.T) {
	c := start(t, Options{})
	owner := orgPath + "/users/" + objectID("owner", DefaultOrgID)
	c.refuse("DELETE", owner, nil, 409, "VALIDATION_ERROR")
	c.refuse("PATCH", owner, object{"roles": object{"orgRoles": []any{"ORG_MEMBER"}}}, 409, "VALIDATION_ERROR")
	id := textOf(c.do("POST", orgPath+"/users", object{"username": "second@example.com", "roles": object{"orgRoles": []any{"ORG_OWNER"}}}, 201).body, "id")
	c.refuse("DELETE", owner, nil, 409, "VALIDATION_ERROR") // who is invited may never come
	if err := c.s.Change(OrgUser, DefaultOrgID, id, object{"orgMembershipStatus": "ACTIVE"}); err != nil {
		t.Fatal(err)
	}
	c.do("DELETE", owner, nil, 204)
}

func TestOrganization(t *testing.T) {
	c := start(t, Options{})
	if got := c.do("GET", orgPath, nil, 200).body; got["name"] != DefaultOrgName || got["skipDefaultAlertsSettings"] != false {
		t.Errorf("at the start it is %v", got)
	}
	c.refuse("PATCH", orgPath, object{"skipDefaultAlertsSettings": true}, 400, "MISSING_ATTRIBUTE")
	c.refuse("PATCH", orgPath, object{"name": "a/b"}, 400, "VALIDATION_ERROR")
	c.do("PATCH", orgPath, object{"name": "Shop"}, 200)
	if got := c.do("GET", apiRoot+"/orgs", nil, 200).results(); len(got) != 1 || got[0]["name"] != "Shop" {
		t.Errorf("the list is %v", got)
	}
	settings := orgPath + "/settings"
	c.do("PATCH", settings, object{"multiFactorAuthRequired": true, "operationsContact": "ops@example.com"}, 200)
	got := c.do("PATCH", settings, object{"operationsContact": nil, "customSessionTimeouts": object{"idleSessionTimeoutInSeconds": 300}}, 200).body
	if got["multiFactorAuthRequired"] != true || got["operationsContact"] != nil || got["genAIFeaturesEnabled"] != true {
		t.Errorf("the settings are %v", got)
	}
	c.refuse("PATCH", settings, object{"maxServiceAccountSecretValidityInHours": 7}, 400, "VALIDATION_ERROR")
	c.refuse("PATCH", settings, object{"domains": []any{}}, 400, "INVALID_ATTRIBUTE")

	if err := c.s.Change(OrgSettings, DefaultOrgID, "", object{"multiFactorAuthRequired": false}); err != nil {
		t.Fatal(err)
	}
	if got, ok := c.s.Get(OrgSettings, DefaultOrgID, ""); !ok || got["multiFactorAuthRequired"] != false || len(c.s.List(Organization, DefaultOrgID)) != 1 {
		t.Errorf("by hand they are %v", got)
	}
	if err := c.s.Delete(Organization, DefaultOrgID, ""); err != nil {
		t.Fatal(err)
	}
	if got := c.do("GET", orgPath, nil, 200).body; got["name"] != DefaultOrgName {
		t.Errorf("reset it is %v", got)
	}
}

// What one organization has is not there for the credentials of another.
func TestOrganizationsAreApart(t *testing.T) {
	const other, token = "5a0db0000000000000000002", "other-token"
	c := start(t, Options{Orgs: []Org{{ID: DefaultOrgID, Name: "One", Credentials: []Credential{{AccessToken: DefaultAccessToken}}},
		{ID: other, Name: "Other", Credentials: []Credential{{AccessToken: token}}}}})
	group, user := c.project("shop"), invited(c, "ann@example.com")[0]
	team := textOf(c.do("POST", orgPath+"/teams", object{"name": "dev", "usernames": []any{"ann@example.com"}}, 201).body, "id")
	key := textOf(c.do("POST", orgPath+"/apiKeys", object{"desc": "k", "roles": []any{"ORG_MEMBER"}}, 200).body, "id")

	c.token = token
	elsewhere := apiRoot + "/orgs/" + other
	for _, path := range []string{"", "/settings", "/teams", "/teams/" + team, "/users", "/users/" + user, "/apiKeys", "/apiKeys/" + key, "/groups"} {
		c.refuse("GET", orgPath+path, nil, 401, "USER_CANNOT_ACCESS_ORG")
	}
	for _, path := range []string{"", "/teams", "/users"} {
		c.refuse("GET", group+path, nil, 401, "NOT_IN_GROUP")
	}
	c.refuse("PATCH", orgPath+"/settings", object{"multiFactorAuthRequired": true}, 401, "USER_CANNOT_ACCESS_ORG")
	for path, count := range map[string]int{"/teams": 0, "/users": 1, "/apiKeys": 0, "/groups": 0} {
		if got := c.do("GET", elsewhere+path, nil, 200).results(); len(got) != count {
			t.Errorf("%s shows %v", path, got)
		}
	}
	c.refuse("GET", elsewhere+"/teams/"+team, nil, 404, "TEAM_NOT_FOUND")
	c.refuse("GET", elsewhere+"/users/"+user, nil, 404, "RESOURCE_NOT_FOUND")
	c.refuse("GET", elsewhere+"/apiKeys/"+key, nil, 400, "API_KEY_NOT_FOUND")
	if got := c.do("GET", apiRoot+"/orgs", nil, 200).results(); len(got) != 1 || got[0]["id"] != other {
		t.Errorf("it sees the organizations %v", got)
	}
}
