package kinds

import "mercator/schema"

// When Atlas takes snapshots of a cluster, and how long it keeps them. It is there while the cluster's backups are on.
// The API's DELETE is not used: it is no reset, but ends all scheduled snapshots, which nobody means who removes a
// block. Atlas knows a policy and its items by ids, which are sent back as they were read.
var _ = declare(schema.Kind{
	Name:      "backup_schedule",
	Parent:    "cluster",
	Doc:       "When Atlas takes snapshots of a cluster with backups, how long it keeps them, and where it copies and exports them to.",
	Singleton: true,

	Attributes: []schema.Attribute{
		{Name: "policies", Type: schema.TypeList, Elem: schema.Elem{Ordered: true}, Nested: backupPolicies,
			Doc: "Exactly one policy."},
		{Name: "reference_hour_of_day", Type: schema.TypeInteger, Min: new(0.0), Max: new(23.0),
			Doc: "The hour in UTC from which the times of snapshots are counted."},
		{Name: "reference_minute_of_hour", Type: schema.TypeInteger, Min: new(0.0), Max: new(59.0),
			Doc: "The minute of that hour."},
		{Name: "restore_window_days", Type: schema.TypeInteger, Min: new(1.0),
			Doc: "How many days back the cluster can be restored to any moment, where continuous backups are on."},
		{Name: "auto_export_enabled", Type: schema.TypeBool,
			Doc: "Whether snapshots are exported as export says."},
		{Name: "export", Type: schema.TypeObject, Nested: backupExport,
			Doc: "Where snapshots are exported to, and which."},
		{Name: "use_org_and_group_names_in_export_prefix", Type: schema.TypeBool,
			Doc: "Whether exports stand under the names of organization and project instead of their ids."},
		{Name: "auto_copy_settings_enabled", Type: schema.TypeBool,
			Doc: "Whether Atlas keeps copy_settings in step with the cluster's regions by itself."},
		{Name: "copy_policy_items_enabled", Type: schema.TypeBool,
			Doc: "Whether copy_settings say by copy_policy_items what is copied; else by frequencies."},
		{Name: "copy_settings", Type: schema.TypeList, Elem: schema.Elem{Key: []string{"zone_id", "cloud_provider", "region_name"}}, Nested: backupCopies,
			Doc: "Regions to which snapshots are copied."},
		{Name: "extra_retention_settings", Type: schema.TypeList, Elem: schema.Elem{Key: []string{"frequency_type"}}, Nested: extraRetention,
			Doc: "Days for which snapshots are kept longer than their policy says."},

		{Name: "next_snapshot", Type: schema.TypeTime, Owner: schema.Server, Volatile: true,
			Doc: "When the next snapshot is due."},
	},
	Ignored: []string{".clusterId", ".clusterName", ".links"},

	Endpoints: schema.Endpoints{
		Get: &schema.Endpoint{Operation: "getGroupClusterBackupSchedule", Method: "GET", Path: oneCluster + "/backup/schedule",
			Version: version20240805, Role: projectReadOnly},
		Update: &schema.Endpoint{Operation: "updateGroupClusterBackupSchedule", Method: "PATCH", Path: oneCluster + "/backup/schedule",
			Version: version20240805, Role: projectBackupManager},
	},

	Risks: []schema.RiskRule{
		{Risk: schema.Billable, Attribute: "policies.policy_items", When: schema.Added},
		{Risk: schema.Billable, Attribute: "copy_settings", When: schema.Added},
		{Risk: schema.Billable, Attribute: "auto_copy_settings_enabled", When: schema.TurnedOn},
		{Risk: schema.Billable, Attribute: "auto_export_enabled", When: schema.TurnedOn},
	},
})

var backupPolicies = []schema.Attribute{
	{Name: "policy_items", Type: schema.TypeList, Required: true, Elem: schema.Elem{Key: []string{"frequency_type", "frequency_interval"}}, Nested: backupItems,
		Doc: "The snapshots to take; none where the list is empty."},
	{Name: "id", Type: schema.TypeString, Handle: true,
		Doc: "The policy's id."},
}

var (
	snapshotFrequencies = []string{"hourly", "daily", "weekly", "monthly", "yearly", "ondemand"}
	copyFrequencies     = []string{"HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY", "ON_DEMAND"}
	retentionUnits      = []string{"days", "weeks", "months", "years"}
)

var backupItems = []schema.Attribute{
	{Name: "frequency_type", Type: schema.TypeString, Required: true, Enum: snapshotFrequencies,
		Doc: "How often a snapshot is taken."},
	{Name: "frequency_interval", Type: schema.TypeInteger, Required: true, Min: new(1.0), Max: new(40.0),
		Doc: "Which of them: every so many hours, the day of the week from 1 for Monday, the day of the month with 40 for its last, or the month of the year. 1 for daily ones."},
	{Name: "retention_unit", Type: schema.TypeString, Required: true, Enum: retentionUnits,
		Doc: "The unit of retention_value."},
	{Name: "retention_value", Type: schema.TypeInteger, Required: true, Min: new(1.0),
		Doc: "How long the snapshot is kept. What is taken less often must not be kept for less time."},
	{Name: "id", Type: schema.TypeString, Handle: true,
		Doc: "The item's id."},
}

var backupExport = []schema.Attribute{
	{Name: "export_bucket_id", Type: schema.TypeString,
		Doc: "The id of the bucket, as Atlas knows it."},
	{Name: "frequency_type", Type: schema.TypeString, Enum: []string{"monthly", "yearly"},
		Doc: "Which snapshots are exported."},
}

var backupCopies = []schema.Attribute{
	{Name: "zone_id", Type: schema.TypeString, Required: true,
		Doc: "The id of the zone whose snapshots are copied: cluster.orders.replication_specs[0].zone_id."},
	{Name: "cloud_provider", Type: schema.TypeString, Enum: []string{"AWS", "AZURE", "GCP"},
		Doc: "The cloud provider of the region."},
	{Name: "region_name", Type: schema.TypeString,
		Doc: "The region that takes the copies, in Atlas's spelling."},
	{Name: "frequencies", Type: schema.TypeList, Of: schema.TypeString, Enum: copyFrequencies,
		Doc: "Which snapshots are copied, where copy_policy_items_enabled is off."},
	{Name: "copy_policy_items", Type: schema.TypeList, Elem: schema.Elem{Key: []string{"frequency_type"}}, Nested: copyItems,
		Doc: "Which snapshots are copied and how long their copies are kept, where copy_policy_items_enabled is on."},
	{Name: "last_number_of_snapshots", Type: schema.TypeInteger, Min: new(1.0), Max: new(500.0),
		Doc: "How many of the latest snapshots are copied, in place of those of certain frequencies."},
	{Name: "should_copy_oplogs", Type: schema.TypeBool,
		Doc: "Whether the region can be used to restore any moment too."},
}

var copyItems = []schema.Attribute{
	{Name: "frequency_type", Type: schema.TypeString, Required: true, Enum: snapshotFrequencies,
		Doc: "The snapshots that are copied."},
	{Name: "retention_unit", Type: schema.TypeString, Enum: retentionUnits,
		Doc: "The unit of retention_value."},
	{Name: "retention_value", Type: schema.TypeInteger, Min: new(1.0),
		Doc: "How long copies are kept."},
	{Name: "id", Type: schema.TypeString, Handle: true,
		Doc: "The item's id."},
}

var extraRetention = []schema.Attribute{
	{Name: "frequency_type", Type: schema.TypeString, Enum: copyFrequencies,
		Doc: "The snapshots that are kept longer."},
	{Name: "retention_days", Type: schema.TypeInteger, Min: new(0.0),
		Doc: "For how many days more."},
}
