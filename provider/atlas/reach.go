package atlas

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"mercator/provider"
	"mercator/schema"
)

// Reached is what a request without credentials to Atlas came to.
type Reached struct {
	// BaseURL is where it went.
	BaseURL string
	// Status is that of the answer; 401 is what Atlas says to a stranger.
	Status int
	// Proxy is what the request goes through, without name and password, "" for none.
	Proxy string
	// Took is how long the answer took.
	Took time.Duration
	// Ahead is how far Atlas's clock is ahead of this machine's, known to a second or so; Dated says that it is known.
	Ahead time.Duration
	Dated bool
}

// Reach asks Atlas for something without credentials: whatever it answers, it is there. The Reached tells the way to
// it also where the error says that nothing came back.
func Reach(ctx context.Context, cfg Config) (Reached, error) {
	base, err := baseURL(cfg.BaseURL)
	if err != nil {
		return Reached{BaseURL: cfg.BaseURL}, err
	}
	out := Reached{BaseURL: base}
	ctx, cancel := context.WithTimeout(ctx, or(cfg.Timeout, 30*time.Second))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+statusEndpoint.Path, http.NoBody)
	if err != nil {
		return out, err
	}
	req.Header.Set("Accept", mediaType(statusEndpoint.Version))
	req.Header.Set("User-Agent", "mercator/"+or(cfg.Version, "dev"))
	transport := cfg.Transport
	if transport == nil {
		made := newTransport(1)
		defer made.CloseIdleConnections()
		out.Proxy = proxyOf(made, req)
		transport = made
	}
	clock := cfg.Clock
	if clock == nil {
		clock = machineClock{}
	}
	before := clock.Now()
	res, err := transport.RoundTrip(req)
	if err != nil {
		return out, err
	}
	out.Took = clock.Now().Sub(before)
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<20)) // so that the connection ends well
	_ = res.Body.Close()
	out.Status = res.StatusCode
	if date, err := http.ParseTime(res.Header.Get("Date")); err == nil {
		// The header names the second in which the answer was made, some time while it was waited for.
		out.Ahead, out.Dated = date.Add(500*time.Millisecond).Sub(before.Add(out.Took/2)), true
	}
	return out, nil
}

// proxyOf names the proxy of a request without what is secret in its address.
func proxyOf(t *http.Transport, req *http.Request) string {
	proxy, err := t.Proxy(req)
	if err != nil || proxy == nil {
		return ""
	}
	return (&url.URL{Scheme: proxy.Scheme, Host: proxy.Host}).String()
}

// TokenEnd returns when a ready bearer token ends, where it is a JSON Web Token that says so. Nothing of it is verified.
func TokenEnd(token string) (time.Time, bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return time.Time{}, false
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	var claims struct {
		Expires int64 `json:"exp"`
	}
	if err != nil || json.Unmarshal(payload, &claims) != nil || claims.Expires <= 0 {
		return time.Time{}, false
	}
	return time.Unix(claims.Expires, 0).UTC(), true
}

var orgSettingsEndpoint = &schema.Endpoint{Operation: "getOrgSettings", Method: http.MethodGet,
	Path: "/api/atlas/v2/orgs/{orgId}/settings", Version: "2023-01-01", Role: "Organization Member"}

var accountAddressesEndpoint = &schema.Endpoint{Operation: "listOrgServiceAccountAccessList", Method: http.MethodGet,
	Path: "/api/atlas/v2/orgs/{orgId}/serviceAccounts/{clientId}/accessList", Version: "2024-08-05", Role: "Organization Read Only"}

// AccessListRequired reports whether an organization accepts calls from the addresses on a credential's access list
// alone.
func (c *Client) AccessListRequired(ctx context.Context, orgID string) (bool, error) {
	r := &request{endpoint: orgSettingsEndpoint, path: strings.Replace(orgSettingsEndpoint.Path, "{orgId}", url.PathEscape(orgID), 1)}
	j, err := c.do(ctx, r)
	if err != nil {
		return false, err
	}
	settings, _ := j.(map[string]any)
	required, ok := settings["apiAccessListRequired"].(bool)
	if !ok {
		return false, c.plainError(r, errors.New("the answer does not say whether an access list is required"))
	}
	return required, nil
}

// AccountAddresses returns the addresses from which a service account is accepted.
func (c *Client) AccountAddresses(ctx context.Context, orgID string) ([]string, error) {
	if c.cred.Method() != MethodServiceAccount {
		return nil, &provider.Error{Class: provider.Invalid, Call: "a call", Err: errors.New("only a service account has such a list")}
	}
	fill := strings.NewReplacer("{orgId}", url.PathEscape(orgID), "{clientId}", url.PathEscape(c.cred.ClientID))
	r := request{endpoint: accountAddressesEndpoint, path: fill.Replace(accountAddressesEndpoint.Path)}
	entries, err := list(ctx, c, r, func(item any) (any, string) { return item, "" })
	if err != nil {
		return nil, err
	}
	return addressesOf(entries), nil
}
