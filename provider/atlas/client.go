// Package atlas is the client of the MongoDB Atlas Administration API v2. It implements [provider.Provider] for
// every [schema.Kind] from the kind's description alone and names none.
//
// A call goes through: encode (body from values, secrets in clear at the last moment), do (rate budget, repeats
// where they are safe), attempt (credentials, one HTTP exchange of bounded time and size), judge (status and body
// to an error of a Class), decode. Nothing secret reaches a log or an error: what is sent or received as a secret
// is registered with the client's redactor, which every text passes.
package atlas

import (
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"time"

	"mercator/provider"
)

// Config says how to reach one organization's Atlas.
type Config struct {
	// BaseURL is the scheme and host of the API, [DefaultBaseURL] where it is empty. It must be https, except
	// for a loopback host.
	BaseURL     string
	Credentials Credentials
	// Version is Mercator's own, for the User-Agent header.
	Version string
	// Logger gets a line per request at debug level, and bodies, secrets masked, at [LevelTrace]. nil logs nothing.
	Logger *slog.Logger
	// CacheDir is the folder in which a service account's token outlasts the run; empty keeps it in memory.
	// See [CacheDir].
	CacheDir string
	// Concurrency bounds the requests in flight; 0 means 16.
	Concurrency int
	// Timeout bounds one request, answer included; 0 means 30 seconds, the limit that locks rely on (R28).
	Timeout time.Duration
	// Patience bounds one call with all its waits and repeats; 0 means 5 minutes.
	Patience time.Duration
	// Transport makes the requests; nil means one with TLS 1.2 or newer that honours the proxy variables.
	Transport http.RoundTripper
	// Clock tells the time and waits; nil means the machine's.
	Clock Clock
}

// Client makes calls to one organization's Atlas. It is safe for concurrent use.
type Client struct {
	base     string
	agent    string
	cred     Credentials
	http     *http.Client
	auth     authorizer
	clock    Clock
	log      *slog.Logger
	secrets  *redactor
	budgets  *budgets
	slots    chan struct{}
	timeout  time.Duration
	patience time.Duration
	largest  int64 // the size in bytes above which an answer is refused
	meter    *meter
}

var _ provider.Provider = (*Client)(nil)

// largestAnswer is far above the largest page that Atlas was seen to send.
const largestAnswer = 64 << 20

// New checks the configuration and makes a client; it sends nothing. Errors are diagnostics that name the
// setting and its remedy.
func New(cfg Config) (*Client, error) {
	base, err := baseURL(cfg.BaseURL)
	if err != nil {
		return nil, err
	}
	c := &Client{
		base:     base,
		agent:    "mercator/" + or(cfg.Version, "dev"),
		cred:     cfg.Credentials,
		clock:    cfg.Clock,
		log:      cfg.Logger,
		secrets:  newRedactor(),
		timeout:  or(cfg.Timeout, 30*time.Second),
		patience: or(cfg.Patience, 5*time.Minute),
		largest:  largestAnswer,
		slots:    make(chan struct{}, or(max(cfg.Concurrency, 0), 16)),
	}
	if c.clock == nil {
		c.clock = machineClock{}
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	transport := cfg.Transport
	if transport == nil {
		transport = newTransport(cap(c.slots))
	}
	c.meter = &meter{next: transport, client: c, requests: map[string]int{}}
	c.http = &http.Client{
		Transport:     c.meter,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	c.budgets = newBudgets(c.clock, c.meter.waited)
	if c.auth, err = newAuthorizer(c, cfg); err != nil {
		return nil, err
	}
	return c, nil
}

// newTransport returns a transport that honours the proxy variables, keeps a connection per slot, speaks HTTP/2 and
// gzip where the server does, and TLS 1.2 at least.
func newTransport(slots int) *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:   10 * time.Second,
		ForceAttemptHTTP2:     true,
		MaxIdleConnsPerHost:   slots,
		IdleConnTimeout:       90 * time.Second,
		ExpectContinueTimeout: time.Second,
	}
}

// Stats returns the number of requests made so far.
func (c *Client) Stats() Stats { return c.meter.stats() }

// or returns value, or fallback where value is zero.
func or[T comparable](value, fallback T) T {
	var zero T
	if value == zero {
		return fallback
	}
	return value
}
