package sandbox

import (
	"maps"
	"net/url"
	"strings"
	"testing"
	"time"
)

func privateServiceOn(provider string) object {
	return object{"providerName": provider, "region": map[string]string{"AWS": "EU_WEST_1", "AZURE": "EUROPE_WEST", "GCP": "WESTERN_EUROPE"}[provider]}
}

const azureEndpoint = "/subscriptions/00000000-0000-0000-0000-0000000000e1/resourceGroups/g/providers/Microsoft.Network/privateEndpoints/e"

var privateRequests = map[string]object{
	"AWS":   {"id": "vpce-0123456789abcdef0"},
	"AZURE": {"id": azureEndpoint, "privateEndpointIPAddress": "10.0.0.4", "cloudProvider": "AZURE"},
	"GCP": {"endpointGroupName": "group", "gcpProjectId": "shop-1",
		"endpoints": []any{object{"endpointName": "a", "ipAddress": "10.0.0.5"}, object{"endpointName": "b", "ipAddress": "10.0.0.6"}}},
}

func TestPrivateEndpointLife(t *testing.T) {
	c := start(t, Options{CreateTime: 10 * time.Minute, DeleteTime: 10 * time.Minute})
	project := c.project("p")
	id := strings.Split(project, "/")[5]
	for provider, side := range privateSides {
		root := project + "/privateEndpoint/"
		made := c.do("POST", root+"endpointService", privateServiceOn(provider), 201).body
		one := root + provider + "/endpointService/" + textOf(made, "id")
		if made["status"] != "INITIATING" || made["cloudProvider"] != provider || made["regionName"] == nil || made["region"] != nil {
			t.Errorf("made %v", made)
		}
		request := privateRequests[provider]
		c.refuse("POST", root+"endpointService", privateServiceOn(provider), 409, "PRIVATE_ENDPOINT_SERVICE_ALREADY_EXISTS_FOR_REGION")
		c.refuse("POST", one+"/endpoint", request, 409, "UNEXPECTED_ERROR") // too early
		c.clock.Advance(time.Minute)
		if got := c.do("GET", one, nil, 200).body; got["status"] != "AVAILABLE" || got["endpointServiceName"] == nil && got["privateLinkServiceResourceId"] == nil && got["serviceAttachmentNames"] == nil {
			t.Errorf("the service is %v", got)
		}
		made = c.do("POST", one+"/endpoint", request, 200).body
		if made[side.state] != side.begins || made["serviceId"] != nil {
			t.Errorf("made %v", made)
		}
		c.refuse("POST", one+"/endpoint", request, 409, "UNEXPECTED_ERROR") // again
		name := textOf(made, side.id)
		endpoint := one + "/endpoint/" + url.QueryEscape(name)
		c.clock.Advance(time.Minute)
		if got := c.do("GET", endpoint, nil, 200).body; got[side.state] != "AVAILABLE" || provider == "AZURE" && got["privateEndpointConnectionName"] == nil {
			t.Errorf("the endpoint is %v", got)
		}
		list := c.do("GET", root+provider+"/endpointService", nil, 200).list
		if len(list) != 1 || asObject(list[0])[side.lists].([]any)[0] != name {
			t.Errorf("the list of %s is %v", provider, list)
		}
		c.refuse("DELETE", one, nil, 409, "UNEXPECTED_ERROR")
		c.refuse("DELETE", project, nil, 409, "CANNOT_CLOSE_GROUP_ACTIVE_ATLAS_PRIVATE_ENDPOINT_SERVICES")
		if err := c.s.Change(PrivateEndpoint, id, endpointKey(textOf(asObject(list[0]), "id"), name), object{"status": "FAILED", "errorMessage": "no"}); err != nil {
			t.Fatal(err)
		}
		if got := c.do("GET", endpoint, nil, 200).body; got[side.state] != "FAILED" || got["errorMessage"] != "no" {
			t.Errorf("failed %v", got)
		}
		c.do("DELETE", endpoint, nil, 204)
		if got := c.do("GET", endpoint, nil, 200).body; got[side.state] != "DELETING" || got["deleteRequested"] != true {
			t.Errorf("while it goes it is %v", got)
		}
		c.clock.Advance(time.Minute)
		c.refuse("GET", endpoint, nil, 404, "RESOURCE_NOT_FOUND")
		c.do("DELETE", one, nil, 202)
		c.clock.Advance(time.Minute)
		c.refuse("GET", one, nil, 404, "RESOURCE_NOT_FOUND")
	}
	c.do("DELETE", project, nil, 202)
}

func TestPrivateEndpointChecks(t *testing.T) {
	c := start(t, Options{})
	root := c.project("p") + "/privateEndpoint/"
	c.refuse("GET", root+"NONE/endpointService", nil, 404, "RESOURCE_NOT_FOUND")
	for _, doc := range []object{
		{"providerName": "AZURE", "region": "EUROPE_WEST", "supportedRemoteRegions": []any{"US_EAST_1"}},
		{"providerName": "AWS", "region": "EU_WEST_1", "portMappingEnabled": true},
	} {
		c.refuse("POST", root+"endpointService", doc, 400, "INVALID_ATTRIBUTE")
	}
	ids := map[string]string{}
	for provider := range privateSides {
		ids[provider] = textOf(c.do("POST", root+"endpointService", privateServiceOn(provider), 201).body, "id")
		c.do("GET", root+provider+"/endpointService", nil, 200)
	}
	service := func(provider string) string { return root + provider + "/endpointService/" + ids[provider] }
	c.refuse("GET", root+"AWS/endpointService/"+ids["GCP"], nil, 404, "RESOURCE_NOT_FOUND")
	remote := object{"cloudProvider": "AWS", "supportedRemoteRegions": []any{"US_EAST_1"}}
	if got := c.do("PATCH", root+"endpointService/"+ids["AWS"], remote, 200).body; got["supportedRemoteRegions"].([]any)[0] != "US_EAST_1" {
		t.Errorf("changed to %v", got)
	}
	c.refuse("PATCH", root+"endpointService/"+ids["GCP"], remote, 400, "INVALID_ATTRIBUTE")
	with := func(provider, name string, value any) object {
		doc := clone(privateRequests[provider])
		doc[name] = value
		return doc
	}
	c.refuse("POST", service("AWS")+"/endpoint", with("AWS", "id", azureEndpoint), 400, "INVALID_ATTRIBUTE")
	c.refuse("POST", service("AWS")+"/endpoint", with("AWS", "cloudProvider", "GCP"), 400, "INVALID_ATTRIBUTE")
	c.refuse("POST", service("AWS")+"/endpoint", with("AWS", "gcpProjectId", "shop-1"), 400, "INVALID_ATTRIBUTE")
	c.refuse("POST", service("AZURE")+"/endpoint", with("AZURE", "privateEndpointIPAddress", nil), 400, "MISSING_ATTRIBUTE")
	c.refuse("POST", service("GCP")+"/endpoint", with("GCP", "gcpProjectId", nil), 400, "MISSING_ATTRIBUTE")
	mapped := textOf(c.do("POST", root+"endpointService", object{"providerName": "GCP", "region": "CENTRAL_US", "portMappingEnabled": true}, 201).body, "id")
	c.do("GET", root+"GCP/endpointService/"+mapped, nil, 200)
	c.refuse("POST", root+"GCP/endpointService/"+mapped+"/endpoint", privateRequests["GCP"], 400, "INVALID_ATTRIBUTE")
	one := with("GCP", "endpoints", []any{object{"endpointName": "a", "ipAddress": "10.0.0.5"}})
	if got := c.do("POST", root+"GCP/endpointService/"+mapped+"/endpoint", one, 200).body; got["endpointGroupName"] != "a" {
		t.Errorf("with port mapping it is %v", got)
	}
	c.refuse("POST", root+"AWS/endpointService/5a0db0000000000000000009/endpoint", privateRequests["AWS"], 404, "RESOURCE_NOT_FOUND")
}

func TestRecordedPrivateServices(t *testing.T) {
	c := newConformance(t, "privateNetworking")
	maps.DeleteFunc(c.recorded, func(op string, _ []recording) bool { return !strings.Contains(op, "/endpointService") })
	for _, list := range c.recorded {
		for _, r := range list {
			c.fresh(t, r)
			switch body := r.Body.(type) {
			case []any:
				for _, doc := range body {
					c.put(t, PrivateService, r.Params["groupId"], asObject(doc))
				}
			case object:
				if r.Method == "POST" {
					c.compare(t, r, object{"providerName": body["cloudProvider"], "region": body["regionName"]})
					continue
				}
				doc := clone(body)
				if r.Method == "DELETE" {
					doc = object{"id": r.Params["endpointServiceId"], "cloudProvider": r.Params["cloudProvider"], "status": "AVAILABLE"}
				}
				c.put(t, PrivateService, r.Params["groupId"], doc)
			}
			c.compare(t, r, nil)
		}
	}
	c.report(t)
}
