package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/zclconf/go-cty/cty"

	"mercator/apply/state"
	"mercator/apply/state/s3/s3test"
	"mercator/apply/state/statetest"
	"mercator/apply/state/statetest/faultproxy"
	"mercator/schema"
)

const canary = "CANARY-of-the-state-in-s3"

// quiet keeps the machine's own settings of AWS out of a test.
func quiet(t *testing.T) {
	t.Helper()
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION",
		"AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN",
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"} {
		t.Setenv(name, "")
	}
	nowhere := filepath.Join(t.TempDir(), "nothing")
	t.Setenv("AWS_CONFIG_FILE", nowhere)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", nowhere)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
}

// answer is an error answer of the protocol.
func answer(status int, code string, header http.Header) func(faultproxy.Request) faultproxy.Fault {
	body := fmt.Sprintf("<?xml version=\"1.0\"?><Error><Code>%s</Code><Message>said so</Message></Error>", code)
	return func(faultproxy.Request) faultproxy.Fault {
		return faultproxy.Fault{Status: status, Body: body, Header: header}
	}
}

func TestErrorsSayWhatHelps(t *testing.T) {
	quiet(t)
	r := newRig(t)
	working := configAt(r.server, r.proxy.URL, "k.json")
	for _, c := range []struct {
		name   string
		change func(*Config)
		script faultproxy.Script
		want   string
	}{
		{"no bucket", func(c *Config) { c.Bucket = "nowhere" }, nil, "there is no such bucket; create it, or correct bucket"},
		{"unknown key", func(c *Config) { c.Credentials = credentials.NewStaticCredentialsProvider("nobody", canary, "") },
			answer(403, "InvalidAccessKeyId", nil), "the access key is not known to the store"},
		{"a 404 of another sort", nil, answer(404, "NoSuchAccount", nil), "the store answers 404 NoSuchAccount: said so"},
		{"wrong secret", func(c *Config) {
			c.Credentials = credentials.NewStaticCredentialsProvider(s3test.AccessKey, canary, "")
		}, nil,
			"the secret key does not belong to the access key"},
		{"no credentials", func(c *Config) { c.Credentials = nil }, nil, "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"},
		{"no region", func(c *Config) { c.Region, c.Endpoint = "", "" }, nil, "set region in the state block, or AWS_REGION"},
		{"no profile", func(c *Config) { c.Profile = "nobody" }, nil, "nobody"},
		{"no server", func(c *Config) { c.Endpoint = "http://127.0.0.1:1" }, nil, "no answer came: dial tcp 127.0.0.1:1"},
		{"denied", nil, answer(403, "AccessDenied", nil), "the credentials need s3:GetObject, s3:PutObject and s3:DeleteObject"},
		{"denied in other words", nil, answer(403, "Whatever", nil), "the credentials need s3:GetObject"},
		{"another region", nil, answer(301, "PermanentRedirect", http.Header{"X-Amz-Bucket-Region": {"eu-west-3"}}),
			"the bucket is in another region; correct region in the state block, or AWS_REGION; it is eu-west-3"},
		{"expired", nil, answer(400, "ExpiredToken", nil), "the credentials have expired"},
		{"wrong clock", nil, answer(403, "RequestTimeTooSkewed", nil), "clock is wrong"},
		{"no conditions", nil, answer(501, "NotImplemented", nil), "does not honour conditional writes"},
		{"too fast", nil, answer(503, "SlowDown", nil), "asks for fewer requests"},
		{"broken", nil, answer(500, "InternalError", nil), "answers 500 InternalError: said so"},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := working
			if c.change != nil {
				c.change(&config)
			}
			r.next(t)
			r.proxy.Script(c.script)
			s := New(config, statetest.Catalog(t), r.clock, WithRetries(2, time.Millisecond))
			_, readErr := s.Read(context.Background())
			_, lockErr := s.Lock(context.Background(), state.LockInfo{})
			_, holderErr := s.Holder(context.Background())
			for doing, err := range map[string]error{"reading": readErr, "locking": lockErr, "looking": holderErr} {
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%s: %v; want %q", doing, err, c.want)
					continue
				}
				for _, secret := range []string{canary, s3test.SecretKey, "X-Amz-Signature", "Signature="} {
					if strings.Contains(err.Error(), secret) {
						t.Errorf("%s: the error holds %q: %v", doing, secret, err)
					}
				}
			}
		})
	}
}

// deaf is a store that keeps one object and is deaf to some headers.
type deaf struct {
	to string

	mu   sync.Mutex
	data []byte
	n    int
}

// ServeHTTP implements http.Handler.
func (d *deaf) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := q.Clone(q.Context())
	r.Header.Del(d.to)
	etag := fmt.Sprintf(`"%d"`, d.n)
	list := r.URL.Query().Has("list-type")
	slot := strings.Contains(r.URL.Path, ".journal/")
	wrong := r.Header.Get("If-None-Match") == "*" && d.data != nil || r.Header.Get("If-Match") != "" && r.Header.Get("If-Match") != etag
	switch {
	case list:
		_, _ = io.WriteString(w, `<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>`)
	case r.Method == http.MethodPut && slot:
	case r.Method == http.MethodPut && wrong:
		w.WriteHeader(http.StatusPreconditionFailed)
	case r.Method == http.MethodPut:
		d.n++
		d.data, _ = io.ReadAll(r.Body)
		w.Header().Set("Etag", fmt.Sprintf(`"%d"`, d.n))
	case d.data != nil && strings.HasSuffix(r.URL.Path, ".lock"):
		w.Header().Set("Etag", etag)
		_, _ = w.Write(d.data)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// A store that knows nothing of conditions and writes all the same would let two applies overwrite each other.
func TestAStoreThatIgnoresConditionsIsRefused(t *testing.T) {
	for _, to := range []string{"If-None-Match", "If-Match", "neither"} {
		t.Run(to, func(t *testing.T) {
			server := httptest.NewServer(&deaf{to: to})
			t.Cleanup(server.Close)
			config := Config{Bucket: "b", Key: "k", Region: "r", Endpoint: server.URL, Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")}
			s := New(config, statetest.Catalog(t), statetest.NewClock(), WithRetries(1, 0))
			_, err := s.Lock(context.Background(), state.LockInfo{})
			if to == "neither" {
				if err != nil {
					t.Errorf("a store that hears all: %v", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), "does not honour conditional writes") {
				t.Errorf("a store that is deaf to %s: %v", to, err)
			}
			if holder, err := s.Holder(context.Background()); holder != nil || err != nil {
				t.Errorf("it stays locked by %+v, %v", holder, err)
			}
		})
	}
}

// Whoever judges a lease by a wrong clock might take it from a holder that lives.
func TestRule_R28_AWrongClockTakesNoLease(t *testing.T) {
	r := newRig(t)
	ctx := context.Background()
	r.must(r.lock(r.direct()).Release(ctx))
	for off, want := range map[time.Duration]string{
		20 * time.Second: "", -20 * time.Second: "", 5 * time.Minute: "behind the store's", -5 * time.Minute: "ahead of the store's",
	} {
		r.proxy.Script(func(faultproxy.Request) faultproxy.Fault {
			return faultproxy.Fault{Header: http.Header{"Date": {time.Now().Add(off).UTC().Format(http.TimeFormat)}}}
		})
		l, err := r.through(1).Lock(ctx, state.LockInfo{})
		if want == "" {
			r.must(err)
			r.must(l.Release(ctx))
		} else if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "set it") {
			t.Errorf("%s off: %v, want %q", off, err, want)
		}
	}
}

// Those who were sent away may have calls under way until their lease would have been over.
func TestRule_R28_SuccessorsKnowWhenTheCallsOfThoseSentAwayAreOver(t *testing.T) {
	r := newRig(t)
	ctx := context.Background()
	first := r.lock(r.direct())
	if !first.Info().Quiet.IsZero() {
		t.Errorf("the first one waits until %v", first.Info().Quiet)
	}
	r.must(r.direct().Unlock(ctx, first.Info().ID))
	over := first.Info().Expires.Add(state.Skew)
	for range 2 {
		next := r.lock(r.direct())
		if got := next.Info().Quiet; !got.Equal(over) {
			t.Errorf("after somebody was sent away: quiet at %v, want %v", got, over)
		}
		r.must(next.Release(ctx))
	}
	r.clock.Advance(sealAge)
	if got := r.lock(r.direct()).Info().Quiet; !got.IsZero() {
		t.Errorf("when all is over: quiet at %v", got)
	}
}

// The fencing number goes on rising even if somebody deletes the lock, or the journal would be ignored.
func TestFenceSurvivesADeletedLock(t *testing.T) {
	r := newRig(t)
	ctx := context.Background()
	for range 3 {
		l := r.lock(r.direct())
		r.must(errors.Join(l.Append(ctx, r.bind("a")), l.Release(ctx)))
	}
	s := r.direct()
	b, err := s.connect(ctx)
	r.must(err)
	r.must(b.remove(ctx, []string{s.lockKey()}))
	if got := r.lock(s).Info().Fence; got != 4 {
		t.Errorf("fence %d, want 4", got)
	}
}

func TestDamagedObjectsAreNamed(t *testing.T) {
	r := newRig(t)
	ctx := context.Background()
	for suffix, want := range map[string]string{
		"": "the state cannot be read: it is damaged", ".lock": ".lock, is damaged",
		".journal/00000000000000000000-/00000001": ".journal/00000000000000000000-/00000001, a part of its journal, cannot be read",
		".journal/00000000000000000000-/00000007": ".journal/00000000000000000000-/00000001, a part of its journal, is missing",
		".journal/00000000000000000009-/00000001": "the journal builds on serial 9 of lineage",
	} {
		r.next(t)
		s := r.direct()
		b, err := s.connect(ctx)
		r.must(err)
		data := []byte("x\nx\n")
		if strings.HasSuffix(suffix, "7") || strings.Contains(suffix, "9-") {
			lines, err := state.JournalLines(s.catalog, []state.Record{r.bind("a")})
			r.must(err)
			data, err = encodeSlot(records, 1, state.Base{Serial: 9}, lines)
			r.must(err)
		}
		_, err = b.put(ctx, s.config.Key+suffix, data, nil, nil)
		r.must(err)
		_, err = s.Read(ctx)
		if suffix == ".lock" {
			_, err = s.Lock(ctx, state.LockInfo{})
		}
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "s3://states/"+r.key) {
			t.Errorf("a damaged %q: %v, want %q", suffix, err, want)
		}
	}
}

// No stored byte holds a secret of the user's, nor the credentials of the store.
func TestNothingStoredIsSecret(t *testing.T) {
	r := newRig(t)
	ctx := context.Background()
	l := r.lock(r.direct())
	box := statetest.Box(t, "a", 1)
	box.Secrets = map[string]string{"code": state.Hash(canary)}
	leaky := statetest.Box(t, "b", 1)
	fields := leaky.Applied.AsValueMap()
	fields["colors"] = cty.ListVal([]cty.Value{cty.StringVal(canary).Mark(schema.Sensitive)})
	leaky.Applied = cty.ObjectVal(fields)
	r.must(l.Append(ctx, state.Record{Bind: box}))
	if err := l.Append(ctx, state.Record{Bind: leaky}); err == nil || strings.Contains(err.Error(), canary) {
		t.Errorf("a record that holds a secret: %v", err)
	}
	r.must(fold(ctx, l))
	r.must(l.Append(ctx, state.Record{Bind: box}, state.Record{Arm: statetest.Armed(t, "i", "box.a")}))
	files := 0
	r.must(filepath.WalkDir(r.server.Dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		data, err := os.ReadFile(path)
		for _, secret := range []string{canary, s3test.AccessKey, s3test.SecretKey} {
			if strings.Contains(string(data), secret) {
				t.Errorf("%s holds %q", path, secret)
			}
		}
		return err
	}))
	if files < 3 {
		t.Errorf("only %d files were looked at", files)
	}
}
