package sandbox

import (
	"fmt"
	"net/http"
)

const cloudRolePath = apiRoot + "/groups/{groupId}/cloudProviderAccess"

const uuid = `^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`

// cloudRoleFields are those of all providers; which of them go with which is the handler's.
var cloudRoleFields = shape{
	"providerName": enum("AWS", "AZURE", "GCP").need(),
	"roleId":       owned, "_id": owned, "createdDate": owned, "lastUpdatedDate": owned, "authorizedDate": owned, "featureUsages": owned,
	"atlasAWSAccountArn": owned, "atlasAssumedRoleExternalId": owned, "gcpServiceAccountForAtlas": owned,
	"atlasAzureAppId": text.like(uuid), "servicePrincipalId": text.like(uuid), "tenantId": text.like(uuid),
}

var cloudRoleRule = of(cloudRoleFields)

// cloudRoleUpdateRule is that of the authorization, which alone takes the ARN. Where a service account stands in a request
// is not in the specification, so it is refused there.
var cloudRoleUpdateRule = func() rule {
	fields := shape{"iamAssumedRoleArn": text.between(20, 2048)}
	for name, r := range cloudRoleFields {
		if name != "gcpServiceAccountForAtlas" {
			fields[name] = r
		}
	}
	return of(fields)
}()

var cloudRoleOperations = []*operation{
	{id: "listGroupCloudProviderAccess", method: "GET", path: cloudRolePath, versions: since("2023-01-01"), limits: "cloudRoles", serve: (*Server).listCloudRoles},
	{id: "createGroupCloudProviderAccess", method: "POST", path: cloudRolePath, versions: since("2023-01-01"), limits: "cloudRoles", body: &cloudRoleRule, serve: (*Server).createCloudRole},
	{id: "getGroupCloudProviderAccess", method: "GET", path: cloudRolePath + "/{roleId}", versions: since("2023-01-01"), limits: "cloudRoles", serve: (*Server).getCloudRole},
	{id: "authorizeGroupCloudProviderAccessRole", method: "PATCH", path: cloudRolePath + "/{roleId}", versions: since("2023-01-01"), limits: "cloudRoles", body: &cloudRoleUpdateRule, serve: (*Server).authorizeCloudRole},
	{id: "deauthorizeGroupCloudProviderAccessRole", method: "DELETE", path: cloudRolePath + "/{cloudProvider}/{roleId}", versions: since("2023-01-01"), limits: "cloudRoles", serve: (*Server).deleteCloudRole},
}

// cloudRoleID is a role's id, which Azure's have under another name.
func cloudRoleID(doc object) string {
	if id := textOf(doc, "_id"); id != "" {
		return id
	}
	return textOf(doc, "roleId")
}

// listCloudRoles answers with a list for each provider, without pages.
func (s *Server) listCloudRoles(c *call) *apiError {
	lists := map[string][]any{"AWS": {}, "AZURE": {}, "GCP": {}}
	s.concludeAll(c.project, CloudRole, true)
	for _, it := range c.project.of(CloudRole).all() {
		name := textOf(it.Doc, "providerName")
		lists[name] = append(lists[name], it.Doc)
	}
	c.out = object{"awsIamRoles": lists["AWS"], "azureServicePrincipals": lists["AZURE"], "gcpServiceAccounts": lists["GCP"]}
	return nil
}

// noCloudRole is the answer where a role is not there; its code was not recorded.
func noCloudRole(c *call) *apiError { return fail("RESOURCE_NOT_FOUND", c.req.URL.Path) }

func (s *Server) findCloudRole(c *call) (*item, *apiError) {
	it, ok := s.seek(c, CloudRole, c.params["roleId"])
	if !ok {
		return nil, noCloudRole(c)
	}
	return it, nil
}

func (s *Server) getCloudRole(c *call) *apiError {
	it, err := s.findCloudRole(c)
	if err == nil {
		c.out = it.Doc
	}
	return err
}

func (s *Server) createCloudRole(c *call) *apiError {
	in := c.in()
	if err := azureOnly(in); err != nil {
		return err
	}
	id := s.newID()
	doc := object{"providerName": in["providerName"], "createdDate": stamp(s.now()), "featureUsages": []any{}}
	it := &item{Doc: doc}
	switch in["providerName"] {
	case "AWS":
		doc["roleId"], doc["authorizedDate"], doc["iamAssumedRoleArn"] = id, nil, nil
		doc["atlasAWSAccountArn"], doc["atlasAssumedRoleExternalId"] = "arn:aws:iam::299602853325:root", s.externalID(id)
	case "AZURE":
		for _, field := range []string{"servicePrincipalId", "tenantId"} {
			if in[field] == nil {
				return fail("MISSING_ATTRIBUTE", field)
			}
		}
		doc["_id"], doc["lastUpdatedDate"] = id, doc["createdDate"]
		doc["atlasAzureAppId"] = "9f2deb0d-be22-4524-a403-df531868bac0" // the application that Atlas would find
		for _, field := range azureFields {
			if in[field] != nil {
				doc[field] = in[field]
			}
		}
	case "GCP":
		doc["roleId"] = id
		s.makeServiceAccount(c.project, it)
	}
	c.project.store(CloudRole, id, it)
	c.out = doc
	return nil
}

var azureFields = []string{"atlasAzureAppId", "servicePrincipalId", "tenantId"}

// azureOnly refuses Azure's fields for other providers.
func azureOnly(in object) *apiError {
	for _, field := range azureFields {
		if in[field] != nil && in["providerName"] != "AZURE" {
			return fail("INVALID_ATTRIBUTE", field)
		}
	}
	return nil
}

// externalID makes the external id of a role, a UUID.
func (s *Server) externalID(id string) string {
	x, y := hash64(s.opts.Seed, id, "a"), hash64(s.opts.Seed, id, "b")
	return fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", x>>32, x>>16&0xffff, x&0xfff, y>>52, y&0xffffffffffff)
}

// makeServiceAccount sets Atlas to make a Google service account: at once where the project has one already, else in
// the background.
func (s *Server) makeServiceAccount(p *project, it *item) {
	for _, other := range p.of(CloudRole).all() {
		if other.Doc["status"] == "COMPLETE" {
			it.Doc["status"] = "COMPLETE"
			s.serviceAccountMade(p, it.Doc)
			return
		}
	}
	s.toil(CloudRole, it, "IN_PROGRESS", s.opts.CreateTime)
}

// serviceAccountMade fills in the account of a role for which Atlas is ready.
func (s *Server) serviceAccountMade(_ *project, doc object) {
	id := cloudRoleID(doc)
	doc["gcpServiceAccountForAtlas"] = fmt.Sprintf("mongodb-atlas-%016x@p-%s.iam.gserviceaccount.com", hash64(s.opts.Seed, id), id)
}

// authorizeCloudRole takes the ARN of a role at AWS, or other ids of one at Azure. Atlas tries to assume the role, and
// answers CANNOT_ASSUME_ROLE where it may not; here every role can be assumed. For Google it is not needed.
func (s *Server) authorizeCloudRole(c *call) *apiError {
	it, err := s.findCloudRole(c)
	if err != nil {
		return err
	}
	in := c.in()
	switch {
	case in["providerName"] != it.Doc["providerName"]:
		return fail("INVALID_ATTRIBUTE", "providerName")
	case in["iamAssumedRoleArn"] != nil && in["providerName"] != "AWS":
		return fail("INVALID_ATTRIBUTE", "iamAssumedRoleArn")
	case in["iamAssumedRoleArn"] == nil && in["providerName"] == "AWS":
		return fail("MISSING_ATTRIBUTE", "iamAssumedRoleArn")
	}
	if err := azureOnly(in); err != nil {
		return err
	}
	doc := clone(it.Doc)
	for field, value := range in {
		doc[field] = value
	}
	switch in["providerName"] {
	case "AWS":
		doc["authorizedDate"] = stamp(s.now())
	case "AZURE":
		doc["lastUpdatedDate"] = stamp(s.now())
	}
	it.Doc = doc
	c.out = doc
	return nil
}

// deleteCloudRole wants the provider in its path. Whether Atlas refuses while something uses the role is not known.
func (s *Server) deleteCloudRole(c *call) *apiError {
	it, err := s.findCloudRole(c)
	if err != nil {
		return err
	}
	if it.Doc["providerName"] != c.params["cloudProvider"] {
		return noCloudRole(c)
	}
	c.project.of(CloudRole).remove(c.params["roleId"])
	c.status = http.StatusNoContent
	return nil
}
