package sandbox

// emptyOperations are lists of what a sandbox does not have. Official clients read them beside a project or
// a cluster, and an unknown path would stop them.
var emptyOperations = []*operation{
	{id: "listGroupTeams", method: "GET", path: apiRoot + "/groups/{groupId}/teams", versions: since("2023-01-01"), limits: "groups", serve: (*Server).listNothing},
	{id: "listGroupUsers", method: "GET", path: apiRoot + "/groups/{groupId}/users", versions: since("2023-01-01", "2025-02-19"), limits: "groups", serve: (*Server).listNothing},
	{id: "getGroupIpAddresses", method: "GET", path: apiRoot + "/groups/{groupId}/ipAddresses", versions: since("2023-01-01"), limits: "groups", serve: (*Server).getAddresses},
}

func (s *Server) listNothing(c *call) *apiError {
	return servePage(c, &index[*item]{}, func(*item) any { return nil })
}

// getAddresses shows the clusters without addresses.
func (s *Server) getAddresses(c *call) *apiError {
	clusters := []any{}
	for name := range c.project.of(Cluster).all() {
		clusters = append(clusters, object{"clusterName": name, "inbound": []any{}, "outbound": []any{}, "futureInbound": []any{}, "futureOutbound": []any{}})
	}
	c.out = object{"groupId": c.project.id(), "services": object{"clusters": clusters}}
	return nil
}
