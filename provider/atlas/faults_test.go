package atlas_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"mercator/provider"
	"mercator/provider/atlas"
	"mercator/provider/sandbox"
)

// TestFaultsOfSandbox breaks calls on their way and looks at what Atlas has afterwards.
func TestFaultsOfSandbox(t *testing.T) {
	for _, tc := range []struct {
		name  string
		fault sandbox.Fault
		class provider.Class // of the creation
		there bool
	}{
		{"refused by a 503", sandbox.Fault{Method: "POST", Path: "databaseUsers", Nth: 1, Action: sandbox.Status, Status: 503}, provider.Uncertain, false},
		{"cut off before", sandbox.Fault{Method: "POST", Path: "databaseUsers", Nth: 1, Action: sandbox.Reset}, provider.Uncertain, false},
		{"answer lost", sandbox.Fault{Method: "POST", Path: "databaseUsers", Nth: 1, Action: sandbox.Lost}, provider.Uncertain, true},
		{"answer cut", sandbox.Fault{Method: "POST", Path: "databaseUsers", Nth: 1, Action: sandbox.Truncate}, provider.Uncertain, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := start(t, sandbox.Options{}, token())
			_, place := w.project("payments")
			if err := w.server.SetFaults(tc.fault); err != nil {
				t.Fatal(err)
			}
			w.server.ResetCalls()
			_, err := w.user(place, "app", "correct horse battery")
			if provider.ClassOf(err) != tc.class {
				t.Fatalf("got %v, want class %d", err, tc.class)
			}
			if calls := w.server.Calls(); len(calls) != 1 {
				t.Errorf("%d calls, want one", len(calls))
			}
			sweep, err := w.List(context.Background(), w.kind("database_user"), place)
			if err != nil || (len(sweep.Objects) == 1) != tc.there {
				t.Errorf("%d users, %v", len(sweep.Objects), err)
			}
		})
	}
}

func TestReadsSurviveFaults(t *testing.T) {
	w := start(t, sandbox.Options{}, token())
	_, place := w.project("payments")
	if _, err := w.user(place, "app", "correct horse battery"); err != nil {
		t.Fatal(err)
	}
	for _, action := range []sandbox.Action{sandbox.Reset, sandbox.Lost, sandbox.Truncate} {
		if err := w.server.SetFaults(sandbox.Fault{Method: "GET", Every: 2, Action: action}); err != nil {
			t.Fatal(err)
		}
		for range 4 {
			if sweep, err := w.List(context.Background(), w.kind("database_user"), place); err != nil || len(sweep.Objects) != 1 {
				t.Fatalf("%s: %d users, %v", action, len(sweep.Objects), err)
			}
		}
	}
}

// TestDeletionWithLostAnswer: the repeat finds nothing, and that is success.
func TestDeletionWithLostAnswer(t *testing.T) {
	w := start(t, sandbox.Options{}, token())
	_, place := w.project("payments")
	o, err := w.user(place, "app", "correct horse battery")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.server.SetFaults(sandbox.Fault{Method: "DELETE", Nth: 1, Action: sandbox.Lost}); err != nil {
		t.Fatal(err)
	}
	k := w.kind("database_user")
	remove := provider.Write{Ref: provider.Ref{Kind: k, Place: place, Key: k.KeyParts(o.Key)}, Endpoint: k.Endpoints.Delete}
	if _, err := w.Write(context.Background(), remove); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(context.Background(), remove); !provider.IsNotFound(err) {
		t.Errorf("deleted twice: %v, want NotFound", err)
	}
}

func TestSweepsOfSandbox(t *testing.T) {
	w := start(t, sandbox.Options{SurplusProjects: 3, NoRateLimits: true}, token())
	_, place := w.project("payments")
	k := w.kind("access_list")
	for i := range 1100 {
		entry := map[string]any{"cidrBlock": fmt.Sprintf("10.%d.%d.0/24", i/250, i%250)}
		if err := w.server.Put(sandbox.AccessList, place.Param("groupId"), entry); err != nil {
			t.Fatal(err)
		}
	}
	ctx := context.Background()
	before := w.Stats()
	sweep, err := w.List(ctx, k, place)
	if err != nil || len(sweep.Objects) != 1100 {
		t.Fatalf("%d entries, %v", len(sweep.Objects), err)
	}
	if n := w.Stats().Total() - before.Total(); n != 3 {
		t.Errorf("%d requests for three pages", n)
	}
	// A surplus in the list of projects costs one second read, which is counted apart.
	before = w.Stats()
	if projects, err := w.List(ctx, w.kind("project"), w.org); err != nil || len(projects.Objects) != 1 {
		t.Fatalf("%d projects, %v", len(projects.Objects), err)
	}
	after := w.Stats()
	if after.Total()-before.Total() != 2 || after.SecondReads-before.SecondReads != 1 {
		t.Errorf("%d requests, %d of them second reads; want 2 and 1", after.Total()-before.Total(), after.SecondReads-before.SecondReads)
	}
}

// TestRateLimitsOfSandbox: a tight budget slows the client down and fails nothing.
func TestRateLimitsOfSandbox(t *testing.T) {
	w := start(t, sandbox.Options{RateLimits: map[string]sandbox.Bucket{"databaseUsers": {Capacity: 10, Refill: 5}}}, token())
	_, place := w.project("payments")
	begin := w.clock.Now()
	for range 30 {
		if _, err := w.List(context.Background(), w.kind("database_user"), place); err != nil {
			t.Fatal(err)
		}
	}
	if w.clock.Now().Sub(begin) < 3*time.Minute {
		t.Errorf("30 requests in %s, with 10 at once and 5 a minute", w.clock.Now().Sub(begin))
	}
	refused := 0
	for _, c := range w.server.Calls() {
		if c.Status == 429 {
			refused++
		}
	}
	if refused > 1 {
		t.Errorf("%d requests ran into the limit", refused)
	}
}

func TestCredentialsOfSandbox(t *testing.T) {
	key := atlas.Credentials{PublicKey: sandbox.DefaultPublicKey, PrivateKey: sandbox.DefaultPrivateKey}
	account := atlas.Credentials{ClientID: sandbox.DefaultClientID, ClientSecret: sandbox.DefaultClientSecret}
	w := start(t, sandbox.Options{}, key)
	ctx := context.Background()
	for range 5 {
		if _, err := w.List(ctx, w.kind("project"), w.org); err != nil {
			t.Fatal(err)
		}
		w.clock.Advance(7 * time.Minute) // longer than a nonce lives
	}
	if s := w.Stats(); s.Total() != 9 || s.Challenges != 1 {
		t.Errorf("%d requests and %d challenges for 5 reads, of which 4 find their nonce stale", s.Total(), s.Challenges)
	}
	dir := t.TempDir()
	for range 12 { // runs; the token endpoint grants ten requests a minute
		c := w.connect(account, func(c *atlas.Config) { c.CacheDir = dir })
		if _, err := c.List(ctx, w.kind("project"), w.org); err != nil {
			t.Fatal(err)
		}
	}
	tokens := 0
	for _, c := range w.server.Calls() {
		if c.Operation == "oauth/token" {
			tokens++
		}
	}
	if tokens != 1 {
		t.Errorf("%d token requests for 12 runs", tokens)
	}
	for name, cred := range map[string]atlas.Credentials{
		"token":   {Token: "a-wrong-token"},
		"account": {ClientID: sandbox.DefaultClientID, ClientSecret: "mdb_sa_sk_wrong-wrong"},
		"key":     {PublicKey: sandbox.DefaultPublicKey, PrivateKey: "a-wrong-key"},
	} {
		_, err := w.connect(cred).List(ctx, w.kind("project"), w.org)
		if provider.ClassOf(err) != provider.Denied {
			t.Errorf("a wrong %s: %v", name, err)
		}
	}
}

// TestSandboxLogIsClean writes a password at the highest log level, through Digest and OAuth.
func TestSandboxLogIsClean(t *testing.T) {
	const password = `pä"ss/wo rd&<1>`
	for _, cred := range []atlas.Credentials{
		{PublicKey: sandbox.DefaultPublicKey, PrivateKey: sandbox.DefaultPrivateKey},
		{ClientID: sandbox.DefaultClientID, ClientSecret: sandbox.DefaultClientSecret},
	} {
		var log bytes.Buffer
		w := start(t, sandbox.Options{}, cred, func(c *atlas.Config) {
			c.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: atlas.LevelTrace}))
		})
		_, place := w.project("payments")
		if _, err := w.user(place, "app", password); err != nil {
			t.Fatal(err)
		}
		if !w.server.Received(password) {
			t.Error("the password did not arrive")
		}
		for _, s := range []string{"ss/wo rd", `ss/wo`, sandbox.DefaultPrivateKey, sandbox.DefaultClientSecret, "Bearer", "response="} {
			if strings.Contains(log.String(), s) {
				t.Errorf("the log shows %q", s)
			}
		}
		if !strings.Contains(log.String(), "createGroupDatabaseUser") {
			t.Error("the log does not name the operation")
		}
	}
}

func TestMissingProject(t *testing.T) {
	w := start(t, sandbox.Options{}, token())
	gone := w.org.With("groupId", strings.Repeat("0", 24))
	_, err := w.List(context.Background(), w.kind("alert_config"), gone)
	var e *provider.Error
	if !errors.As(err, &e) || e.Class != provider.NotFound || e.Code != "GROUP_NOT_FOUND" {
		t.Errorf("got %v, want GROUP_NOT_FOUND", err)
	}
}

// BenchmarkPlanReads reports the requests and the time that the reading of 20 projects with users takes.
func BenchmarkPlanReads(b *testing.B) {
	w := start(b, sandbox.Options{NoRateLimits: true}, token())
	var wants []provider.Want
	for i := range 20 {
		_, place := w.project(fmt.Sprintf("p%d", i))
		for _, kind := range []string{"database_user", "access_list", "alert_config"} {
			wants = append(wants, provider.Want{Kind: w.kind(kind), Place: place})
		}
	}
	before := w.Stats().Total()
	for b.Loop() {
		if _, err := provider.Observe(context.Background(), map[string]provider.Reader{"": w}, wants, nil, 0); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(w.Stats().Total()-before)/float64(b.N), "requests/op")
}
