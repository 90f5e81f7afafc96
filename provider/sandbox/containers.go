package sandbox

import (
	"fmt"
	"net/http"
	"net/netip"
)

const containerPath = apiRoot + "/groups/{groupId}/containers"

var containerRule = of(shape{
	"atlasCidrBlock": text,
	"id":             owned, "provisioned": owned, "vpcId": owned, "azureSubscriptionId": owned, "vnetName": owned, "gcpProjectId": owned, "networkName": owned,
	"providerName": enum("AWS", "AZURE", "GCP"),
	"region":       text,
	"regionName":   text,
	"regions":      list(text),
})

var containerOperations = []*operation{
	{id: "listGroupContainers", method: "GET", path: containerPath, versions: since("2023-01-01"), limits: "containers", serve: (*Server).listContainers},
	{id: "createGroupContainer", method: "POST", path: containerPath, versions: since("2023-01-01"), limits: "containers", body: &containerRule, serve: (*Server).createContainer},
	{id: "listGroupContainerAll", method: "GET", path: containerPath + "/all", versions: since("2023-01-01"), limits: "containers", serve: (*Server).listAllContainers},
	{id: "getGroupContainer", method: "GET", path: containerPath + "/{containerId}", versions: since("2023-01-01"), limits: "containers", serve: (*Server).getContainer},
	{id: "updateGroupContainer", method: "PATCH", path: containerPath + "/{containerId}", versions: since("2023-01-01"), limits: "containers", body: &containerRule, serve: (*Server).updateContainer},
	{id: "deleteGroupContainer", method: "DELETE", path: containerPath + "/{containerId}", versions: since("2023-01-01"), limits: "containers", serve: (*Server).deleteContainer},
}

// regionField is the field of a container that holds its region; Google Cloud has one container for all.
func regionField(provider string) string {
	switch provider {
	case "AWS":
		return "regionName"
	case "AZURE":
		return "region"
	}
	return ""
}

// addContainers makes the network containers of a cluster's regions that its project lacks, as Atlas does
// with the first cluster.
func (s *Server) addContainers(p *project, doc object) {
	for _, place := range placesOf(doc) {
		s.addContainer(p, place[0], place[1])
	}
}

// placesOf are the providers and regions in which a cluster has machines of its own.
func placesOf(cluster object) [][2]string {
	var out [][2]string
	for _, spec := range objectsOf(cluster, "replicationSpecs") {
		for _, region := range objectsOf(spec, "regionConfigs") {
			if provider := textOf(region, "providerName"); provider != "TENANT" {
				out = append(out, [2]string{provider, textOf(region, "regionName")})
			}
		}
	}
	return out
}

// containerAt returns the container of a region.
func containerAt(p *project, provider, region string) *item {
	for _, it := range p.of(Container).all() {
		if textOf(it.Doc, "providerName") == provider && (provider == "GCP" || textOf(it.Doc, regionField(provider)) == region) {
			return it
		}
	}
	return nil
}

func (s *Server) addContainer(p *project, provider, region string) {
	if containerAt(p, provider, region) != nil {
		return
	}
	doc := object{"providerName": provider, "atlasCidrBlock": "192.168.0.0/18"}
	if field := regionField(provider); field != "" {
		doc[field] = region
		for n := 0; n == 0 || overlapping(p, provider, textOf(doc, "atlasCidrBlock")) && n < 32; n++ {
			doc["atlasCidrBlock"] = fmt.Sprintf("192.168.%d.0/21", 248-8*n)
		}
	}
	s.putContainer(p, doc)
}

// putContainer gives a container its id and stores it.
func (s *Server) putContainer(p *project, doc object) *item {
	id := s.newID()
	doc["id"] = id
	it := &item{Doc: doc}
	p.store(Container, id, it)
	return it
}

// containerView shows a container: what names Atlas's network stands there once clusters are in it.
func (s *Server) containerView(p *project, doc object) object {
	out := clone(doc)
	used, id, provider := boolOf(doc, "provisioned") || containerUsed(p, doc), textOf(doc, "id"), textOf(doc, "providerName")
	out["provisioned"] = used
	names := map[string][]string{"AWS": {"vpcId"}, "AZURE": {"azureSubscriptionId", "vnetName"}, "GCP": {"gcpProjectId", "networkName"}}[provider]
	for _, name := range names {
		switch {
		case !used:
			out[name] = nil
		case out[name] != nil:
		case name == "vpcId":
			out[name] = "vpc-" + objectID("vpc", id)[:17]
		case name == "azureSubscriptionId":
			out[name] = objectID("subscription", p.id())
		case name == "vnetName":
			out[name] = "vnet_" + id
		case name == "gcpProjectId":
			out[name] = "p-" + objectID("gcp", p.id())
		default:
			out[name] = "nt-" + id
		}
	}
	return out
}

// containerUsed reports whether a cluster is in a container.
func containerUsed(p *project, doc object) bool {
	for _, it := range p.of(Cluster).all() {
		for _, place := range placesOf(it.Doc) {
			if used := containerAt(p, place[0], place[1]); used != nil && textOf(used.Doc, "id") == textOf(doc, "id") {
				return true
			}
		}
	}
	return false
}

// containerPeers reports whether a peering connection leads to a container.
func containerPeers(p *project, id string) bool {
	for _, it := range p.of(Peering).all() {
		if textOf(it.Doc, "containerId") == id {
			return true
		}
	}
	return false
}

// overlapping reports whether a block overlaps with that of another container of the provider.
func overlapping(p *project, provider, block string) bool {
	network, err := netip.ParsePrefix(block)
	for _, it := range p.of(Container).all() {
		other, failed := netip.ParsePrefix(textOf(it.Doc, "atlasCidrBlock"))
		if err == nil && failed == nil && textOf(it.Doc, "providerName") == provider && network.Overlaps(other) {
			return true
		}
	}
	return false
}

// checkBlock refuses addresses that Atlas does not take for a container.
func checkBlock(provider, block string, regions bool) *apiError {
	network, err := netip.ParsePrefix(block)
	switch {
	case err != nil || !network.Addr().Is4():
		return fail("INVALID_IP_ADDRESS_OR_CIDR_NOTATION", block)
	case network != network.Masked():
		return fail("ATLAS_NON_CANONICAL_CIDR_BLOCK", block, network.Masked().String())
	case !network.Addr().IsPrivate():
		return fail("ATLAS_INVALID_CIDR_RANGE", block)
	}
	least, most := 21, 24
	if provider == "GCP" && !regions {
		least, most = 8, 18
	}
	if bits := network.Bits(); bits < least || bits > most {
		return fail("ATLAS_INVALID_CIDR_BLOCK", block, fmt.Sprintf("%d to /%d", least, most), provider)
	}
	return nil
}

// listContainers lists the containers of one provider, AWS unless asked otherwise.
func (s *Server) listContainers(c *call) *apiError {
	return s.listOfProvider(c, Container, func(doc object) any { return s.containerView(c.project, doc) })
}

// listOfProvider lists the objects of a kind that belong to the provider that the query asks for.
func (s *Server) listOfProvider(c *call, kind Kind, view func(object) any) *apiError {
	provider := c.req.URL.Query().Get("providerName")
	if provider == "" {
		provider = "AWS"
	}
	page, err := readPage(c.req.URL.Query(), "providerName=AWS")
	if err != nil {
		return err
	}
	var found []any
	for _, it := range c.project.of(kind).all() {
		if textOf(it.Doc, "providerName") == provider {
			found = append(found, view(it.Doc))
		}
	}
	first, last := page.bounds(len(found))
	c.out = page.envelope(c.path(), found[first:last], len(found), 0)
	return nil
}

func (s *Server) listAllContainers(c *call) *apiError {
	return servePage(c, c.project.of(Container), func(it *item) any { return s.containerView(c.project, it.Doc) })
}

func findContainer(c *call) (*item, *apiError) {
	it, ok := c.project.of(Container).get(c.params["containerId"])
	if !ok {
		return nil, fail("CLOUD_PROVIDER_CONTAINER_NOT_FOUND", c.params["containerId"])
	}
	return it, nil
}

func (s *Server) getContainer(c *call) *apiError {
	it, err := findContainer(c)
	if err == nil {
		c.out = s.containerView(c.project, it.Doc)
	}
	return err
}

// createContainer answers with the specification's status: no recording shows one.
func (s *Server) createContainer(c *call) *apiError {
	doc := clone(c.in())
	setDefault(doc, "providerName", "AWS")
	provider := textOf(doc, "providerName")
	field := regionField(provider)
	for _, name := range []string{"region", "regionName", "regions"} {
		given := doc[name] != nil
		switch {
		case name == field && !given:
			return fail("MISSING_ATTRIBUTE", name)
		case given && name != field && (name != "regions" || provider != "GCP"):
			return fail("INVALID_ATTRIBUTE", name)
		}
	}
	if doc["atlasCidrBlock"] == nil {
		if provider != "AWS" {
			return fail("MISSING_ATTRIBUTE", "atlasCidrBlock")
		}
		s.addContainer(c.project, provider, textOf(doc, field))
		c.out = s.containerView(c.project, containerAt(c.project, provider, textOf(doc, field)).Doc)
		return nil
	}
	block := textOf(doc, "atlasCidrBlock")
	if err := checkBlock(provider, block, doc["regions"] != nil); err != nil {
		return err
	}
	switch {
	case containerAt(c.project, provider, textOf(doc, field)) != nil:
		return fail("CONTAINER_ALREADY_EXISTS", c.project.id())
	case overlapping(c.project, provider, block):
		return fail("OVERLAPPING_ATLAS_CIDR_BLOCK", block)
	}
	c.setJSON(http.StatusOK, s.containerView(c.project, s.putContainer(c.project, doc).Doc))
	return nil
}

// updateContainer changes addresses and regions of a container that nothing uses. What the body repeats may stand.
func (s *Server) updateContainer(c *call) *apiError {
	it, err := findContainer(c)
	if err != nil {
		return err
	}
	doc, id := clone(it.Doc), c.params["containerId"]
	provider := textOf(doc, "providerName")
	for _, name := range []string{"providerName", "region", "regionName"} {
		if value, given := c.in()[name]; given && value != doc[name] {
			return fail("CANNOT_CHANGE_CONTAINER_REGION")
		}
	}
	for name, value := range c.in() {
		doc[name] = value
	}
	if canonical(doc) == canonical(it.Doc) {
		c.out = s.containerView(c.project, doc)
		return nil
	}
	if containerUsed(c.project, it.Doc) || boolOf(it.Doc, "provisioned") || containerPeers(c.project, id) {
		return fail("CONTAINERS_IN_USE", id)
	}
	block := textOf(doc, "atlasCidrBlock")
	if err := checkBlock(provider, block, doc["regions"] != nil); err != nil {
		return err
	}
	c.project.of(Container).remove(id)
	clash := overlapping(c.project, provider, block)
	c.project.store(Container, id, it)
	if clash {
		return fail("OVERLAPPING_ATLAS_CIDR_BLOCK", block)
	}
	it.Doc = doc
	c.out = s.containerView(c.project, doc)
	return nil
}

func (s *Server) deleteContainer(c *call) *apiError {
	it, err := findContainer(c)
	if err != nil {
		return err
	}
	id := c.params["containerId"]
	if containerUsed(c.project, it.Doc) || containerPeers(c.project, id) {
		return fail("CONTAINERS_IN_USE", id)
	}
	c.project.of(Container).remove(id)
	c.status = http.StatusNoContent
	return nil
}
