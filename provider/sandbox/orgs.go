package sandbox

import (
	"maps"
	"strings"
)

const apiRoot = "/api/atlas/v2"

var orgOperations = []*operation{
	{id: "listOrgs", method: "GET", path: apiRoot + "/orgs", versions: since("2023-01-01"), limits: "orgs", serve: (*Server).listOrgs},
	{id: "getOrg", method: "GET", path: apiRoot + "/orgs/{orgId}", versions: since("2023-01-01"), limits: "org", serve: (*Server).getOrg},
	{id: "updateOrg", method: "PATCH", path: apiRoot + "/orgs/{orgId}", versions: since("2023-01-01"), limits: "org", body: &orgRule, serve: (*Server).updateOrg},
	{id: "getOrgSettings", method: "GET", path: apiRoot + "/orgs/{orgId}/settings", versions: since("2023-01-01"), limits: "org", serve: (*Server).getOrgSettings},
	{id: "updateOrgSettings", method: "PATCH", path: apiRoot + "/orgs/{orgId}/settings", versions: since("2023-01-01"), limits: "org", body: &orgSettingsRule, serve: (*Server).updateOrgSettings},
	{id: "getOrgGroups", method: "GET", path: apiRoot + "/orgs/{orgId}/groups", versions: since("2023-01-01"), limits: "org", serve: (*Server).getOrgGroups},
}

var (
	orgRule = of(shape{"name": text.like(`^[\p{L}\p{N}\-_.(),:&@+']{1,64}$`).need(), "skipDefaultAlertsSettings": boolean,
		"id": owned, "isDeleted": owned, "links": owned})
	orgSettingsRule = of(shape{"apiAccessListRequired": boolean, "genAIFeaturesEnabled": boolean, "multiFactorAuthRequired": boolean,
		"restrictEmployeeAccess": boolean, "streamsCrossGroupEnabled": boolean,
		"maxServiceAccountSecretValidityInHours": integer.between(8, 8760),
		"operationsContact":                      text.between(1, 0).orNull(), "securityContact": text,
		"customSessionTimeouts": of(shape{"absoluteSessionTimeoutInSeconds": integer.between(3600, 43200).orNull(),
			"idleSessionTimeoutInSeconds": integer.between(300, 43200).orNull()}).orNull()})
)

// defaultOrgSettings are those of a new organization. They were not recorded.
func defaultOrgSettings() object {
	return object{"apiAccessListRequired": false, "genAIFeaturesEnabled": true, "multiFactorAuthRequired": false, "restrictEmployeeAccess": false,
		"streamsCrossGroupEnabled": false, "maxServiceAccountSecretValidityInHours": 8760, "securityContact": ""}
}

func (s *Server) orgView(c *call, org *Org) object {
	doc := s.view(s.holding(org.ID).Singles[Organization], "", []any{self(c.base + apiRoot + "/orgs/" + org.ID)})
	doc["id"], doc["isDeleted"] = org.ID, false
	return doc
}

// listOrgs lists the organizations of the caller: the one that its credential belongs to.
func (s *Server) listOrgs(c *call) *apiError {
	p, err := readPage(c.req.URL.Query(), "name=")
	if err != nil {
		return err
	}
	var results []any
	org := s.orgView(c, c.who.org)
	if strings.HasPrefix(strings.ToLower(textOf(org, "name")), strings.ToLower(c.req.URL.Query().Get("name"))) {
		results = append(results, org)
	}
	first, last := p.bounds(len(results))
	c.out = p.envelope(c.path(), results[first:last], len(results), 0)
	return nil
}

func (s *Server) getOrg(c *call) *apiError {
	doc := s.orgView(c, c.who.org)
	href := c.base + apiRoot + "/orgs/" + c.who.org.ID
	links := []any{self(href)}
	for _, part := range []string{"groups", "teams", "users"} {
		links = append(links, object{"href": href + "/" + part, "rel": "https://cloud.mongodb.com/" + part})
	}
	doc["links"] = links
	c.out = doc
	return nil
}

// getOrgGroups lists the projects of an organization, by the beginning of their names where asked.
func (s *Server) getOrgGroups(c *call) *apiError {
	return s.servePageOfProjects(c, c.req.URL.Query().Get("name"), "name")
}

func (s *Server) updateOrg(c *call) *apiError {
	maps.Copy(s.touch(c).Singles[Organization], c.in())
	c.out = s.orgView(c, c.who.org)
	return nil
}

func (s *Server) getOrgSettings(c *call) *apiError {
	c.out = s.view(s.holding(c.who.org.ID).Singles[OrgSettings], "", nil)
	return nil
}

// updateOrgSettings sets what the body names. That a field of an object inside it which is left out goes is the worse
// case of what is not known. The requirement of access lists is kept and shown; a sandbox lets everybody in.
func (s *Server) updateOrgSettings(c *call) *apiError {
	maps.Copy(s.touch(c).Singles[OrgSettings], c.in())
	return s.getOrgSettings(c)
}
