package sandbox

import "slices"

const raisedPath = apiRoot + "/groups/{groupId}/alerts"

// raisedOperations show alerts that were raised. A sandbox raises none by itself: they are put there by hand.
var raisedOperations = []*operation{
	{id: "listGroupAlerts", method: "GET", path: raisedPath, versions: since("2023-01-01"), limits: "alerts", serve: (*Server).listRaised},
	{id: "getGroupAlert", method: "GET", path: raisedPath + "/{alertId}", versions: since("2023-01-01"), limits: "alerts", serve: (*Server).getRaised},
}

// listRaised lists alerts, those of one status where that is asked for.
func (s *Server) listRaised(c *call) *apiError {
	status := c.req.URL.Query().Get("status")
	if status != "" && !slices.Contains([]string{"OPEN", "TRACKING", "CLOSED"}, status) {
		return fail("INVALID_QUERY_PARAMETER", "status")
	}
	raised := &index[*item]{seed: hash64(s.opts.Seed, c.project.id())}
	for id, it := range c.project.of(Alert).all() {
		if status == "" || textOf(it.Doc, "status") == status {
			raised.put(id, it)
		}
	}
	return servePage(c, raised, func(it *item) any {
		return s.view(it.Doc, textOf(it.Doc, "id"), []any{self(s.raisedURL(c, it))})
	}, "status")
}

func (s *Server) raisedURL(c *call, it *item) string {
	return c.base + apiRoot + "/groups/" + c.project.id() + "/alerts/" + textOf(it.Doc, "id")
}

// getRaised shows one alert. What an unknown one is answered was not recorded.
func (s *Server) getRaised(c *call) *apiError {
	it, ok := c.project.of(Alert).get(c.params["alertId"])
	if !ok {
		return fail("RESOURCE_NOT_FOUND", c.req.URL.Path)
	}
	group := c.base + apiRoot + "/groups/" + c.project.id()
	href := s.raisedURL(c, it)
	c.out = s.view(it.Doc, textOf(it.Doc, "id"), []any{self(href),
		object{"href": group + "/alertConfigs/" + textOf(it.Doc, "alertConfigId"), "rel": "https://cloud.mongodb.com/alertConfig"},
		object{"href": href + "/alertConfigs", "rel": "https://cloud.mongodb.com/alertConfigs"}})
	return nil
}

// raise completes an alert that is put there by hand.
func (s *Server) raise(doc object, groupID, orgID string) {
	setDefault(doc, "id", s.newID())
	setDefault(doc, "status", "OPEN")
	setDefault(doc, "alertConfigId", objectID("alert", groupID))
	setDefault(doc, "orgId", orgID)
	for _, field := range []string{"created", "updated", "lastNotified"} {
		setDefault(doc, field, stamp(s.now()))
	}
}
