package atlas

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"mercator/schema"
)

// Identity is who the credential in use is, and what it may do, as far as Atlas tells it about itself.
type Identity struct {
	Method Method
	// Name is the client id or the public key, "" where nobody knows.
	Name string
	// ID is the id of an API key in its organization.
	ID string
	// Known says that Grants are all that the credential holds, or that it owns its organization, which is all there
	// is to hold. Atlas tells an API key its roles; a service account may look itself up where it reads the
	// organization; whose a bearer token is may stay open.
	Known  bool
	Grants []Grant
	// AccessList are the addresses and blocks from which an API key is accepted; nil where that is not told.
	AccessList []string
}

// Grant is a role in an organization or in a project.
type Grant struct {
	OrgID, GroupID string
	// Role is the name that the API has for it: ORG_OWNER.
	Role string
}

// ownsAll is the role of an organization that holds every other one in it and in its projects.
const ownsAll = "ORG_OWNER"

var (
	statusEndpoint = &schema.Endpoint{Operation: "getSystemStatus", Method: http.MethodGet, Path: "/api/atlas/v2", Version: "2023-01-01"}

	serviceAccountEndpoint = &schema.Endpoint{Operation: "getOrgServiceAccount", Method: http.MethodGet,
		Path: "/api/atlas/v2/orgs/{orgId}/serviceAccounts/{clientId}", Version: "2024-08-05", Role: "Organization Read Only"}
	serviceAccountGroupsEndpoint = &schema.Endpoint{Operation: "getOrgServiceAccountGroups", Method: http.MethodGet,
		Path: "/api/atlas/v2/orgs/{orgId}/serviceAccounts/{clientId}/groups", Version: "2024-08-05", Role: "Organization Read Only"}
)

// Identity asks Atlas who the credential is. An API key is asked for by what it is told about itself, a service
// account in two lists of its organization. An error means that it could not be found out, mostly because the
// credential may not look.
func (c *Client) Identity(ctx context.Context, orgID string) (Identity, error) {
	me := Identity{Method: c.cred.Method(), Name: c.cred.Name()}
	if me.Method == MethodServiceAccount {
		return c.serviceAccountIdentity(ctx, me, orgID)
	}
	j, err := c.do(ctx, &request{endpoint: statusEndpoint, path: statusEndpoint.Path})
	if err != nil {
		return me, err
	}
	status, _ := j.(map[string]any)
	key, ok := status["apiKey"].(map[string]any)
	if !ok {
		return me, nil // a token's owner is nobody's key
	}
	me.ID = textAt(key, "id")
	me.Name = or(me.Name, textAt(key, "publicKey"))
	me.Grants, me.Known = grantsOf(key["roles"])
	me.AccessList = addressesOf(key["accessList"])
	return me, nil
}

// Credential returns what names the credential to Atlas: a client id or a public key, "" for a bearer token.
func (c *Client) Credential() string { return c.cred.Name() }

func (c *Client) serviceAccountIdentity(ctx context.Context, me Identity, orgID string) (Identity, error) {
	fill := strings.NewReplacer("{orgId}", url.PathEscape(orgID), "{clientId}", url.PathEscape(me.Name))
	j, err := c.do(ctx, &request{endpoint: serviceAccountEndpoint, path: fill.Replace(serviceAccountEndpoint.Path)})
	if err != nil {
		return me, err
	}
	account, _ := j.(map[string]any)
	names, ok := account["roles"].([]any)
	if !ok {
		return me, nil
	}
	for _, name := range names {
		if role, _ := name.(string); role != "" {
			me.Grants = append(me.Grants, Grant{OrgID: orgID, Role: role})
			me.Known = me.Known || role == ownsAll
		}
	}
	if me.Known {
		return me, nil
	}
	groups := request{endpoint: serviceAccountGroupsEndpoint, path: fill.Replace(serviceAccountGroupsEndpoint.Path)}
	projects, err := list(ctx, c, groups, func(item any) ([]Grant, string) { return projectGrants(item) })
	if err != nil {
		return me, err
	}
	for _, grants := range projects {
		me.Grants = append(me.Grants, grants...)
	}
	me.Known = true
	return me, nil
}

// projectGrants reads what a service account is in one project.
func projectGrants(item any) (out []Grant, id string) {
	group, _ := item.(map[string]any)
	id = textAt(group, "groupId")
	names, _ := group["roles"].([]any)
	for _, name := range names {
		if role, _ := name.(string); role != "" {
			out = append(out, Grant{GroupID: id, Role: role})
		}
	}
	return out, id
}

// grantsOf reads the roles of an API key; ok says that there is such a list.
func grantsOf(j any) (out []Grant, ok bool) {
	roles, ok := j.([]any)
	for _, item := range roles {
		role, _ := item.(map[string]any)
		out = append(out, Grant{OrgID: textAt(role, "orgId"), GroupID: textAt(role, "groupId"), Role: textAt(role, "roleName")})
	}
	return out, ok
}

// addressesOf reads where an API key is accepted from; an empty list is not nil.
func addressesOf(j any) []string {
	entries, ok := j.([]any)
	if !ok {
		return nil
	}
	out := []string{}
	for _, item := range entries {
		entry, _ := item.(map[string]any)
		out = append(out, or(textAt(entry, "cidrBlock"), textAt(entry, "ipAddress")))
	}
	return out
}

func textAt(m map[string]any, name string) string {
	text, _ := m[name].(string)
	return text
}

// Token makes sure of a service account's token: one that is kept from an earlier run is used where it is good.
// It returns when the token ends, and whether it was asked for now. Other credentials need none.
func (c *Client) Token(ctx context.Context) (ends time.Time, fetched bool, err error) {
	account, ok := c.auth.(*serviceAccount)
	if !ok {
		return time.Time{}, false, nil
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base, http.NoBody)
	if err != nil {
		return time.Time{}, false, err
	}
	if err := account.authorize(ctx, req); err != nil {
		return time.Time{}, false, err
	}
	if err := account.turn.take(ctx); err != nil {
		return time.Time{}, false, err
	}
	defer account.turn.give()
	return account.token.Expires, !account.token.fetched.IsZero(), nil
}
