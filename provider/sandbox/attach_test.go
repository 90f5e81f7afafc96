package sandbox

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// helperFolder names the environment variable by which this test binary becomes a process that attaches to
// a folder and waits.
const helperFolder = "MERCATOR_TEST_SANDBOX_FOLDER"

func TestMain(m *testing.M) {
	dir := os.Getenv(helperFolder)
	if dir == "" {
		os.Exit(m.Run())
	}
	endpoint, err := Attach(dir, Options{})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(endpoint.URL)
	_, _ = io.Copy(io.Discard, os.Stdin) // until the parent goes away
}

// fill makes one of everything.
func (c *client) fill() string {
	c.t.Helper()
	project := c.project("p")
	c.do("POST", project+"/databaseUsers", scramUser("u"), 201)
	c.do("POST", project+"/accessList", []any{object{"ipAddress": "203.0.113.7", "comment": "office"}}, 201)
	c.do("POST", project+"/customDBRoles/roles", object{"roleName": "r", "actions": []any{object{"action": "FIND", "resources": []any{object{"db": "d", "collection": ""}}}}}, 202)
	c.do("POST", project+"/alertConfigs", alert("HOST_DOWN", object{"typeName": "PAGER_DUTY", "serviceKey": "0123456789abcdef0123456789ab0088"}), 201)
	c.do("POST", project+"/clusters", replicaSet("orders"), 201)
	c.do("PATCH", project+"/clusters/orders/processArgs", object{"noTableScan": true}, 200)
	c.do("PATCH", project+"/settings", object{"isDataExplorerEnabled": false}, 200)
	c.do("PATCH", project+"/limits/atlas.project.deployment.clusters", object{"value": 30}, 200)
	return project
}

func TestDataOutlivesAServer(t *testing.T) {
	dir := t.TempDir()
	opts := Options{Dir: dir, Clock: NewManualClock(testStart), CreateTime: time.Hour, UpdateTime: time.Hour}
	first := start(t, opts)
	project := first.fill()
	first.do("POST", "/api/atlas/v2/groups", object{"name": "gone", "orgId": DefaultOrgID}, 201)
	gone, _ := first.s.ProjectID("gone")
	first.do("DELETE", "/api/atlas/v2/groups/"+gone, nil, 202)
	first.s.Advance(30 * time.Minute)
	before := first.do("GET", project+"/clusters/orders", nil, 200)

	if _, err := New(opts); !errors.Is(err, ErrFolderBusy) {
		t.Errorf("a folder was opened twice: %v", err)
	}
	if err := first.s.Close(); err != nil {
		t.Fatal(err)
	}
	if a, err := first.send("GET", project, "2023-01-01", nil); err != nil || a.status != 503 {
		t.Errorf("a closed server answers %d %v", a.status, err)
	}
	second := start(t, opts)
	if diff := cmp.Diff(first.s.Snapshot(), second.s.Snapshot()); diff != "" {
		t.Errorf("after the restart (-before +after):\n%s", diff)
	}
	second.http = &http.Client{Transport: hostRewriter{strings.TrimPrefix(first.url, "http://")}}
	if after := second.do("GET", project+"/clusters/orders", nil, 200); after.raw != before.raw {
		t.Errorf("the cluster was\n%s, is\n%s", before.raw, after.raw)
	}
	if got := second.s.Now(); !got.Equal(testStart.Add(30 * time.Minute)) {
		t.Errorf("the time is %s", got)
	}
	second.s.Advance(30 * time.Minute)
	if got := second.do("GET", project+"/clusters/orders", nil, 200); state(got) != "IDLE" {
		t.Errorf("the cluster is still %s", state(got))
	}
	if first, second := before.body["id"], second.project("q"); strings.HasSuffix(second, first.(string)) {
		t.Errorf("the id %s was given twice", first)
	}
}

// hostRewriter asks in the name of another host, so that links in two answers can be compared.
type hostRewriter struct{ host string }

func (h hostRewriter) RoundTrip(r *http.Request) (*http.Response, error) {
	r.Host = h.host
	return http.DefaultTransport.RoundTrip(r)
}

func TestNoSecretReachesTheFolder(t *testing.T) {
	dir := t.TempDir()
	c := start(t, Options{Dir: dir})
	c.fill()
	if err := c.s.Close(); err != nil {
		t.Fatal(err)
	}
	files := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		raw, err := os.ReadFile(path)
		for _, secret := range []string{"correct-horse", "0123456789abcdef0123456789ab", DefaultClientSecret, DefaultPrivateKey, DefaultAccessToken} {
			if strings.Contains(string(raw), secret) {
				t.Errorf("%s holds the secret %s", path, secret)
			}
		}
		return err
	})
	if err != nil || files < 3 {
		t.Errorf("%d files, %v", files, err)
	}
}

func TestForeignFoldersAreRefused(t *testing.T) {
	for name, content := range map[string]string{
		"sandbox.json":                         `{"format": 99}`,
		"groups/5a0db0000000000000000009.json": `{"doc": {"id": "other"}}`,
		"groups/5a0db000000000000000000a.json": `no JSON`,
	} {
		dir := t.TempDir()
		if err := os.MkdirAll(filepath.Join(dir, "groups"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if s, err := New(Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "remove") {
			t.Errorf("%s: %v %v", name, s, err)
		}
	}
}

// attach attaches to a folder for a test.
func attach(t *testing.T, dir string) (*client, *Endpoint) {
	t.Helper()
	endpoint, err := Attach(dir, Options{NoRateLimits: true})
	if err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	t.Cleanup(func() { once.Do(func() { _ = endpoint.Close() }) })
	return &client{t: t, url: endpoint.URL, token: DefaultAccessToken, http: &http.Client{}}, endpoint
}

func TestAttachedProcessesShareAndTakeOver(t *testing.T) {
	dir := t.TempDir()
	one, first := attach(t, dir)
	two, second := attach(t, dir)
	if one.url == two.url {
		t.Fatal("both attachments have the same address")
	}
	project := one.project("p")
	if got := two.do("POST", project+"/databaseUsers", scramUser("a/b"), 201); !strings.HasPrefix(objectsOf(got.body, "links")[0]["href"].(string), two.url) {
		t.Errorf("links lead away from the address that was asked: %s", got.raw)
	}
	one.do("GET", project+"/databaseUsers/admin/a%2Fb", nil, 200)
	token := textOf(two.fetchToken("/api/oauth/token", DefaultClientID, DefaultClientSecret, map[string][]string{"grant_type": {"client_credentials"}}).body, "access_token")
	for _, address := range []string{one.url, two.url} {
		if resp, err := http.Get(address + "/sandbox/health"); err != nil || resp.StatusCode != 200 {
			t.Errorf("controls at %s: %v %v", address, resp, err)
		}
	}

	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	two.token = token // a token of the server that ended
	two.do("GET", project+"/databaseUsers/admin/a%2Fb", nil, 200)
	two.do("PATCH", project, object{"name": "renamed"}, 200)
	three, _ := attach(t, dir)
	if got := three.do("GET", project, nil, 200); textOf(got.body, "name") != "renamed" {
		t.Errorf("%s", got.raw)
	}
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	three.do("GET", project, nil, 200)
}

func TestTakeOverFromAKilledProcess(t *testing.T) {
	dir := t.TempDir()
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(executable)
	cmd.Env = append(os.Environ(), helperFolder+"="+dir)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	address, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil || !strings.HasPrefix(address, "http://") {
		t.Fatalf("%q %v", address, err)
	}
	there := &client{t: t, url: strings.TrimSpace(address), token: DefaultAccessToken, http: &http.Client{}}
	here, _ := attach(t, dir)
	project := there.fill()
	here.do("GET", project+"/clusters/orders", nil, 200)
	snapshot := func(c *client) (out map[string]any) {
		resp, err := http.Get(c.url + "/sandbox/snapshot")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	before := snapshot(here)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	here.do("GET", project+"/clusters/orders", nil, 200)
	if diff := cmp.Diff(before, snapshot(here)); diff != "" {
		t.Errorf("after the kill (-before +after):\n%s", diff)
	}
}

func TestAttachFailsWhereTheFolderIsUnusable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Attach(file, Options{}); err == nil {
		t.Error("a file was taken for a folder")
	}
	if _, err := Attach(t.TempDir(), Options{Orgs: []Org{{ID: "x"}}}); err == nil {
		t.Error("a wrong organization was accepted")
	}
}
