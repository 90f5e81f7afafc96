package kinds

import (
	"time"

	"mercator/schema"
)

// The restoration of a snapshot, or of a moment, into a cluster. It lives in the cluster that the backup is of, and
// overwrites the one that it names. Downloads, which the API calls restore jobs too, have no target and are gone after
// hours, so they are left out.
//
// Atlas answers no state but signs of one, from which a hook makes the status. The API can cancel some jobs; what is then
// left in the target is said nowhere, so a removed block cancels nothing.
var _ = declare(schema.Kind{
	Name:     "backup_restore_job",
	Parent:   "cluster",
	Doc:      "The restoration of a backup of the cluster into a cluster that the block names, whose data is lost. It is run once; a removed block leaves it as it is, also while it is running.",
	Identity: schema.Identity{Binds: schema.ByID, ID: "id", Params: map[string]string{"restoreJobId": "id"}},
	Attributes: []schema.Attribute{
		{Name: "delivery_type", Type: schema.TypeString, Required: true, Immutable: true, Enum: []string{"automated", "pointInTime"},
			Doc: "Whether a snapshot is restored (automated) or a moment, where the cluster has continuous backups (pointInTime)."},
		{Name: "target_cluster_name", Type: schema.TypeString, Required: true, Immutable: true,
			Doc: "The cluster that is overwritten."},
		{Name: "target_group_id", Type: schema.TypeString, Required: true, Immutable: true,
			Doc: "The id of the project in which that cluster is: project.lab.id."},
		{Name: "snapshot_id", Type: schema.TypeString, Immutable: true,
			AllowedWhen: atOnce, RequiredWhen: atOnce,
			Doc: "The id of the snapshot: cluster.orders.backup_snapshot.before_migration.id."},
		{Name: "point_in_time_utc_seconds", API: "pointInTimeUTCSeconds", Type: schema.TypeInteger, Unread: true, Immutable: true, Min: new(1.0),
			AllowedWhen:  append([]schema.Condition{{Attribute: "oplog_ts", Unset: true}}, atMoment...),
			RequiredWhen: append([]schema.Condition{{Attribute: "oplog_ts", Unset: true}}, atMoment...),
			Doc:          "The moment, in seconds since 1970."},
		{Name: "oplog_ts", Type: schema.TypeInteger, Unread: true, Immutable: true, Min: new(1.0),
			AllowedWhen: atMoment,
			Doc:         "The moment as the first half of a timestamp in the oplog, in seconds since 1970."},
		{Name: "oplog_inc", Type: schema.TypeInteger, Unread: true, Immutable: true, Min: new(1.0),
			AllowedWhen: []schema.Condition{{Attribute: "oplog_ts"}}, RequiredWhen: []schema.Condition{{Attribute: "oplog_ts"}},
			Doc: "The second half of that timestamp: which operation of the second."},

		{Name: "id", Type: schema.TypeString, Owner: schema.Server,
			Doc: "The job's id, 24 hexadecimal digits."},
		{Name: "status", Type: schema.TypeString, Owner: schema.Server, Volatile: true,
			Doc: "How far it is: running, finished, failed, cancelled or expired."},
		{Name: "finished_at", Type: schema.TypeTime, Owner: schema.Server, Volatile: true,
			Doc: "When it was done."},
		{Name: "timestamp", Type: schema.TypeTime, Owner: schema.Server,
			Doc: "When the snapshot was taken."},
		{Name: "failed", Type: schema.TypeBool, Owner: schema.Server, Volatile: true,
			Doc: "Whether it failed."},
		{Name: "cancelled", Type: schema.TypeBool, Owner: schema.Server, Volatile: true,
			Doc: "Whether somebody canceled it."},
		{Name: "expired", Type: schema.TypeBool, Owner: schema.Server, Volatile: true,
			Doc: "Whether it waited for too long."},
	},
	Ignored: []string{".links", ".deliveryUrl", ".privateDownloadDeliveryUrls", ".components", ".expiresAt", ".desiredTimestamp", ".targetDeploymentItemName"},

	Endpoints: schema.Endpoints{
		List: &schema.Endpoint{Operation: "listGroupClusterBackupRestoreJobs", Method: "GET", Path: restoreJobs,
			Version: version20230101, Role: projectBackupManager},
		Get: &schema.Endpoint{Operation: "getGroupClusterBackupRestoreJob", Method: "GET", Path: restoreJobs + "/{restoreJobId}",
			Version: version20230101, Role: projectBackupManager},
		Create: &schema.Endpoint{Operation: "createGroupClusterBackupRestoreJob", Method: "POST", Path: restoreJobs,
			Version: version20230101, Role: projectBackupOperator},
	},
	Settle: &schema.Settle{
		Field:    "status",
		Creating: []string{"running"}, Ready: []string{"finished"}, Failed: []string{"failed", "cancelled", "expired"},
		First: 2 * time.Second, Max: 30 * time.Second, Limit: 6 * time.Hour,
	},
	Once:       true,
	Overwrites: &schema.Overwrites{Kind: "cluster", Name: "target_cluster_name", In: "target_group_id"},

	Risks: []schema.RiskRule{
		{Risk: schema.Irreversible, On: []schema.Event{schema.OnCreate}},
		{Risk: schema.Downtime, On: []schema.Event{schema.OnCreate}},
	},
	Hooks: schema.Hooks{Decode: decodeRestoreJob},
})

const restoreJobs = oneCluster + "/backup/restoreJobs"

var (
	atOnce   = []schema.Condition{{Attribute: "delivery_type", Values: []string{"automated"}}}
	atMoment = []schema.Condition{{Attribute: "delivery_type", Values: []string{"pointInTime"}}}
)
