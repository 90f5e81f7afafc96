package sandbox

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/icholy/digest"
)

func TestProjectLife(t *testing.T) {
	c := start(t, Options{})
	created := c.do("POST", "/api/atlas/v2/groups", object{"name": "payments", "orgId": DefaultOrgID, "clusterCount": 0, "created": "0001-01-01T00:00:00Z"}, 201)
	if got := created.header.Get("Content-Type"); got != "application/vnd.atlas.2023-01-01+json;charset=utf-8" {
		t.Errorf("Content-Type %q", got)
	}
	path := "/api/atlas/v2/groups/" + textOf(created.body, "id")
	c.refuse("POST", "/api/atlas/v2/groups", object{"name": "payments", "orgId": DefaultOrgID}, 409, "GROUP_ALREADY_EXISTS")

	if got := c.do("GET", path, nil, 200).body; len(listOf(got, "links")) != 7 || intOf(got, "clusterCount") != 0 {
		t.Errorf("project %v", got)
	}
	if got := c.do("GET", "/api/atlas/v2/groups/byName/payments", nil, 200).body["id"]; got != created.body["id"] {
		t.Errorf("by name %v", got)
	}
	tagged := c.do("PATCH", path, object{"tags": []any{object{"key": "team", "value": "pay"}}}, 200)
	if got := canonical(tagged.body["tags"]); got != `[{"key":"team","value":"pay"}]` {
		t.Errorf("tags %s", got)
	}
	if renamed := c.do("PATCH", path, object{"name": "billing"}, 200); textOf(renamed.body, "name") != "billing" || len(listOf(renamed.body, "tags")) != 1 {
		t.Errorf("renamed %v", renamed.body)
	}
	for _, listPath := range []string{"/api/atlas/v2/groups", "/api/atlas/v2/orgs/" + DefaultOrgID + "/groups"} {
		if got := names(c.do("GET", listPath, nil, 200).results(), "name"); !slices.Equal(got, []string{"billing"}) {
			t.Errorf("GET %s: %v", listPath, got)
		}
	}
	c.refuse("PATCH", path, object{"name": ""}, 400, "INVALID_GROUP_NAME")
	if got := c.do("DELETE", path, nil, 202); got.raw != "{}" {
		t.Errorf("body of a deletion %q", got.raw)
	}
	c.refuse("GET", path, nil, 404, "GROUP_NOT_FOUND")
	c.refuse("GET", "/api/atlas/v2/groups/xyz", nil, 404, "INVALID_GROUP_ID")
	c.refuse("GET", "/api/atlas/v2/groups/byName/payments", nil, 404, "GROUP_NOT_FOUND")
}

func TestSettingsAndLimits(t *testing.T) {
	c := start(t, Options{})
	path := c.project("p")
	before := c.do("GET", path+"/settings", nil, 200).body
	after := c.do("PATCH", path+"/settings", object{"isDataExplorerEnabled": false}, 200).body
	before["isDataExplorerEnabled"] = false
	if canonical(before) != canonical(after) {
		t.Errorf("settings %v, want %v", after, before)
	}
	if got := len(c.do("GET", path+"/limits", nil, 200).list); got != 10 { // the recorded ones
		t.Errorf("%d limits", got)
	}
	limit := path + "/limits/atlas.project.deployment.clusters"
	if got := c.do("PATCH", limit, object{"value": 30}, 200).body; intOf(got, "value") != 30 || intOf(got, "defaultLimit") != 25 {
		t.Errorf("limit %v", got)
	}
	c.refuse("PATCH", limit, object{"value": 91}, 400, "VALIDATION_ERROR")
	c.do("DELETE", limit, nil, 204)
	if got := c.do("GET", limit, nil, 200).body; intOf(got, "value") != 25 {
		t.Errorf("limit after the reset %v", got)
	}
	c.refuse("GET", path+"/limits/unheard.of", nil, 400, "INVALID_PATH_PARAMETER")
}

func TestVersions(t *testing.T) {
	c := start(t, Options{})
	for _, tt := range []struct {
		accept, contentType string
		status              int
	}{
		{"application/vnd.atlas.2023-01-01+json", "application/vnd.atlas.2023-01-01+json", 200},
		{"application/vnd.atlas.2099-01-01+json", "application/vnd.atlas.2023-01-01+json", 200},
		{"text/html, application/vnd.atlas.2024-01-01+json;q=0.5", "application/vnd.atlas.2023-01-01+json", 200},
		{"application/vnd.atlas.2022-12-31+json", "", 406},
		{"application/vnd.atlas.preview+json", "", 406},
		{"application/json", "", 406},
		{"", "", 406},
	} {
		req, _ := http.NewRequest("GET", c.url+"/api/atlas/v2/groups", nil)
		req.Header.Set("Authorization", "Bearer "+c.token)
		req.Header["Accept"] = []string{tt.accept}
		got, err := c.roundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		if got.status != tt.status {
			t.Errorf("Accept %q: status %d, want %d", tt.accept, got.status, tt.status)
		}
		if tt.status == 406 && (textOf(got.body, "errorCode") != "INVALID_VERSION_DATE" || got.header.Get("X-Error-Code") != "INVALID_VERSION_DATE") {
			t.Errorf("Accept %q: %s", tt.accept, got.raw)
		}
		if want := tt.contentType; want != "" && got.header.Get("Content-Type") != want+";charset=utf-8" {
			t.Errorf("Accept %q: Content-Type %q", tt.accept, got.header.Get("Content-Type"))
		}
	}
}

func TestContentTypeOfBodies(t *testing.T) {
	c := start(t, Options{})
	for contentType, want := range map[string]int{
		"application/json":                      201,
		"application/vnd.atlas.2023-01-01+json": 201,
		"application/vnd.atlas.2024-08-05+json": 201,
		"application/vnd.atlas.2020-01-01+json": 406,
		"text/plain":                            415,
		"":                                      415,
	} {
		body := fmt.Sprintf(`{"name": "p%d", "orgId": %q}`, len(contentType), DefaultOrgID)
		req, _ := http.NewRequest("POST", c.url+"/api/atlas/v2/groups", strings.NewReader(body))
		req.Header.Set("Authorization", "Bearer "+c.token)
		req.Header.Set("Accept", "application/vnd.atlas.2023-01-01+json")
		req.Header["Content-Type"] = []string{contentType}
		if contentType == "application/vnd.atlas.2024-08-05+json" {
			req.Body = io.NopCloser(strings.NewReader(`{"name": "later", "orgId": "` + DefaultOrgID + `"}`))
			req.ContentLength = -1
		}
		got, err := c.roundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		if got.status != want {
			t.Errorf("Content-Type %q: status %d, want %d: %s", contentType, got.status, want, got.raw)
		}
	}
}

func TestUnknownPaths(t *testing.T) {
	c := start(t, Options{})
	path := c.project("p")
	for _, p := range []string{"/api/atlas/v2/nothing", path + "/streams", "/", path + "/settings/x"} {
		c.refuse("GET", p, nil, 404, "RESOURCE_NOT_FOUND")
	}
	c.refuse("PUT", path, object{}, 404, "RESOURCE_NOT_FOUND")
}

func TestListsOfNothing(t *testing.T) {
	c := start(t, Options{})
	path := c.project("p")
	c.do("POST", path+"/clusters", replicaSet("orders"), 201)
	for _, list := range []string{"/teams", "/users", "/flexClusters"} {
		if got := c.do("GET", path+list, nil, 200); canonical(got.body["results"]) != "[]" || intOf(got.body, "totalCount") != 0 {
			t.Errorf("%s: %s", list, got.raw)
		}
	}
	c.refuse("GET", path+"/flexClusters/orders", nil, 400, "CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API")
	c.refuse("GET", path+"/flexClusters/none", nil, 404, "CLUSTER_NOT_FOUND")
	if got := c.do("GET", path+"/ipAddresses", nil, 200); len(objectsOf(objectOf(got.body, "services"), "clusters")) != 1 {
		t.Errorf("%s", got.raw)
	}
}

func TestStatusAndOrgs(t *testing.T) {
	other := "5a0db0000000000000000002"
	c := start(t, Options{Orgs: []Org{
		{ID: DefaultOrgID, Name: "One", Credentials: []Credential{{AccessToken: "one", Roles: []string{"ORG_READ_ONLY"}}}},
		{ID: other, Name: "Two", Credentials: []Credential{{AccessToken: "two"}}},
	}})
	c.token = "one"
	status := c.do("GET", "/api/atlas/v2", nil, 200).body
	if got := canonical(objectOf(status, "apiKey")["roles"]); got != `[{"orgId":"`+DefaultOrgID+`","roleName":"ORG_READ_ONLY"}]` {
		t.Errorf("roles %s", got)
	}
	mine := c.project("mine")
	if got := c.do("GET", "/api/atlas/v2/orgs", nil, 200); len(got.results()) != 1 || got.results()[0]["id"] != DefaultOrgID {
		t.Errorf("orgs %s", got.raw)
	}
	if got := c.do("GET", "/api/atlas/v2/orgs/"+DefaultOrgID, nil, 200).body; textOf(got, "name") != "One" {
		t.Errorf("org %v", got)
	}
	c.refuse("GET", "/api/atlas/v2/orgs/"+other, nil, 401, "USER_CANNOT_ACCESS_ORG")
	c.refuse("GET", "/api/atlas/v2/orgs/5a0db0000000000000000003", nil, 404, "ORG_NOT_FOUND")
	c.refuse("GET", "/api/atlas/v2/orgs/x", nil, 404, "INVALID_ORG_ID")
	c.token = "two"
	c.refuse("GET", mine, nil, 401, "NOT_IN_GROUP")
	if got := c.do("GET", "/api/atlas/v2/groups", nil, 200).results(); len(got) != 0 {
		t.Errorf("projects of another organization: %v", got)
	}
	c.do("POST", "/api/atlas/v2/groups", object{"name": "mine", "orgId": other}, 201)
	c.refuse("POST", "/api/atlas/v2/groups", object{"name": "x", "orgId": DefaultOrgID}, 401, "USER_CANNOT_ACCESS_ORG")

	if _, err := New(Options{Orgs: []Org{{ID: "short"}}}); err == nil {
		t.Error("an organization id of 5 letters was accepted")
	}
	if _, err := New(Options{Orgs: []Org{{ID: other}, {ID: other}}}); err == nil {
		t.Error("the same organization twice was accepted")
	}
}

func TestUnauthorized(t *testing.T) {
	c := start(t, Options{})
	c.token = ""
	got := c.do("GET", "/api/atlas/v2/groups", nil, 401)
	if want := `{"detail":"You are not authorized for this resource.","error":401,"errorCode":"UNEXPECTED_ERROR","reason":"Unauthorized"}`; got.raw != want {
		t.Errorf("body %s", got.raw)
	}
	challenge := got.header.Get("Www-Authenticate")
	if !strings.HasPrefix(challenge, `Digest realm="MMS Public API", domain="", nonce="`) || !strings.HasSuffix(challenge, `", algorithm=MD5, qop="auth", stale=false`) {
		t.Errorf("challenge %s", challenge)
	}
	if got.header.Get("X-Error-Code") != "" || got.header.Get("RateLimit-Limit") != "" {
		t.Errorf("headers %v", got.header)
	}
	c.token = "wrong"
	if got := c.do("GET", "/api/atlas/v2/groups", nil, 401); got.header.Get("Www-Authenticate") != "" {
		t.Errorf("a bearer token was answered by a Digest challenge")
	}
}

func TestDigest(t *testing.T) {
	c := start(t, Options{})
	c.token = ""
	get := func(transport http.RoundTripper) int {
		t.Helper()
		req, _ := http.NewRequest("GET", c.url+"/api/atlas/v2/groups?pageNum=1", nil)
		req.Header.Set("Accept", "application/vnd.atlas.2023-01-01+json")
		resp, err := (&http.Client{Transport: transport}).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	good := &digest.Transport{Username: DefaultPublicKey, Password: DefaultPrivateKey}
	for i := range 3 {
		if got := get(good); got != 200 {
			t.Fatalf("request %d: status %d", i, got)
		}
	}
	// The nonce is used again: one challenge for three requests.
	if got := len(c.s.Calls()); got != 4 {
		t.Errorf("%d calls for three requests, want 4", got)
	}
	c.s.Advance(nonceLifetime + time.Second)
	if got := get(good); got != 200 {
		t.Errorf("after the nonce went stale: status %d", got)
	}
	if got := get(&digest.Transport{Username: DefaultPublicKey, Password: "wrong"}); got != 401 {
		t.Errorf("wrong key: status %d", got)
	}
}

func TestDigestRefusesReplays(t *testing.T) {
	c := start(t, Options{})
	c.token = ""
	first := c.do("GET", "/api/atlas/v2/groups", nil, 401)
	challenge, err := digest.ParseChallenge(first.header.Get("Www-Authenticate"))
	if err != nil {
		t.Fatal(err)
	}
	answerWith := func(count int, uri string) answer {
		cred, err := digest.Digest(challenge, digest.Options{Method: "GET", URI: uri, Count: count,
			Username: DefaultPublicKey, Password: DefaultPrivateKey})
		if err != nil {
			t.Fatal(err)
		}
		req, _ := http.NewRequest("GET", c.url+"/api/atlas/v2/groups", nil)
		req.Header.Set("Accept", "application/vnd.atlas.2023-01-01+json")
		req.Header.Set("Authorization", cred.String())
		got, err := c.roundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	const uri = "/api/atlas/v2/groups"
	if got := answerWith(1, uri); got.status != 200 {
		t.Errorf("first answer: %d", got.status)
	}
	if got := answerWith(2, uri); got.status != 200 {
		t.Errorf("second answer with the same nonce: %d", got.status)
	}
	if got := answerWith(2, uri); got.status != 401 || !strings.Contains(got.header.Get("Www-Authenticate"), "stale=true") {
		t.Errorf("repeated nc: %d %s", got.status, got.header.Get("Www-Authenticate"))
	}
	if got := answerWith(3, "/api/atlas/v2/orgs"); got.status != 401 {
		t.Errorf("answer for another path: %d", got.status)
	}
}

// fetchToken asks for a token.
func (c *client) fetchToken(path, id, secret string, form url.Values) answer {
	c.t.Helper()
	req, _ := http.NewRequest("POST", c.url+path, strings.NewReader(form.Encode()))
	req.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	a, err := c.roundTrip(req)
	if err != nil {
		c.t.Fatal(err)
	}
	return a
}

func TestOAuth(t *testing.T) {
	c := start(t, Options{})
	grant := url.Values{"grant_type": {"client_credentials"}}
	got := c.fetchToken("/api/oauth/token", DefaultClientID, DefaultClientSecret, grant)
	if got.status != 200 || got.body["token_type"] != "Bearer" || intOf(got.body, "expires_in") != 3600 {
		t.Fatalf("token answer %d %s", got.status, got.raw)
	}
	c.token = textOf(got.body, "access_token")
	c.do("GET", "/api/atlas/v2/groups", nil, 200)
	c.s.Advance(time.Hour)
	c.do("GET", "/api/atlas/v2/groups", nil, 401)

	c.token = textOf(c.fetchToken("/api/oauth/token", DefaultClientID, DefaultClientSecret, grant).body, "access_token")
	c.do("GET", "/api/atlas/v2/groups", nil, 200)
	if got := c.fetchToken("/api/oauth/revoke", DefaultClientID, DefaultClientSecret, url.Values{"token": {c.token}}); got.status != 200 || got.raw != "" {
		t.Errorf("revocation %d %q", got.status, got.raw)
	}
	c.do("GET", "/api/atlas/v2/groups", nil, 401)

	if got := c.fetchToken("/api/oauth/token", DefaultClientID, "wrong-secret", grant); got.status != 401 {
		t.Errorf("wrong secret: %d", got.status)
	}
	if got := c.fetchToken("/api/oauth/token", DefaultClientID, DefaultClientSecret, nil); got.status != 400 {
		t.Errorf("no grant type: %d", got.status)
	}
	if !c.s.Received("wrong-secret") || !c.s.Received(DefaultClientSecret) || c.s.Received("never sent") {
		t.Error("the store of received secrets is wrong")
	}
}

func TestTokenRateLimit(t *testing.T) {
	c := start(t, Options{})
	grant := url.Values{"grant_type": {"client_credentials"}}
	for i := range tokenLimit {
		if got := c.fetchToken("/api/oauth/token", DefaultClientID, DefaultClientSecret, grant); got.status != 200 {
			t.Fatalf("request %d: %d", i, got.status)
		}
	}
	got := c.fetchToken("/api/oauth/token", DefaultClientID, DefaultClientSecret, grant)
	want := `{"detail":"Resource /api/oauth/token is limited to 10 requests every 1 minutes.","error":429,"errorCode":"RATE_LIMITED","parameters":["/api/oauth/token",10,1],"reason":"Too Many Requests"}`
	if got.status != 429 || got.raw != want {
		t.Errorf("%d %s", got.status, got.raw)
	}
	c.clock.Advance(time.Minute)
	if got := c.fetchToken("/api/oauth/token", DefaultClientID, DefaultClientSecret, grant); got.status != 200 {
		t.Errorf("a minute later: %d", got.status)
	}
}

func TestRateLimits(t *testing.T) {
	c := start(t, Options{RateLimits: map[string]Bucket{"groups": {Capacity: 4, Refill: 2, Period: time.Minute}}})
	first, second := c.project("one"), c.project("two") // two tokens of the credential's scope
	for _, left := range []string{"3", "2", "1", "0"} {
		if got := c.do("GET", first, nil, 200).header; got.Get("RateLimit-Limit") != "4" || got.Get("RateLimit-Remaining") != left {
			t.Errorf("headers %v, want %s left", got, left)
		}
	}
	got := c.refuse("GET", first, nil, 429, "RATE_LIMITED_TOKEN_BUCKET")
	if got.header.Get("Retry-After") != "30" || canonical(got.body["parameters"]) != `["`+first[1:]+`",30,4,2,60]` {
		t.Errorf("%v %s", got.header, got.raw)
	}
	c.do("GET", second, nil, 200) // another project has a bucket of its own
	c.clock.Advance(30 * time.Second)
	c.do("GET", first, nil, 200)
	c.refuse("GET", first, nil, 429, "RATE_LIMITED_TOKEN_BUCKET")

	free := start(t, Options{NoRateLimits: true, RateLimits: map[string]Bucket{"groups": {Capacity: 1, Refill: 1}}})
	path := free.project("p")
	for range 5 {
		free.do("GET", path, nil, 200)
	}
}

func TestPages(t *testing.T) {
	c := start(t, Options{})
	path := c.project("p") + "/databaseUsers"
	var want []string
	for i := range 7 {
		name := fmt.Sprintf("user%d", i)
		want = append(want, name)
		c.do("POST", path, scramUser(name), 201)
	}
	var got []string
	next := path + "?itemsPerPage=3"
	for pages := 0; next != ""; pages++ {
		a := c.do("GET", next, nil, 200)
		if intOf(a.body, "totalCount") != 7 {
			t.Errorf("totalCount %v", a.body["totalCount"])
		}
		got = append(got, names(a.results(), "username")...)
		links := objectsOf(a.body, "links")
		if want := c.url + path + fmt.Sprintf("?includeCount=true&pageNum=%d&itemsPerPage=3", pages+1); links[0]["href"] != want || links[0]["rel"] != "self" {
			t.Errorf("self %v, want %s", links[0], want)
		}
		next = ""
		if len(links) > 1 {
			next = strings.TrimPrefix(links[1]["href"].(string), c.url)
			if want := path + fmt.Sprintf("?includeCount=true&itemsPerPage=3&pageNum=%d", pages+2); next != want {
				t.Errorf("next %s, want %s", next, want)
			}
		}
	}
	if slices.Equal(got, want) {
		t.Error("the list came back in the order in which it was written")
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("pages together hold %v", got)
	}
	if a := c.do("GET", path+"?pageNum=1000000000&itemsPerPage=500", nil, 200); len(a.results()) != 0 || len(listOf(a.body, "links")) != 1 {
		t.Errorf("a page far behind the end: %s", a.raw)
	}
	if a := c.do("GET", path+"?includeCount=false", nil, 200); a.body["totalCount"] != nil {
		t.Errorf("includeCount=false: %s", a.raw)
	}
	for _, bad := range []string{"pageNum=0", "itemsPerPage=501", "itemsPerPage=x", "includeCount=maybe", "pageNum="} {
		c.refuse("GET", path+"?"+bad, nil, 400, "INVALID_QUERY_PARAMETER")
	}
}

func TestSurplusProjects(t *testing.T) {
	c := start(t, Options{SurplusProjects: 2})
	c.project("p")
	if a := c.do("GET", "/api/atlas/v2/groups", nil, 200); intOf(a.body, "totalCount") != 3 || len(a.results()) != 1 {
		t.Errorf("%s", a.raw)
	}
}

func TestLargeListsAreFast(t *testing.T) {
	c := start(t, Options{})
	path := c.project("p")
	id := strings.TrimPrefix(path, "/api/atlas/v2/groups/")
	p, _ := c.s.projects.get(id)
	for i := range 10_000 {
		doc := scramUser(fmt.Sprintf("user%05d", i))
		p.store(DatabaseUser, userKey(doc), &item{Doc: doc})
	}
	started := time.Now()
	seen := map[string]bool{}
	for page := 1; page <= 20; page++ {
		for _, name := range names(c.do("GET", fmt.Sprintf("%s/databaseUsers?itemsPerPage=500&pageNum=%d", path, page), nil, 200).results(), "username") {
			seen[name] = true
		}
	}
	if len(seen) != 10_000 {
		t.Errorf("20 pages of 500 hold %d users", len(seen))
	}
	if took := time.Since(started); took > 10*time.Second {
		t.Errorf("listing 10,000 users took %s", took)
	}
}

func TestMalformedBodies(t *testing.T) {
	c := start(t, Options{})
	org := `"orgId": "` + DefaultOrgID + `"`
	for _, tt := range []struct{ body, code string }{
		{`{`, "MALFORMED_JSON"},
		{`{} {}`, "MALFORMED_JSON"},
		{`[]`, "INVALID_JSON"},
		{`{"name": "p"}`, "MISSING_ATTRIBUTE"},
		{`{"name": null, ` + org + `}`, "MISSING_ATTRIBUTE"},
		{`{"name": 1, ` + org + `}`, "INVALID_JSON_ATTRIBUTE"},
		{`{"name": "p", "colour": "red", ` + org + `}`, "INVALID_ATTRIBUTE"},
		{`{"name": "p", "tags": [{"key": "k"}], ` + org + `}`, "MISSING_ATTRIBUTE"},
		{`{"name": "p", "tags": {}, ` + org + `}`, "INVALID_JSON_ATTRIBUTE"},
		{`{"name": "p", "tags": [{"key": "", "value": "v"}], ` + org + `}`, "VALIDATION_ERROR"},
		{`{"name": "p/q", ` + org + `}`, "INVALID_GROUP_NAME"},
		{`{"name": "p", "regionUsageRestrictions": "MOON", ` + org + `}`, "INVALID_ENUM_VALUE"},
		{`{"name": "p", "withDefaultAlertsSettings": "yes", ` + org + `}`, "INVALID_JSON_ATTRIBUTE"},
	} {
		c.refuse("POST", "/api/atlas/v2/groups", tt.body, 400, tt.code)
	}
	bad := c.refuse("POST", "/api/atlas/v2/groups", `{"name": "p", "tags": [{"key": "", "value": "v"}], `+org+`}`, 400, "VALIDATION_ERROR")
	if got := canonical(objectOf(bad.body, "badRequestDetail")); !strings.Contains(got, `"field":"tags[0].key"`) {
		t.Errorf("badRequestDetail %s", got)
	}
}

// FuzzBody checks that no body makes the sandbox fail otherwise than by a 400, and that an accepted one
// survives being checked again.
func FuzzBody(f *testing.F) {
	f.Add(`{"name": "p", "orgId": "` + DefaultOrgID + `", "tags": []}`)
	f.Add(`{"username": "u", "databaseName": "admin", "roles": [{"roleName": "read", "databaseName": "d"}]}`)
	f.Add(`[{"ipAddress": "203.0.113.7"}]`)
	f.Add(`{"value": 1e1}`)
	rules := []rule{groupRule, userRule, roleRule, accessRule, limitRule, settingsRule}
	f.Fuzz(func(t *testing.T, body string) {
		value, err := decodeBody([]byte(body))
		if err != nil {
			return
		}
		for _, r := range rules {
			once, err := checker{}.check("", value, r)
			if err != nil {
				if err.status != 400 {
					t.Fatalf("status %d for %q", err.status, body)
				}
				continue
			}
			raw, marshalErr := json.Marshal(once)
			if marshalErr != nil {
				t.Fatal(marshalErr)
			}
			again, err := decodeBody(raw)
			if err != nil {
				t.Fatalf("%s: %v", raw, err)
			}
			twice, err := checker{}.check("", again, r)
			if err != nil || canonical(once) != canonical(twice) {
				t.Fatalf("%s changed into %s (%v)", canonical(once), canonical(twice), err)
			}
		}
	})
}
