package sandbox

import (
	"net/http"
	"net/netip"
	"slices"
)

const peerPath = apiRoot + "/groups/{groupId}/peers"

// peerFields are the fields that name the other network, by provider, all of them needed.
var peerFields = map[string][]string{
	"AWS":   {"accepterRegionName", "awsAccountId", "routeTableCidrBlock", "vpcId"},
	"AZURE": {"azureDirectoryId", "azureSubscriptionId", "resourceGroupName", "vnetName"},
	"GCP":   {"gcpProjectId", "networkName"},
}

var peerRule = of(shape{
	"accepterRegionName": text, "awsAccountId": text.like(`^[0-9]{12}$`), "routeTableCidrBlock": text, "vpcId": text.like(`^vpc-[0-9a-f]{17}$`),
	"azureDirectoryId": text.like(uuid), "azureSubscriptionId": text.like(uuid), "resourceGroupName": text, "vnetName": text,
	"gcpProjectId": text, "networkName": text,
	"containerId":  text.need().like(`^([a-f0-9]{24})$`),
	"providerName": enum("AWS", "AZURE", "GCP"),
	"connectionId": owned, "errorMessage": owned, "errorState": owned, "errorStateName": owned, "id": owned, "status": owned, "statusName": owned,
})

var peerOperations = []*operation{
	{id: "listGroupPeers", method: "GET", path: peerPath, versions: since("2023-01-01"), limits: "peers", serve: (*Server).listPeers},
	{id: "createGroupPeer", method: "POST", path: peerPath, versions: since("2023-01-01"), limits: "peers", body: &peerRule, serve: (*Server).createPeer},
	{id: "getGroupPeer", method: "GET", path: peerPath + "/{peerId}", versions: since("2023-01-01"), limits: "peers", serve: (*Server).getPeer},
	{id: "updateGroupPeer", method: "PATCH", path: peerPath + "/{peerId}", versions: since("2023-01-01"), limits: "peers", body: &peerRule, serve: (*Server).updatePeer},
	{id: "deleteGroupPeer", method: "DELETE", path: peerPath + "/{peerId}", versions: since("2023-01-01"), limits: "peers", serve: (*Server).deletePeer},
}

// peerState is the one state that the sandbox keeps of a peering connection under the field "state"; answers show it
// under the field of the provider.
const peerState = "state"

// peerView shows a connection as its provider has it. AWS has no accepterRegionName where both networks are in one
// region, which is documented and not recorded, as nothing of peering connections is.
func (s *Server) peerView(p *project, doc object) object {
	out := clone(doc)
	state, failure := out[peerState], out["failure"]
	delete(out, peerState)
	delete(out, "failure")
	switch textOf(doc, "providerName") {
	case "AWS":
		out["statusName"], out["errorStateName"] = state, failure
		out["connectionId"] = nil
		if state != "INITIATING" {
			out["connectionId"] = "pcx-" + objectID("pcx", textOf(doc, "id"))[:17]
		}
		if it, ok := p.of(Container).get(textOf(doc, "containerId")); ok && textOf(it.Doc, "regionName") == awsRegion(textOf(doc, "accepterRegionName")) {
			out["accepterRegionName"] = nil
		}
	case "AZURE":
		out["status"], out["errorState"] = state, failure
	default:
		out["status"], out["errorMessage"] = state, failure
	}
	return out
}

// awsRegion turns AWS's spelling of a region into Atlas's: eu-west-1 is EU_WEST_1.
func awsRegion(name string) string {
	out := []byte(name)
	for i, b := range out {
		switch {
		case b == '-':
			out[i] = '_'
		case 'a' <= b && b <= 'z':
			out[i] = b - 'a' + 'A'
		}
	}
	return string(out)
}

func (s *Server) listPeers(c *call) *apiError {
	s.concludeAll(c.project, Peering, true)
	return s.listOfProvider(c, Peering, func(doc object) any { return s.peerView(c.project, doc) })
}

func (s *Server) findPeer(c *call) (*item, *apiError) {
	it, ok := s.seek(c, Peering, c.params["peerId"])
	if !ok {
		return nil, fail("PEER_NOT_FOUND", c.params["peerId"], c.project.id())
	}
	return it, nil
}

func (s *Server) getPeer(c *call) *apiError {
	it, err := s.findPeer(c)
	if err == nil {
		c.out = s.peerView(c.project, it.Doc)
	}
	return err
}

// checkPeer refuses a connection that misses a field of its provider, has one of another, or does not fit its container.
func checkPeer(p *project, doc object) *apiError {
	provider := textOf(doc, "providerName")
	for _, other := range sortedKeys(peerFields) {
		for _, name := range peerFields[other] {
			switch given := doc[name] != nil; {
			case other == provider && !given:
				return fail("MISSING_ATTRIBUTE", name)
			case given && !slices.Contains(peerFields[provider], name):
				return fail("INVALID_ATTRIBUTE", name)
			}
		}
	}
	container, ok := p.of(Container).get(textOf(doc, "containerId"))
	if !ok || textOf(container.Doc, "providerName") != provider {
		return fail("CLOUD_PROVIDER_CONTAINER_NOT_FOUND", textOf(doc, "containerId"))
	}
	if provider != "AWS" {
		return nil
	}
	block := textOf(doc, "routeTableCidrBlock")
	theirs, err := netip.ParsePrefix(block)
	if err != nil {
		return fail("INVALID_IP_ADDRESS_OR_CIDR_NOTATION", block)
	}
	if ours, err := netip.ParsePrefix(textOf(container.Doc, "atlasCidrBlock")); err == nil && ours.Overlaps(theirs) {
		return fail("OVERLAPPING_ATLAS_CIDR_BLOCK", block)
	}
	return nil
}

// samePeer reports whether two connections lead from one container to one network.
func samePeer(a, b object) bool {
	for _, name := range []string{"providerName", "containerId", "awsAccountId", "vpcId", "azureSubscriptionId", "resourceGroupName", "vnetName", "gcpProjectId", "networkName"} {
		if a[name] != b[name] {
			return false
		}
	}
	return true
}

// createPeer answers with the specification's status: no recording shows one.
func (s *Server) createPeer(c *call) *apiError {
	doc := clone(c.in())
	setDefault(doc, "providerName", "AWS")
	if err := checkPeer(c.project, doc); err != nil {
		return err
	}
	for _, it := range c.project.of(Peering).all() {
		if samePeer(it.Doc, doc) {
			switch doc["providerName"] {
			case "AZURE":
				return fail("PEER_ALREADY_EXISTS_AZURE", doc["azureSubscriptionId"], doc["vnetName"])
			case "GCP":
				return fail("PEER_ALREADY_EXISTS_GCP", doc["gcpProjectId"], doc["networkName"])
			}
			return fail("PEER_ALREADY_EXISTS", doc["awsAccountId"], doc["vpcId"])
		}
	}
	doc["id"] = s.newID()
	it := &item{Doc: doc}
	state := "ADDING_PEER"
	if doc["providerName"] == "AWS" {
		state = "INITIATING"
	}
	s.toil(Peering, it, state, s.opts.CreateTime)
	c.project.store(Peering, textOf(doc, "id"), it)
	c.setJSON(http.StatusOK, s.peerView(c.project, doc))
	return nil
}

// updatePeer changes what a connection on AWS leads to; the others take no change.
func (s *Server) updatePeer(c *call) *apiError {
	it, err := s.findPeer(c)
	if err != nil {
		return err
	}
	doc := clone(it.Doc)
	for name, value := range c.in() {
		doc[name] = value
	}
	if err := checkPeer(c.project, doc); err != nil {
		return err
	}
	if textOf(doc, "providerName") != "AWS" || it.Progress != nil || textOf(doc, "containerId") != textOf(it.Doc, "containerId") {
		return fail("PEER_INVALID_STATE", c.params["peerId"], c.project.id())
	}
	it.Doc = doc
	c.out = s.peerView(c.project, doc)
	return nil
}

// deletePeer begins the end of a connection.
func (s *Server) deletePeer(c *call) *apiError {
	it, err := s.findPeer(c)
	if err != nil {
		return err
	}
	if state := textOf(it.Doc, peerState); state == "TERMINATING" || state == "DELETING" {
		return fail("PEER_ALREADY_REQUESTED_DELETION", c.params["peerId"])
	}
	it.Doc = clone(it.Doc)
	state := "DELETING"
	if textOf(it.Doc, "providerName") == "AWS" {
		state = "TERMINATING"
	}
	s.toil(Peering, it, state, s.opts.DeleteTime)
	c.setJSON(http.StatusAccepted, object{})
	return nil
}

// peered ends what a connection is busy with: one on Azure works then, the others wait for the other side.
func (s *Server) peered(_ *project, doc object) {
	if doc[peerState] == "AVAILABLE" {
		return
	}
	doc[peerState] = map[string]string{"AWS": "PENDING_ACCEPTANCE", "AZURE": "AVAILABLE", "GCP": "WAITING_FOR_USER"}[textOf(doc, "providerName")]
}
