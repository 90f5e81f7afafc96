package kinds

import (
	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
)

// Clusters that share their machines get machines of their own by an upgrade, which keeps their data and their name
// and gives them another id. Free ones can become flex clusters too. There is no way back.

// clusterNames is the namespace of all clusters of a project, whichever API they are made by.
const clusterNames = "cluster names"

// regionField is what the fields of a region stand in.
const regionField = "replication_specs.region_configs."

// someRegion holds where one of the regions has one of the providers: TENANT stands for a free cluster.
func someRegion(providers ...string) []schema.Condition {
	return []schema.Condition{{Attribute: "replication_specs", Some: []schema.Condition{
		{Attribute: "region_configs", Some: []schema.Condition{{Attribute: "provider_name", Values: providers}}}}}}
}

// upgradeTenant is the older call, whose answer shows the cluster as it was.
func upgradeTenant() *schema.Endpoint {
	return &schema.Endpoint{Operation: "upgradeGroupClusterTenantUpgrade", Method: "POST", Path: group + "/clusters/tenantUpgrade",
		Version: version20230101, Role: projectClusterMender}
}

var clusterUpgrades = []schema.Upgrade{
	{Doc: "A free cluster (M0) becomes dedicated (M10 or more) in place. It keeps its data, is down for some minutes, and cannot go back.",
		From: "cluster", When: someRegion("TENANT"), Into: someRegion("AWS", "AZURE", "GCP"),
		Call: upgradeTenant(),
		Body: []schema.Field{{API: "name", Attribute: "name"},
			{API: "providerSettings.providerName", Attribute: regionField + "provider_name"},
			{API: "providerSettings.instanceSizeName", Attribute: regionField + "electable_specs.instance_size"},
			{API: "providerSettings.regionName", Attribute: regionField + "region_name"},
			{API: "tags", Attribute: "tags"}},
		Leaves: map[string]cty.Value{"cluster_type": cty.StringVal("REPLICASET"), regionField + "priority": cty.NumberIntVal(firstPriority),
			regionField + "electable_specs.node_count": cty.NumberIntVal(defaultNodes)}},
	{Doc: "A flex_cluster of the same name becomes dedicated (M10 or more) in place. It keeps its data, is down for some minutes, and cannot go back.",
		From: "flex_cluster", Into: someRegion("AWS", "AZURE", "GCP"),
		Call: &schema.Endpoint{Operation: "tenantGroupFlexClusterUpgrade", Method: "POST", Path: group + "/flexClusters:tenantUpgrade",
			Version: version20241113, Role: projectClusterMender,
			Only: []string{"name", "cluster_type", "replication_specs", "backup_enabled", "tags"}},
		Leaves: map[string]cty.Value{"paused": cty.False, "pit_enabled": cty.False, "backup_enabled": cty.False,
			"global_cluster_self_managed_sharding": cty.False}},
}

var flexUpgrades = []schema.Upgrade{
	{Doc: "A free cluster (a cluster with instance_size M0) of the same name becomes a flex cluster in place. It keeps its data, is down for some minutes, and cannot go back.",
		From: "cluster", When: someRegion("TENANT"),
		Call: upgradeTenant(),
		Body: []schema.Field{{API: "name", Attribute: "name"},
			{API: "providerSettings.providerName", Text: "FLEX"},
			{API: "providerSettings.instanceSizeName", Text: "FLEX"},
			{API: "providerSettings.backingProviderName", Attribute: "provider_settings.backing_provider_name"},
			{API: "providerSettings.regionName", Attribute: "provider_settings.region_name"},
			{API: "tags", Attribute: "tags"}}},
}
