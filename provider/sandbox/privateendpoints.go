package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

const (
	privateRoot     = apiRoot + "/groups/{groupId}/privateEndpoint"
	privatePath     = privateRoot + "/{cloudProvider}/endpointService"
	privateService  = privatePath + "/{endpointServiceId}"
	privateEndpoint = privateService + "/endpoint"
)

var (
	privateServiceRule = of(shape{
		"portMappingEnabled":     boolean,
		"providerName":           enum("AWS", "AZURE", "GCP").need(),
		"region":                 text.need(),
		"supportedRemoteRegions": list(text),
	})
	privateServiceUpdateRule = of(shape{
		"cloudProvider":          enum("AWS").need(),
		"supportedRemoteRegions": list(text),
	})
	privateEndpointRule = of(shape{
		"cloudProvider":            enum("AWS", "AZURE", "GCP"),
		"endpointGroupName":        text,
		"endpoints":                list(of(shape{"endpointName": text, "ipAddress": text})),
		"gcpProjectId":             text,
		"id":                       text,
		"privateEndpointIPAddress": text,
	})
)

var privateOperations = func() []*operation {
	ops := []*operation{
		{id: "listGroupPrivateEndpointEndpointService", method: "GET", path: privatePath, serve: (*Server).listPrivateServices},
		{id: "createGroupPrivateEndpointEndpointService", method: "POST", path: privateRoot + "/endpointService", body: &privateServiceRule, serve: (*Server).createPrivateService},
		{id: "getGroupPrivateEndpointEndpointService", method: "GET", path: privateService, serve: (*Server).getPrivateService},
		{id: "updateGroupPrivateEndpointEndpointService", method: "PATCH", path: privateRoot + "/endpointService/{endpointServiceId}", body: &privateServiceUpdateRule, serve: (*Server).updatePrivateService},
		{id: "deleteGroupPrivateEndpointEndpointService", method: "DELETE", path: privateService, serve: (*Server).deletePrivateService},
		{id: "createGroupPrivateEndpointEndpointServiceEndpoint", method: "POST", path: privateEndpoint, body: &privateEndpointRule, serve: (*Server).createPrivateEndpoint},
		{id: "getGroupPrivateEndpointEndpointServiceEndpoint", method: "GET", path: privateEndpoint + "/{endpointId}", serve: (*Server).getPrivateEndpoint},
		{id: "deleteGroupPrivateEndpointEndpointServiceEndpoint", method: "DELETE", path: privateEndpoint + "/{endpointId}", serve: (*Server).deletePrivateEndpoint},
	}
	for _, op := range ops {
		op.versions, op.limits = since("2023-01-01"), "privateEndpoint"
	}
	return ops
}()

// privateSide says what Atlas calls things on one provider.
type privateSide struct {
	// lists is the field of a service that names its endpoints, and id the field of an endpoint that holds its name.
	lists, id string
	// state is the field that tells an endpoint's state, and begins what that is at first.
	state, begins string
	// needs are the fields of a request for an endpoint, all of them needed.
	needs []string
}

var privateSides = map[string]privateSide{
	"AWS":   {"interfaceEndpoints", "interfaceEndpointId", "connectionStatus", "PENDING_ACCEPTANCE", []string{"id"}},
	"AZURE": {"privateEndpoints", "privateEndpointResourceId", "status", "INITIATING", []string{"id", "privateEndpointIPAddress"}},
	"GCP":   {"endpointGroupNames", "endpointGroupName", "status", "INITIATING", []string{"endpointGroupName", "endpoints", "gcpProjectId"}},
}

// endpointKey is what an endpoint is known by within its project.
func endpointKey(service, name string) string { return service + "/" + name }

// privateEndpointKey is the key of an endpoint that is kept: the id of its service stands beside what is shown.
func privateEndpointKey(doc object) string {
	return endpointKey(textOf(doc, "serviceId"), textOf(doc, privateSides[textOf(doc, "cloudProvider")].id))
}

// endpointsOf are the endpoints of a service, by key.
func endpointsOf(p *project, service string) map[string]*item {
	out := map[string]*item{}
	for key, it := range p.of(PrivateEndpoint).all() {
		if textOf(it.Doc, "serviceId") == service {
			out[key] = it
		}
	}
	return out
}

// dropPrivateService removes a service and its endpoints.
func (p *project) dropPrivateService(id string) {
	p.of(PrivateService).remove(id)
	for key := range endpointsOf(p, id) {
		p.of(PrivateEndpoint).remove(key)
	}
}

// privateServiceView shows a service with the names of its endpoints.
func privateServiceView(p *project, doc object) object {
	out := clone(doc)
	side := privateSides[textOf(doc, "cloudProvider")]
	var names []string
	for _, it := range endpointsOf(p, textOf(doc, "id")) {
		names = append(names, textOf(it.Doc, side.id))
	}
	slices.Sort(names)
	shown := []any{}
	for _, name := range names {
		shown = append(shown, name)
	}
	out[side.lists] = shown
	return out
}

func (s *Server) listPrivateServices(c *call) *apiError {
	if _, known := privateSides[c.params["cloudProvider"]]; !known {
		return fail("RESOURCE_NOT_FOUND", c.req.URL.Path)
	}
	s.concludeAll(c.project, PrivateService, true)
	s.concludeAll(c.project, PrivateEndpoint, false)
	out := []any{}
	for _, it := range c.project.of(PrivateService).all() {
		if textOf(it.Doc, "cloudProvider") == c.params["cloudProvider"] {
			out = append(out, privateServiceView(c.project, it.Doc))
		}
	}
	c.out = out
	return nil
}

// findPrivateService returns the service of the path. The code of one that is missing was not recorded.
func (s *Server) findPrivateService(c *call) (*item, *apiError) {
	it, ok := s.seek(c, PrivateService, c.params["endpointServiceId"])
	if provider := c.params["cloudProvider"]; !ok || provider != "" && textOf(it.Doc, "cloudProvider") != provider {
		return nil, fail("RESOURCE_NOT_FOUND", c.req.URL.Path)
	}
	return it, nil
}

func (s *Server) getPrivateService(c *call) *apiError {
	it, err := s.findPrivateService(c)
	if err == nil {
		s.concludeAll(c.project, PrivateEndpoint, false)
		c.out = privateServiceView(c.project, it.Doc)
	}
	return err
}

func (s *Server) createPrivateService(c *call) *apiError {
	in := c.in()
	provider, region := textOf(in, "providerName"), textOf(in, "region")
	switch {
	case in["supportedRemoteRegions"] != nil && provider != "AWS":
		return fail("INVALID_ATTRIBUTE", "supportedRemoteRegions")
	case boolOf(in, "portMappingEnabled") && provider != "GCP":
		return fail("INVALID_ATTRIBUTE", "portMappingEnabled")
	}
	for _, it := range c.project.of(PrivateService).all() {
		if textOf(it.Doc, "cloudProvider") == provider && textOf(it.Doc, "regionName") == region {
			return fail("PRIVATE_ENDPOINT_SERVICE_ALREADY_EXISTS_FOR_REGION", provider, region)
		}
	}
	doc := object{"id": s.newID(), "cloudProvider": provider, "regionName": region, "errorMessage": nil}
	switch provider {
	case "AWS":
		doc["endpointServiceName"], doc["supportedRemoteRegions"] = nil, in["supportedRemoteRegions"]
	case "AZURE":
		doc["privateLinkServiceName"], doc["privateLinkServiceResourceId"] = nil, nil
	default:
		doc["serviceAttachmentNames"], doc["portMappingEnabled"] = []any{}, boolOf(in, "portMappingEnabled")
	}
	it := &item{Doc: doc}
	s.toil(PrivateService, it, "INITIATING", s.opts.CreateTime)
	c.project.store(PrivateService, textOf(doc, "id"), it)
	c.setJSON(http.StatusCreated, privateServiceView(c.project, doc))
	return nil
}

// privateServiceMade fills in what a user's endpoint has to lead to.
func (s *Server) privateServiceMade(p *project, doc object) {
	id, region := textOf(doc, "id"), strings.ToLower(strings.ReplaceAll(textOf(doc, "regionName"), "_", "-"))
	switch textOf(doc, "cloudProvider") {
	case "AWS":
		doc["endpointServiceName"] = fmt.Sprintf("com.amazonaws.vpce.%s.vpce-svc-%s", region, objectID("svc", id)[:17])
	case "AZURE":
		doc["privateLinkServiceName"] = "pls_" + id
		doc["privateLinkServiceResourceId"] = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg_" + id + "/providers/Microsoft.Network/privateLinkServices/pls_" + id
	default:
		n := 3
		if boolOf(doc, "portMappingEnabled") {
			n = 1
		}
		var names []any
		for i := range n {
			names = append(names, fmt.Sprintf("projects/p-%s/regions/%s/serviceAttachments/sa-%s-%s-%d", objectID("psc", p.id()), region, region, p.id(), i))
		}
		doc["serviceAttachmentNames"] = names
	}
}

// updatePrivateService changes from where endpoints on AWS may come.
func (s *Server) updatePrivateService(c *call) *apiError {
	it, err := s.findPrivateService(c)
	if err != nil {
		return err
	}
	if textOf(it.Doc, "cloudProvider") != "AWS" {
		return fail("INVALID_ATTRIBUTE", "cloudProvider")
	}
	it.Doc = clone(it.Doc)
	it.Doc["supportedRemoteRegions"] = c.in()["supportedRemoteRegions"]
	c.out = privateServiceView(c.project, it.Doc)
	return nil
}

// refused is a conflict whose code was not recorded.
func refused(format string, args ...any) *apiError {
	return failDetail(http.StatusConflict, "UNEXPECTED_ERROR", fmt.Sprintf(format, args...))
}

func (s *Server) deletePrivateService(c *call) *apiError {
	it, err := s.findPrivateService(c)
	if err != nil {
		return err
	}
	id := c.params["endpointServiceId"]
	s.concludeAll(c.project, PrivateEndpoint, false)
	if len(endpointsOf(c.project, id)) > 0 {
		return refused("The private endpoint service %s has private endpoints.", id)
	}
	it.Doc = clone(it.Doc)
	s.toil(PrivateService, it, "DELETING", s.opts.DeleteTime)
	c.setJSON(http.StatusAccepted, object{})
	return nil
}

// privateEndpointView shows an endpoint as its provider has it.
func privateEndpointView(doc object) object {
	out := clone(doc)
	delete(out, "serviceId")
	state := out["status"]
	delete(out, "status")
	out[privateSides[textOf(doc, "cloudProvider")].state] = state
	for _, rule := range objectsOf(out, "endpoints") {
		rule["status"] = state
	}
	return out
}

// checkPrivateEndpoint refuses a request that misses a field of its provider or has one of another.
func checkPrivateEndpoint(provider string, in object) *apiError {
	if given := textOf(in, "cloudProvider"); given != "" && given != provider {
		return fail("INVALID_ATTRIBUTE", "cloudProvider")
	}
	needs := privateSides[provider].needs
	for _, name := range needs {
		if in[name] == nil {
			return fail("MISSING_ATTRIBUTE", name)
		}
	}
	for _, name := range sortedKeys(in) {
		if in[name] != nil && name != "cloudProvider" && !slices.Contains(needs, name) {
			return fail("INVALID_ATTRIBUTE", name)
		}
	}
	id := textOf(in, "id")
	if provider == "AWS" && !strings.HasPrefix(id, "vpce-") || provider == "AZURE" && !strings.HasPrefix(id, "/subscriptions/") {
		return fail("INVALID_ATTRIBUTE", "id")
	}
	return nil
}

// createPrivateEndpoint answers with the specification's status: no recording shows an endpoint.
func (s *Server) createPrivateEndpoint(c *call) *apiError {
	service, err := s.findPrivateService(c)
	if err != nil {
		return err
	}
	provider, in := c.params["cloudProvider"], clone(c.in())
	if err := checkPrivateEndpoint(provider, in); err != nil {
		return err
	}
	if state := textOf(service.Doc, "status"); service.Progress != nil || state == "FAILED" {
		return refused("The private endpoint service %s is %s.", c.params["endpointServiceId"], state)
	}
	side := privateSides[provider]
	doc := object{"cloudProvider": provider, "serviceId": c.params["endpointServiceId"], "deleteRequested": false, "errorMessage": nil}
	switch provider {
	case "AWS":
		doc[side.id] = in["id"]
	case "AZURE":
		doc[side.id], doc["privateEndpointIPAddress"], doc["privateEndpointConnectionName"] = in["id"], in["privateEndpointIPAddress"], nil
	default:
		doc[side.id], doc["gcpProjectId"], doc["endpoints"] = in[side.id], in["gcpProjectId"], in["endpoints"]
		mapped := boolOf(service.Doc, "portMappingEnabled")
		doc["portMappingEnabled"] = mapped
		if mapped { // the name is taken of the one endpoint
			rules := objectsOf(in, "endpoints")
			if len(rules) != 1 {
				return fail("INVALID_ATTRIBUTE", "endpoints")
			}
			doc[side.id] = rules[0]["endpointName"]
		}
	}
	key := privateEndpointKey(doc)
	if _, there := c.project.of(PrivateEndpoint).get(key); there {
		return refused("The private endpoint %s exists already.", textOf(doc, side.id))
	}
	it := &item{Doc: doc}
	s.toil(PrivateEndpoint, it, side.begins, s.opts.CreateTime)
	c.project.store(PrivateEndpoint, key, it)
	c.setJSON(http.StatusOK, privateEndpointView(doc))
	return nil
}

// privateEndpointMade fills in what an endpoint has once it works.
func (s *Server) privateEndpointMade(_ *project, doc object) {
	if textOf(doc, "cloudProvider") == "AZURE" {
		doc["privateEndpointConnectionName"] = "pls_" + textOf(doc, "serviceId") + "." + objectID("connection", privateEndpointKey(doc))
	}
}

func (s *Server) findPrivateEndpoint(c *call) (*item, *apiError) {
	if _, err := s.findPrivateService(c); err != nil {
		return nil, err
	}
	it, ok := s.seek(c, PrivateEndpoint, endpointKey(c.params["endpointServiceId"], c.params["endpointId"]))
	if !ok {
		return nil, fail("RESOURCE_NOT_FOUND", c.req.URL.Path)
	}
	return it, nil
}

func (s *Server) getPrivateEndpoint(c *call) *apiError {
	it, err := s.findPrivateEndpoint(c)
	if err == nil {
		c.out = privateEndpointView(it.Doc)
	}
	return err
}

// deletePrivateEndpoint begins the end of an endpoint.
func (s *Server) deletePrivateEndpoint(c *call) *apiError {
	it, err := s.findPrivateEndpoint(c)
	if err != nil {
		return err
	}
	it.Doc = clone(it.Doc)
	it.Doc["deleteRequested"] = true
	s.toil(PrivateEndpoint, it, "DELETING", s.opts.DeleteTime)
	c.status = http.StatusNoContent
	return nil
}
