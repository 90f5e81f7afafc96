package atlas

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"mercator/provider"
	"mercator/schema"
)

// fakeClock stands still until something sleeps.
type fakeClock struct {
	mu    sync.Mutex
	now   time.Time
	slept []time.Duration
}

func newFakeClock() *fakeClock {
	return &fakeClock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
}

func (c *fakeClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *fakeClock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	c.slept = append(c.slept, d)
	return ctx.Err()
}

func (c *fakeClock) total() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	var sum time.Duration
	for _, d := range c.slept {
		sum += d
	}
	return sum
}

// lab is a client and the server that it talks to.
type lab struct {
	*Client
	clock *fakeClock
	log   *bytes.Buffer
	url   string
}

// serve starts a server for a test and a client for it, with a bearer token unless change says otherwise.
func serve(t testing.TB, handler http.HandlerFunc, change ...func(*Config)) *lab {
	t.Helper()
	web := httptest.NewServer(handler)
	t.Cleanup(web.Close)
	l := &lab{clock: newFakeClock(), log: &bytes.Buffer{}, url: web.URL}
	cfg := Config{
		BaseURL: web.URL, Credentials: Credentials{Token: "ready-made-token"}, Clock: l.clock, Version: "1.2.3",
		Logger: slog.New(slog.NewJSONHandler(l.log, &slog.HandlerOptions{Level: LevelTrace})),
	}
	for _, f := range change {
		f(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.http.CloseIdleConnections)
	l.Client = c
	return l
}

const version = "2024-08-05"

func endpoint(operation, method, path string) *schema.Endpoint {
	return &schema.Endpoint{Operation: operation, Method: method, Path: "/api/atlas/v2" + path, Version: version, Role: "Keeper"}
}

// toys is a catalogue of kinds that exist in these tests alone.
func toys(t testing.TB) *schema.Catalog {
	t.Helper()
	list := endpoint("listBoxes", "GET", "/groups/{groupId}/boxes")
	one := "/groups/{groupId}/boxes/{boxName}"
	upsert := endpoint("putLabel", "POST", "/groups/{groupId}/labels")
	upsert.Upsert, upsert.Batch, upsert.AnswersList = true, 10, true
	flags := endpoint("listFlags", "GET", one+"/flags")
	flags.BareArray = true
	create := endpoint("createBox", "POST", "/groups/{groupId}/boxes")
	create.Query = map[string]string{"ownerId": "owner"}
	update := endpoint("updateBox", "PATCH", one)
	update.Omit = []string{"name"}
	remove := endpoint("deleteBox", "DELETE", one)
	add := endpoint("addKeeper", "POST", one+"/keepers")
	add.Batch = 1
	bare := endpoint("listLabels", "GET", "/groups/{groupId}/labels")
	bare.BareArray = true
	reset := endpoint("setPolicy", "PATCH", "/groups/{groupId}/policy")
	reset.Body = `{"strict":false}`
	pens := endpoint("listPens", "GET", "/groups/{groupId}/pens")
	pens.Arrays = []string{"pens", "pencils"}
	c, err := schema.NewCatalog(
		schema.Kind{Name: "pen", Identity: schema.Identity{Binds: schema.ByID, ID: "pen_id", Params: map[string]string{"maker": "made_by"}},
			Attributes: []schema.Attribute{{Name: "made_by", Type: schema.TypeString},
				{Name: "pen_id", Type: schema.TypeString, Owner: schema.Server, Forms: []schema.Form{{API: "penId", Pattern: ".*"}, {API: "_id", Pattern: ".*"}}}},
			Endpoints: schema.Endpoints{List: pens, Delete: endpoint("deletePen", "DELETE", "/groups/{groupId}/pens/{maker}/{penId}")}},
		schema.Kind{
			Name:     "box",
			Identity: schema.Identity{Binds: schema.ByKey, ID: "id", Key: []string{"name"}, Params: map[string]string{"boxName": "name"}},
			Attributes: []schema.Attribute{
				{Name: "id", Type: schema.TypeString, Owner: schema.Server},
				{Name: "name", Type: schema.TypeString, Required: true},
				{Name: "owner", Type: schema.TypeString},
				{Name: "size_gb", API: "sizeGB", Type: schema.TypeNumber},
				{Name: "password", Type: schema.TypeString, WriteOnly: true},
				{Name: "token", Type: schema.TypeString, OnceShown: true, Owner: schema.Server},
				{Name: "state", Type: schema.TypeString, Owner: schema.Server},
				{Name: "keep_backups", Type: schema.TypeBool, DestroyTime: true},
				{Name: "short", Type: schema.TypeString, Virtual: true},
				{Name: "paused", Type: schema.TypeBool, Later: true},
				{Name: "tags", Type: schema.TypePairs},
				{Name: "hooks", Type: schema.TypeList, Nested: []schema.Attribute{
					{Name: "hook_id", Type: schema.TypeString, Owner: schema.Server, Handle: true},
					{Name: "made", Type: schema.TypeTime, Owner: schema.Server},
					{Name: "url", Type: schema.TypeString},
					{Name: "secret", Type: schema.TypeString, WriteOnly: true},
				}},
				{Name: "lid", Type: schema.TypeObject, Nested: []schema.Attribute{
					{Name: "open", Type: schema.TypeBool}, {Name: "colour", Type: schema.TypeString}}},
				{Name: "flags", Type: schema.TypeMap, Of: schema.TypeInteger},
				{Name: "keepers", Type: schema.TypeList, Nested: []schema.Attribute{
					{Name: "user", Type: schema.TypeString}, {Name: "team", Type: schema.TypeString}, {Name: "rank", Type: schema.TypeInteger}}},
				{Name: "group_id", Type: schema.TypeString, Owner: schema.Server, FromPlace: "groupId"},
			},
			Ignored: []string{".links"},
			Endpoints: schema.Endpoints{List: list, Get: endpoint("getBox", "GET", one), Create: create, Update: update, Delete: remove,
				Partial: []*schema.Endpoint{}},
			Parts: []schema.Part{
				{Attribute: "lid", Read: endpoint("getLid", "GET", one+"/lid"), Write: endpoint("setLid", "PATCH", one+"/lid")},
				{Attribute: "flags", Each: true, EachParam: "flagName", Read: flags, Write: endpoint("setFlag", "PATCH", one+"/flags/{flagName}")},
				{Attribute: "keepers", Members: &schema.Members{Add: add, Change: endpoint("setKeeper", "PATCH", one+"/keepers/{who}"),
					Remove: endpoint("removeKeeper", "DELETE", one+"/keepers/{who}"), Params: map[string][]string{"who": {"user", "team"}}}},
			},
		},
		schema.Kind{
			Name:     "label",
			Identity: schema.Identity{Binds: schema.ByKey, Key: []string{"shelf", "text"}},
			Attributes: []schema.Attribute{
				{Name: "shelf", Type: schema.TypeString}, {Name: "text", Type: schema.TypeString}, {Name: "note", Type: schema.TypeString}},
			Endpoints: schema.Endpoints{List: bare, Create: upsert, Delete: endpoint("deleteLabel", "DELETE", "/groups/{groupId}/labels/{shelf}/{text}")},
		},
		schema.Kind{
			Name: "policy", Singleton: true, Reset: "it is lax again",
			Attributes: []schema.Attribute{{Name: "strict", Type: schema.TypeBool}},
			Endpoints: schema.Endpoints{Get: endpoint("getPolicy", "GET", "/groups/{groupId}/policy"),
				Update: endpoint("setPolicy", "PATCH", "/groups/{groupId}/policy"), Delete: reset},
		},
	)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const place = schema.Place("groupId=g1")

func str(s string) cty.Value { return cty.StringVal(s) }

func secret(s string) cty.Value { return cty.StringVal(s).Mark(schema.Sensitive) }

// with returns a value of the attributes' object type with some of them set.
func with(attrs []schema.Attribute, set map[string]cty.Value) cty.Value {
	values := schema.NullObject(attrs).AsValueMap()
	for name, v := range set {
		values[name] = v
	}
	return cty.ObjectVal(values)
}

// box returns the call that creates a box.
func createBox(k *schema.Kind, set map[string]cty.Value) provider.Write {
	return provider.Write{
		Ref: provider.Ref{Kind: k, Place: place}, Endpoint: k.Endpoints.Create, Bodies: []cty.Value{with(k.Attributes, set)},
	}
}

// boxRef names one box.
func boxRef(k *schema.Kind, name string) provider.Ref {
	return provider.Ref{Kind: k, Place: place, Key: map[string]string{"name": name}}
}

func answerJSON(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body))
}

func apiErrorBody(status int, code, detail string, parameters ...any) string {
	text, _ := json.Marshal(map[string]any{
		"error": status, "errorCode": code, "detail": detail, "parameters": parameters, "reason": http.StatusText(status),
	})
	return string(text)
}

// script answers requests one after the other and remembers them.
type script struct {
	mu    sync.Mutex
	steps []http.HandlerFunc
	seen  []string
}

func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.seen = append(s.seen, r.Method+" "+r.URL.EscapedPath())
	n := len(s.seen)
	s.mu.Unlock()
	if n > len(s.steps) {
		answerJSON(w, http.StatusTeapot, apiErrorBody(http.StatusTeapot, "NO_MORE_STEPS", fmt.Sprintf("request %d", n)))
		return
	}
	s.steps[n-1](w, r)
}

func (s *script) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.seen)
}

func says(status int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		answerJSON(w, status, body)
	}
}

// hangsUp closes the connection without an answer.
func hangsUp(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		_ = conn.Close()
	}
}

// breaksOff sends the beginning of an answer.
func breaksOff(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "100")
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write([]byte(`{"id":"b1","na`))
}

func wantClass(t *testing.T, err error, want provider.Class, words ...string) {
	t.Helper()
	if err == nil || provider.ClassOf(err) != want {
		t.Fatalf("got %v (class %d), want class %d", err, provider.ClassOf(err), want)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("the error does not say %q: %v", word, err)
		}
	}
}
