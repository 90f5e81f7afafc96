package kinds

import (
	"slices"
	"time"

	"mercator/schema"
)

// A snapshot that is taken on demand; those that Atlas takes by a schedule are never declared. Atlas has other paths for
// snapshots of sharded clusters than for those of replica sets, so there are two kinds with the same arguments.
//
// Atlas takes for how many days a snapshot is kept and shows only when it expires. Policies of the project and extra
// retention move that as well, so the days cannot be told from it.
var _ = declare(schema.Kind{
	Name:       "backup_snapshot",
	Parent:     "cluster",
	Doc:        "A snapshot of a replica set, taken once, when the block is first applied. One that has expired is not taken again.",
	Identity:   snapshotIdentity,
	Attributes: slices.Concat(snapshotArguments, snapshotAnswers, ofReplicaSet),
	Ignored:    []string{".links"},

	Endpoints: schema.Endpoints{
		List: &schema.Endpoint{Operation: "listGroupClusterBackupSnapshots", Method: "GET", Path: snapshots,
			Version: version20230101, Role: projectReadOnly},
		Get: &schema.Endpoint{Operation: "getGroupClusterBackupSnapshot", Method: "GET", Path: snapshots + "/{snapshotId}",
			Version: version20230101, Role: projectReadOnly},
		Create: takeSnapshot(),
		Update: keepSnapshot(),
		Delete: &schema.Endpoint{Operation: "deleteGroupClusterBackupSnapshot", Method: "DELETE", Path: snapshots + "/{snapshotId}",
			Version: version20230101, Role: projectBackupManager},
	},
	Settle:   snapshotSettle(),
	Serial:   true,
	Once:     true,
	InParent: append([]schema.Condition{{Attribute: "cluster_type", Values: []string{"REPLICASET"}, Unset: true}}, runningWithBackups...),
	Risks:    snapshotRisks,
})

// A snapshot of all shards of a cluster.
var _ = declare(schema.Kind{
	Name:       "sharded_backup_snapshot",
	Parent:     "cluster",
	Doc:        "A snapshot of a sharded cluster, taken once, when the block is first applied. One that has expired is not taken again.",
	Identity:   snapshotIdentity,
	Attributes: slices.Concat(snapshotArguments, snapshotAnswers, ofShards),
	Ignored:    []string{".links"},

	Endpoints: schema.Endpoints{
		List: &schema.Endpoint{Operation: "listGroupClusterBackupSnapshotShardedClusters", Method: "GET", Path: snapshots + "/shardedClusters",
			Version: version20230101, Role: projectReadOnly},
		Get: &schema.Endpoint{Operation: "getGroupClusterBackupSnapshotShardedCluster", Method: "GET", Path: snapshots + "/shardedCluster/{snapshotId}",
			Version: version20230101, Role: projectReadOnly},
		Create: takeSnapshot(),
		Update: keepSnapshot(),
		Delete: &schema.Endpoint{Operation: "deleteGroupClusterBackupSnapshotShardedCluster", Method: "DELETE", Path: snapshots + "/shardedCluster/{snapshotId}",
			Version: version20230101, Role: projectBackupManager},
	},
	Settle:   snapshotSettle(),
	Serial:   true,
	Once:     true,
	InParent: append([]schema.Condition{{Attribute: "cluster_type", Values: []string{"SHARDED", "GEOSHARDED"}}}, runningWithBackups...),
	Risks:    snapshotRisks,
})

const snapshots = oneCluster + "/backup/snapshots"

func takeSnapshot() *schema.Endpoint {
	return &schema.Endpoint{Operation: "takeGroupClusterBackupSnapshots", Method: "POST", Path: snapshots,
		Version: version20230101, Role: projectBackupCreator}
}

// keepSnapshot changes how long a snapshot is kept, which Atlas takes in a unit of choice here.
func keepSnapshot() *schema.Endpoint {
	return &schema.Endpoint{Operation: "updateGroupClusterBackupSnapshot", Method: "PATCH", Path: snapshots + "/{snapshotId}",
		Version: version20230101, Role: projectBackupManager, Omit: []string{"description"},
		Renamed: map[string]string{"retention_in_days": "retentionValue"}, Adds: map[string]string{"retentionUnit": "DAYS"}}
}

// snapshotSettle waits until a snapshot is taken, which lasts as long as there is data to copy.
func snapshotSettle() *schema.Settle {
	return &schema.Settle{
		Field:    "status",
		Creating: []string{"queued", "inProgress"}, Ready: []string{"completed"}, Failed: []string{"failed"},
		First: 2 * time.Second, Max: 30 * time.Second, Limit: 3 * time.Hour,
	}
}

var snapshotIdentity = schema.Identity{Binds: schema.ByID, ID: "id", Params: map[string]string{"snapshotId": "id"}}

var snapshotRisks = []schema.RiskRule{
	{Risk: schema.Irreversible, On: []schema.Event{schema.OnDelete}},
	{Risk: schema.Billable, On: []schema.Event{schema.OnCreate}},
}

// runningWithBackups is what a cluster must be for Atlas to take a snapshot of it.
var runningWithBackups = []schema.Condition{
	{Attribute: "backup_enabled", Values: []string{"true"}},
	{Attribute: "paused", Values: []string{"false"}, Unset: true},
}

var snapshotArguments = []schema.Attribute{
	{Name: "description", Type: schema.TypeString, Immutable: true,
		Doc: "What the snapshot is for. Another description is another snapshot."},
	{Name: "retention_in_days", Type: schema.TypeInteger, Unread: true, Min: new(1.0),
		Doc: "For how many days Atlas keeps it, counted from when it was taken: fewer than it is old remove it. The project's compliance policy may ask for more."},
}

var snapshotAnswers = []schema.Attribute{
	{Name: "id", Type: schema.TypeString, Owner: schema.Server,
		Doc: "The snapshot's id, 24 hexadecimal digits."},
	{Name: "status", Type: schema.TypeString, Owner: schema.Server, Volatile: true,
		Doc: "How far it is: queued, inProgress, completed or failed."},
	{Name: "created_at", Type: schema.TypeTime, Owner: schema.Server,
		Doc: "When it was taken."},
	{Name: "expires_at", Type: schema.TypeTime, Owner: schema.Server, Volatile: true,
		Doc: "When Atlas removes it."},
	{Name: "type", Type: schema.TypeString, Owner: schema.Server,
		Doc: "Of what it is: replicaSet or shardedCluster."},
	{Name: "snapshot_type", Type: schema.TypeString, Owner: schema.Server,
		Doc: "Why it was taken: onDemand, scheduled or fallback."},
	{Name: "frequency_type", Type: schema.TypeString, Owner: schema.Server,
		Doc: "The item of the schedule that it belongs to; ondemand for those that are declared."},
	{Name: "policy_items", Type: schema.TypeList, Of: schema.TypeString, Owner: schema.Server,
		Doc: "The ids of the schedule's items that it belongs to."},
	{Name: "mongod_version", Type: schema.TypeString, Owner: schema.Server,
		Doc: "The version of MongoDB that it was taken of."},
	{Name: "storage_size_bytes", Type: schema.TypeInteger, Owner: schema.Server,
		Doc: "How large it is."},
	{Name: "master_key_uuid", API: "masterKeyUUID", Type: schema.TypeString, Owner: schema.Server,
		Doc: "The key that it is encrypted with, where that is yours."},
}

var ofReplicaSet = []schema.Attribute{
	{Name: "cloud_provider", Type: schema.TypeString, Owner: schema.Server,
		Doc: "The cloud provider that holds it."},
	{Name: "copy_regions", Type: schema.TypeList, Of: schema.TypeString, Owner: schema.Server,
		Doc: "The regions that have a copy of it."},
	{Name: "replica_set_name", Type: schema.TypeString, Owner: schema.Server,
		Doc: "The replica set that it was taken of."},
}

var ofShards = []schema.Attribute{
	{Name: "config_server_type", Type: schema.TypeString, Owner: schema.Server,
		Doc: "Where the config server was: EMBEDDED or DEDICATED."},
	{Name: "members", Type: schema.TypeList, Owner: schema.Server, Nested: snapshotMembers,
		Doc: "The snapshots of the single shards."},
	{Name: "snapshot_ids", Type: schema.TypeList, Of: schema.TypeString, Owner: schema.Server,
		Doc: "The ids of the members."},
}

var snapshotMembers = []schema.Attribute{
	{Name: "id", Type: schema.TypeString, Owner: schema.Server,
		Doc: "The id of the shard's snapshot."},
	{Name: "cloud_provider", Type: schema.TypeString, Owner: schema.Server,
		Doc: "The cloud provider that holds it."},
	{Name: "replica_set_name", Type: schema.TypeString, Owner: schema.Server,
		Doc: "The shard, or the config server."},
}
