package sandbox

import (
	"maps"
	"strings"
	"testing"
	"time"
)

func containerOn(provider, region, block string) object {
	doc := object{"providerName": provider, "atlasCidrBlock": block}
	if field := regionField(provider); field != "" {
		doc[field] = region
	}
	return doc
}

func TestContainerLife(t *testing.T) {
	c := start(t, Options{})
	project := c.project("p")
	path := project + "/containers"
	made := c.do("POST", path, containerOn("AWS", "EU_WEST_1", "10.8.0.0/21"), 200).body
	if made["provisioned"] != false || made["vpcId"] != nil || len(textOf(made, "id")) != 24 {
		t.Errorf("made %v", made)
	}
	c.do("POST", path, containerOn("GCP", "", "10.128.0.0/18"), 200)
	c.do("POST", path, containerOn("AZURE", "EUROPE_WEST", "10.8.0.0/21"), 200)
	one := path + "/" + textOf(made, "id")
	if got := c.do("PATCH", one, containerOn("AWS", "EU_WEST_1", "10.8.8.0/22"), 200).body; got["atlasCidrBlock"] != "10.8.8.0/22" {
		t.Errorf("changed to %v", got)
	}
	c.do("POST", project+"/clusters", replicaSet("orders"), 201)
	used := c.do("GET", one, nil, 200).body
	if used["provisioned"] != true || !strings.HasPrefix(textOf(used, "vpcId"), "vpc-") {
		t.Errorf("in use it is %v", used)
	}
	if got := c.do("GET", path+"/all", nil, 200).results(); len(got) != 3 {
		t.Errorf("the cluster made another container: %v", got)
	}
	c.refuse("PATCH", one, object{"atlasCidrBlock": "10.9.0.0/21"}, 409, "CONTAINERS_IN_USE")
	c.do("PATCH", one, object{"atlasCidrBlock": "10.8.8.0/22", "regionName": "EU_WEST_1"}, 200) // as it is
	c.refuse("DELETE", one, nil, 409, "CONTAINERS_IN_USE")
	c.do("DELETE", project+"/clusters/orders", nil, 202)
	c.do("GET", project+"/clusters", nil, 200)
	c.do("DELETE", one, nil, 204)
	c.refuse("GET", one, nil, 404, "CLOUD_PROVIDER_CONTAINER_NOT_FOUND")
}

func TestContainerChecks(t *testing.T) {
	c := start(t, Options{})
	path := c.project("p") + "/containers"
	made := c.do("POST", path, containerOn("AWS", "EU_WEST_1", "10.8.0.0/21"), 200).body
	for _, tc := range []struct {
		doc    object
		status int
		code   string
	}{
		{containerOn("AWS", "EU_WEST_1", "10.9.0.0/21"), 409, "CONTAINER_ALREADY_EXISTS"},
		{containerOn("AWS", "US_EAST_1", "10.8.4.0/22"), 409, "OVERLAPPING_ATLAS_CIDR_BLOCK"},
		{containerOn("AWS", "US_EAST_1", "10.9.0.1/21"), 400, "ATLAS_NON_CANONICAL_CIDR_BLOCK"},
		{containerOn("AWS", "US_EAST_1", "10.0.0.0/16"), 400, "ATLAS_INVALID_CIDR_BLOCK"},
		{containerOn("GCP", "", "10.128.0.0/21"), 400, "ATLAS_INVALID_CIDR_BLOCK"},
		{containerOn("AWS", "US_EAST_1", "8.8.8.0/24"), 400, "ATLAS_INVALID_CIDR_RANGE"},
		{containerOn("AWS", "US_EAST_1", "here"), 400, "INVALID_IP_ADDRESS_OR_CIDR_NOTATION"},
		{object{"providerName": "AWS", "region": "EU_WEST_1"}, 400, "INVALID_ATTRIBUTE"},
		{object{"providerName": "AZURE", "atlasCidrBlock": "10.9.0.0/21"}, 400, "MISSING_ATTRIBUTE"},
		{object{"providerName": "AZURE", "region": "EUROPE_WEST"}, 400, "MISSING_ATTRIBUTE"},
	} {
		c.refuse("POST", path, tc.doc, tc.status, tc.code)
	}
	c.do("POST", path, object{"providerName": "GCP", "atlasCidrBlock": "10.128.0.0/21", "regions": []any{"WESTERN_EUROPE"}}, 200)
	c.do("POST", path, object{"regionName": "US_EAST_1"}, 200)
	c.refuse("PATCH", path+"/"+textOf(made, "id"), object{"regionName": "US_WEST_1"}, 400, "CANNOT_CHANGE_CONTAINER_REGION")
}

func TestRecordedContainers(t *testing.T) {
	c := newConformance(t, "privateNetworking")
	maps.DeleteFunc(c.recorded, func(op string, _ []recording) bool { return !strings.Contains(op, "/containers") })
	for _, list := range c.recorded {
		for _, r := range list {
			c.fresh(t, r)
			provider := "AWS"
			for _, doc := range objectsOf(asObject(r.Body), "results") {
				c.put(t, Container, r.Params["groupId"], doc)
				provider = textOf(doc, "providerName")
			}
			r.RawPath += "?providerName=" + provider
			c.compare(t, r, nil)
		}
	}
	c.report(t)
}

func awsPeer(container string) object {
	return object{"containerId": container, "accepterRegionName": "eu-west-1", "awsAccountId": "123456789012", "vpcId": "vpc-0123456789abcdef0", "routeTableCidrBlock": "10.20.0.0/16"}
}

func TestPeerLife(t *testing.T) {
	c := start(t, Options{CreateTime: 10 * time.Minute, DeleteTime: 10 * time.Minute})
	project := c.project("p")
	id := strings.Split(project, "/")[5]
	path := project + "/peers"
	ids := map[string]string{}
	for provider, block := range map[string]string{"AWS": "10.8.0.0/21", "AZURE": "10.8.0.0/21", "GCP": "10.128.0.0/18"} {
		ids[provider] = textOf(c.do("POST", project+"/containers", containerOn(provider, "EU_WEST_1", block), 200).body, "id")
	}
	peers := map[string]object{
		"AWS": awsPeer(ids["AWS"]),
		"AZURE": {"providerName": "AZURE", "containerId": ids["AZURE"], "azureDirectoryId": "00000000-0000-0000-0000-0000000000d1",
			"azureSubscriptionId": "00000000-0000-0000-0000-0000000000e1", "resourceGroupName": "g", "vnetName": "v"},
		"GCP": {"providerName": "GCP", "containerId": ids["GCP"], "gcpProjectId": "shop-1", "networkName": "default"},
	}
	states := map[string][]string{"AWS": {"INITIATING", "PENDING_ACCEPTANCE", "TERMINATING"}, "AZURE": {"ADDING_PEER", "AVAILABLE", "DELETING"}, "GCP": {"ADDING_PEER", "WAITING_FOR_USER", "DELETING"}}
	for provider, doc := range peers {
		field := "status"
		if provider == "AWS" {
			field = "statusName"
		}
		made := c.do("POST", path, doc, 200).body
		one := path + "/" + textOf(made, "id")
		if made[field] != states[provider][0] || made["state"] != nil || made["failure"] != nil {
			t.Errorf("made %v", made)
		}
		c.clock.Advance(time.Minute)
		rest := c.do("GET", one, nil, 200).body
		if rest[field] != states[provider][1] || provider == "AWS" && (rest["connectionId"] == nil || rest["accepterRegionName"] != nil) {
			t.Errorf("at rest %v", rest)
		}
		if got := c.do("GET", path+"?providerName="+provider, nil, 200).results(); len(got) != 1 || got[0]["providerName"] != provider {
			t.Errorf("the list of %s has %v", provider, got)
		}
		again := c.do("POST", path, doc, 409)
		if code := textOf(again.body, "errorCode"); !strings.HasPrefix(code, "PEER_ALREADY_EXISTS") {
			t.Errorf("a second one: %s", code)
		}
		c.refuse("DELETE", project+"/containers/"+ids[provider], nil, 409, "CONTAINERS_IN_USE")
		c.refuse("DELETE", project, nil, 409, "CANNOT_CLOSE_GROUP_ACTIVE_PEERING_CONNECTIONS")
		if err := c.s.Change(Peering, id, textOf(made, "id"), object{"state": "FAILED", "failure": "REJECTED"}); err != nil {
			t.Fatal(err)
		}
		if got := c.do("GET", one, nil, 200).body; got[field] != "FAILED" || got["errorStateName"] == nil && got["errorState"] == nil && got["errorMessage"] == nil {
			t.Errorf("failed %v", got)
		}
		c.do("DELETE", one, nil, 202)
		c.refuse("DELETE", one, nil, 409, "PEER_ALREADY_REQUESTED_DELETION")
		if got := c.do("GET", one, nil, 200).body; got[field] != states[provider][2] {
			t.Errorf("while it goes it is %v", got)
		}
		c.clock.Advance(time.Minute)
		c.refuse("GET", one, nil, 404, "PEER_NOT_FOUND")
	}
}

func TestPeerChecks(t *testing.T) {
	c := start(t, Options{})
	project := c.project("p")
	container := textOf(c.do("POST", project+"/containers", containerOn("AWS", "EU_WEST_1", "10.8.0.0/21"), 200).body, "id")
	path := project + "/peers"
	with := func(name string, value any) object {
		doc := awsPeer(container)
		doc[name] = value
		return doc
	}
	c.refuse("POST", path, with("vpcId", nil), 400, "MISSING_ATTRIBUTE")
	c.refuse("POST", path, with("networkName", "n"), 400, "INVALID_ATTRIBUTE")
	c.refuse("POST", path, with("awsAccountId", "1"), 400, "VALIDATION_ERROR")
	c.refuse("POST", path, with("containerId", "5a0db0000000000000000009"), 404, "CLOUD_PROVIDER_CONTAINER_NOT_FOUND")
	c.refuse("POST", path, with("routeTableCidrBlock", "10.0.0.0/8"), 409, "OVERLAPPING_ATLAS_CIDR_BLOCK")
	c.refuse("POST", path, with("routeTableCidrBlock", "10"), 400, "INVALID_IP_ADDRESS_OR_CIDR_NOTATION")
	one := path + "/" + textOf(c.do("POST", path, awsPeer(container), 200).body, "id")
	c.do("GET", one, nil, 200)
	if got := c.do("PATCH", one, with("routeTableCidrBlock", "10.21.0.0/16"), 200).body; got["routeTableCidrBlock"] != "10.21.0.0/16" {
		t.Errorf("changed to %v", got)
	}
	c.refuse("PATCH", path+"/5a0db0000000000000000009", awsPeer(container), 404, "PEER_NOT_FOUND")
}
