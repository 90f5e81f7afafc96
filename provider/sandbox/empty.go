package sandbox

// emptyOperations are reads of what a sandbox does not have. Official clients make them beside a project or
// a cluster, and an unknown path would stop them.
var emptyOperations = []*operation{
	{id: "getGroupIpAddresses", method: "GET", path: apiRoot + "/groups/{groupId}/ipAddresses", versions: since("2023-01-01"), limits: "groups", serve: (*Server).getAddresses},
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
