package workflow_test

import (
	"maps"
	"slices"
	"testing"

	"mercator/provider/sandbox"
)

// lawSides say on which cloud the services of the law for private endpoints are, by their labels.
var lawSides = map[string]string{"amazon": "AWS", "azure": "AZURE", "google": "GCP"}

// lawIDs are the fields that name an endpoint, and the names that one can have.
var lawIDs = map[string][]any{
	"AWS":   {"vpce-0123456789abcdef0", "vpce-0123456789abcdef1"},
	"AZURE": {"/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/privateEndpoints/e", "/subscriptions/s/privateEndpoints/f"},
	"GCP":   {"group", "a group/b"},
}

func init() {
	lawMend["private_endpoint"] = mendLawEndpoint
	maps.Copy(lawValues, map[string]func(g *lawGen, old any) any{
		"private_endpoint_service.provider_name": func(g *lawGen, _ any) any { return lawSides[g.block.label] },
		"private_endpoint_service.region":        func(g *lawGen, old any) any { return g.rarely(old, "EU_WEST_1", "US_EAST_1") },
		"private_endpoint_service.supported_remote_regions": func(g *lawGen, old any) any {
			return g.unlike(old, []any{}, []any{"EU_CENTRAL_1"}, []any{"US_WEST_2", "EU_CENTRAL_1"})
		},
		"private_endpoint.endpoint_id":                 func(g *lawGen, old any) any { return g.rarely(old, lawIDs[lawSides[g.block.label]]...) },
		"private_endpoint.private_endpoint_ip_address": func(g *lawGen, old any) any { return g.rarely(old, "10.0.0.4", "10.0.0.5") },
		"private_endpoint.gcp_project_id":              func(g *lawGen, old any) any { return g.rarely(old, "shop-1", "shop-2") },
		"private_endpoint.endpoints": func(g *lawGen, _ any) any {
			one, two := lawObject{"endpoint_name": "one", "ip_address": "10.0.0.6"}, lawObject{"endpoint_name": "two", "ip_address": "10.0.0.7"}
			return lawPick(g, []any{one}, []any{one, two}, []any{two, one})
		},
	})
}

// mendLawEndpoint writes all that an endpoint of its cloud needs, and nothing of another's.
func mendLawEndpoint(g *lawGen, old, args lawObject) {
	needs := map[string][]string{"azure": {"private_endpoint_ip_address"}, "google": {"endpoints", "gcp_project_id"}}[g.block.label]
	for _, name := range []string{"endpoints", "gcp_project_id", "private_endpoint_ip_address"} {
		switch {
		case !slices.Contains(needs, name):
			delete(args, name)
		case args[name] == nil:
			args[name] = lawValues["private_endpoint."+name](g, old[name])
		}
	}
}

// lawMapsPorts reports whether the service on Google Cloud maps ports, or is asked to: it takes one endpoint then, and
// knows it by its own name.
func lawMapsPorts(c *lawApartCase) bool {
	if c.blocks["private_endpoint_service.google"].args["port_mapping_enabled"] == true {
		return true
	}
	group, _ := c.r.box.ProjectID("shop")
	return slices.ContainsFunc(c.r.box.List(sandbox.PrivateService, group), func(doc map[string]any) bool { return doc["portMappingEnabled"] == true })
}

// TestLawOfPrivateEndpoints is the law for private ways from other networks to the clusters of a project.
func TestLawOfPrivateEndpoints(t *testing.T) {
	text := func(doc map[string]any, name string) string { s, _ := doc[name].(string); return s }
	name := func(doc map[string]any) string {
		return text(doc, "interfaceEndpointId") + text(doc, "privateEndpointResourceId") + text(doc, "endpointGroupName")
	}
	labels := []string{"amazon", "azure", "google"}
	l := &lawApart{
		kinds: []lawApartKind{
			{name: "private_endpoint_service", labels: labels, key: func(doc map[string]any) string { return text(doc, "id") }},
			{name: "private_endpoint", labels: labels, key: func(doc map[string]any) string { return text(doc, "serviceId") + "/" + name(doc) },
				is: func(b *lawApartBlock, doc map[string]any) bool { return b.args["endpoint_id"] == name(doc) }},
		},
		paths: []string{"/privateEndpoint/", "/endpoint/", "/endpointService"},
		fit: func(c *lawApartCase) {
			for _, label := range labels {
				if c.blocks["private_endpoint_service."+label] == nil {
					delete(c.blocks, "private_endpoint."+label)
				}
			}
			if e := c.blocks["private_endpoint.google"]; e != nil && lawMapsPorts(c) {
				e.args["endpoints"] = []any{lawObject{"endpoint_name": e.args["endpoint_id"], "ip_address": "10.0.0.8"}}
			}
		},
		file: func(c *lawApartCase) string {
			inside := ""
			for _, b := range c.of("private_endpoint_service") {
				endpoint := ""
				if e := c.blocks["private_endpoint."+b.label]; e != nil {
					endpoint = e.write("")
				}
				inside += b.write(endpoint)
			}
			return "project \"shop\" {\n" + inside + "}\n"
		},
		hand: func(g *lawGen, kind string, doc map[string]any) map[string]any {
			switch {
			case kind == "private_endpoint":
				return map[string]any{"status": lawPick(g, "INITIATING", "AVAILABLE")}
			case doc["cloudProvider"] == "AWS":
				return map[string]any{"supportedRemoteRegions": []any{"SA_EAST_1"}}
			}
			return nil
		},
	}
	l.check(t)
}
