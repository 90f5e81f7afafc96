package kinds

import (
	"time"

	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
)

// A cluster of MongoDB: M0 or dedicated, replica set, sharded or global. Hosts are described by shard
// (replication_specs), by region and by role; the arguments of the short form stand for one region of one replica
// set. What data cannot say about it is in cluster_hooks.go.
var _ = declare(schema.Kind{
	Name:   "cluster",
	Parent: "project",
	Doc:    "A MongoDB cluster: M0 or dedicated, a replica set, sharded, or spread over zones.",

	Identity: schema.Identity{
		Binds: schema.ByKey, ID: "id", Key: []string{"name"}, LabelIs: "name", Namespace: clusterNames,
		Pattern: `^[a-zA-Z0-9][a-zA-Z0-9-]{0,63}$`,
		Hint:    "1 to 64 letters, digits and hyphens, beginning with a letter or digit",
		Params:  map[string]string{"clusterName": "name"},
	},
	Attributes: clusterAttributes,
	Ignored: []string{".groupId", ".links", ".mongoDBEmployeeAccessGrant", ".effectiveReplicationSpecs",
		".effectiveDatabaseEdition", ".effectiveIntelligentWorkloadManagementPolicies",
		".replicationSpecs[].regionConfigs[].effectiveElectableSpecs",
		".replicationSpecs[].regionConfigs[].effectiveReadOnlySpecs",
		".replicationSpecs[].regionConfigs[].effectiveAnalyticsSpecs"},

	Endpoints: schema.Endpoints{
		List: &schema.Endpoint{Operation: "listGroupClusters", Method: "GET", Path: group + "/clusters",
			Version: version20240805, Role: projectReadOnly},
		Get: &schema.Endpoint{Operation: "getGroupCluster", Method: "GET", Path: oneCluster,
			Version: version20240805, Role: projectReadOnly},
		Create: &schema.Endpoint{Operation: "createGroupCluster", Method: "POST", Path: group + "/clusters",
			Version: version20241023, Role: projectClusterMaker},
		Update: &schema.Endpoint{Operation: "updateGroupCluster", Method: "PATCH", Path: oneCluster,
			Version: version20241023, Role: projectClusterMender, Omit: []string{"name"}},
		Partial: []*schema.Endpoint{
			// The same call, for which Atlas asks more of whoever takes the protection off.
			{Operation: "updateGroupCluster", Method: "PATCH", Path: oneCluster, Version: version20241023, Role: projectOwner,
				Only: []string{"termination_protection_enabled"}},
		},
		Delete: &schema.Endpoint{Operation: "deleteGroupCluster", Method: "DELETE", Path: oneCluster,
			Version: "2023-02-01", Role: projectOwner, Query: map[string]string{"retainBackups": "retain_backups"}},
	},
	Validate: &schema.Validation{
		Endpoint: &schema.Endpoint{Operation: "validateGroupClusterConfigurations", Method: "POST", Path: group + "/clusterConfigurations:validate",
			Version: "2025-03-12", Role: projectClusterMender, Upsert: true},
		Object: "clusterDescription", Editing: "editing", Key: "clusterName",
		Errors: "errors", Code: "errorCode", Text: "validationIssue",
	},
	Upgrades: clusterUpgrades,
	Parts: []schema.Part{
		{Attribute: "process_args", Settles: true, When: someRegion("AWS", "AZURE", "GCP"),
			Read: &schema.Endpoint{Operation: "getGroupClusterProcessArgs", Method: "GET", Path: oneCluster + "/processArgs",
				Version: version20240805, Role: projectReadOnly},
			Write: &schema.Endpoint{Operation: "updateGroupClusterProcessArgs", Method: "PATCH", Path: oneCluster + "/processArgs",
				Version: version20240805, Role: projectClusterMender}},
	},
	Settle: &schema.Settle{
		Field:    "state_name",
		Creating: []string{"CREATING"}, Busy: []string{"UPDATING", "REPAIRING"}, Deleting: []string{"DELETING"},
		Ready: []string{"IDLE"},
		First: 2 * time.Second, Max: 30 * time.Second, Limit: 3 * time.Hour,
	},
	HoldsData:    true,
	BlocksParent: true,
	Safeguard: &schema.Safeguard{
		Copies: []string{"backup_snapshot", "sharded_backup_snapshot"},
		Text:   "description", With: map[string]cty.Value{"retention_in_days": cty.NumberIntVal(30)}, Taken: "created_at",
		Version: "mongo_db_major_version", Kept: "retain_backups",
	},

	Risks: []schema.RiskRule{
		{Risk: schema.Irreversible, On: []schema.Event{schema.OnDelete, schema.OnReplace}},
		{Risk: schema.Downtime, On: []schema.Event{schema.OnReplace, schema.OnUpgrade}},
		{Risk: schema.Billable, On: []schema.Event{schema.OnUpgrade}},
		{Risk: schema.Downtime, Attribute: "paused", When: schema.TurnedOn},
		{Risk: schema.Billable, Attribute: "backup_enabled", When: schema.TurnedOn},
		{Risk: schema.Billable, Attribute: "pit_enabled", When: schema.TurnedOn},
		{Risk: schema.Billable, Attribute: "bi_connector.enabled", When: schema.TurnedOn},
		raised("electable_specs.instance_size", paidSizes...), raised("electable_specs.node_count"), raised("electable_specs.disk_size_gb"),
		raised("read_only_specs.instance_size"), raised("read_only_specs.node_count"),
		raised("analytics_specs.instance_size"), raised("analytics_specs.node_count"),
		raised("auto_scaling.compute.max_instance_size"), raised("analytics_auto_scaling.compute.max_instance_size"),
	},
	Advice: clusterAdvice,
	Hooks:  schema.Hooks{Normalize: normalizeCluster, Equal: equalInCluster, Check: checkCluster, Steps: pauseSteps},
})

const (
	version20240805 = "2024-08-05"
	version20241023 = "2024-10-23"

	oneCluster = group + "/clusters/{clusterName}"
)

// raised is the rule that Atlas charges more when a field of a region grows.
func raised(field string, of ...string) schema.RiskRule {
	return schema.RiskRule{Risk: schema.Billable, Attribute: "replication_specs.region_configs." + field, When: schema.Raised, Of: of}
}

var clusterAttributes = []schema.Attribute{
	{Name: "name", Type: schema.TypeString, Required: true, Immutable: true, MaxLen: 64,
		Doc: "The cluster's name, unique in the project. It cannot be changed: another name is another cluster."},
	{Name: "cluster_type", Type: schema.TypeString, Enum: []string{"REPLICASET", "SHARDED", "GEOSHARDED"},
		Doc: "Whether the cluster is a replica set, sharded, or sharded by zones. The short form means REPLICASET."},

	{Name: "provider_name", Type: schema.TypeString, Virtual: true, Enum: []string{"AWS", "AZURE", "GCP"},
		Doc: "Short form: the cloud provider. With instance_size M0 the provider that backs the free cluster."},
	{Name: "region_name", Type: schema.TypeString, Virtual: true,
		Doc: "Short form: the region, in Atlas's spelling (EU_WEST_1)."},
	{Name: "instance_size", Type: schema.TypeString, Virtual: true, Enum: instanceSizes,
		Doc: "Short form: the tier of every node."},
	{Name: "node_count", Type: schema.TypeInteger, Virtual: true, Min: new(3.0), Max: new(7.0),
		Doc: "Short form: how many electable nodes there are, 3 where nothing is said."},
	{Name: "disk_size_gb", API: "diskSizeGB", Type: schema.TypeNumber, Virtual: true, Min: new(0.0),
		Doc: "Short form: the size of every node's disk in gigabytes."},
	{Name: "auto_scaling", Type: schema.TypeObject, Virtual: true, Nested: autoScaling,
		Doc: "Short form: how tier and disk follow the load."},
	{Name: "replication_specs", Type: schema.TypeList, Nested: replicationSpecs,
		Elem: schema.Elem{Key: []string{"zone_name"}, Ordinal: true, Ordered: true},
		Doc:  "Long form: the shards, one for a replica set, each with its regions."},

	{Name: "mongo_db_major_version", API: "mongoDBMajorVersion", Type: schema.TypeString,
		AllowedWhen: []schema.Condition{{Attribute: "version_release_system", Values: []string{"LTS"}}},
		Doc:         "The major version of MongoDB, such as 8.0. It can be raised by one version at a time."},
	{Name: "version_release_system", Type: schema.TypeString, Enum: []string{"LTS", "CONTINUOUS"}, Default: cty.StringVal("LTS"),
		Doc: "Whether the cluster stays on a major version (LTS) or takes every release (CONTINUOUS)."},
	{Name: "backup_enabled", Type: schema.TypeBool,
		Doc: "Whether Atlas takes snapshots of the cluster."},
	{Name: "pit_enabled", Type: schema.TypeBool,
		Doc: "Whether the cluster can be restored to any point in time. It needs backups."},
	{Name: "retain_backups", Type: schema.TypeBool, DestroyTime: true,
		DefaultBy: &schema.DefaultBy{Cases: [][3]string{{"backup_enabled", "true", "true"}}, Else: "false"},
		Doc:       "Whether snapshots outlive the cluster when it is deleted. They do where backups are on, unless this says otherwise."},
	{Name: "termination_protection_enabled", Type: schema.TypeBool, Protects: true,
		Doc: "Whether Atlas refuses to delete the cluster. Changing it takes the role Project Owner."},
	{Name: "paused", Type: schema.TypeBool, Later: true, Restless: "Atlas resumes a paused cluster after 30 days.",
		Doc: "Whether the cluster is stopped. Atlas resumes a paused cluster after 30 days."},
	{Name: "encryption_at_rest_provider", Type: schema.TypeString, Enum: []string{"NONE", "AWS", "AZURE", "GCP"},
		Refers: []schema.Refer{{Kind: "encryption_at_rest", Of: []string{"AWS", "AZURE", "GCP"}}},
		Doc:    "Whose key management holds your key for the disks; NONE leaves encryption to Atlas."},
	{Name: "bi_connector", Type: schema.TypeObject, Nested: biConnector,
		Doc: "The connector for business-intelligence tools."},
	{Name: "advanced_configuration", Type: schema.TypeObject, Nested: tlsSettings(schema.Config),
		Doc: "Settings of TLS connections."},
	{Name: "process_args", Type: schema.TypeObject, Nested: processArgs,
		Doc: "Arguments of the database processes. Keys that are left out are not managed."},
	{Name: "tags", Type: schema.TypePairs,
		Doc: "Key-value pairs by which clusters are grouped in invoices and searches."},
	{Name: "labels", Type: schema.TypePairs,
		Doc: "Key-value pairs of the older kind, which the Atlas console does not show; prefer tags."},
	{Name: "config_server_management_mode", Type: schema.TypeString, Enum: []string{"ATLAS_MANAGED", "FIXED_TO_DEDICATED"},
		Doc: "Who decides whether a sharded cluster has config servers of its own."},
	{Name: "replica_set_scaling_strategy", Type: schema.TypeString, Enum: []string{"SEQUENTIAL", "WORKLOAD_TYPE", "NODE_TYPE"},
		Doc: "In which order nodes are scaled."},
	{Name: "redact_client_log_data", Type: schema.TypeBool,
		Doc: "Whether document contents are kept out of the database logs."},
	{Name: "disk_warming_mode", Type: schema.TypeString, Enum: []string{"FULLY_WARMED", "VISIBLE_EARLIER", "ENHANCED_FULLY_WARMED"},
		Doc: "Whether a new node serves before its disk is warm."},
	{Name: "root_cert_type", Type: schema.TypeString, Enum: []string{"ISRGROOTX1"},
		Doc: "The certificate authority of the cluster's certificates."},
	{Name: "global_cluster_self_managed_sharding", Type: schema.TypeBool, Immutable: true,
		Doc: "Whether you, not Atlas, decide how a global cluster is sharded. It cannot be changed."},
	{Name: "use_aws_time_based_snapshot_copy_for_fast_initial_sync", Type: schema.TypeBool,
		Doc: "Whether new nodes in other AWS regions start from time-based snapshot copies."},
	{Name: "adaptive_capacity", Type: schema.TypeString, Enum: []string{"ENABLED", "DISABLED"},
		Doc: "Whether Azure nodes may fall back to other hardware when theirs is short."},

	computed("id", "The cluster's id. It changes when an M0 is upgraded."),
	computed("state_name", "What Atlas is doing with the cluster: IDLE, CREATING, UPDATING, DELETING, REPAIRING."),
	{Name: "connection_strings", Type: schema.TypeObject, Owner: schema.Server, Nested: connectionStrings,
		Doc: "How applications reach the cluster."},
	{Name: "mongo_db_version", API: "mongoDBVersion", Type: schema.TypeString, Owner: schema.Server, Volatile: true,
		Doc: "The exact version of MongoDB."},
	{Name: "create_date", Type: schema.TypeTime, Owner: schema.Server,
		Doc: "When the cluster was created."},
	computed("config_server_type", "Whether a sharded cluster has config servers of its own (DEDICATED) or not (EMBEDDED)."),
	computed("feature_compatibility_version", "The feature compatibility version."),
	{Name: "feature_compatibility_version_expiration_date", Type: schema.TypeTime, Owner: schema.Server,
		Doc: "Until when the feature compatibility version is pinned, if it is."},
	computed("internal_cluster_role", "Atlas's own classification of the cluster; NONE for ordinary ones."),
}

func computed(name, doc string) schema.Attribute {
	return schema.Attribute{Name: name, Type: schema.TypeString, Owner: schema.Server, Doc: doc}
}

var biConnector = []schema.Attribute{
	{Name: "enabled", Type: schema.TypeBool, Doc: "Whether the connector runs."},
	{Name: "read_preference", Type: schema.TypeString, Enum: []string{"PRIMARY", "SECONDARY", "ANALYTICS"},
		Doc: "Which nodes it reads from."},
}

// tlsSettings are arguments of advanced_configuration, and are answered among the process arguments too.
func tlsSettings(owner schema.Owner) []schema.Attribute {
	return []schema.Attribute{
		{Name: "minimum_enabled_tls_protocol", Type: schema.TypeString, Owner: owner,
			Enum: []string{"TLS1_0", "TLS1_1", "TLS1_2", "TLS1_3"},
			Doc:  "The oldest version of TLS that the cluster accepts."},
		{Name: "tls_cipher_config_mode", Type: schema.TypeString, Owner: owner, Enum: []string{"CUSTOM", "DEFAULT"},
			Doc: "Whether the cluster takes Atlas's cipher suites or your own."},
		{Name: "custom_openssl_cipher_config_tls12", Type: schema.TypeList, Of: schema.TypeString, Owner: owner,
			Elem: schema.Elem{Whole: true},
			Enum: []string{"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"},
			Doc:  "The cipher suites for TLS 1.2, with tls_cipher_config_mode CUSTOM."},
		{Name: "custom_openssl_cipher_config_tls13", Type: schema.TypeList, Of: schema.TypeString, Owner: owner,
			Elem: schema.Elem{Whole: true},
			Enum: []string{"TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256", "TLS_AES_128_CCM_SHA256"},
			Doc:  "The cipher suites for TLS 1.3, with tls_cipher_config_mode CUSTOM."},
	}
}

var processArgs = append([]schema.Attribute{
	{Name: "default_max_time_ms", API: "defaultMaxTimeMS", Type: schema.TypeInteger,
		Doc: "The time limit of a read that sets none, in milliseconds."},
	{Name: "default_write_concern", Type: schema.TypeString,
		Doc: "The write concern of a write that sets none."},
	{Name: "javascript_enabled", Type: schema.TypeBool,
		Doc: "Whether operations may run JavaScript on the server."},
	{Name: "no_table_scan", Type: schema.TypeBool,
		Doc: "Whether queries that would scan a whole collection are refused."},
	{Name: "oplog_size_mb", API: "oplogSizeMB", Type: schema.TypeInteger,
		Doc: "The size of the oplog in megabytes."},
	{Name: "oplog_min_retention_hours", Type: schema.TypeNumber,
		Doc: "How many hours of changes the oplog keeps at least."},
	{Name: "transaction_lifetime_limit_seconds", Type: schema.TypeInteger, Min: new(1.0),
		Doc: "How long a transaction may last, in seconds."},
	{Name: "change_stream_options_pre_and_post_images_expire_after_seconds", Type: schema.TypeInteger, Min: new(-1.0),
		Doc: "How long pre- and post-images of change streams are kept, in seconds; -1 for as long as the oplog."},
	{Name: "chunk_migration_concurrency", Type: schema.TypeInteger,
		Doc: "How many threads migrate chunks between shards."},
	{Name: "query_stats_log_verbosity", Type: schema.TypeInteger, Min: new(1.0), Max: new(3.0),
		Doc: "Whether query statistics are written to the logs: 3 for yes, 1 for no."},
	{Name: "sample_refresh_interval_bi_connector", API: "sampleRefreshIntervalBIConnector", Type: schema.TypeInteger, Min: new(0.0),
		Doc: "How often the BI connector samples data again, in seconds."},
	{Name: "sample_size_bi_connector", API: "sampleSizeBIConnector", Type: schema.TypeInteger, Min: new(0.0),
		Doc: "How many documents per database the BI connector samples."},
}, tlsSettings(schema.Server)...)

var connectionStrings = []schema.Attribute{
	computed("standard_srv", "The connection string with mongodb+srv://."),
	{Name: "standard", Type: schema.TypeString, Owner: schema.Server, Volatile: true,
		Doc: "The connection string that lists every host."},
	computed("private_srv", "The mongodb+srv:// string for peered networks."),
	{Name: "private", Type: schema.TypeString, Owner: schema.Server, Volatile: true,
		Doc: "The string for peered networks that lists every host."},
	{Name: "aws_private_link", Type: schema.TypeMap, Of: schema.TypeString, Owner: schema.Server,
		Doc: "Strings for AWS PrivateLink by endpoint, the older form."},
	{Name: "aws_private_link_srv", Type: schema.TypeMap, Of: schema.TypeString, Owner: schema.Server,
		Doc: "mongodb+srv:// strings for AWS PrivateLink by endpoint, the older form."},
	{Name: "private_endpoint", Type: schema.TypeList, Owner: schema.Server, Doc: "Strings for private endpoints.",
		Nested: []schema.Attribute{
			computed("connection_string", "The string that lists every host."),
			computed("srv_connection_string", "The mongodb+srv:// string."),
			computed("srv_shard_optimized_connection_string", "The mongodb+srv:// string for sharded clusters."),
			computed("type", "MONGOD for replica sets, MONGOS for sharded clusters."),
			{Name: "endpoints", Type: schema.TypeList, Owner: schema.Server, Doc: "The endpoints that the strings go through.",
				Nested: []schema.Attribute{
					computed("endpoint_id", "The cloud provider's id of the endpoint."),
					computed("provider_name", "The cloud provider."),
					computed("region", "The region of the endpoint."),
				}},
		}},
}
