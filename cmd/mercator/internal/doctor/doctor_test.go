package doctor_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mercator/apply/state"
	"mercator/apply/state/local"
	"mercator/cmd/mercator/internal/doctor"
	"mercator/cmd/mercator/internal/workflow"
	"mercator/provider/atlas"
	"mercator/provider/sandbox"
	"mercator/schema"
	"mercator/schema/config"
	"mercator/schema/kinds"
)

// room is a folder with a configuration, and an Atlas of which single answers can be replaced.
type room struct {
	t       *testing.T
	dir     string
	env     map[string]string
	answers map[string]string // by "METHOD path"
	store   func(state.Store) state.Store
	reached func(atlas.Reached, error) (atlas.Reached, error)
	box     *sandbox.Server
}

func newRoom(t *testing.T, files string) *room {
	t.Helper()
	r := &room{t: t, dir: t.TempDir(), answers: map[string]string{}}
	var err error
	if r.box, err = sandbox.New(sandbox.Options{NoRateLimits: true}); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		text, ok := r.answers[req.Method+" "+req.URL.Path]
		if !ok {
			r.box.ServeHTTP(w, req)
			return
		}
		status := http.StatusOK
		if strings.Contains(text, `"errorCode"`) {
			status = http.StatusForbidden
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	}))
	t.Cleanup(func() { server.Close(); _ = r.box.Close() })
	r.env = map[string]string{"MONGODB_ATLAS_BASE_URL": server.URL, "MONGODB_ATLAS_ORG_ID": sandbox.DefaultOrgID,
		"MONGODB_ATLAS_CLIENT_ID": sandbox.DefaultClientID, "MONGODB_ATLAS_CLIENT_SECRET": sandbox.DefaultClientSecret}
	if err := os.WriteFile(filepath.Join(r.dir, "main.hcl"), []byte(files), 0o600); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *room) options() workflow.Options {
	catalog, err := kinds.Catalog()
	if err != nil {
		r.t.Fatal(err)
	}
	return workflow.Options{Catalog: catalog, Dir: r.dir, Now: time.Now().UTC(), Version: "0.1.0", Clock: state.SystemClock(),
		Getenv:    func(name string) string { return r.env[name] },
		LookupEnv: func(name string) (string, bool) { v, ok := r.env[name]; return v, ok },
		Store: func(config.State) (state.Store, error) {
			var store state.Store = local.New(filepath.Join(r.dir, local.DefaultPath), catalog, state.SystemClock())
			if r.store != nil {
				store = r.store(store)
			}
			return store, nil
		}}
}

// examine returns the checks by name.
func (r *room) examine() map[string]doctor.Check {
	r.t.Helper()
	report := doctor.Examine(context.Background(), doctor.Visit{Options: r.options(),
		Reach: func(ctx context.Context, c workflow.Connection) (atlas.Reached, error) {
			got, err := atlas.Reach(ctx, atlas.Config{BaseURL: c.Environment.BaseURL})
			if r.reached != nil {
				return r.reached(got, err)
			}
			return got, err
		}})
	out := map[string]doctor.Check{}
	healthy := true
	for _, c := range report.Checks {
		if _, twice := out[c.Name]; twice {
			r.t.Errorf("%s is checked twice", c.Name)
		}
		if c.Found == "" || c.Status == doctor.Problem && c.Remedy == "" {
			r.t.Errorf("the check %+v says too little", c)
		}
		out[c.Name], healthy = c, healthy && c.Status != doctor.Problem
	}
	if healthy != report.Healthy() {
		r.t.Errorf("healthy is %v", report.Healthy())
	}
	return out
}

// expect holds a check against its status and words that it must say.
func expect(t *testing.T, checks map[string]doctor.Check, name string, status doctor.Status, words ...string) {
	t.Helper()
	c, ok := checks[name]
	if !ok || c.Status != status {
		t.Errorf("%s is %+v, want %s", name, c, status)
	}
	all := strings.Join(append([]string{c.Found, c.Remedy}, c.Details...), "\n")
	for _, w := range words {
		if !strings.Contains(all, w) {
			t.Errorf("%s does not say %q: %s", name, w, all)
		}
	}
}

const shop = `project "shop" {
  access_list "office" { entries = { "203.0.113.7" = "Office" } }
}`

// TestNothingIsChanged makes sure that the doctor only looks.
func TestNothingIsChanged(t *testing.T) {
	r := newRoom(t, shop)
	checks := r.examine()
	for _, name := range []string{"files", "state", "lock", "credentials", "organization", "address", "clock", "token", "identity", "plan", "roles"} {
		expect(t, checks, name, doctor.OK)
	}
	for _, call := range r.box.Calls() {
		if call.Mutating {
			t.Errorf("%s %s was called", call.Method, call.Path)
		}
	}
	if left, err := os.ReadDir(r.dir); err != nil || len(left) != 1 {
		t.Errorf("the folder holds %v, %v", left, err)
	}
}

func TestClock(t *testing.T) {
	for _, c := range []struct {
		ahead  time.Duration
		status doctor.Status
		words  string
	}{{time.Second, doctor.OK, "agrees"}, {10 * time.Second, doctor.OK, "10s behind"}, {-20 * time.Second, doctor.Warning, "20s ahead"}, {2 * time.Minute, doctor.Problem, "2m0s behind"}} {
		r := newRoom(t, shop)
		r.reached = func(got atlas.Reached, err error) (atlas.Reached, error) { got.Ahead = c.ahead; return got, err }
		expect(t, r.examine(), "clock", c.status, c.words)
	}
	r := newRoom(t, shop)
	r.reached = func(got atlas.Reached, err error) (atlas.Reached, error) { got.Dated = false; return got, err }
	expect(t, r.examine(), "clock", doctor.Skipped)
}

func TestAtlasThatDoesNotAnswer(t *testing.T) {
	for _, c := range []struct {
		err   error
		proxy string
		words string
	}{
		{&net.DNSError{Err: "no such host", Name: "atlas.invalid", IsNotFound: true}, "", "name server"},
		{context.DeadlineExceeded, "", "firewalls"},
		{errors.New("connection refused"), "", "network"},
		{errors.New("connection refused"), "http://proxy.example:3128", "through the proxy http://proxy.example:3128"},
	} {
		r := newRoom(t, shop)
		r.reached = func(got atlas.Reached, _ error) (atlas.Reached, error) { got.Proxy = c.proxy; return got, c.err }
		checks := r.examine()
		expect(t, checks, "address", doctor.Problem, c.words)
		expect(t, checks, "clock", doctor.Skipped)
		expect(t, checks, "plan", doctor.Skipped)
		expect(t, checks, "access list", doctor.Skipped)
	}
}

func TestAccessList(t *testing.T) {
	const settings, own = "GET /api/atlas/v2/orgs/" + sandbox.DefaultOrgID + "/settings", "GET /api/atlas/v2/orgs/" + sandbox.DefaultOrgID + "/serviceAccounts/" + sandbox.DefaultClientID + "/accessList"
	refused := `{"error":403,"errorCode":"IP_ADDRESS_NOT_ON_ACCESS_LIST","detail":"IP address 203.0.113.9 is not allowed to access this resource.","parameters":["203.0.113.9"]}`
	for _, c := range []struct {
		settings, own string
		status        doctor.Status
		words         []string
	}{
		{`{"apiAccessListRequired":false}`, `{"results":[]}`, doctor.OK, []string{"from everywhere"}},
		{`{"apiAccessListRequired":true}`, `{"results":[{"cidrBlock":"203.0.113.0/24"}]}`, doctor.OK, []string{"the plan's 2 among them", "203.0.113.0/24"}},
		{`{"apiAccessListRequired":false}`, `{"results":[{"cidrBlock":"203.0.113.0/24"}]}`, doctor.OK, []string{"requires none", "203.0.113.0/24"}},
		{`{"error":403,"errorCode":"USER_UNAUTHORIZED"}`, `{"results":[]}`, doctor.Skipped, []string{"not known"}},
		{refused, refused, doctor.Problem, []string{"203.0.113.9"}},
	} {
		r := newRoom(t, shop)
		r.answers[settings], r.answers[own] = c.settings, c.own
		expect(t, r.examine(), "access list", c.status, c.words...)
	}
}

func TestRolesThatAreNotTold(t *testing.T) {
	r := newRoom(t, shop)
	r.answers["GET /api/atlas/v2/orgs/"+sandbox.DefaultOrgID+"/serviceAccounts/"+sandbox.DefaultClientID] = `{"error":403,"errorCode":"USER_UNAUTHORIZED"}`
	checks := r.examine()
	expect(t, checks, "identity", doctor.Skipped, "USER_UNAUTHORIZED")
	expect(t, checks, "roles", doctor.Skipped, "Organization Project Creator in organization", "Project Network Access Manager in a new project")
}

func TestAccessToken(t *testing.T) {
	for text, c := range map[string]struct {
		status doctor.Status
		words  string
	}{
		"opaque":                            {doctor.Skipped, "does not say when"},
		"e30.eyJleHAiOjE3NzIzNjY0MDB9.c2ln": {doctor.Problem, "ended at 2026-03-01T12:00:00Z"}, // exp 1772366400
		"e30.eyJleHAiOjQxMDI0NDQ4MDB9.c2ln": {doctor.OK, "ends in"},                            // exp 4102444800
	} {
		r := newRoom(t, shop)
		delete(r.env, "MONGODB_ATLAS_CLIENT_ID")
		delete(r.env, "MONGODB_ATLAS_CLIENT_SECRET")
		r.env["MONGODB_ATLAS_ACCESS_TOKEN"] = text
		checks := r.examine()
		expect(t, checks, "token", c.status, c.words)
		expect(t, checks, "identity", doctor.Problem, "401")
	}
}

// otherStore is a store that promises other things, or fails.
type otherStore struct {
	state.Store
	can  state.Capabilities
	read error
	open []state.Intent
}

func (o otherStore) Capabilities() state.Capabilities { return o.can }

func (o otherStore) Read(ctx context.Context) (*state.State, error) {
	st, err := o.Store.Read(ctx)
	if err == nil {
		st.Intents = o.open
	}
	return st, errors.Join(err, o.read)
}

func (o otherStore) Holder(context.Context) (*state.LockInfo, error) {
	panic("a lock that can only be tried is taken")
}

func TestStores(t *testing.T) {
	r := newRoom(t, shop)
	r.store = func(s state.Store) state.Store {
		return otherStore{Store: s, open: []state.Intent{{Address: schema.Address("project.shop"), Verb: schema.CallCreate}}}
	}
	checks := r.examine()
	expect(t, checks, "lock", doctor.Skipped, "mercator state lock")
	expect(t, checks, "state", doctor.Warning, "1 open intent", "create of project.shop")
	r.store = func(s state.Store) state.Store {
		return otherStore{Store: s, can: state.Capabilities{Unguarded: "Set lock_address."}}
	}
	expect(t, r.examine(), "lock", doctor.Warning, "Set lock_address.")
	r.store = func(s state.Store) state.Store { return otherStore{Store: s, read: errors.New("the disk is gone")} }
	checks = r.examine()
	expect(t, checks, "state", doctor.Problem, "the disk is gone")
	expect(t, checks, "lock", doctor.Skipped)
	expect(t, checks, "plan", doctor.Problem, "the disk is gone")
}

func TestPlanWithErrors(t *testing.T) {
	r := newRoom(t, shop)
	if err := r.box.Put(sandbox.Project, "", map[string]any{"name": "shop"}); err != nil {
		t.Fatal(err)
	}
	id, _ := r.box.ProjectID("shop")
	r.answers["GET /api/atlas/v2/groups/"+id+"/accessList"] = `{"error":403,"errorCode":"USER_UNAUTHORIZED"}`
	expect(t, r.examine(), "plan", doctor.Problem, "accessList")
}
