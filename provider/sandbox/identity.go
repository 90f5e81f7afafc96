package sandbox

// identityOperations tell a client who it is.
var identityOperations = []*operation{
	{id: "getSystemStatus", method: "GET", path: apiRoot, versions: since("2023-01-01"), limits: "unscoped", serve: (*Server).getSystemStatus},
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

// givenAccount returns the service account of the options that the path of a call about the organization names.
func (s *Server) givenAccount(c *call) (*Credential, bool) {
	for i := range c.who.org.Credentials {
		if credential := &c.who.org.Credentials[i]; c.project == nil && credential.ClientID == c.params["clientId"] {
			return credential, true
		}
	}
	return nil, false
}

// givenAccountView is a service account of the options as answers show it.
func givenAccountView(credential *Credential) object {
	return object{"clientId": credential.ClientID, "createdAt": "2024-08-05T00:00:00Z", "description": "of the sandbox's options",
		"name": "sandbox", "roles": credential.orgRoles(), "secrets": []any{}}
}

// givenGroups are the assignments to projects of a service account of the options.
func (s *Server) givenGroups(credential *Credential) []any {
	var out []any
	ids, roles := s.groupRoles(credential)
	for _, id := range ids {
		out = append(out, object{"groupId": id, "roles": roles[id]})
	}
	return out
}
