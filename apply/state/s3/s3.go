// Package s3 keeps a state in a bucket of Amazon S3 or of any store that speaks its protocol and honours conditional
// writes (If-Match, If-None-Match):
//
//	KEY                              the state
//	KEY.lock                         who holds the lease; it stays, for the fencing number
//	KEY.journal/SERIAL-LINEAGE/SLOT  what was done since the state of that serial, an object per step
//
// Every write has a condition, so that of two writers one is told. A condition that fails is not believed at once:
// the first answer may have been lost and the request repeated, so what is there is read back and, if it is what was
// to be written, the write was ours. How those who lost their lease are kept out is told at the head of journal.go.
package s3

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"mercator/apply/state"
	"mercator/schema"
)

// Config says where a state is and how it is reached. What is empty comes from where Amazon's tools take it: the
// environment (AWS_REGION, AWS_PROFILE, AWS_ENDPOINT_URL_S3 and so on) and the files under ~/.aws.
type Config struct {
	Bucket string
	// Key is the name of the state's object.
	Key     string
	Region  string
	Profile string
	// Endpoint is the URL of a store that is not Amazon's.
	Endpoint string
	// PathStyle puts the bucket into the path instead of the host name; nil means so where there is an endpoint.
	PathStyle *bool
	// Encryption is how the store encrypts what it keeps: "AES256" or "aws:kms", "" for the bucket's own way. KMSKey
	// is the key for "aws:kms", "" for the bucket's.
	Encryption, KMSKey string
	// Credentials are used instead of those that Amazon's default chain finds.
	Credentials aws.CredentialsProvider
	// Version is Mercator's, by which it introduces itself.
	Version string
}

// Store is a state in a bucket. It implements [state.Historian].
type Store struct {
	config   Config
	catalog  *schema.Catalog
	clock    state.Clock
	attempts int
	pause    time.Duration

	opening sync.Mutex
	opened  *bucket

	mu sync.Mutex
	// last is the state's object as it was last read, which is not fetched again while it is unchanged.
	last *object
}

// Option is a way in which a store may differ.
type Option func(*Store)

// WithRetries sets how often a request is made that fails for reasons that may pass, and the longest pause before it
// is made again.
func WithRetries(attempts int, pause time.Duration) Option {
	return func(s *Store) { s.attempts, s.pause = attempts, pause }
}

// New returns the store that config describes. Nothing is read or made yet.
func New(config Config, catalog *schema.Catalog, clock state.Clock, options ...Option) *Store {
	s := &Store{config: config, catalog: catalog, clock: clock, attempts: 4, pause: 2 * time.Second}
	for _, o := range options {
		o(s)
	}
	return s
}

// Backend returns the store as configurations name it: state "s3" { bucket = "...", key = "..." }.
func Backend() state.Backend {
	return state.Backend{
		Name: "s3",
		Arguments: []state.Argument{
			{Name: "bucket", Environment: env("BUCKET"), Required: true, Help: "the bucket, which must exist"},
			{Name: "key", Environment: env("KEY"), Required: true,
				Help: "the name of the state's object; its lock and its journal stand beside it"},
			{Name: "region", Environment: env("REGION"), Help: "the bucket's region; AWS_REGION or the profile's unless set"},
			{Name: "endpoint", Environment: env("ENDPOINT"),
				Help: "the URL of a store that is not Amazon's; AWS_ENDPOINT_URL_S3 unless set"},
			{Name: "profile", Environment: env("PROFILE"), Help: "the profile of ~/.aws to use; AWS_PROFILE unless set"},
			{Name: "use_path_style", Environment: env("USE_PATH_STYLE"),
				Help: "true puts the bucket into the path instead of the host name; true where there is an endpoint, else false"},
			{Name: "server_side_encryption", Environment: env("SERVER_SIDE_ENCRYPTION"),
				Help: `how the store encrypts: "AES256" or "aws:kms"; the bucket's own way unless set`},
			{Name: "kms_key_id", Environment: env("KMS_KEY_ID"), Help: `the key for "aws:kms"; the bucket's unless set`},
		},
		Open: open,
	}
}

func env(name string) []string { return []string{"MERCATOR_STATE_S3_" + name} }

func open(s state.Settings) (state.Store, error) {
	v := s.Values
	config := Config{
		Bucket: v["bucket"], Key: v["key"], Region: v["region"], Profile: v["profile"], Endpoint: v["endpoint"],
		Encryption: v["server_side_encryption"], KMSKey: v["kms_key_id"], Version: s.Version,
	}
	if text := v["use_path_style"]; text != "" {
		style, err := strconv.ParseBool(text)
		if err != nil {
			return nil, fmt.Errorf("use_path_style is %q; write true or false", text)
		}
		config.PathStyle = &style
	}
	if err := config.check(); err != nil {
		return nil, err
	}
	return New(config, s.Catalog, s.Clock), nil
}

// check returns an error that names the setting that can't be right.
func (c Config) check() error {
	if c.Bucket == "" || strings.Contains(c.Bucket, "/") {
		return fmt.Errorf("bucket is %q; write the bucket's name alone, and the object's under key", c.Bucket)
	}
	if c.Key == "" || strings.HasPrefix(c.Key, "/") || strings.HasSuffix(c.Key, "/") {
		return fmt.Errorf(`key is %q; write the name of an object, such as "payments/mercator.state.json", without a slash at either end`, c.Key)
	}
	switch {
	case c.Encryption != "" && c.Encryption != "AES256" && c.Encryption != "aws:kms":
		return fmt.Errorf(`server_side_encryption is %q; write "AES256" or "aws:kms"`, c.Encryption)
	case c.KMSKey != "" && c.Encryption != "aws:kms":
		return fmt.Errorf(`kms_key_id is used with server_side_encryption = "aws:kms" only; set that too, or leave the key out`)
	}
	if c.Endpoint == "" {
		return nil
	}
	u, err := url.Parse(c.Endpoint)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return fmt.Errorf(`endpoint is no URL of a store; write one such as "https://s3.example.com"`)
	}
	if u.User != nil || u.RawQuery != "" {
		return fmt.Errorf("endpoint holds more than an address; credentials come from the environment or from ~/.aws, never from the URL")
	}
	return nil
}

// Capabilities says that such a store can do everything; Lock makes sure that it really does.
func (s *Store) Capabilities() state.Capabilities {
	return state.Capabilities{Lease: true, CompareAndSwap: true, Journal: true}
}

func (s *Store) lockKey() string { return s.config.Key + ".lock" }

// Read implements [state.Store]. It needs no lock: see [Store.survey].
func (s *Store) Read(ctx context.Context) (*state.State, error) {
	v, err := s.survey(ctx)
	if err != nil {
		return nil, err
	}
	return v.folded()
}

// Holder implements [state.Store].
func (s *Store) Holder(ctx context.Context) (*state.LockInfo, error) {
	l, err := s.readLock(ctx)
	if err != nil || !l.held(s.clock.Now()) {
		return nil, err
	}
	return &l.LockInfo, nil
}
