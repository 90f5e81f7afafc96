package sandbox

const selfPath = apiRoot + "/orgs/{orgId}/serviceAccounts/{clientId}"

// identityOperations tell a client who it is. The service accounts here are those of the options.
var identityOperations = []*operation{
	{id: "getSystemStatus", method: "GET", path: apiRoot, versions: since("2023-01-01"), limits: "unscoped", serve: (*Server).getSystemStatus},
	{id: "getOrgServiceAccount", method: "GET", path: selfPath, versions: since("2024-08-05"), limits: "org", serve: (*Server).getOwnAccount},
	{id: "getOrgServiceAccountGroups", method: "GET", path: selfPath + "/groups", versions: since("2024-08-05"), limits: "org", serve: (*Server).listOwnGroups},
}

// orgRoles are the names of what a credential of the options is in its organization.
func (c *Credential) orgRoles() []any {
	if c.Roles == nil && c.ProjectRoles == nil {
		return []any{"ORG_OWNER"}
	}
	out := []any{}
	for _, name := range c.Roles {
		out = append(out, name)
	}
	return out
}

// groupRoles are the names of what a credential of the options is in the projects that there are, by their ids.
func (s *Server) groupRoles(c *Credential) (ids []string, roles map[string][]any) {
	roles = map[string][]any{}
	for _, id := range sortedKeys(s.projects.values) {
		for _, name := range c.ProjectRoles[textOf(s.projects.values[id].Doc, "name")] {
			roles[id] = append(roles[id], name)
		}
		if roles[id] != nil {
			ids = append(ids, id)
		}
	}
	return ids, roles
}

// getSystemStatus tells an API key what it is. What others see there is not known; they get the same form.
func (s *Server) getSystemStatus(c *call) *apiError {
	c.out = object{"apiKey": s.ownKey(c), "appName": "MongoDB Atlas", "build": "sandbox", "links": []any{self(c.path())}, "throttling": false}
	return nil
}

func (s *Server) ownKey(c *call) object {
	if it := c.who.key; it != nil {
		accessList := []any{}
		for _, entry := range it.Entries {
			accessList = append(accessList, object{"cidrBlock": entry["cidrBlock"], "ipAddress": entry["ipAddress"]})
		}
		return object{"accessList": accessList, "id": it.Doc["id"], "publicKey": it.Doc["publicKey"], "roles": s.liveRoles(it.Doc)}
	}
	credential := c.who.credential
	roles := []any{}
	for _, name := range credential.orgRoles() {
		roles = append(roles, object{"orgId": c.who.org.ID, "roleName": name})
	}
	ids, granted := s.groupRoles(credential)
	for _, id := range ids {
		roles = append(roles, rolesIn("groupId", id, granted[id])...)
	}
	return object{"accessList": []any{}, "id": objectID("key", credential.name()), "publicKey": credential.name(), "roles": roles}
}

// account returns the service account of the options that the path names. What an unknown one is answered was not
// recorded.
func (s *Server) account(c *call) (*Credential, *apiError) {
	for i := range c.who.org.Credentials {
		if credential := &c.who.org.Credentials[i]; credential.ClientID == c.params["clientId"] {
			return credential, nil
		}
	}
	return nil, fail("RESOURCE_NOT_FOUND", c.req.URL.Path)
}

func (s *Server) getOwnAccount(c *call) *apiError {
	credential, err := s.account(c)
	if err != nil {
		return err
	}
	c.out = object{"clientId": credential.ClientID, "createdAt": "2024-08-05T00:00:00Z", "description": "of the sandbox's options",
		"name": "sandbox", "roles": credential.orgRoles(), "secrets": []any{}}
	return nil
}

func (s *Server) listOwnGroups(c *call) *apiError {
	credential, err := s.account(c)
	if err != nil {
		return err
	}
	ids, roles := s.groupRoles(credential)
	page, err := readPage(c.req.URL.Query())
	if err != nil {
		return err
	}
	var results []any
	first, last := page.bounds(len(ids))
	for _, id := range ids[first:last] {
		results = append(results, object{"groupId": id, "roles": roles[id]})
	}
	c.out = page.envelope(c.path(), results, len(ids), 0)
	return nil
}
