package sandbox

import "net/http"

const compliancePath = apiRoot + "/groups/{groupId}/backupCompliancePolicy"

// thePolicy is the key of a project's one policy, which it has from when it is enabled.
const thePolicy = "policy"

func complianceItem(least int, frequencies ...string) rule {
	return of(shape{
		"frequencyInterval": integer.between(least, 40).need(),
		"frequencyType":     enum(frequencies...).need(),
		"id":                text,
		"retentionUnit":     retentionUnits.need(),
		"retentionValue":    integer.between(1, 1<<31-1).need(),
	})
}

var complianceRule = of(shape{
	"authorizedEmail":         text.need(),
	"authorizedUserFirstName": text.need(),
	"authorizedUserLastName":  text.need(),
	"copyProtectionEnabled":   boolean,
	"deletable":               owned,
	"encryptionAtRestEnabled": boolean,
	"onDemandPolicyItem":      complianceItem(0, "ondemand"),
	"pitEnabled":              boolean,
	"projectId":               text,
	"restoreWindowDays":       integer.between(0, 1<<31-1),
	"scheduledPolicyItems":    list(complianceItem(1, "daily", "hourly", "weekly", "monthly", "yearly")),
	"state":                   owned,
	"updatedDate":             owned,
	"updatedUser":             owned,
})

// The version before 2023-10-01 has another body and isn't served. Nor is the call that disables a policy: it takes a
// ticket first.
var complianceVersions = []version{{date: "2023-01-01", gone: true}, {date: "2023-10-01"}}

var complianceOperations = []*operation{
	{id: "getGroupBackupCompliancePolicy", method: "GET", path: compliancePath, versions: complianceVersions, limits: "backup", serve: (*Server).getCompliance},
	{id: "updateGroupBackupCompliancePolicy", method: "PUT", path: compliancePath, versions: complianceVersions, limits: "backup", body: &complianceRule, serve: (*Server).putCompliance},
}

// getCompliance answers the policy. What Atlas answers where there is none was not recorded: here, that it is not found.
func (s *Server) getCompliance(c *call) *apiError {
	it, ok := s.seek(c, BackupCompliance, thePolicy)
	if !ok {
		return fail("RESOURCE_NOT_FOUND", c.req.URL.Path)
	}
	c.out = s.complianceView(it)
	return nil
}

func (s *Server) complianceView(it *item) object {
	return s.view(it.Doc, thePolicy, nil, "scheduledPolicyItems")
}

// putCompliance replaces the policy. Items whose ids come along keep them.
func (s *Server) putCompliance(c *call) *apiError {
	switch c.req.URL.Query().Get("overwriteBackupPolicies") {
	case "", "true", "false":
	default:
		return fail("INVALID_QUERY_PARAMETER", "overwriteBackupPolicies")
	}
	doc := object{"copyProtectionEnabled": false, "deletable": false, "encryptionAtRestEnabled": false, "onDemandPolicyItem": nil, "pitEnabled": false,
		"restoreWindowDays": 0, "scheduledPolicyItems": []any{}}
	for field, value := range c.in() {
		doc[field] = value
	}
	for _, i := range append(objectsOf(doc, "scheduledPolicyItems"), objectOf(doc, "onDemandPolicyItem")) {
		if i != nil {
			setDefault(i, "id", s.newID())
		}
	}
	doc["projectId"], doc["updatedDate"], doc["updatedUser"] = c.project.id(), stamp(s.now()), c.who.credential.name()
	it, state := &item{Doc: doc}, "ENABLING"
	if _, there := c.project.of(BackupCompliance).get(thePolicy); there {
		state = updating
	}
	s.toil(BackupCompliance, it, state, s.opts.UpdateTime)
	c.project.store(BackupCompliance, thePolicy, it)
	c.out = s.complianceView(it)
	return nil
}

// compliant refuses to delete a snapshot while there is a policy. The code was not recorded.
func compliant(p *project) *apiError {
	if p.of(BackupCompliance).len() > 0 {
		return failDetail(http.StatusForbidden, "UNEXPECTED_ERROR", "The project's backup compliance policy protects its snapshots.")
	}
	return nil
}
