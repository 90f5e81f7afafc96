package sandbox

import "strings"

const apiRoot = "/api/atlas/v2"

var orgOperations = []*operation{
	{id: "listOrgs", method: "GET", path: apiRoot + "/orgs", versions: since("2023-01-01"), limits: "orgs", serve: (*Server).listOrgs},
	{id: "getOrg", method: "GET", path: apiRoot + "/orgs/{orgId}", versions: since("2023-01-01"), limits: "org", serve: (*Server).getOrg},
	{id: "getOrgGroups", method: "GET", path: apiRoot + "/orgs/{orgId}/groups", versions: since("2023-01-01"), limits: "org", serve: (*Server).getOrgGroups},
}

func orgView(c *call, org *Org) object {
	href := c.base + apiRoot + "/orgs/" + org.ID
	return object{"id": org.ID, "isDeleted": false, "links": []any{self(href)}, "name": org.Name, "skipDefaultAlertsSettings": false}
}

// listOrgs lists the organizations of the caller: the one that its credential belongs to.
func (s *Server) listOrgs(c *call) *apiError {
	p, err := readPage(c.req.URL.Query(), "name=")
	if err != nil {
		return err
	}
	var results []any
	if strings.HasPrefix(strings.ToLower(c.who.org.Name), strings.ToLower(c.req.URL.Query().Get("name"))) {
		results = append(results, orgView(c, c.who.org))
	}
	first, last := p.bounds(len(results))
	c.out = p.envelope(c.path(), results[first:last], len(results), 0)
	return nil
}

func (s *Server) getOrg(c *call) *apiError {
	doc := orgView(c, c.who.org)
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
