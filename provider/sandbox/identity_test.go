package sandbox

import (
	"net/http"
	"testing"

	"github.com/icholy/digest"
)

// TestWhoAmI holds what a credential is told about itself, one of the options and one that was made here.
func TestWhoAmI(t *testing.T) {
	account := Credential{ClientID: "mdb_sa_id_5a0db0c0ffee5a0db0c0fff0", ClientSecret: "mdb_sa_sk_reader", Roles: []string{"ORG_MEMBER"},
		ProjectRoles: map[string][]string{"shop": {"GROUP_READ_ONLY"}}}
	c := start(t, Options{Orgs: []Org{{ID: DefaultOrgID, Name: "One", Credentials: []Credential{{AccessToken: DefaultAccessToken}, account}}}})
	shop := c.project("shop")
	id := shop[len("/api/atlas/v2/groups/"):]
	c.project("other")

	own := "/api/atlas/v2/orgs/" + DefaultOrgID + "/serviceAccounts/" + account.ClientID
	if got := c.do("GET", own, nil, 200).body; canonical(got["roles"]) != `["ORG_MEMBER"]` || textOf(got, "clientId") != account.ClientID {
		t.Errorf("account %v", got)
	}
	if got := c.do("GET", own+"/groups", nil, 200); canonical(got.body["results"]) != `[{"groupId":"`+id+`","roles":["GROUP_READ_ONLY"]}]` {
		t.Errorf("projects %s", got.raw)
	}
	c.refuse("GET", own+"0", nil, 404, "RESOURCE_NOT_FOUND")

	made := c.do("POST", shop+"/apiKeys", object{"desc": "d", "roles": []any{"GROUP_OWNER"}}, 200).body
	c.do("POST", testKeys+"/"+textOf(made, "id")+"/accessList", []any{object{"ipAddress": "203.0.113.7"}}, 200)
	key := &http.Client{Transport: &digest.Transport{Username: textOf(made, "publicKey"), Password: textOf(made, "privateKey")}}
	c.http, c.token = key, ""
	told := objectOf(c.do("GET", "/api/atlas/v2", nil, 200).body, "apiKey")
	if roleNames(told) != roleNames(made) || textOf(told, "id") != textOf(made, "id") || canonical(told["accessList"]) != `[{"cidrBlock":"203.0.113.7/32","ipAddress":"203.0.113.7"}]` {
		t.Errorf("told %v", told)
	}
}
