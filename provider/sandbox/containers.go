package sandbox

import "fmt"

const containerPath = apiRoot + "/groups/{groupId}/containers"

var containerOperations = []*operation{
	{id: "listGroupContainers", method: "GET", path: containerPath, versions: since("2023-01-01"), limits: "containers", serve: (*Server).listContainers},
	{id: "listGroupContainerAll", method: "GET", path: containerPath + "/all", versions: since("2023-01-01"), limits: "containers", serve: (*Server).listAllContainers},
	{id: "getGroupContainer", method: "GET", path: containerPath + "/{containerId}", versions: since("2023-01-01"), limits: "containers", serve: (*Server).getContainer},
}

// addContainers makes the network containers of a cluster's regions that its project lacks, as Atlas does
// with the first cluster.
func (s *Server) addContainers(p *project, doc object) {
	for _, spec := range objectsOf(doc, "replicationSpecs") {
		for _, region := range objectsOf(spec, "regionConfigs") {
			provider, name := textOf(region, "providerName"), textOf(region, "regionName")
			if provider != "TENANT" {
				s.addContainer(p, provider, name)
			}
		}
	}
}

func (s *Server) addContainer(p *project, provider, region string) {
	field := "region"
	if provider == "AWS" {
		field = "regionName"
	}
	number := 0
	for _, it := range p.of(Container).all() {
		if textOf(it.Doc, "providerName") == provider {
			if number++; provider == "GCP" || textOf(it.Doc, field) == region {
				return
			}
		}
	}
	id := s.newID()
	doc := object{"id": id, "providerName": provider, "provisioned": true, "atlasCidrBlock": fmt.Sprintf("192.168.%d.0/21", (248-8*number)&0xff)}
	switch provider {
	case "AWS":
		doc["regionName"], doc["vpcId"] = region, "vpc-"+objectID("vpc", id)[:17]
	case "AZURE":
		doc["region"], doc["azureSubscriptionId"], doc["vnetName"] = region, objectID("subscription", p.id()), "vnet_"+id
	case "GCP":
		doc["atlasCidrBlock"], doc["gcpProjectId"], doc["networkName"] = "192.168.0.0/18", "p-"+objectID("gcp", p.id()), "nt-"+id
	}
	p.store(Container, id, &item{Doc: doc})
}

// listContainers lists the containers of one provider, AWS unless asked otherwise.
func (s *Server) listContainers(c *call) *apiError {
	provider := c.req.URL.Query().Get("providerName")
	if provider == "" {
		provider = "AWS"
	}
	page, err := readPage(c.req.URL.Query(), "providerName=AWS")
	if err != nil {
		return err
	}
	var found []any
	for _, it := range c.project.of(Container).all() {
		if textOf(it.Doc, "providerName") == provider {
			found = append(found, it.Doc)
		}
	}
	first, last := page.bounds(len(found))
	c.out = page.envelope(c.path(), found[first:last], len(found), 0)
	return nil
}

func (s *Server) listAllContainers(c *call) *apiError {
	return servePage(c, c.project.of(Container), func(it *item) any { return it.Doc })
}

func (s *Server) getContainer(c *call) *apiError {
	it, ok := c.project.of(Container).get(c.params["containerId"])
	if !ok {
		return fail("CLOUD_PROVIDER_CONTAINER_NOT_FOUND", c.params["containerId"])
	}
	c.out = it.Doc
	return nil
}
