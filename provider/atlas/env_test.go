package atlas

import (
	"fmt"
	"strings"
	"testing"

	"mercator/schema/diag"
)

func TestFromEnv(t *testing.T) {
	for _, tc := range []struct {
		name, prefix string
		env          map[string]string
		method       Method
		who          string
		base         string
		codes        string
		says         []string
	}{
		{name: "service account", env: map[string]string{"MONGODB_ATLAS_CLIENT_ID": "mdb_sa_id_1", "MONGODB_ATLAS_CLIENT_SECRET": "s3cret-one\n"},
			method: MethodServiceAccount, who: "mdb_sa_id_1"},
		{name: "API key", env: map[string]string{"MONGODB_ATLAS_PUBLIC_API_KEY": "abcdefgh", "MONGODB_ATLAS_PRIVATE_API_KEY": "s3cret-two"},
			method: MethodAPIKey, who: "abcdefgh"},
		{name: "API key under the other names, mixed", env: map[string]string{"MONGODB_ATLAS_PUBLIC_KEY": "abcdefgh", "MONGODB_ATLAS_PRIVATE_API_KEY": "s3cret-two"},
			method: MethodAPIKey, who: "abcdefgh"},
		{name: "token", env: map[string]string{"MONGODB_ATLAS_ACCESS_TOKEN": "s3cret-three"}, method: MethodToken},
		{name: "first name counts", env: map[string]string{"MONGODB_ATLAS_PUBLIC_API_KEY": "one", "MONGODB_ATLAS_PUBLIC_KEY": "two", "MONGODB_ATLAS_PRIVATE_KEY": "s3cret-two"},
			method: MethodAPIKey, who: "one"},
		{name: "token before service account before API key", env: map[string]string{
			"MONGODB_ATLAS_ACCESS_TOKEN": "s3cret-three", "MONGODB_ATLAS_CLIENT_ID": "mdb_sa_id_1", "MONGODB_ATLAS_CLIENT_SECRET": "s3cret-one",
			"MONGODB_ATLAS_PUBLIC_KEY": "abcdefgh", "MONGODB_ATLAS_PRIVATE_KEY": "s3cret-two"},
			method: MethodToken, codes: "warning several_credentials", says: []string{"an access token, a service account and an API key", "uses the access token"}},
		{name: "half a service account beside a key", env: map[string]string{
			"MONGODB_ATLAS_CLIENT_ID": "mdb_sa_id_1", "MONGODB_ATLAS_PUBLIC_KEY": "abcdefgh", "MONGODB_ATLAS_PRIVATE_KEY": "s3cret-two"},
			method: MethodAPIKey, who: "abcdefgh"},
		{name: "prefix", prefix: "EMEA", env: map[string]string{
			"EMEA_MONGODB_ATLAS_CLIENT_ID": "mdb_sa_id_2", "EMEA_MONGODB_ATLAS_CLIENT_SECRET": "s3cret-one", "MONGODB_ATLAS_ACCESS_TOKEN": "s3cret-three",
			"MONGODB_ATLAS_BASE_URL": "https://elsewhere.example.com", "EMEA_MONGODB_ATLAS_BASE_URL": "https://emea.example.com"},
			method: MethodServiceAccount, who: "mdb_sa_id_2", base: "https://emea.example.com"},
		{name: "prefix without credentials of its own", prefix: "EMEA_", env: map[string]string{"MONGODB_ATLAS_ACCESS_TOKEN": "s3cret-three"},
			codes: "error no_credentials", says: []string{"EMEA_MONGODB_ATLAS_CLIENT_ID", "EMEA_MONGODB_ATLAS_PUBLIC_API_KEY"}},
		{name: "base URL under the CLI's name", env: map[string]string{"MONGODB_ATLAS_ACCESS_TOKEN": "s3cret-three", "MONGODB_ATLAS_OPS_MANAGER_URL": "https://cloud.example.com/"},
			method: MethodToken, base: "https://cloud.example.com/"},
		{name: "nothing", codes: "error no_credentials", says: []string{"Set MONGODB_ATLAS_CLIENT_ID and MONGODB_ATLAS_CLIENT_SECRET"}},
		{name: "white space", env: map[string]string{"MONGODB_ATLAS_ACCESS_TOKEN": " "}, codes: "error no_credentials"},
		{name: "half", env: map[string]string{"MONGODB_ATLAS_CLIENT_SECRET": "s3cret-one"}, codes: "error no_credentials",
			says: []string{"MONGODB_ATLAS_CLIENT_SECRET is set, but MONGODB_ATLAS_CLIENT_ID is not"}},
		{name: "service account in the key's place", env: map[string]string{"MONGODB_ATLAS_PUBLIC_KEY": "mdb_sa_id_1", "MONGODB_ATLAS_PRIVATE_KEY": "mdb_sa_sk_s3cret"},
			method: MethodAPIKey, who: "mdb_sa_id_1", codes: "error service_account_as_api_key", says: []string{"Put it into MONGODB_ATLAS_CLIENT_ID"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			env, found := FromEnv(func(name string) string { return tc.env[name] }, tc.prefix)
			if env.Credentials.Method() != tc.method || env.Credentials.Name() != tc.who {
				t.Errorf("uses %q of %q, want %q of %q", env.Credentials.Method(), env.Credentials.Name(), tc.method, tc.who)
			}
			if want := or(tc.base, DefaultBaseURL); env.BaseURL != want {
				t.Errorf("base URL %q, want %q", env.BaseURL, want)
			}
			if got := codes(found); got != tc.codes {
				t.Errorf("findings %q, want %q", got, tc.codes)
			}
			shown := fmt.Sprintf("%v %+v %#v %s", env, env.Credentials, env, found)
			if strings.Contains(shown, "s3cret") {
				t.Errorf("a secret is shown: %s", shown)
			}
			for _, word := range tc.says {
				if !strings.Contains(fmt.Sprint(found), word) {
					t.Errorf("%s\ndoes not say %q", found, word)
				}
			}
		})
	}
}

func codes(found diag.List) string {
	var out []string
	for _, d := range found {
		out = append(out, d.Severity.String()+" "+d.Code)
	}
	return strings.Join(out, ", ")
}

func TestBaseURL(t *testing.T) {
	for text, want := range map[string]string{
		"":                                       "https://cloud.mongodb.com",
		"https://cloud.mongodbgov.com/":          "https://cloud.mongodbgov.com",
		"http://localhost:8080/":                 "http://localhost:8080",
		"http://127.0.0.1:1":                     "http://127.0.0.1:1",
		"http://[::1]:1":                         "http://[::1]:1",
		"https://proxy.example.com/atlas/":       "https://proxy.example.com/atlas",
		"http://cloud.mongodb.com":               "",
		"http://localhost.example.com":           "",
		"cloud.mongodb.com":                      "",
		"ftp://cloud.mongodb.com":                "",
		"https://u:p@cloud.mongodb.com":          "",
		"https://cloud.mongodb.com?x=1":          "",
		"https://cloud.mongodb.com/api/atlas/v2": "",
		"https://":                               "",
		"https://\x00":                           "",
	} {
		got, err := baseURL(text)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q gives %q, %v; want %q", text, got, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "u:p") {
			t.Errorf("%v shows a password", err)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	for code, cfg := range map[string]Config{
		"no_credentials":             {},
		"bad_base_url":               {BaseURL: "http://example.com", Credentials: Credentials{Token: "abcd"}},
		"bad_access_token":           {Credentials: Credentials{Token: "Bearer abcd"}},
		"service_account_as_api_key": {Credentials: Credentials{PublicKey: "mdb_sa_id_1", PrivateKey: "x"}},
	} {
		_, err := New(cfg)
		if got := diag.FromError(err, "other", ""); err == nil || got.Code != code {
			t.Errorf("got %v, want %s", err, code)
		}
	}
}
