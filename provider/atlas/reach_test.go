package atlas

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"mercator/provider"
)

// TestReach asks servers whose clocks are off, or that have none.
func TestReach(t *testing.T) {
	for _, c := range []struct {
		off   time.Duration // what the Date says beside the client's clock
		dated bool
	}{{0, true}, {90 * time.Second, true}, {-time.Hour, true}, {0, false}} {
		var l *lab
		l = serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "" {
				t.Error("a stranger sends credentials")
			}
			w.Header()["Date"] = nil
			if c.dated {
				w.Header().Set("Date", l.clock.Now().Add(c.off).Format(http.TimeFormat))
			}
			w.WriteHeader(http.StatusUnauthorized)
		})
		got, err := Reach(context.Background(), Config{BaseURL: l.url + "/", Clock: l.clock})
		if err != nil || got.Status != 401 || got.Dated != c.dated || got.BaseURL != l.url || got.Proxy != "" {
			t.Errorf("reached %+v, %v", got, err)
		}
		if (got.Ahead - c.off).Abs() > time.Second {
			t.Errorf("Atlas is %s ahead, want %s", got.Ahead, c.off)
		}
	}
}

func TestReachNobody(t *testing.T) {
	l := serve(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	if got, err := Reach(context.Background(), Config{BaseURL: l.url}); err == nil || got.BaseURL != l.url {
		t.Errorf("reached %+v, %v", got, err)
	}
	if _, err := Reach(context.Background(), Config{BaseURL: "http://elsewhere.example"}); err == nil {
		t.Error("an address without encryption is asked")
	}
}

// TestReachNamesItsProxy makes sure that the proxy is named without its password.
func TestReachNamesItsProxy(t *testing.T) {
	transport := newTransport(1)
	transport.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse("http://who:secret@proxy.example:3128/x") }
	req, err := http.NewRequest(http.MethodGet, "https://cloud.mongodb.com", nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := proxyOf(transport, req); got != "http://proxy.example:3128" {
		t.Errorf("the proxy is %q", got)
	}
}

func TestTokenEnd(t *testing.T) {
	token := func(claims string) string {
		return "e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2ln"
	}
	if got, ok := TokenEnd(token(`{"exp":1772366400}`)); !ok || !got.Equal(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)) {
		t.Errorf("it ends %v, %v", got, ok)
	}
	for _, text := range []string{"", "opaque", "a.b.c", token(`{}`), token(`{"exp":"soon"}`), token(`{"exp":-1}`)} {
		if got, ok := TokenEnd(text); ok {
			t.Errorf("%q ends %v", text, got)
		}
	}
}

// TestAccessLists reads what an organization requires, and from where a service account is accepted.
func TestAccessLists(t *testing.T) {
	answers := map[string]string{
		"/api/oauth/token":                                            `{"access_token":"t","expires_in":3600,"token_type":"Bearer"}`,
		"/api/atlas/v2/orgs/o/settings":                               `{"apiAccessListRequired":true}`,
		"/api/atlas/v2/orgs/p/settings":                               `{"multiFactorAuthRequired":true}`,
		"/api/atlas/v2/orgs/o/serviceAccounts/mdb_sa_id_1/accessList": `{"results":[{"cidrBlock":"203.0.113.0/24","createdAt":"2026-03-01T00:00:00Z"},{"ipAddress":"198.51.100.7"}],"totalCount":2}`,
	}
	l := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if answers[r.URL.Path] == "" {
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, `{"error":403,"errorCode":"USER_UNAUTHORIZED"}`)
		}
		_, _ = io.WriteString(w, answers[r.URL.Path])
	}, func(cfg *Config) { cfg.Credentials = Credentials{ClientID: "mdb_sa_id_1", ClientSecret: "s"} })
	ctx := context.Background()
	if required, err := l.AccessListRequired(ctx, "o"); err != nil || !required {
		t.Errorf("required: %v, %v", required, err)
	}
	if _, err := l.AccessListRequired(ctx, "p"); err == nil {
		t.Error("settings that do not say it are taken for a no")
	}
	if _, err := l.AccessListRequired(ctx, "q"); provider.ClassOf(err) != provider.Denied {
		t.Errorf("a refusal is %v", err)
	}
	if got, err := l.AccountAddresses(ctx, "o"); err != nil || !slices.Equal(got, []string{"203.0.113.0/24", "198.51.100.7"}) {
		t.Errorf("accepted from %q, %v", got, err)
	}
	if _, err := serve(t, nil).AccountAddresses(ctx, "o"); err == nil {
		t.Error("a token has a list of its own")
	}
}

func TestSettings(t *testing.T) {
	set := map[string]string{
		"EMEA_MONGODB_ATLAS_PUBLIC_KEY": "k", "EMEA_MONGODB_ATLAS_PUBLIC_API_KEY": "key", "EMEA_MONGODB_ATLAS_PRIVATE_KEY": "p",
		"EMEA_MONGODB_ATLAS_CLIENT_ID": "id", "EMEA_MONGODB_ATLAS_OPS_MANAGER_URL": "https://x.example", "MONGODB_ATLAS_ORG_ID": "of another connection",
	}
	var got []string
	for _, s := range Settings(func(name string) string { return set[name] }, "EMEA") {
		got = append(got, fmt.Sprintf("%s %v", strings.TrimPrefix(s.Variable, "EMEA_MONGODB_ATLAS_"), s.Used))
	}
	want := []string{"CLIENT_ID false", "PUBLIC_API_KEY true", "PUBLIC_KEY false", "PRIVATE_KEY true", "OPS_MANAGER_URL true"}
	if !slices.Equal(got, want) {
		t.Errorf("settings %q, want %q", got, want)
	}
}
