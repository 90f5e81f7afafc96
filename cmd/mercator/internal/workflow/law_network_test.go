package workflow_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// lawClouds say on which cloud the blocks of the law for networks are, by their labels, and in which region.
var lawClouds = map[string][2]string{
	"ireland": {"AWS", "EU_WEST_1"}, "virginia": {"AWS", "US_EAST_1"}, "holland": {"AZURE", "EUROPE_WEST"}, "google": {"GCP", ""},
}

// lawBlocks are the addresses that containers can have, none of which overlap.
var lawBlocks = map[string][]any{
	"ireland": {"10.8.0.0/21", "10.8.8.0/22"}, "virginia": {"10.9.0.0/21", "10.9.8.0/24"}, "holland": {"10.10.0.0/21", "10.10.8.0/21"},
	"google": {"10.128.0.0/18", "10.192.0.0/18"}, "google in regions": {"10.128.0.0/21", "10.129.0.0/22"},
}

func init() {
	cloud := func(g *lawGen, _ any) any { return lawClouds[g.block.label][0] }
	fixed := func(value any) func(*lawGen, any) any { return func(*lawGen, any) any { return value } }
	maps.Copy(lawValues, map[string]func(g *lawGen, old any) any{
		"network_container.provider_name": cloud,
		"network_container.region_name":   func(g *lawGen, _ any) any { return lawClouds[g.block.label][1] },
		"network_container.regions": func(g *lawGen, old any) any {
			return g.unlike(old, []any{"WESTERN_EUROPE"}, []any{"WESTERN_EUROPE", "CENTRAL_US"})
		},
		"network_container.atlas_cidr_block": func(g *lawGen, old any) any { return g.other(old, lawBlocks[g.block.label]...) },

		"network_peering.provider_name":          cloud,
		"network_peering.container_id":           func(g *lawGen, _ any) any { return lawRaw("network_container." + g.block.label + ".id") },
		"network_peering.accepter_region_name":   func(g *lawGen, old any) any { return g.rarely(old, "eu-west-1", "us-east-1") },
		"network_peering.aws_account_id":         func(g *lawGen, old any) any { return g.rarely(old, "123456789012", "123456789013") },
		"network_peering.vpc_id":                 func(g *lawGen, old any) any { return g.rarely(old, "vpc-0123456789abcdef0", "vpc-0123456789abcdef1") },
		"network_peering.route_table_cidr_block": func(g *lawGen, old any) any { return g.other(old, "10.20.0.0/16", "10.21.0.0/16") },
		"network_peering.azure_directory_id":     fixed("00000000-0000-0000-0000-0000000000d1"),
		"network_peering.azure_subscription_id": func(g *lawGen, old any) any {
			return g.rarely(old, "00000000-0000-0000-0000-0000000000e1", "00000000-0000-0000-0000-0000000000e2")
		},
		"network_peering.resource_group_name": fixed("shop"),
		"network_peering.vnet_name":           func(g *lawGen, old any) any { return g.rarely(old, "one", "two") },
		"network_peering.gcp_project_id":      fixed("shop-123456"),
		"network_peering.network_name":        func(g *lawGen, old any) any { return g.rarely(old, "default", "other") },
	})
	lawMend["network_container"] = mendLawContainer
	lawMend["network_peering"] = mendLawPeering
}

// mendLawContainer lets a container on Google Cloud be confined to regions from its beginning or never, with a smaller
// network, and gives every container addresses at first, which the file need not repeat.
func mendLawContainer(g *lawGen, old, args lawObject) {
	label := g.block.label
	if region := lawClouds[label][1]; region != "" {
		args["region_name"] = region
	}
	if args["regions"] != nil && old == nil {
		args["atlas_cidr_block"] = lawPick(g, lawBlocks["google in regions"]...)
	}
	small := old != nil && slices.Contains(lawBlocks["google in regions"], old["atlas_cidr_block"])
	switch {
	case old != nil && label == "google" && args["regions"] != nil && !small:
		delete(args, "regions")
	case small:
		args["atlas_cidr_block"] = lawPick(g, lawBlocks["google in regions"]...)
	}
	if args["atlas_cidr_block"] == nil && (old == nil || lawClouds[label][0] != "AWS") { // which a container made anew needs
		args["atlas_cidr_block"] = lawValues["network_container.atlas_cidr_block"](g, nil)
	}
}

// mendLawPeering writes all that a connection needs: what it leads to is what it is.
func mendLawPeering(g *lawGen, old, args lawObject) {
	attrs := catalog.Kind("network_peering").Attributes
	for i := range attrs {
		a := &attrs[i]
		if a.Argument() && args[a.Name] == nil && lawHolds(attrs, args, a.RequiredWhen) && a.RequiredWhen != nil {
			if args[a.Name] = old[a.Name]; args[a.Name] == nil {
				args[a.Name] = g.value(a, "network_peering."+a.Name, nil)
			}
		}
	}
}

// TestLawOfNetworks is the law for what connects the clusters of a project with other networks.
func TestLawOfNetworks(t *testing.T) {
	id := func(doc map[string]any) string { s, _ := doc["id"].(string); return s }
	labels := []string{"google", "holland", "ireland", "virginia"}
	onCloud := func(b *lawApartBlock, doc map[string]any) bool { return b.args["provider_name"] == doc["providerName"] }
	l := &lawApart{
		kinds: []lawApartKind{{name: "network_container", labels: labels, key: id, is: onCloud}, {name: "network_peering", labels: labels, key: id, is: onCloud}},
		paths: []string{"/containers", "/peers"},
		fit: func(c *lawApartCase) {
			for _, label := range labels {
				container, was := c.blocks["network_container."+label], c.last["network_container."+label]
				if container == nil {
					delete(c.blocks, "network_peering."+label)
				}
				if used := c.blocks["network_peering."+label] != nil || c.last["network_peering."+label] != nil; container == nil || was == nil || !used {
					continue
				}
				for _, name := range []string{"atlas_cidr_block", "regions"} { // what is in use stays as it is
					if container.args[name] = was.args[name]; was.args[name] == nil {
						delete(container.args, name)
					}
				}
			}
		},
		file: func(c *lawApartCase) string {
			var text strings.Builder
			for _, kind := range []string{"network_container", "network_peering"} {
				for _, b := range c.of(kind) {
					text.WriteString(b.write(""))
				}
			}
			return "project \"shop\" {\n" + text.String() + "}\n"
		},
		hand: func(g *lawGen, kind string, doc map[string]any) map[string]any {
			if kind != "network_peering" || doc["providerName"] != "AWS" {
				return nil
			}
			return map[string]any{"state": "AVAILABLE", "routeTableCidrBlock": lawPick(g, "10.20.0.0/16", "10.22.0.0/16")}
		},
	}
	l.check(t)
}
