package sandbox

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/icholy/digest"
)

const testKeys = "/api/atlas/v2/orgs/" + DefaultOrgID + "/apiKeys"

// roleNames are a key's roles, those in projects with the project's id.
func roleNames(doc object) string {
	var names []string
	for _, r := range objectsOf(doc, "roles") {
		names = append(names, textOf(r, "groupId")+textOf(r, "roleName"))
	}
	return canonical(stable("roles", anyList(names)))
}

func anyList(texts []string) []any {
	out := make([]any, len(texts))
	for i, t := range texts {
		out[i] = t
	}
	return out
}

func TestKeyLife(t *testing.T) {
	c := start(t, Options{})
	made := c.do("POST", testKeys, object{"desc": "deployer", "roles": []any{"ORG_MEMBER", "ORG_READ_ONLY"}}, 200).body
	id, private := textOf(made, "id"), textOf(made, "privateKey")
	if !regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`).MatchString(private) || len(textOf(made, "publicKey")) != 8 {
		t.Errorf("made %v", made)
	}
	one := testKeys + "/" + id
	read := c.do("GET", one, nil, 200)
	if want := "********-****-****-" + private[24:]; textOf(read.body, "privateKey") != want || strings.Contains(read.raw, private) {
		t.Errorf("read %s, want the private key as %s", read.raw, want)
	}
	if got := c.do("PATCH", one, object{"desc": "d2"}, 200).body; textOf(got, "desc") != "d2" || roleNames(got) != roleNames(made) {
		t.Errorf("renamed to %v", got)
	}
	if got := c.do("PATCH", one, object{"roles": []any{"ORG_OWNER"}}, 200).body; roleNames(got) != `["ORG_OWNER"]` || textOf(got, "desc") != "d2" {
		t.Errorf("granted %v", got)
	}
	if got := objectsOf(c.do("GET", testKeys, nil, 200).body, "results"); len(got) != 1 || textOf(got[0], "id") != id {
		t.Errorf("listed %v", got)
	}
	c.do("POST", testKeys, object{"desc": "d2", "roles": []any{"ORG_OWNER"}}, 200) // descriptions need not differ
	c.do("DELETE", one, nil, 204)
	c.refuse("GET", one, nil, 400, "API_KEY_NOT_FOUND")
	c.refuse("DELETE", one, nil, 400, "API_KEY_NOT_FOUND")
}

func TestKeyChecks(t *testing.T) {
	c := start(t, Options{})
	id := textOf(c.do("POST", testKeys, object{"desc": "d", "roles": []any{"ORG_MEMBER"}}, 200).body, "id")
	inProject := c.project("p") + "/apiKeys"
	for _, tt := range []struct {
		method, path string
		body         any
		code         string
	}{
		{"POST", testKeys, object{"roles": []any{"ORG_MEMBER"}}, "API_KEY_REQUIRES_DESCRIPTION"},
		{"POST", testKeys, object{"desc": strings.Repeat("x", 251), "roles": []any{"ORG_MEMBER"}}, "VALIDATION_ERROR"},
		{"POST", testKeys, object{"desc": "d"}, "MISSING_API_KEY_ROLES"},
		{"POST", testKeys, object{"desc": "d", "roles": []any{"GROUP_OWNER"}}, "INVALID_ROLE_FOR_ORG"},
		{"POST", testKeys, object{"desc": "d", "roles": []any{object{"roleName": "ORG_MEMBER"}}}, "INVALID_JSON_ATTRIBUTE"},
		{"PATCH", testKeys + "/" + id, object{"desc": ""}, "API_KEY_REQUIRES_DESCRIPTION"},
		{"PATCH", testKeys + "/" + id, object{"roles": []any{}}, "MISSING_API_KEY_ROLES"},
		{"PATCH", testKeys + "/" + id, object{"description": "d"}, "INVALID_ATTRIBUTE"},
		{"POST", inProject, object{"desc": "d", "roles": []any{"ORG_OWNER"}}, "INVALID_ROLE_FOR_GROUP"},
		{"POST", inProject + "/" + id, object{"roles": []any{"GROUP_OWNER"}}, "INVALID_JSON"},
		{"POST", inProject + "/" + id, []any{object{"roles": []any{}}}, "MISSING_API_KEY_ROLES"},
		{"POST", inProject + "/5a0db0000000000000000009", []any{object{"roles": []any{"GROUP_OWNER"}}}, "API_KEY_NOT_FOUND"},
		{"DELETE", inProject + "/" + id, nil, "API_KEY_NOT_FOUND"},
		{"POST", testKeys + "/" + id + "/accessList", []any{object{}}, "MISSING_ATTRIBUTE"},
		{"POST", testKeys + "/" + id + "/accessList", []any{object{"ipAddress": "10.0.0.0/8"}}, "INVALID_IP_ADDRESS_OR_CIDR_NOTATION"},
		{"POST", testKeys + "/" + id + "/accessList", []any{object{"ipAddress": "10.0.0.1", "cidrBlock": "10.0.0.0/8"}},
			"MULTIPLE_VALUES_SPECIFIED_FOR_ONE_NETWORK_PERMISSION_ENTRY"},
	} {
		c.refuse(tt.method, tt.path, tt.body, 400, tt.code)
	}
}

func TestKeysInProjects(t *testing.T) {
	c := start(t, Options{})
	one, two := c.project("one"), c.project("two")
	id := func(path string) string { return path[strings.LastIndex(path, "/")+1:] }
	key := textOf(c.do("POST", testKeys, object{"desc": "d", "roles": []any{"ORG_MEMBER"}}, 200).body, "id")
	expect := func(want ...string) {
		t.Helper()
		if got := roleNames(c.do("GET", testKeys+"/"+key, nil, 200).body); got != canonical(stable("roles", anyList(want))) {
			t.Errorf("roles %s, want %s", got, want)
		}
	}
	c.do("POST", one+"/apiKeys/"+key, []any{object{"roles": []any{"GROUP_READ_ONLY"}}}, 204)
	c.do("POST", one+"/apiKeys/"+key, []any{object{"roles": []any{"GROUP_OWNER", "GROUP_READ_ONLY"}}}, 204)
	c.do("PATCH", two+"/apiKeys/"+key, object{"roles": []any{"GROUP_OWNER"}}, 200)
	expect("ORG_MEMBER", id(one)+"GROUP_READ_ONLY", id(one)+"GROUP_OWNER", id(two)+"GROUP_OWNER")
	c.do("PATCH", one+"/apiKeys/"+key, object{"roles": []any{"GROUP_OWNER"}}, 200)
	expect("ORG_MEMBER", id(one)+"GROUP_OWNER", id(two)+"GROUP_OWNER")

	made := c.do("POST", two+"/apiKeys", object{"desc": "of two", "roles": []any{"GROUP_READ_ONLY"}}, 200).body
	if got := roleNames(made); got != canonical(stable("roles", anyList([]string{"ORG_MEMBER", id(two) + "GROUP_READ_ONLY"}))) {
		t.Errorf("made in a project with %s", got)
	}
	for path, n := range map[string]int{one: 1, two: 2} {
		if got := objectsOf(c.do("GET", path+"/apiKeys", nil, 200).body, "results"); len(got) != n {
			t.Errorf("%s has %d keys, want %d", path, len(got), n)
		}
	}
	c.do("DELETE", two+"/apiKeys/"+key, nil, 204)
	c.do("DELETE", one, nil, 202)
	expect("ORG_MEMBER")
	c.do("DELETE", testKeys+"/"+textOf(made, "id"), nil, 204)
	if got := objectsOf(c.do("GET", two+"/apiKeys", nil, 200).body, "results"); len(got) != 0 {
		t.Errorf("a deleted key is still in its project: %v", got)
	}
}

func TestKeyAccessList(t *testing.T) {
	c := start(t, Options{})
	path := testKeys + "/" + textOf(c.do("POST", testKeys, object{"desc": "d", "roles": []any{"ORG_MEMBER"}}, 200).body, "id") + "/accessList"
	c.do("POST", path, []any{object{"ipAddress": "203.0.113.7"}, object{"cidrBlock": "10.0.0.0/8"}}, 200)
	all := objectsOf(c.do("POST", path, []any{object{"cidrBlock": "203.0.113.7/32"}}, 200).body, "results")
	if len(all) != 2 || textOf(all[0], "ipAddress") != "203.0.113.7" || textOf(all[0], "cidrBlock") != "203.0.113.7/32" || all[1]["ipAddress"] != nil {
		t.Errorf("entries %v", all)
	}
	if self := objectsOf(all[1], "links")[0]["href"].(string); !strings.HasSuffix(self, "/accessList/10.0.0.0%2F8") {
		t.Errorf("self %s", self)
	}
	if got := objectsOf(c.do("GET", path+"?itemsPerPage=1&pageNum=2", nil, 200).body, "results"); len(got) != 1 || textOf(got[0], "cidrBlock") != "10.0.0.0/8" {
		t.Errorf("second page %v", got)
	}
	c.do("GET", path+"/203.0.113.7", nil, 200)
	c.do("DELETE", path+"/10.0.0.0%2F8", nil, 204)
	c.refuse("GET", path+"/10.0.0.0%2F8", nil, 404, "RESOURCE_NOT_FOUND")
}

// A key that was made logs in until it is deleted, and its private key is kept nowhere.
func TestKeyLogsIn(t *testing.T) {
	dir := t.TempDir()
	c := start(t, Options{Dir: dir})
	made := c.do("POST", testKeys, object{"desc": "d", "roles": []any{"ORG_READ_ONLY"}}, 200).body
	private := textOf(made, "privateKey")
	as := func(private string) int {
		t.Helper()
		req, err := http.NewRequest("GET", c.url+testKeys, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept", "application/vnd.atlas.2023-01-01+json")
		resp, err := (&http.Client{Transport: &digest.Transport{Username: textOf(made, "publicKey"), Password: private}}).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	if got := as(private); got != 200 {
		t.Errorf("the new key is answered with %d", got)
	}
	if got := as(newPrivateKey()); got != 401 {
		t.Errorf("another private key is answered with %d", got)
	}
	if err := c.s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if strings.Contains(string(text), private) {
			err = fmt.Errorf("%s holds the private key", path)
		}
		return err
	}); err != nil {
		t.Error(err)
	}
	c = start(t, Options{Dir: dir})
	if got := as(private); got != 200 {
		t.Errorf("after a restart the key is answered with %d", got)
	}
	c.do("DELETE", testKeys+"/"+textOf(made, "id"), nil, 204)
	if got := as(private); got != 401 {
		t.Errorf("a deleted key is answered with %d", got)
	}
}

func TestKeysByHand(t *testing.T) {
	c := start(t, Options{Dir: t.TempDir()})
	c.do("POST", c.project("shop")+"/apiKeys", object{"desc": "b", "roles": []any{"GROUP_OWNER"}}, 200)
	if err := c.s.Put(APIKey, DefaultOrgID, object{"id": "5a0db0000000000000000009", "desc": "a", "publicKey": "abcdefgh",
		"roles": []any{object{"orgId": DefaultOrgID, "roleName": "ORG_OWNER"}}}); err != nil {
		t.Fatal(err)
	}
	if err := c.s.Change(APIKey, DefaultOrgID, "5a0db0000000000000000009", object{"desc": "c"}); err != nil {
		t.Fatal(err)
	}
	if got := c.s.List(APIKey, DefaultOrgID); len(got) != 2 || c.s.List(APIKey, "nobody") != nil {
		t.Errorf("listed %v", got)
	}
	if got, ok := c.s.Get(APIKey, DefaultOrgID, "5a0db0000000000000000009"); !ok || textOf(got, "desc") != "c" {
		t.Errorf("got %v", got)
	}
	snapshot := c.s.Snapshot()
	if got, want := canonical(snapshot[DefaultOrgID+"/api_key/000"]), `{"addresses":[],"desc":"b","roles":["ORG_MEMBER","shop/GROUP_OWNER"]}`; got != want {
		t.Errorf("snapshot %s, want %s", got, want)
	}
	if err := c.s.Delete(APIKey, DefaultOrgID, "5a0db0000000000000000009"); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"gone":         c.s.Change(APIKey, DefaultOrgID, "5a0db0000000000000000009", object{}),
		"organization": c.s.Put(APIKey, "5a0db0000000000000000009", object{}),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestRecordedKeys compares what a sandbox answers to reads and writes of keys with what was recorded.
func TestRecordedKeys(t *testing.T) {
	c := newConformance(t, "apiKeys")
	for _, list := range c.recorded {
		for _, r := range list {
			c.fresh(t, r)
			body := asObject(r.Body)
			org := c.s.orgs[0].ID
			r.RawPath = strings.Replace(r.RawPath, "/orgs/"+r.Params["orgId"], "/orgs/"+org, 1)
			docs := objectsOf(body, "results")
			if body != nil && body["results"] == nil {
				docs = []object{body}
			}
			entries := strings.Contains(r.Path, "/accessList")
			if r.Method == "DELETE" || entries {
				docs = []object{{"id": r.Params["apiUserId"], "desc": "recorded", "publicKey": "recorded", "privateKey": newPrivateKey(),
					"roles": []any{object{"groupId": r.Params["groupId"], "roleName": "GROUP_OWNER"}}}}
			}
			for _, doc := range docs {
				for _, role := range objectsOf(doc, "roles") {
					if id := textOf(role, "groupId"); id != "" && r.Params["groupId"] == "" {
						c.put(t, Project, "", object{"id": id, "name": id})
					}
				}
				if r.Method != "POST" || entries {
					c.put(t, APIKey, org, clone(doc))
				}
			}
			place := "orgId"
			if r.Params["groupId"] != "" {
				place = "groupId"
			}
			switch {
			case entries && r.Method != "GET":
				address := r.Params["ipAddress"]
				if address == "" {
					address = textOf(objectsOf(body, "results")[0], "ipAddress")
				}
				if r.Method == "DELETE" {
					c.do("POST", r.RawPath[:strings.LastIndex(r.RawPath, "/")], []any{object{"ipAddress": address}}, 200)
					c.compare(t, r, nil)
				} else {
					c.compare(t, r, []any{object{"ipAddress": address}})
				}
			case entries:
				c.do("POST", r.RawPath, []any{object{"ipAddress": "192.168.0.89"}}, 200)
				c.compare(t, r, nil)
			case r.Method == "POST" || r.Method == "PATCH":
				c.compare(t, r, object{"desc": body["desc"], "roles": anyList(rolesOf(body, place))})
			default:
				c.compare(t, r, nil)
			}
		}
	}
	c.report(t)
}

// rolesOf returns the names of a key's roles in organizations or in projects.
func rolesOf(doc object, place string) []string {
	var names []string
	for _, role := range objectsOf(doc, "roles") {
		if textOf(role, place) != "" {
			names = append(names, textOf(role, "roleName"))
		}
	}
	return names
}
