package atlas

import (
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"

	"mercator/schema/diag"
)

// DefaultBaseURL is where Atlas is.
const DefaultBaseURL = "https://cloud.mongodb.com"

// Credentials are all that was found for one connection. The first complete one of token, service account and
// API key is used.
type Credentials struct {
	// Token is a ready bearer token.
	Token string
	// ClientID and ClientSecret are a service account's (OAuth 2.0 client credentials).
	ClientID, ClientSecret string
	// PublicKey and PrivateKey are an API key's (HTTP Digest).
	PublicKey, PrivateKey string
}

// Method is a way to authenticate.
type Method string

const (
	// MethodNone: no complete credential.
	MethodNone Method = ""
	// MethodToken is a ready bearer token.
	MethodToken Method = "access token"
	// MethodServiceAccount is OAuth 2.0 client credentials.
	MethodServiceAccount Method = "service account"
	// MethodAPIKey is HTTP Digest.
	MethodAPIKey Method = "API key"
)

// Method returns the way in which the credentials are used.
func (c Credentials) Method() Method {
	if found := c.complete(); len(found) > 0 {
		return found[0]
	}
	return MethodNone
}

// Name returns what identifies the credential without being secret: a client id or a public key; "" for a token.
func (c Credentials) Name() string {
	switch c.Method() {
	case MethodServiceAccount:
		return c.ClientID
	case MethodAPIKey:
		return c.PublicKey
	default:
		return ""
	}
}

func (c Credentials) complete() []Method {
	var found []Method
	if c.Token != "" {
		found = append(found, MethodToken)
	}
	if c.ClientID != "" && c.ClientSecret != "" {
		found = append(found, MethodServiceAccount)
	}
	if c.PublicKey != "" && c.PrivateKey != "" {
		found = append(found, MethodAPIKey)
	}
	return found
}

// String keeps secrets out of formatted text.
func (c Credentials) String() string {
	return strings.TrimSpace(string(or(c.Method(), "no credentials")) + " " + c.Name())
}

// GoString keeps secrets out of debugging output.
func (c Credentials) GoString() string { return c.String() }

// LogValue keeps secrets out of logs.
func (c Credentials) LogValue() slog.Value { return slog.StringValue(c.String()) }

// Environment is what the environment says about one connection.
type Environment struct {
	// BaseURL is [DefaultBaseURL] where no variable says otherwise; it is checked by [New].
	BaseURL string
	// OrgID is "" where no variable says.
	OrgID       string
	Credentials Credentials
}

// The names of the variables, without a connection's prefix; the first that is set counts.
var (
	varToken        = []string{"MONGODB_ATLAS_ACCESS_TOKEN"}
	varClientID     = []string{"MONGODB_ATLAS_CLIENT_ID"}
	varClientSecret = []string{"MONGODB_ATLAS_CLIENT_SECRET"}
	varPublicKey    = []string{"MONGODB_ATLAS_PUBLIC_API_KEY", "MONGODB_ATLAS_PUBLIC_KEY"}
	varPrivateKey   = []string{"MONGODB_ATLAS_PRIVATE_API_KEY", "MONGODB_ATLAS_PRIVATE_KEY"}
	varBaseURL      = []string{"MONGODB_ATLAS_BASE_URL", "MONGODB_ATLAS_OPS_MANAGER_URL"}
	varOrgID        = []string{"MONGODB_ATLAS_ORG_ID"}
)

// FromEnv looks up one connection's settings, each by itself. With a prefix ("EMEA") the variables are
// EMEA_MONGODB_ATLAS_CLIENT_ID and so on, and the plain ones are not looked at, so that no credential is sent to
// another connection's address. The findings say which credential is used where there are several, and what to
// set where none is complete.
func FromEnv(lookup func(string) string, prefix string) (Environment, diag.List) {
	prefix = prefixed(prefix)
	get := func(names []string) string {
		for _, name := range names {
			if value := strings.TrimSpace(lookup(prefix + name)); value != "" {
				return value
			}
		}
		return ""
	}
	env := Environment{
		BaseURL: or(get(varBaseURL), DefaultBaseURL),
		OrgID:   get(varOrgID),
		Credentials: Credentials{
			Token:    get(varToken),
			ClientID: get(varClientID), ClientSecret: get(varClientSecret),
			PublicKey: get(varPublicKey), PrivateKey: get(varPrivateKey),
		},
	}
	return env, env.Credentials.check(prefix)
}

// OrganizationVariable is the environment variable that holds the organization's id of a connection.
func OrganizationVariable(prefix string) string { return prefixed(prefix) + varOrgID[0] }

// prefixed returns what a connection's variables begin with.
func prefixed(prefix string) string {
	if prefix == "" {
		return ""
	}
	return strings.TrimSuffix(prefix, "_") + "_"
}

// serviceAccountMark begins every id and secret of a service account.
const serviceAccountMark = "mdb_sa_"

func (c Credentials) check(prefix string) diag.List {
	var out diag.List
	found := c.complete()
	switch {
	case len(found) > 1:
		out.Add(diag.Warningf("several_credentials", "Several credentials are set",
			"The environment holds %s. Mercator uses the %s; unset the variables of the others to make the choice plain.",
			joinMethods(found), found[0]))
	case len(found) == 0:
		out.Add(c.missing(prefix))
	}
	if c.Method() == MethodAPIKey && strings.HasPrefix(c.PublicKey, serviceAccountMark) {
		out.Add(diag.Errorf("service_account_as_api_key", "A service account stands in the variables of an API key",
			"%s holds a value that begins with %s: that is a service account's client id. Put it into %s, its secret into %s, and unset %s and %s.",
			prefix+varPublicKey[0], serviceAccountMark, prefix+varClientID[0], prefix+varClientSecret[0],
			prefix+varPublicKey[0], prefix+varPrivateKey[0]))
	}
	return out
}

func (c Credentials) missing(prefix string) diag.Diagnostic {
	var half string
	for _, pair := range []struct {
		has, lacks bool
		set, unset []string
	}{
		{c.ClientID != "", c.ClientSecret == "", varClientID, varClientSecret},
		{c.ClientSecret != "", c.ClientID == "", varClientSecret, varClientID},
		{c.PublicKey != "", c.PrivateKey == "", varPublicKey, varPrivateKey},
		{c.PrivateKey != "", c.PublicKey == "", varPrivateKey, varPublicKey},
	} {
		if pair.has && pair.lacks {
			half += fmt.Sprintf("%s is set, but %s is not. ", prefix+pair.set[0], prefix+pair.unset[0])
		}
	}
	return diag.Errorf("no_credentials", "There are no complete credentials for Atlas",
		"%sSet %s and %s (a service account; Organization settings, Applications), or %s and %s (an API key), or %s (a bearer token).",
		half, prefix+varClientID[0], prefix+varClientSecret[0], prefix+varPublicKey[0], prefix+varPrivateKey[0], prefix+varToken[0])
}

func joinMethods(methods []Method) string {
	texts := make([]string, len(methods))
	for i, m := range methods {
		texts[i] = "an " + string(m)
		if m == MethodServiceAccount {
			texts[i] = "a " + string(m)
		}
	}
	if len(texts) == 1 {
		return texts[0]
	}
	return strings.Join(texts[:len(texts)-1], ", ") + " and " + texts[len(texts)-1]
}

// baseURL checks the API's address and returns it without a slash at the end.
func baseURL(text string) (string, error) {
	text = or(text, DefaultBaseURL)
	bad := func(what string, args ...any) error {
		return diag.Errorf("bad_base_url", "The address of Atlas cannot be used", "%s. Write it like %s, in %s or the connection's own variable.",
			fmt.Sprintf(what, args...), DefaultBaseURL, varBaseURL[0])
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return "", bad("It is not a URL")
	case u.User != nil:
		return "", bad("The URL holds a user name or password, which has its own variables")
	case u.Host == "" || u.Opaque != "":
		return "", bad("%q names no host", text)
	case u.RawQuery != "" || u.Fragment != "":
		return "", bad("%q holds a query or a fragment", text)
	case strings.Contains(u.Path, "/api/"):
		return "", bad("%q holds a path of the API; only scheme and host are wanted", text)
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return "", bad("%q would send credentials over an unencrypted connection; use https (http is for this machine only)", text)
	case u.Scheme != "http" && u.Scheme != "https":
		return "", bad("%q does not begin with https://", text)
	}
	return strings.TrimRight(u.Scheme+"://"+u.Host+u.EscapedPath(), "/"), nil
}

func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// Setting is a variable that the environment sets for a connection.
type Setting struct {
	Variable string
	// Method is the way to authenticate that it belongs to, [MethodNone] for the address and the organization.
	Method Method
	// Used says that its value counts: that no better variable and no better credential stands before it.
	Used bool
}

// Settings returns the variables that are set for one connection, without their values.
func Settings(lookup func(string) string, prefix string) []Setting {
	env, _ := FromEnv(lookup, prefix)
	prefix = prefixed(prefix)
	var out []Setting
	for _, group := range []struct {
		names  []string
		method Method
	}{
		{varToken, MethodToken}, {varClientID, MethodServiceAccount}, {varClientSecret, MethodServiceAccount},
		{varPublicKey, MethodAPIKey}, {varPrivateKey, MethodAPIKey}, {varBaseURL, MethodNone}, {varOrgID, MethodNone},
	} {
		first := true
		for _, name := range group.names {
			if strings.TrimSpace(lookup(prefix+name)) == "" {
				continue
			}
			counts := group.method == MethodNone || group.method == env.Credentials.Method()
			out = append(out, Setting{Variable: prefix + name, Method: group.method, Used: first && counts})
			first = false
		}
	}
	return out
}
