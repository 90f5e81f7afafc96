package sandbox

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// The organization and the credentials that a sandbox accepts when the options name none. They open
// nothing but a sandbox.
const (
	DefaultOrgID        = "5a0db0000000000000000001"
	DefaultOrgName      = "Sandbox"
	DefaultClientID     = "mdb_sa_id_5a0db0c0ffee5a0db0c0ffee"
	DefaultClientSecret = "mdb_sa_sk_sandbox-sandbox-sandbox-sandbox"
	DefaultPublicKey    = "sandboxx"
	DefaultPrivateKey   = "5a0db0c0-ffee-4a0d-b0c0-ffee5a0db0c0"
	DefaultAccessToken  = "sandbox-access-token"
)

// Credential is one way into an organization: a service account (ClientID and ClientSecret), an API key
// (PublicKey and PrivateKey), or a bearer token that never expires.
type Credential struct {
	ClientID, ClientSecret string
	PublicKey, PrivateKey  string
	AccessToken            string
	// Roles are what it is told that it holds in its organization; the default is ORG_OWNER. ProjectRoles are those in
	// projects, by their names. Neither is enforced.
	Roles        []string
	ProjectRoles map[string][]string
}

// name is what the call log shows of a credential.
func (c Credential) name() string {
	switch {
	case c.ClientID != "":
		return c.ClientID
	case c.PublicKey != "":
		return c.PublicKey
	}
	return "token"
}

// Org is an organization of the sandbox.
type Org struct {
	ID          string // 24 hexadecimal digits
	Name        string
	Credentials []Credential
}

// identity is who makes a request.
type identity struct {
	org        *Org
	credential *Credential
	key        *item // an API key that was made here
}

const (
	tokenLifetime = time.Hour
	nonceLifetime = 5 * time.Minute
	tokenLimit    = 10 // requests to the token endpoint per client in a minute
)

// nonce is a Digest nonce that was handed out.
type nonce struct {
	issued time.Time
	used   map[string]bool // nc values seen; each is good for one request
}

// authenticate finds out who makes a request. A bearer token or a Digest answer is accepted; anything
// else is answered by a challenge.
func (s *Server) authenticate(r *http.Request) (identity, *apiError) {
	scheme, rest, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	switch {
	case strings.EqualFold(scheme, "Bearer"):
		if who, ok := s.checkToken(strings.TrimSpace(rest)); ok {
			return who, nil
		}
		return identity{}, unauthorized("") // the form for bearer tokens was not recorded
	case strings.EqualFold(scheme, "Digest"):
		return s.checkDigest(r, rest)
	}
	return identity{}, unauthorized(s.challenge(false))
}

// credentials calls f for every credential until it returns true.
func (s *Server) find(match func(*Credential) bool) (identity, bool) {
	for i := range s.orgs {
		for j := range s.orgs[i].Credentials {
			if c := &s.orgs[i].Credentials[j]; match(c) {
				return identity{org: s.orgs[i], credential: c}, true
			}
		}
	}
	return identity{}, false
}

// same compares secrets in constant time; an empty secret never matches.
func same(a, b string) bool {
	return a != "" && subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1
}

// tokenClaims is what an access token says. Tokens are signed with the secret of their client instead of
// being remembered, so they outlive a restart and a change of the serving process.
type tokenClaims struct {
	Client  string `json:"c"`
	Expires int64  `json:"e"`
	Number  string `json:"n"`
}

func (s *Server) issueToken(c *Credential) string {
	claims, _ := json.Marshal(tokenClaims{c.ClientID, s.now().Add(tokenLifetime).Unix(), rand.Text()})
	payload := base64.RawURLEncoding.EncodeToString(claims)
	return payload + "." + sign(payload, c.ClientSecret)
}

func sign(payload, secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(payload))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func (s *Server) checkToken(token string) (identity, bool) {
	if s.revoked[token] {
		return identity{}, false
	}
	if who, ok := s.find(func(c *Credential) bool { return same(c.AccessToken, token) }); ok {
		return who, true
	}
	payload, signature, _ := strings.Cut(token, ".")
	raw, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		return identity{}, false
	}
	var claims tokenClaims
	if json.Unmarshal(raw, &claims) != nil || s.now().Unix() >= claims.Expires {
		return identity{}, false
	}
	if who, ok := s.find(func(c *Credential) bool {
		return same(c.ClientID, claims.Client) && same(sign(payload, c.ClientSecret), signature)
	}); ok {
		return who, true
	}
	// A token is good no longer than the secret that it was given for.
	return s.findClient(claims.Client, func(hash string) bool { return same(sign(payload, hash), signature) })
}

// basicClient reads the client credentials of a token request, percent-encoded as RFC 6749 asks.
func (s *Server) basicClient(r *http.Request) (identity, bool) {
	user, password, ok := r.BasicAuth()
	if !ok {
		return identity{}, false
	}
	if u, err := url.QueryUnescape(user); err == nil {
		user = u
	}
	if p, err := url.QueryUnescape(password); err == nil {
		password = p
	}
	s.see(password)
	if who, ok := s.find(func(c *Credential) bool { return same(c.ClientID, user) && same(c.ClientSecret, password) }); ok {
		return who, true
	}
	return s.findClient(user, func(hash string) bool { return same(hash, secretHash(password)) })
}

// serveToken answers POST /api/oauth/token (RFC 6749, section 4.4). The bodies of its errors, but for
// the rate limit, were not recorded; they are those of the RFC.
func (s *Server) serveToken(c *call) *apiError {
	if err := s.limitTokens(c); err != nil {
		return err
	}
	who, ok := s.basicClient(c.req)
	if !ok {
		c.setJSON(http.StatusUnauthorized, object{"error": "invalid_client", "error_description": "Client authentication failed."})
		return nil
	}
	c.who = who
	form, err := url.ParseQuery(string(c.body))
	if err != nil || form.Get("grant_type") != "client_credentials" {
		c.setJSON(http.StatusBadRequest, object{"error": "unsupported_grant_type", "error_description": "grant_type must be client_credentials."})
		return nil
	}
	token := s.issueToken(who.credential)
	s.see(token)
	c.setJSON(http.StatusOK, object{"access_token": token, "expires_in": int(tokenLifetime.Seconds()), "token_type": "Bearer"})
	return nil
}

func (s *Server) limitTokens(c *call) *apiError {
	if s.opts.NoRateLimits {
		return nil
	}
	client, _, _ := c.req.BasicAuth()
	now := s.now()
	recent := s.tokenRequests[client][:0]
	for _, at := range s.tokenRequests[client] {
		if now.Sub(at) < time.Minute {
			recent = append(recent, at)
		}
	}
	if len(recent) >= tokenLimit {
		s.tokenRequests[client] = recent
		e := fail("RATE_LIMITED", "/api/oauth/token", tokenLimit, 1)
		e.retryAfter = int(recent[0].Add(time.Minute).Sub(now)/time.Second) + 1
		return e
	}
	s.tokenRequests[client] = append(recent, now)
	return nil
}

// serveRevoke answers POST /api/oauth/revoke (RFC 7009).
func (s *Server) serveRevoke(c *call) *apiError {
	who, ok := s.basicClient(c.req)
	if !ok {
		c.setJSON(http.StatusUnauthorized, object{"error": "invalid_client", "error_description": "Client authentication failed."})
		return nil
	}
	c.who = who
	if form, err := url.ParseQuery(string(c.body)); err == nil && form.Get("token") != "" {
		s.revoked[form.Get("token")] = true
	}
	c.status = http.StatusOK
	return nil
}

// challenge makes a Digest challenge in the recorded form.
func (s *Server) challenge(stale bool) string {
	var b [24]byte
	rand.Read(b[:])
	value := base64.StdEncoding.EncodeToString(b[:])
	for old, n := range s.nonces {
		if s.now().Sub(n.issued) > nonceLifetime {
			delete(s.nonces, old)
		}
	}
	s.nonces[value] = &nonce{issued: s.now(), used: map[string]bool{}}
	return fmt.Sprintf(`Digest realm=%q, domain="", nonce=%q, algorithm=MD5, qop="auth", stale=%t`, digestRealm, value, stale)
}

var digestField = regexp.MustCompile(`(\w+)=(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))`)

const digestRealm = "MMS Public API"

// digestOf is the hash of RFC 2617 over parts.
func digestOf(parts ...string) string {
	h := md5.Sum([]byte(strings.Join(parts, ":")))
	return hex.EncodeToString(h[:])
}

// findDigest returns whose a public key is, and the hash of both keys and the realm by which Digest answers are
// checked. Keys of the options are known, and those that were made here.
func (s *Server) findDigest(publicKey, realm string) (who identity, secret string, ok bool) {
	if who, ok := s.find(func(c *Credential) bool { return c.PrivateKey != "" && same(c.PublicKey, publicKey) }); ok {
		return who, digestOf(publicKey, realm, who.credential.PrivateKey), true
	}
	for _, org := range s.orgs {
		for _, it := range s.holding(org.ID).of(APIKey).values {
			if it.Digest != "" && same(textOf(it.Doc, "publicKey"), publicKey) {
				return identity{org: org, credential: &Credential{PublicKey: publicKey}, key: it}, it.Digest, true
			}
		}
	}
	return identity{}, "", false
}

// checkDigest verifies a Digest answer (RFC 2617, MD5 with qop=auth). A nonce can be used many times,
// each time with another nc; one that is old, unknown or used up is answered by a stale challenge, so
// that the client tries again with a fresh one.
func (s *Server) checkDigest(r *http.Request, header string) (identity, *apiError) {
	fields := map[string]string{}
	for _, m := range digestField.FindAllStringSubmatch(header, -1) {
		fields[strings.ToLower(m[1])] = m[2] + m[3]
	}
	who, secret, ok := s.findDigest(fields["username"], fields["realm"])
	if !ok || fields["uri"] != r.RequestURI || fields["qop"] != "auth" {
		return identity{}, unauthorized(s.challenge(false))
	}
	want := digestOf(secret, fields["nonce"], fields["nc"], fields["cnonce"], fields["qop"], digestOf(r.Method, fields["uri"]))
	if !same(want, fields["response"]) {
		return identity{}, unauthorized(s.challenge(false))
	}
	n := s.nonces[fields["nonce"]]
	if _, err := strconv.ParseUint(fields["nc"], 16, 32); err != nil || n == nil || n.used[fields["nc"]] ||
		s.now().Sub(n.issued) > nonceLifetime {
		return identity{}, unauthorized(s.challenge(true))
	}
	n.used[fields["nc"]] = true
	return who, nil
}
