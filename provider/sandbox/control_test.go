package sandbox

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestControls(t *testing.T) {
	c := start(t, Options{CreateTime: time.Hour})
	project := c.project("p")
	id := strings.Split(project, "/")[5]
	c.token = "" // controls need no credentials
	control := func(method, path string, body any, status int) answer {
		t.Helper()
		a, err := c.send(method, path, "2023-01-01", body)
		if err != nil {
			t.Fatal(err)
		}
		if a.status != status {
			t.Fatalf("%s %s: %d %s", method, path, a.status, a.raw)
		}
		return a
	}
	if got := control("GET", "/sandbox/health", nil, 200); canonical(got.body["orgs"]) != `["`+DefaultOrgID+`"]` {
		t.Errorf("health %s", got.raw)
	}
	objects := "/sandbox/objects/"
	control("PUT", objects+"access_list?project="+id, object{"cidrBlock": "0.0.0.0/0", "comment": "by hand"}, 200)
	control("PATCH", objects+"access_list?project="+id+"&key=0.0.0.0/0", object{"comment": "changed"}, 200)
	if got := control("GET", objects+"access_list?project="+id, nil, 200); len(got.list) != 1 || got.list[0].(object)["comment"] != "changed" {
		t.Errorf("entries %s", got.raw)
	}
	control("DELETE", objects+"access_list?project="+id+"&key=0.0.0.0/0", nil, 200)
	if got := control("GET", objects+"project", nil, 200); len(got.list) != 1 {
		t.Errorf("projects %s", got.raw)
	}
	for _, bad := range []struct {
		method, path string
		body         any
		want         string
	}{
		{"DELETE", objects + "access_list?project=" + id + "&key=0.0.0.0/0", nil, "there is no access_list"},
		{"PUT", objects + "unicorn?project=" + id, object{}, "the kinds are"},
		{"PUT", objects + "cluster?project=nowhere", object{"name": "c"}, "there is no project"},
		{"PUT", objects + "cluster?project=" + id, object{}, "has no key"},
		{"PUT", objects + "cluster?project=" + id, "{", "request body"},
		{"PUT", objects + "settings?project=" + id, object{}, "can't be put"},
		{"DELETE", objects + "settings?project=" + id, nil, "can't be deleted"},
		{"PUT", objects + "project", object{"id": "x"}, "24 hexadecimal digits"},
		{"PUT", objects + "project", object{"orgId": "x", "name": "y"}, "no organization"},
		{"PUT", objects + "project", object{}, "no name"},
		{"PUT", "/sandbox/faults", object{"faults": []any{object{"action": "explode"}}}, "explode"},
		{"POST", "/sandbox/clock", object{"advance": "soon"}, "not a duration"},
		{"POST", "/sandbox/clock", object{"forward": "1h"}, "unknown field"},
	} {
		if got := control(bad.method, bad.path, bad.body, 400); !strings.Contains(textOf(got.body, "error"), bad.want) {
			t.Errorf("%s %s: %s, want %q", bad.method, bad.path, got.raw, bad.want)
		}
	}

	c.token = DefaultAccessToken
	c.do("POST", project+"/clusters", replicaSet("orders"), 201)
	c.do("POST", project+"/clusters", freeCluster("free"), 201)
	control("POST", "/sandbox/clock", object{"advance": "1h"}, 200)
	if got := c.do("GET", project+"/clusters/orders", nil, 200); state(got) != "IDLE" {
		t.Errorf("after an hour %s", state(got))
	}
	control("POST", "/sandbox/scale", object{"project": id, "cluster": "orders", "size": "M40"}, 200)
	control("POST", "/sandbox/upgrade", object{"project": id, "cluster": "free", "size": "M10"}, 200)
	control("POST", "/sandbox/upgrade", object{"project": id, "cluster": "free", "size": "M10"}, 400)
	control("PATCH", objects+"process_args?project="+id+"&key=orders", object{"noTableScan": true}, 200)

	control("PUT", "/sandbox/faults", object{"faults": []any{object{"action": "status", "status": 503}}}, 200)
	c.do("GET", project, nil, 503)
	control("DELETE", "/sandbox/faults", nil, 200)
	c.do("POST", project+"/databaseUsers", scramUser("u"), 201)
	if got := control("POST", "/sandbox/received", object{"value": "correct-horse"}, 200); got.body["received"] != true {
		t.Errorf("%s", got.raw)
	}
	control("DELETE", "/sandbox/calls", nil, 200)
	c.do("GET", project, nil, 200)
	if got := control("GET", "/sandbox/calls", nil, 200); len(got.list) != 1 || got.list[0].(object)["operation"] != "getGroup" {
		t.Errorf("calls %s", got.raw)
	}
	if got := control("GET", "/sandbox/snapshot", nil, 200); canonical(got.body) != canonical(c.s.Snapshot()) {
		t.Errorf("snapshot %s", got.raw)
	}
}

func TestControlsAreForThisMachine(t *testing.T) {
	s, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		remote, host, origin string
		want                 int
	}{
		{"127.0.0.1:5000", "127.0.0.1:80", "", 200},
		{"[::1]:5000", "localhost:80", "", 200},
		{"203.0.113.7:5000", "127.0.0.1", "", 403},
		{"127.0.0.1:5000", "sandbox.example.com", "", 403},
		{"127.0.0.1:5000", "127.0.0.1", "https://example.com", 403},
	} {
		r := httptest.NewRequest("GET", "/sandbox/health", nil)
		r.RemoteAddr, r.Host = tt.remote, tt.host
		if tt.origin != "" {
			r.Header.Set("Origin", tt.origin)
		}
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		if w.Code != tt.want {
			t.Errorf("%+v: %d", tt, w.Code)
		}
	}
}

func TestSnapshotsOfEqualWorkAreEqual(t *testing.T) {
	run := func(seed uint64) map[string]any {
		c := start(t, Options{Seed: seed, Restless: true})
		c.fill()
		c.clock.Advance(time.Duration(seed) * time.Hour)
		return c.s.Snapshot()
	}
	one := run(1)
	if diff := cmp.Diff(one, run(2)); diff != "" {
		t.Errorf("two runs that did the same (-one +two):\n%s", diff)
	}
	for _, key := range []string{"/p/project", "/p/settings", "/p/limits", "/p/database_user/admin/u", "/p/custom_role/r", "/p/access_list/203.0.113.7/32",
		"/p/alert_config/011", "/p/cluster/orders", "/p/process_args/orders", "/p/network_container/000"} {
		if one[DefaultOrgID+key] == nil {
			t.Errorf("the snapshot lacks %s", key)
		}
	}
}

func TestChangesByHand(t *testing.T) {
	c := start(t, Options{})
	project := c.fill()
	id := strings.Split(project, "/")[5]
	for _, tt := range []struct {
		kind   Kind
		key    string
		fields object
		path   string
		want   string
	}{
		{Project, "", object{"name": "by hand"}, "", `"name":"by hand"`},
		{Settings, "", object{"isSchemaAdvisorEnabled": false}, "/settings", `"isSchemaAdvisorEnabled":false`},
		{DatabaseUser, "admin/u", object{"username": "v"}, "/databaseUsers/admin/v", `"username":"v"`},
		{CustomRole, "r", object{"actions": []any{}}, "/customDBRoles/roles/r", `"actions":[]`},
		{AccessList, "203.0.113.7/32", object{"comment": "changed"}, "/accessList/203.0.113.7", `"comment":"changed"`},
		{Cluster, "orders", object{"paused": true}, "/clusters/orders", `"paused":true`},
		{ProcessArgs, "orders", object{"defaultWriteConcern": "majority"}, "/clusters/orders/processArgs", `"defaultWriteConcern":"majority"`},
	} {
		if err := c.s.Change(tt.kind, id, tt.key, tt.fields); err != nil {
			t.Errorf("%s %q: %v", tt.kind, tt.key, err)
			continue
		}
		if got := c.do("GET", project+tt.path, nil, 200); !strings.Contains(canonical(got.body), tt.want) {
			t.Errorf("%s: %s", tt.kind, got.raw)
		}
	}
	if err := c.s.Change(AccessList, id, "203.0.113.7/32", object{"comment": nil}); err != nil {
		t.Fatal(err)
	}
	if doc, ok := c.s.Get(AccessList, id, "203.0.113.7/32"); !ok || doc["comment"] != nil {
		t.Errorf("entry %v", doc)
	}
	if _, ok := c.s.Get(Cluster, id, "nobody"); ok {
		t.Error("there is a cluster that nobody made")
	}
	if err := c.s.Delete(Project, id, ""); err != nil {
		t.Fatal(err)
	}
	c.refuse("GET", project, nil, 404, "GROUP_NOT_FOUND")
	if got := c.s.List(Cluster, id); got != nil {
		t.Errorf("clusters of a deleted project %v", got)
	}
}

func TestTLS(t *testing.T) {
	s, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	cert, err := NewCertificate()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "cert.pem")
	if err := cert.WriteFile(path); err != nil {
		t.Fatal(err)
	}
	endpoint, err := Serve(s.Handler(), "127.0.0.1:0", cert)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil || strings.Contains(string(raw), "PRIVATE KEY") {
		t.Fatalf("%s %v", raw, err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(raw)
	c := &client{t: t, s: s, token: DefaultAccessToken, http: &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}}
	for _, host := range []string{endpoint.URL, strings.Replace(endpoint.URL, "127.0.0.1", "localhost", 1)} {
		c.url = host
		got := c.do("GET", "/api/atlas/v2/groups", nil, 200)
		if href := objectsOf(got.body, "links")[0]["href"].(string); !strings.HasPrefix(href, host) {
			t.Errorf("link %s", href)
		}
	}
	if err := s.SetFaults(Fault{Action: Reset}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.send("POST", "/api/atlas/v2/groups", "2023-01-01", object{}); err == nil {
		t.Error("a reset connection gave an answer")
	}
	c.http.CloseIdleConnections()
	if err := endpoint.Close(); err != nil {
		t.Error(err)
	}
	if err := endpoint.Wait(); err != nil {
		t.Error(err)
	}
	if _, err := Serve(s.Handler(), "256.0.0.1:0", nil); err == nil {
		t.Error("an address that is none was served")
	}
}
