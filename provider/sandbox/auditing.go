package sandbox

import (
	"encoding/json"
	"net/http"
)

const auditPath = apiRoot + "/groups/{groupId}/auditLog"

var auditRule = of(shape{"auditAuthorizationSuccess": boolean, "auditFilter": text, "configurationType": owned, "enabled": boolean})

var auditOperations = []*operation{
	{id: "getGroupAuditLog", method: "GET", path: auditPath, versions: since("2023-01-01"), limits: "auditLog", serve: (*Server).getAuditing},
	{id: "updateGroupAuditLog", method: "PATCH", path: auditPath, versions: since("2023-01-01"), limits: "auditLog", body: &auditRule, serve: (*Server).updateAuditing},
}

func defaultAuditing() object {
	return object{"auditAuthorizationSuccess": false, "configurationType": "NONE", "enabled": false}
}

func (s *Server) getAuditing(c *call) *apiError {
	c.out = c.project.Singles[Auditing]
	return nil
}

// updateAuditing merges the body. The filter is kept as it is written; which error answers one that is no JSON was
// not recorded.
func (s *Server) updateAuditing(c *call) *apiError {
	in := c.in()
	filter, given := in["auditFilter"].(string)
	if given && !json.Valid([]byte(filter)) {
		return fail("INVALID_ATTRIBUTE", "auditFilter")
	}
	auditing := c.project.Singles[Auditing]
	for field, value := range in {
		auditing[field] = value
	}
	if given {
		auditing["configurationType"] = "FILTER_JSON"
	}
	c.setJSON(http.StatusAccepted, auditing)
	return nil
}
