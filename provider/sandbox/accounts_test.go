package sandbox

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

const testAccounts = "/api/atlas/v2/orgs/" + DefaultOrgID + "/serviceAccounts"

func newAccount(roles ...string) object {
	return object{"name": "CI", "description": "Deploys, mostly", "roles": anyList(roles), "secretExpiresAfterHours": 24}
}

// secretOf returns the one secret that an answer shows, with its id and end.
func secretOf(t *testing.T, doc object) (id, secret, ends string) {
	t.Helper()
	all := objectsOf(doc, "secrets")
	if len(all) != 1 || !regexp.MustCompile(`^mdb_sa_sk_[A-Z2-7]{40,}$`).MatchString(textOf(all[0], "secret")) {
		t.Fatalf("it shows %v", all)
	}
	return textOf(all[0], "id"), textOf(all[0], "secret"), textOf(all[0], "expiresAt")
}

func TestAccountLife(t *testing.T) {
	c := start(t, Options{})
	made := c.do("POST", testAccounts, newAccount("ORG_MEMBER", "ORG_READ_ONLY"), 201).body
	id := textOf(made, "clientId")
	secretID, secret, ends := secretOf(t, made)
	if !regexp.MustCompile(`^mdb_sa_id_[0-9a-f]{24}$`).MatchString(id) || ends != stamp(testStart.Add(24*time.Hour)) || textOf(made, "createdAt") != stamp(testStart) {
		t.Errorf("made %v", made)
	}
	one := testAccounts + "/" + id
	read := c.do("GET", one, nil, 200)
	kept := objectsOf(read.body, "secrets")
	if len(kept) != 1 || textOf(kept[0], "id") != secretID || kept[0]["secret"] != nil || textOf(kept[0], "maskedSecretValue") != "mdb_sa_sk_..."+secret[len(secret)-4:] ||
		strings.Contains(read.raw, secret) || read.body["projects"] != nil {
		t.Errorf("read %s", read.raw)
	}
	if got := c.do("PATCH", one, object{"name": "CD"}, 200).body; textOf(got, "name") != "CD" || textOf(got, "description") != "Deploys, mostly" || len(listOf(got, "roles")) != 2 {
		t.Errorf("renamed to %v", got)
	}
	if got := c.do("PATCH", one, object{"roles": []any{"ORG_OWNER"}, "description": "d"}, 200).body; canonical(got["roles"]) != `["ORG_OWNER"]` || textOf(got, "name") != "CD" {
		t.Errorf("granted %v", got)
	}
	if got := c.do("GET", testAccounts+"?includeSystemManaged=true", nil, 200); len(got.results()) != 1 || textOf(got.results()[0], "clientId") != id || strings.Contains(got.raw, secret) {
		t.Errorf("listed %v", got.raw)
	}
	c.do("POST", testAccounts, newAccount("ORG_OWNER"), 201) // names need not differ
	c.do("DELETE", one, nil, 204)
	c.refuse("GET", one, nil, 404, "RESOURCE_NOT_FOUND")
	c.refuse("DELETE", one, nil, 404, "RESOURCE_NOT_FOUND")
}

func TestAccountChecks(t *testing.T) {
	c := start(t, Options{})
	one := testAccounts + "/" + textOf(c.do("POST", testAccounts, newAccount("ORG_MEMBER"), 201).body, "clientId")
	with := func(field string, value any) object {
		body := newAccount("ORG_MEMBER")
		body[field] = value
		return body
	}
	for _, tt := range []struct {
		method, path string
		body         any
		status       int
		code         string
	}{
		{"POST", testAccounts, with("name", nil), 400, "MISSING_ATTRIBUTE"},
		{"POST", testAccounts, with("name", "CI/CD"), 400, "VALIDATION_ERROR"},
		{"POST", testAccounts, with("name", strings.Repeat("x", 65)), 400, "VALIDATION_ERROR"},
		{"POST", testAccounts, with("description", strings.Repeat("x", 251)), 400, "VALIDATION_ERROR"},
		{"POST", testAccounts, with("roles", []any{}), 400, "VALIDATION_ERROR"},
		{"POST", testAccounts, with("roles", []any{"GROUP_OWNER"}), 400, "INVALID_ROLE_FOR_ORG"},
		{"POST", testAccounts, with("secretExpiresAfterHours", 7), 400, "VALIDATION_ERROR"},
		{"POST", testAccounts, with("secretExpiresAfterHours", 8761), 400, "VALIDATION_ERROR"},
		{"POST", testAccounts, with("desc", "d"), 400, "INVALID_ATTRIBUTE"},
		{"PATCH", one, object{"secretExpiresAfterHours": 24}, 400, "INVALID_ATTRIBUTE"},
		{"POST", one + "/secrets", object{}, 400, "MISSING_ATTRIBUTE"},
		{"DELETE", one + "/secrets/5a0db0000000000000000009", nil, 404, "RESOURCE_NOT_FOUND"},
		{"POST", c.project("p") + "/serviceAccounts", newAccount("ORG_MEMBER"), 400, "INVALID_ROLE_FOR_GROUP"},
		{"POST", one + "/accessList", []any{object{"ipAddress": "10.0.0.0/8"}}, 400, "INVALID_IP_ADDRESS_OR_CIDR_NOTATION"},
		{"DELETE", one + "/accessList/10.0.0.1", nil, 404, "RESOURCE_NOT_FOUND"},
	} {
		c.refuse(tt.method, tt.path, tt.body, tt.status, tt.code)
	}
}

func TestAccountsInProjects(t *testing.T) {
	c := start(t, Options{})
	one, two := c.project("one"), c.project("two")
	id := textOf(c.do("POST", testAccounts, newAccount("ORG_MEMBER"), 201).body, "clientId")
	groups := func() string {
		t.Helper()
		var out []string
		for _, in := range c.do("GET", testAccounts+"/"+id+"/groups", nil, 200).results() {
			out = append(out, textOf(in, "groupId")[20:]+canonical(stable("roles", in["roles"])))
		}
		slices.Sort(out)
		return strings.Join(out, " ")
	}
	expect := func(want ...string) {
		t.Helper()
		slices.Sort(want)
		if got := groups(); got != strings.Join(want, " ") {
			t.Errorf("it is assigned to %s, want %s", got, want)
		}
	}
	in := func(project, roles string) string { return project[len(project)-4:] + roles }
	c.refuse("GET", one+"/serviceAccounts/"+id, nil, 404, "RESOURCE_NOT_FOUND")
	if got := c.do("POST", one+"/serviceAccounts/"+id+":invite", object{"roles": []any{"GROUP_READ_ONLY"}}, 200).body; canonical(got["roles"]) != `["GROUP_READ_ONLY"]` {
		t.Errorf("invited %v", got)
	}
	c.do("POST", two+"/serviceAccounts/"+id+":invite", object{"roles": []any{"GROUP_OWNER"}}, 200)
	expect(in(one, `["GROUP_READ_ONLY"]`), in(two, `["GROUP_OWNER"]`))
	c.do("PATCH", one+"/serviceAccounts/"+id, object{"roles": []any{"GROUP_OWNER", "GROUP_READ_ONLY"}}, 200)
	expect(in(one, `["GROUP_OWNER","GROUP_READ_ONLY"]`), in(two, `["GROUP_OWNER"]`))
	c.refuse("POST", one+"/serviceAccounts/mdb_sa_id_5a0db0000000000000000009:invite", object{"roles": []any{"GROUP_OWNER"}}, 404, "RESOURCE_NOT_FOUND")

	made := c.do("POST", two+"/serviceAccounts", newAccount("GROUP_READ_ONLY"), 201).body
	if canonical(made["roles"]) != `["GROUP_READ_ONLY"]` {
		t.Errorf("made in a project with %v", made)
	}
	if got := c.do("GET", testAccounts+"/"+textOf(made, "clientId"), nil, 200).body; canonical(got["roles"]) != `["ORG_MEMBER"]` {
		t.Errorf("it is in the organization as %v", got)
	}
	for path, n := range map[string]int{one: 1, two: 2} {
		if got := c.do("GET", path+"/serviceAccounts", nil, 200).results(); len(got) != n {
			t.Errorf("%s has %d accounts, want %d", path, len(got), n)
		}
	}
	c.do("DELETE", two+"/serviceAccounts/"+id, nil, 204)
	c.do("DELETE", one, nil, 202)
	expect()
	// What is taken out of its project stays in the organization, with its secrets.
	c.do("DELETE", two+"/serviceAccounts/"+textOf(made, "clientId"), nil, 204)
	if got := c.do("GET", testAccounts+"/"+textOf(made, "clientId"), nil, 200).body; len(objectsOf(got, "secrets")) != 1 {
		t.Errorf("outside its project it is %v", got)
	}
}

func TestAccountAccessList(t *testing.T) {
	c := start(t, Options{})
	path := testAccounts + "/" + textOf(c.do("POST", testAccounts, newAccount("ORG_MEMBER"), 201).body, "clientId") + "/accessList"
	c.do("POST", path, []any{object{"ipAddress": "203.0.113.7"}, object{"cidrBlock": "10.0.0.0/8"}}, 200)
	all := c.do("POST", path, []any{object{"cidrBlock": "203.0.113.7/32"}}, 200).results()
	if len(all) != 2 || textOf(all[0], "ipAddress") != "203.0.113.7" || textOf(all[0], "createdAt") != stamp(testStart) || all[1]["ipAddress"] != nil {
		t.Errorf("entries %v", all)
	}
	if got := c.do("GET", path+"?itemsPerPage=1&pageNum=2", nil, 200).results(); len(got) != 1 || textOf(got[0], "cidrBlock") != "10.0.0.0/8" {
		t.Errorf("second page %v", got)
	}
	c.do("DELETE", path+"/10.0.0.0%2F8", nil, 204)
	if got := c.do("GET", path, nil, 200).results(); len(got) != 1 {
		t.Errorf("entries %v", got)
	}
}

// An account has two secrets at most, the expired ones included, and a new one leaves the other a week.
func TestAccountSecrets(t *testing.T) {
	c := start(t, Options{})
	long := newAccount("ORG_MEMBER")
	long["secretExpiresAfterHours"] = 2400
	made := c.do("POST", testAccounts, long, 201).body
	one := testAccounts + "/" + textOf(made, "clientId")
	first, _, _ := secretOf(t, made)
	second := c.do("POST", one+"/secrets", object{"secretExpiresAfterHours": 8}, 201).body
	ends := map[string]string{}
	for _, kept := range objectsOf(c.do("GET", one, nil, 200).body, "secrets") {
		ends[textOf(kept, "id")] = textOf(kept, "expiresAt")
	}
	if len(ends) != 2 || ends[first] != stamp(testStart.Add(7*24*time.Hour)) || ends[textOf(second, "id")] != stamp(testStart.Add(8*time.Hour)) {
		t.Errorf("the secrets end on %v", ends)
	}
	c.clock.Advance(100 * 24 * time.Hour)
	c.refuse("POST", one+"/secrets", object{"secretExpiresAfterHours": 8}, 400, "VALIDATION_ERROR")
	c.do("DELETE", one+"/secrets/"+first, nil, 204)
	c.do("POST", one+"/secrets", object{"secretExpiresAfterHours": 8}, 201)
}

// An account logs in with each of its living secrets, and with none that was deleted or has expired. A token ends with
// the secret that it was given for. Secrets are kept nowhere.
func TestAccountLogsIn(t *testing.T) {
	dir := t.TempDir()
	c := start(t, Options{Dir: dir, NoRateLimits: true})
	made := c.do("POST", testAccounts, newAccount("ORG_READ_ONLY"), 201).body
	id := textOf(made, "clientId")
	firstID, first, _ := secretOf(t, made)
	c.clock.Advance(12 * time.Hour)
	second := c.do("POST", testAccounts+"/"+id+"/secrets", object{"secretExpiresAfterHours": 24}, 201).body
	login := func(secret string, want int) string {
		t.Helper()
		got := c.fetchToken("/api/oauth/token", id, secret, url.Values{"grant_type": {"client_credentials"}})
		if got.status != want {
			t.Errorf("a login is answered with %d, want %d", got.status, want)
		}
		return textOf(got.body, "access_token")
	}
	use := func(token string, want int) {
		t.Helper()
		as := *c
		as.token = token
		as.do("GET", testAccounts, nil, want)
	}
	use(login(first, 200), 200)
	use(login(textOf(second, "secret"), 200), 200)
	login("mdb_sa_sk_wrong", 401)

	if err := c.s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if strings.Contains(string(text), first) {
			err = fmt.Errorf("%s holds a secret", path)
		}
		return err
	}); err != nil {
		t.Error(err)
	}
	restarted := start(t, Options{Dir: dir, NoRateLimits: true, Clock: c.clock})
	restarted.clock, c = c.clock, restarted
	c.clock.Advance(12*time.Hour - 30*time.Minute)
	old := login(first, 200)
	c.clock.Advance(30 * time.Minute)
	login(first, 401) // it has expired
	use(old, 401)
	token := login(textOf(second, "secret"), 200)
	c.do("DELETE", testAccounts+"/"+id+"/secrets/"+textOf(second, "id"), nil, 204)
	login(textOf(second, "secret"), 401)
	use(token, 401)
	c.do("DELETE", testAccounts+"/"+id+"/secrets/"+firstID, nil, 204)
}

func TestAccountsByHand(t *testing.T) {
	c := start(t, Options{Dir: t.TempDir()})
	c.do("POST", c.project("shop")+"/serviceAccounts", newAccount("GROUP_OWNER"), 201)
	byHand := "mdb_sa_id_5a0db0000000000000000009"
	if err := c.s.Put(ServiceAccount, DefaultOrgID, object{"clientId": byHand, "name": "A", "description": "b", "roles": []any{"ORG_OWNER"},
		"secrets": []any{object{"id": "5a0db0000000000000000008", "expiresAt": "2027-01-01T00:00:00Z", "secret": "mdb_sa_sk_byhand"}}}); err != nil {
		t.Fatal(err)
	}
	if got := c.fetchToken("/api/oauth/token", byHand, "mdb_sa_sk_byhand", url.Values{"grant_type": {"client_credentials"}}); got.status != 200 {
		t.Errorf("a secret that was put in is answered with %d", got.status)
	}
	if err := c.s.Change(ServiceAccount, DefaultOrgID, byHand, object{"name": "C", "secrets": []any{}}); err != nil {
		t.Fatal(err)
	}
	if got, ok := c.s.Get(ServiceAccount, DefaultOrgID, byHand); !ok || textOf(got, "name") != "C" {
		t.Errorf("got %v", got)
	}
	if got, want := canonical(c.s.Snapshot()[DefaultOrgID+"/service_account/001"]),
		`{"addresses":[],"description":"b","name":"C","roles":["ORG_OWNER"],"secrets":0}`; got != want {
		t.Errorf("snapshot %s, want %s", got, want)
	}
	if err := c.s.Delete(ServiceAccount, DefaultOrgID, byHand); err != nil {
		t.Fatal(err)
	}
	if got := c.s.List(ServiceAccount, DefaultOrgID); len(got) != 1 {
		t.Errorf("listed %v", got)
	}
}
