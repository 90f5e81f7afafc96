package sandbox

const validatePath = apiRoot + "/groups/{groupId}/clusterConfigurations:validate"

var validateRule = of(shape{
	"advancedConfiguration": argsRule,
	"clusterDescription":    clusterUpdateRule.need(),
	"clusterName":           text,
	"editing":               boolean.need(),
	"searchDeploymentSpec":  of(shape{"instanceSize": text.need(), "nodeCount": integer.between(2, 32).need()}),
	"tags":                  list(tagRule),
})

var validateOperations = []*operation{
	{id: "validateGroupClusterConfigurations", method: "POST", path: validatePath, versions: since("2025-03-12"), limits: "clusters", body: &validateRule, serve: (*Server).validateCluster},
}

// validateCluster says what a creation or an update would be refused for, without making either. How much Atlas looks
// at was not recorded: here, at what the call itself would be refused for.
func (s *Server) validateCluster(c *call) *apiError {
	err := s.tryCluster(c.project, c.in())
	if err == nil {
		c.out = object{"valid": true}
		return nil
	}
	c.out = object{"valid": false, "errors": []any{object{"errorCode": err.code, "validationIssue": err.detail}}}
	return nil
}

// tryCluster does what a call would do to a copy.
func (s *Server) tryCluster(p *project, in object) *apiError {
	description := clone(objectOf(in, "clusterDescription"))
	if !boolOf(in, "editing") {
		if err := checkClusterName(p, textOf(description, "name")); err != nil {
			return err
		}
		for _, field := range sortedKeys(clusterFields) {
			if clusterFields[field].required && description[field] == nil {
				return fail("MISSING_ATTRIBUTE", field)
			}
		}
		if boolOf(description, "paused") {
			return fail("CANNOT_CREATE_PAUSED_CLUSTER", textOf(description, "name"))
		}
		return s.fillCluster(object{}, description, nil)
	}
	it, ok := p.of(Cluster).get(textOf(in, "clusterName"))
	if !ok {
		return fail("CLUSTER_NOT_FOUND", textOf(in, "clusterName"), p.id())
	}
	if err := checkUpdate(it, description); err != nil {
		return err
	}
	return s.fillCluster(clone(it.Doc), description, objectsOf(it.Doc, "replicationSpecs"))
}
