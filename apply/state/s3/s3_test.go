package s3

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"mercator/apply/state"
	"mercator/apply/state/s3/s3test"
	"mercator/apply/state/statetest"
)

// configAt describes a state in a test's server, reached at endpoint.
func configAt(server *s3test.Server, endpoint, key string) Config {
	return Config{Bucket: server.Bucket, Key: key, Region: s3test.Region, Endpoint: endpoint, Credentials: server.Credentials()}
}

func TestConformance(t *testing.T) {
	for name, start := range map[string]func(testing.TB) *s3test.Server{"plain": s3test.Start, "versioned": s3test.StartVersioned} {
		t.Run(name, func(t *testing.T) {
			server := start(t)
			var n atomic.Int32
			statetest.Run(t, func(*testing.T) statetest.Opener {
				key := fmt.Sprintf("some/folder/%d.json", n.Add(1))
				return func(t *testing.T, clock state.Clock) state.Store {
					return New(configAt(server, server.Endpoint, key), statetest.Catalog(t), clock)
				}
			})
		})
	}
}

func TestBackend(t *testing.T) {
	backend := Backend()
	asked := map[string]state.Argument{}
	for _, a := range backend.Arguments {
		asked[a.Name] = a
		if len(a.Environment) != 1 || a.Environment[0] != "MERCATOR_STATE_S3_"+strings.ToUpper(a.Name) || a.Help == "" {
			t.Errorf("%+v", a)
		}
	}
	if !asked["bucket"].Required || !asked["key"].Required || asked["region"].Required {
		t.Errorf("what is required: %+v", asked)
	}
	for _, c := range []struct{ setting, value, want string }{
		{"bucket", "", "bucket is"},
		{"bucket", "b/state.json", "write the bucket's name alone"},
		{"key", "/state.json", "without a slash at either end"},
		{"key", "states/", "without a slash at either end"},
		{"use_path_style", "maybe", "write true or false"},
		{"server_side_encryption", "AES", `write "AES256" or "aws:kms"`},
		{"kms_key_id", "k", `server_side_encryption = "aws:kms" only`},
		{"endpoint", "s3.example.com", `"https://s3.example.com"`},
		{"endpoint", "https://user:" + canary + "@s3.example.com", "credentials come from the environment"},
		{"endpoint", "https://s3.example.com?key=" + canary, "credentials come from the environment"},
		{"endpoint", "https://s3.example.com:" + canary, `"https://s3.example.com"`},
		{"endpoint", "https://s3.example.com", ""},
	} {
		values := map[string]string{"bucket": "b", "key": "k"}
		values[c.setting] = c.value
		store, err := backend.Open(state.Settings{Values: values, Catalog: statetest.Catalog(t), Clock: statetest.NewClock()})
		switch {
		case c.want == "" && (err != nil || store.Capabilities() != state.Capabilities{Lease: true, CompareAndSwap: true, Journal: true}):
			t.Errorf("%s = %q: %v", c.setting, c.value, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), canary)):
			t.Errorf("%s = %q: %v, want %q", c.setting, c.value, err, c.want)
		}
	}
}

// What the block says, and what Amazon's variables say, is what the requests are made with.
func TestSettingsReachTheStore(t *testing.T) {
	quiet(t)
	var last atomic.Pointer[http.Request]
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		last.Store(r)
		w.WriteHeader(http.StatusNotFound)
	}))
	t.Cleanup(server.Close)
	t.Setenv("AWS_ACCESS_KEY_ID", "someone")
	t.Setenv("AWS_SECRET_ACCESS_KEY", canary)
	t.Setenv("AWS_REGION", "eu-north-1")
	for name, c := range map[string]struct {
		values map[string]string
		env    map[string]string
		path   string
		header map[string]string
	}{
		"from the environment": {nil, map[string]string{"AWS_ENDPOINT_URL_S3": server.URL}, "/bucket/k", map[string]string{"Authorization": "/eu-north-1/s3/"}},
		"from the block": {map[string]string{"endpoint": server.URL, "region": "elsewhere", "server_side_encryption": "aws:kms", "kms_key_id": "key-1"}, nil, "/bucket/k",
			map[string]string{"Authorization": "/elsewhere/s3/", "X-Amz-Server-Side-Encryption": "aws:kms", "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id": "key-1",
				"If-None-Match": "*", "User-Agent": "mercator-1.2.3"}},
	} {
		t.Run(name, func(t *testing.T) {
			for k, v := range c.env {
				t.Setenv(k, v)
			}
			values := map[string]string{"bucket": "bucket", "key": "k"}
			maps.Copy(values, c.values)
			opened, err := Backend().Open(state.Settings{Values: values, Catalog: statetest.Catalog(t), Clock: statetest.NewClock(), Version: "1.2.3"})
			if err != nil {
				t.Fatal(err)
			}
			b, err := opened.(*Store).connect(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			last.Store(nil)
			_, _ = b.put(context.Background(), "k", []byte("x"), nil, nil) // what comes of it does not matter
			got := last.Load()
			if got == nil {
				t.Fatal("no request came")
			}
			if got.URL.Path != c.path {
				t.Errorf("the request was of %s, want %s", got.URL.Path, c.path)
			}
			for header, want := range c.header {
				if !strings.Contains(got.Header.Get(header), want) {
					t.Errorf("%s is %q, want %q", header, got.Header.Get(header), want)
				}
			}
			for header := range got.Header {
				if strings.HasPrefix(header, "X-Amz-Checksum") || header == "X-Amz-Trailer" {
					t.Errorf("it holds %s, which many stores do not know", header)
				}
			}
		})
	}
}

func TestTheBucketStandsInThePathWhereThereIsAnEndpoint(t *testing.T) {
	quiet(t)
	yes, no := true, false
	for _, c := range []struct {
		endpoint string
		style    *bool
		want     bool
	}{{"", nil, false}, {"", &yes, true}, {"https://s3.example.com", nil, true}, {"https://s3.example.com", &no, false}} {
		config := Config{Bucket: "bucket", Key: "k", Region: "r", Endpoint: c.endpoint, PathStyle: c.style,
			Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")}
		b, err := New(config, statetest.Catalog(t), statetest.NewClock()).connect(context.Background())
		if err != nil || b.api.Options().UsePathStyle != c.want {
			t.Errorf("%+v: %v, want %v", c, err, c.want)
		}
	}
}
