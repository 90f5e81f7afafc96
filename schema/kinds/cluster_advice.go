package kinds

import (
	"slices"

	"mercator/schema"
)

// clusterAdvice is about dedicated clusters: an M0 has nothing of what it speaks of.
var clusterAdvice = []schema.Advice{
	{Code: "no_backup", Summary: "has no backups",
		When: []schema.Condition{{Attribute: "backup_enabled", Values: []string{"false"}, Unset: true}, dedicated},
		Why:  "Nothing brings back what a mistake, a bug or an intruder deletes: replicas repeat a deletion faithfully.",
		Mend: "Set backup_enabled = true; it costs little beside the data."},
	{Code: "no_termination_protection", Summary: "can be deleted by one call",
		When: []schema.Condition{{Attribute: "termination_protection_enabled", Values: []string{"false"}, Unset: true}, dedicated},
		Why:  "Mercator asks before it deletes a cluster; the Atlas console, a script and another tool do not need to. With the protection Atlas itself refuses.",
		Mend: "Set termination_protection_enabled = true. To delete the cluster, set it to false and apply that first."},
	{Code: "old_tls", Summary: "accepts connections that can be broken into",
		When: []schema.Condition{{Attribute: "advanced_configuration", Some: []schema.Condition{
			{Attribute: "minimum_enabled_tls_protocol", Values: []string{"TLS1_0", "TLS1_1"}}}}},
		Why:  "TLS 1.0 and 1.1 are deprecated (RFC 8996): their ciphers and hashes no longer protect what goes over the wire.",
		Mend: "Set minimum_enabled_tls_protocol to TLS1_2 or TLS1_3; every supported driver speaks both."},
	{Code: "unbounded_scaling", Summary: "scales without a ceiling",
		When: []schema.Condition{inSomeRegion(schema.Condition{Attribute: "auto_scaling", Some: []schema.Condition{
			{Attribute: "compute", Some: []schema.Condition{
				{Attribute: "max_instance_size", Values: hugeSizes, Unset: true},
				{Attribute: "enabled", Values: []string{"true"}},
			}}}})},
		Why:  "A runaway query or a flood of requests is answered with ever larger machines, at ten to a hundred times the price, before anybody looks.",
		Mend: "Set max_instance_size to the largest tier that you are ready to pay for through a night."},
}

// dedicated holds for a cluster on machines of its own.
var dedicated = inSomeRegion(schema.Condition{Attribute: "electable_specs", Some: []schema.Condition{
	{Attribute: "instance_size", Values: paidSizes}}})

// inSomeRegion holds where a region of a shard meets the condition.
func inSomeRegion(c schema.Condition) schema.Condition {
	return schema.Condition{Attribute: "replication_specs", Some: []schema.Condition{
		{Attribute: "region_configs", Some: []schema.Condition{c}}}}
}

// hugeSizes are the tiers that are no ceiling for anybody: from 200 GB of memory on.
var hugeSizes = paidSizes[slices.Index(paidSizes, "R200"):]
