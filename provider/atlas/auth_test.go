package atlas

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/icholy/digest"

	"mercator/provider"
	"mercator/schema"
)

// digestServer accepts one API key by HTTP Digest. A nonce serves a number of requests and is then stale; a nonce
// with a count that was used before is a replay.
type digestServer struct {
	mu       sync.Mutex
	perNonce int
	nonce    int
	used     map[string]bool
	uses     int
	asked    int // requests without credentials
	stale    int
	served   int
	wrong    int
	silent   bool // answers without a challenge
}

const (
	publicKey  = "abcdefgh"
	privateKey = "01234567-89ab-cdef-0123-456789abcdef"
)

func (s *digestServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	refuse := func(stale bool) {
		if !s.silent {
			w.Header().Set("WWW-Authenticate", fmt.Sprintf(
				`Digest realm="MMS Public API", domain="", nonce="nonce%d", algorithm=MD5, qop="auth", stale=%v`, s.nonce, stale))
		}
		answerJSON(w, 401, `{"error":401,"reason":"Unauthorized","detail":"You are not authorized for this resource."}`)
	}
	header := r.Header.Get("Authorization")
	if header == "" {
		s.asked++
		refuse(false)
		return
	}
	got, err := digest.ParseCredentials(header)
	if err != nil {
		s.wrong++
		refuse(false)
		return
	}
	if got.Nonce != fmt.Sprintf("nonce%d", s.nonce) || s.uses >= s.perNonce {
		if s.uses >= s.perNonce {
			s.nonce++
			s.uses = 0
		}
		s.stale++
		refuse(true)
		return
	}
	count := fmt.Sprintf("%s/%d", got.Nonce, got.Nc)
	want, err := digest.Digest(&digest.Challenge{Realm: "MMS Public API", Nonce: got.Nonce, Algorithm: "MD5", QOP: []string{"auth"}},
		digest.Options{Method: r.Method, URI: r.RequestURI, Count: got.Nc, Cnonce: got.Cnonce, Username: publicKey, Password: privateKey})
	if err != nil || want.Response != got.Response || s.used[count] {
		s.wrong++
		refuse(false)
		return
	}
	if s.used == nil {
		s.used = map[string]bool{}
	}
	s.used[count] = true
	s.uses++
	s.served++
	answerJSON(w, 200, aBox)
}

func apiKey2(c *Config) { c.Credentials = Credentials{PublicKey: publicKey, PrivateKey: privateKey} }

func together(n int, f func(int) error) error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { errs[i] = f(i) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func TestDigestDoesNotDoubleRequests(t *testing.T) {
	box := toys(t).Kind("box")
	s := &digestServer{perNonce: 1 << 30}
	l := serve(t, s.ServeHTTP, apiKey2)
	err := together(40, func(i int) error {
		_, err := l.Get(context.Background(), boxRef(box, fmt.Sprintf("box %d/x", i)))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if s.served != 40 || s.asked != 1 || s.stale != 0 || s.wrong != 0 {
		t.Errorf("served %d, asked for a challenge %d times, %d stale, %d wrong; want 40, 1, 0, 0", s.served, s.asked, s.stale, s.wrong)
	}
	if stats := l.Stats(); stats.Total() != 40 || stats.Challenges != 1 {
		t.Errorf("counted %+v", stats)
	}
}

func TestDigestStaleNonce(t *testing.T) {
	box := toys(t).Kind("box")
	s := &digestServer{perNonce: 5}
	l := serve(t, s.ServeHTTP, apiKey2)
	for i := range 22 {
		if _, err := l.Get(context.Background(), boxRef(box, fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	if s.served != 22 || s.stale != 4 || s.wrong != 0 || s.asked != 1 {
		t.Errorf("served %d, %d stale, %d wrong, %d challenges; want 22, 4, 0, 1", s.served, s.stale, s.wrong, s.asked)
	}

	// Together: a nonce ends while several requests hold it; each of them is repeated, and none fails.
	s = &digestServer{perNonce: 30}
	l = serve(t, s.ServeHTTP, apiKey2)
	err := together(60, func(i int) error {
		_, err := l.Get(context.Background(), boxRef(box, fmt.Sprint(i)))
		return err
	})
	if err != nil || s.served != 60 || s.wrong != 0 {
		t.Errorf("served %d, %d wrong, %v", s.served, s.wrong, err)
	}
}

func TestDigestRefused(t *testing.T) {
	box := toys(t).Kind("box")
	for _, silent := range []bool{false, true} {
		s := &digestServer{perNonce: 1 << 30, silent: silent}
		l := serve(t, s.ServeHTTP, func(c *Config) { c.Credentials = Credentials{PublicKey: publicKey, PrivateKey: "another key"} })
		_, err := l.Get(context.Background(), boxRef(box, "red"))
		wantClass(t, err, provider.Denied, "check that the credentials are valid", "Keeper")
		if n := s.asked + s.wrong; n > 3 {
			t.Errorf("a wrong key was sent %d times", n)
		}
	}
}

// tokenServer hands out tokens and accepts the last one.
type tokenServer struct {
	mu      sync.Mutex
	issued  int
	valid   string
	served  int
	refused int
	basic   string
	form    string
	token   http.HandlerFunc // replaces the token endpoint where it answers for it
	limits  int              // how many token requests answer 429 first
	lasts   int
}

func (s *tokenServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.URL.Path != tokenPath {
		if r.Header.Get("Authorization") != "Bearer "+s.valid {
			s.refused++
			answerJSON(w, 401, `{"error":401,"reason":"Unauthorized","detail":"You are not authorized for this resource."}`)
			return
		}
		s.served++
		answerJSON(w, 200, aBox)
		return
	}
	if s.limits > 0 {
		s.limits--
		answerJSON(w, 429, apiErrorBody(429, "RATE_LIMITED", "Resource /api/oauth/token is limited to 10 requests every 1 minutes.", "/api/oauth/token", 10, 1))
		return
	}
	if s.token != nil {
		s.token(w, r)
		return
	}
	_ = r.ParseForm()
	s.basic, s.form = r.Header.Get("Authorization"), r.Form.Encode()
	s.issued++
	s.valid = fmt.Sprintf("token-number-%d", s.issued)
	answerJSON(w, 200, fmt.Sprintf(`{"access_token":%q,"expires_in":%d,"token_type":"Bearer"}`, s.valid, or(s.lasts, 3600)))
}

const clientSecret = "mdb_sa_sk_a+b/c d"

func account(dir string) func(*Config) {
	return func(c *Config) {
		c.Credentials = Credentials{ClientID: "mdb_sa_id_1", ClientSecret: clientSecret}
		c.CacheDir = dir
	}
}

func get(l *Client, box *schema.Kind) error {
	_, err := l.Get(context.Background(), boxRef(box, "red"))
	return err
}

func TestServiceAccount(t *testing.T) {
	box := toys(t).Kind("box")
	s := &tokenServer{}
	l := serve(t, s.ServeHTTP, account(""))
	if err := together(30, func(int) error { return get(l.Client, box) }); err != nil {
		t.Fatal(err)
	}
	if s.issued != 1 || s.served != 30 || s.refused != 0 {
		t.Errorf("%d tokens for %d requests, %d refused", s.issued, s.served, s.refused)
	}
	want := "Basic " + base64.StdEncoding.EncodeToString([]byte("mdb_sa_id_1:"+url.QueryEscape(clientSecret)))
	if s.basic != want || s.form != "grant_type=client_credentials" {
		t.Errorf("asked with %q and %q", s.basic, s.form)
	}
	if stats := l.Stats(); stats.Total() != 30 || stats.TokenRequests != 1 {
		t.Errorf("counted %+v", stats)
	}
	// A token is replaced before its end.
	_ = l.clock.Sleep(context.Background(), time.Hour-tokenMargin+time.Second)
	if err := get(l.Client, box); err != nil || s.issued != 2 || s.refused != 0 {
		t.Errorf("%v, %d tokens, %d refused: want a new one before the old one's end", err, s.issued, s.refused)
	}
}

func TestTokenCache(t *testing.T) {
	box := toys(t).Kind("box")
	dir := filepath.Join(t.TempDir(), "a", "tokens")
	s := &tokenServer{}
	l := serve(t, s.ServeHTTP, account(dir))
	again := func(change func(*Config)) *Client {
		t.Helper()
		cfg := Config{BaseURL: l.url, Clock: l.clock}
		account(dir)(&cfg)
		if change != nil {
			change(&cfg)
		}
		c, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	must := func(c *Client, issued int, what string) {
		t.Helper()
		if err := get(c, box); err != nil || s.issued != issued {
			t.Errorf("%s: %v, %d tokens, want %d", what, err, s.issued, issued)
		}
	}
	must(l.Client, 1, "first run")
	must(again(nil), 1, "second run")
	if runtime.GOOS != "windows" {
		files, _ := filepath.Glob(filepath.Join(dir, "*.json"))
		for _, f := range files {
			if info, err := os.Stat(f); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s: mode %v, %v", f, info.Mode(), err)
			}
		}
		if len(files) != 1 || strings.Contains(files[0], "mdb_sa") {
			t.Errorf("files %q", files)
		}
	}
	must(again(func(c *Config) { c.Credentials.ClientSecret = "another" }), 2, "another secret")
	must(again(func(c *Config) { c.Credentials.ClientID = "mdb_sa_id_2" }), 3, "another id")
	must(again(func(c *Config) { c.BaseURL = strings.Replace(l.url, "127.0.0.1", "localhost", 1) }), 4, "another host")

	// The first account's token in the file is number 1, which is no longer valid: dropped, and one is fetched.
	refused := s.refused
	must(again(nil), 5, "a token that was revoked")
	if s.refused != refused+1 {
		t.Errorf("%d requests with the revoked token, want 1", s.refused-refused)
	}
	must(again(nil), 5, "after it")
	_ = l.clock.Sleep(context.Background(), time.Hour)
	must(again(nil), 6, "a token that has ended")

	files, _ := filepath.Glob(filepath.Join(dir, "*.json"))
	for _, damage := range []string{"", "{", `{"access_token":""}`, `[]`} {
		for _, f := range files {
			if err := os.WriteFile(f, []byte(damage), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		n := s.issued
		must(again(nil), n+1, fmt.Sprintf("a file that holds %q", damage))
	}
	if runtime.GOOS != "windows" {
		for _, f := range files {
			if err := os.Chmod(f, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		must(again(nil), s.issued+1, "a file that others can read")
	}
}

// TestTokenCacheShared: clients that start together on one cache fetch one token between them.
func TestTokenCacheShared(t *testing.T) {
	box := toys(t).Kind("box")
	dir := t.TempDir()
	s := &tokenServer{}
	l := serve(t, s.ServeHTTP, account(dir))
	err := together(8, func(int) error {
		cfg := Config{BaseURL: l.url, Clock: l.clock}
		account(dir)(&cfg)
		c, err := New(cfg)
		if err != nil {
			return err
		}
		return get(c, box)
	})
	if err != nil || s.issued != 1 {
		t.Errorf("%d tokens, %v; want 1", s.issued, err)
	}
}

func TestTokenCacheThatCannotBeKept(t *testing.T) {
	box := toys(t).Kind("box")
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := &tokenServer{}
	l := serve(t, s.ServeHTTP, account(filepath.Join(file, "below")))
	if err := get(l.Client, box); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(l.log.String(), "not kept for the next run") {
		t.Error("nothing is said in the log")
	}
}

// TestRefusedTokenIsNotFetchedOverAndOver: Atlas answers 401 also where a role is missing.
func TestRefusedTokenIsNotFetchedOverAndOver(t *testing.T) {
	box := toys(t).Kind("box")
	s := &tokenServer{token: says(200, `{"access_token":"never-accepted","expires_in":3600}`), valid: "other"}
	l := serve(t, s.ServeHTTP, account(""))
	for range 5 {
		wantClass(t, get(l.Client, box), provider.Denied)
	}
	if n := l.Stats().TokenRequests; n != 1 {
		t.Errorf("%d token requests, want 1", n)
	}
}

func TestTokenEndpointFails(t *testing.T) {
	box := toys(t).Kind("box")
	for _, tc := range []struct {
		name  string
		step  http.HandlerFunc
		class provider.Class
		says  string
	}{
		{"wrong secret", says(401, `{"error":"invalid_client","error_description":"bad `+clientSecret+`"}`), provider.Denied, "MONGODB_ATLAS_CLIENT_SECRET"},
		{"error of Atlas", says(401, apiErrorBody(401, "INVALID_CLIENT", "Invalid client.")), provider.Denied, "MONGODB_ATLAS_CLIENT_SECRET"},
		{"down", says(503, ""), provider.Transient, "status.mongodb.com"},
		{"no token", says(200, `{}`), provider.Transient, "access_token"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := &tokenServer{token: tc.step}
			l := serve(t, s.ServeHTTP, account(""))
			err := get(l.Client, box)
			wantClass(t, err, tc.class, tc.says, "POST "+tokenPath)
			if strings.Contains(err.Error()+l.log.String(), clientSecret) {
				t.Error("the secret is shown")
			}
		})
	}
	s := &tokenServer{limits: 3}
	l := serve(t, s.ServeHTTP, account(""))
	if err := get(l.Client, box); err != nil || s.issued != 1 {
		t.Errorf("after 429: %v, %d tokens", err, s.issued)
	}
	if l.clock.total() < 18*time.Second {
		t.Errorf("waited %s for three times 6 s", l.clock.total())
	}
}

func TestTokenLifetimes(t *testing.T) {
	box := toys(t).Kind("box")
	for body, want := range map[string]time.Duration{
		`{"access_token":"t","expires_in":3600}`:  time.Hour,
		`{"access_token":"t","expires_in":600}`:   10 * time.Minute,
		`{"access_token":"t"}`:                    time.Hour,
		`{"access_token":"t","expires_in":-5}`:    time.Hour,
		`{"access_token":"t","expires_in":1e300}`: time.Hour,
	} {
		dir := t.TempDir()
		s := &tokenServer{token: says(200, body), valid: "t"}
		l := serve(t, s.ServeHTTP, account(dir))
		if err := get(l.Client, box); err != nil {
			if !strings.Contains(body, "1e300") {
				t.Errorf("%s: %v", body, err)
			}
			continue
		}
		files, _ := filepath.Glob(filepath.Join(dir, "*.json"))
		text, err := os.ReadFile(files[0])
		if err != nil {
			t.Fatal(err)
		}
		var kept token
		if err := json.Unmarshal(text, &kept); err != nil || kept.Expires.Sub(l.clock.Now()) != want {
			t.Errorf("%s lasts %s, want %s (%v)", body, kept.Expires.Sub(l.clock.Now()), want, err)
		}
	}
}

// BenchmarkDigest reports how many requests one call takes.
func BenchmarkDigest(b *testing.B) {
	box := toys(b).Kind("box")
	s := &digestServer{perNonce: 1 << 30}
	l := serve(b, s.ServeHTTP, apiKey2, func(c *Config) { c.Logger = nil })
	for b.Loop() {
		if err := get(l.Client, box); err != nil {
			b.Fatal(err)
		}
	}
	stats := l.Stats()
	b.ReportMetric(float64(stats.Total()+stats.Challenges)/float64(b.N), "requests/op")
}
