package kinds

import (
	"slices"

	"mercator/schema"
)

// The shape of a cluster: shards, regions, nodes. Atlas replaces the whole list of shards when one is changed, so
// ids are handles that go back as they came.

var replicationSpecs = []schema.Attribute{
	{Name: "id", Type: schema.TypeString, Handle: true,
		Doc: "Atlas's id of the shard."},
	{Name: "zone_id", Type: schema.TypeString, Owner: schema.Server,
		Doc: "Atlas's id of the zone."},
	{Name: "zone_name", Type: schema.TypeString,
		Doc: "The zone that the shard belongs to, in a global cluster."},
	{Name: "region_configs", Type: schema.TypeList, Required: true, Nested: regionConfigs,
		Elem: schema.Elem{Key: []string{"provider_name", "region_name"}},
		Doc:  "The regions that the shard's nodes are in."},
}

var regionConfigs = []schema.Attribute{
	{Name: "provider_name", Type: schema.TypeString, Required: true, Enum: []string{"AWS", "AZURE", "GCP", "TENANT"},
		Refers: []schema.Refer{{Kind: "network_container", Attribute: "provider_name"}},
		Doc:    "The cloud provider; TENANT for M0."},
	{Name: "backing_provider_name", Type: schema.TypeString, Enum: []string{"AWS", "AZURE", "GCP"},
		AllowedWhen:  []schema.Condition{{Attribute: "provider_name", Values: []string{"TENANT"}}},
		RequiredWhen: []schema.Condition{{Attribute: "provider_name", Values: []string{"TENANT"}}},
		Doc:          "The cloud provider that an M0 runs on."},
	{Name: "region_name", Type: schema.TypeString, Required: true,
		Doc: "The region, in Atlas's spelling (EU_WEST_1)."},
	{Name: "priority", Type: schema.TypeInteger, Min: new(0.0), Max: new(7.0),
		Doc: "How much the region is preferred for the primary: 7 is first, 0 is for regions without electable nodes."},
	{Name: "electable_specs", Type: schema.TypeObject, Nested: electableHardware,
		Doc: "The nodes that can become primary."},
	{Name: "read_only_specs", Type: schema.TypeObject, Nested: hardware,
		Doc: "Nodes that serve local reads and never become primary."},
	{Name: "analytics_specs", Type: schema.TypeObject, Nested: hardware,
		Doc: "Nodes for analytical queries, kept apart from the others."},
	{Name: "auto_scaling", Type: schema.TypeObject, Nested: autoScaling,
		Doc: "How tier and disk of electable and read-only nodes follow the load."},
	{Name: "analytics_auto_scaling", Type: schema.TypeObject, Nested: autoScaling,
		Doc: "How tier and disk of analytics nodes follow the load."},
}

// electableHardware is the hardware of electable nodes, the only ones that an M0 has.
var electableHardware = append(nodeHardware(instanceSizes), schema.Attribute{
	Name: "effective_instance_size", Type: schema.TypeString, Owner: schema.Server,
	Doc: "The tier that a free or formerly shared cluster really has.",
})

var hardware = nodeHardware(paidSizes)

func nodeHardware(sizes []string) []schema.Attribute {
	return []schema.Attribute{
		{Name: "instance_size", Type: schema.TypeString, Enum: sizes,
			Doc: "The tier of each node."},
		{Name: "node_count", Type: schema.TypeInteger, Min: new(0.0), Max: new(50.0),
			Doc: "How many nodes there are."},
		{Name: "disk_size_gb", API: "diskSizeGB", Type: schema.TypeNumber, Min: new(0.0),
			Doc: "The size of each node's disk in gigabytes, the same in all of the cluster."},
		{Name: "disk_iops", API: "diskIOPS", Type: schema.TypeInteger, Min: new(0.0),
			Doc: "Input and output operations per second of each disk, where the provider lets one choose."},
		{Name: "ebs_volume_type", Type: schema.TypeString, Enum: []string{"STANDARD", "PROVISIONED", "HIGH_PERFORMANCE"},
			Doc: "The kind of disk, on AWS."},
		{Name: "disk_throughput", Type: schema.TypeInteger, Owner: schema.Server,
			Doc: "The throughput of each disk."},
	}
}

var autoScaling = []schema.Attribute{
	{Name: "compute", Type: schema.TypeObject, Doc: "How the tier follows the load.",
		Nested: []schema.Attribute{
			{Name: "enabled", Type: schema.TypeBool,
				Doc: "Whether the tier may change."},
			{Name: "scale_down_enabled", Type: schema.TypeBool,
				Doc: "Whether the tier may fall as well as rise."},
			{Name: "min_instance_size", Type: schema.TypeString, Enum: paidSizes,
				RequiredWhen: []schema.Condition{{Attribute: "scale_down_enabled", Values: []string{"true"}}},
				Doc:          "The smallest tier."},
			{Name: "max_instance_size", Type: schema.TypeString, Enum: paidSizes,
				RequiredWhen: []schema.Condition{{Attribute: "enabled", Values: []string{"true"}}},
				Doc:          "The largest tier."},
			{Name: "predictive_enabled", Type: schema.TypeBool, Owner: schema.Server,
				Doc: "Whether Atlas scales ahead of the load; answered by Atlas, not documented as an argument."},
		}},
	{Name: "disk_gb", API: "diskGB", Type: schema.TypeObject, Doc: "How the disk follows the data.",
		Nested: []schema.Attribute{
			{Name: "enabled", Type: schema.TypeBool, Doc: "Whether the disk grows as it fills."},
		}},
}

// instanceSizes stand in rising order: by number, and among equal numbers low-CPU (R) before general before NVMe.
var instanceSizes = slices.Concat(freeSizes, paidSizes)

var freeSizes = []string{"M0", "M2", "M5"}

var paidSizes = []string{
	"M10", "M20", "M30", "M30_GEN_2",
	"R40", "R40_GEN_2", "M40", "M40_GEN_2", "M40_NVME", "M40_NVME_GEN_2",
	"R50", "R50_GEN_2", "M50", "M50_GEN_2", "M50_NVME", "M50_NVME_GEN_2",
	"R60", "R60_GEN_2", "M60", "M60_GEN_2", "M60_NVME", "M60_NVME_GEN_2",
	"R80", "R80_GEN_2", "M80", "M80_GEN_2", "M80_NVME", "M80_NVME_GEN_2", "M90", "M100",
	"M140", "M140_GEN_2", "R200", "R200_GEN_2", "M200", "M200_GEN_2", "M200_NVME", "M200_NVME_GEN_2", "M250",
	"R300", "R300_GEN_2", "M300", "M300_GEN_2", "M300_NVME", "R400", "R400_GEN_2", "M400", "M400_NVME", "M400_NVME_GEN_2",
	"R600", "M600_NVME", "R700", "R700_GEN_2",
}
