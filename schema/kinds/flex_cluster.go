package kinds

import (
	"time"

	"mercator/schema"
)

// A flex cluster: small, on machines that it shares, with endpoints of its own. Atlas changes nothing about it but its
// tags and its protection.
var _ = declare(schema.Kind{
	Name:   "flex_cluster",
	Parent: "project",
	Doc:    "A flex cluster, which shares its machines with others and costs by use. It stays where it is made.",

	Identity: schema.Identity{
		Binds: schema.ByKey, ID: "id", Key: []string{"name"}, LabelIs: "name", Namespace: clusterNames,
		Pattern: `^[a-zA-Z0-9][a-zA-Z0-9-]{0,63}$`,
		Hint:    "1 to 64 letters, digits and hyphens, beginning with a letter or digit",
	},
	Attributes: []schema.Attribute{
		{Name: "name", Type: schema.TypeString, Required: true, Immutable: true,
			Doc: "The cluster's name, unique among all clusters of the project. It cannot be changed: another name is another cluster."},
		{Name: "provider_settings", Type: schema.TypeObject, Required: true, Immutable: true, Nested: flexProvider,
			Doc: "Where the cluster is. It cannot be changed."},
		{Name: "tags", Type: schema.TypePairs,
			Doc: "Key-value pairs by which clusters are grouped in invoices and searches."},
		{Name: "termination_protection_enabled", Type: schema.TypeBool, Protects: true,
			Doc: "Whether Atlas refuses to delete the cluster."},

		{Name: "id", Type: schema.TypeString, Owner: schema.Server,
			Doc: "The cluster's id, 24 hexadecimal digits."},
		{Name: "state_name", Type: schema.TypeString, Owner: schema.Server, Volatile: true,
			Doc: "What the cluster is busy with: IDLE, CREATING, UPDATING, DELETING or REPAIRING."},
		{Name: "connection_strings", Type: schema.TypeObject, Owner: schema.Server, Nested: flexStrings,
			Doc: "Where applications connect to."},
		{Name: "mongo_db_version", API: "mongoDBVersion", Type: schema.TypeString, Owner: schema.Server, Volatile: true,
			Doc: "The version of MongoDB that it runs."},
		{Name: "cluster_type", Type: schema.TypeString, Owner: schema.Server,
			Doc: "Always REPLICASET."},
		{Name: "version_release_system", Type: schema.TypeString, Owner: schema.Server,
			Doc: "Always LTS: Atlas keeps it at the latest long-term release."},
		{Name: "backup_settings", Type: schema.TypeObject, Owner: schema.Server, Nested: flexBackups,
			Doc: "Whether it is backed up, which Atlas always does once a day."},
		{Name: "create_date", Type: schema.TypeTime, Owner: schema.Server,
			Doc: "When it was created."},
	},
	Ignored: []string{".groupId", ".links"},

	Endpoints: schema.Endpoints{
		List: &schema.Endpoint{Operation: "listGroupFlexClusters", Method: "GET", Path: group + "/flexClusters",
			Version: version20241113, Role: projectReadOnly},
		Get: &schema.Endpoint{Operation: "getGroupFlexCluster", Method: "GET", Path: oneFlexCluster,
			Version: version20241113, Role: projectReadOnly},
		Create: &schema.Endpoint{Operation: "createGroupFlexCluster", Method: "POST", Path: group + "/flexClusters",
			Version: version20241113, Role: projectOwner},
		Update: &schema.Endpoint{Operation: "updateGroupFlexCluster", Method: "PATCH", Path: oneFlexCluster,
			Version: version20241113, Role: projectOwner, Omit: []string{"name", "provider_settings"}},
		Delete: &schema.Endpoint{Operation: "deleteGroupFlexCluster", Method: "DELETE", Path: oneFlexCluster,
			Version: version20241113, Role: projectOwner},
	},
	Upgrades: flexUpgrades,
	Settle: &schema.Settle{
		Field:    "state_name",
		Creating: []string{"CREATING"}, Busy: []string{"UPDATING", "REPAIRING"}, Deleting: []string{"DELETING"},
		Ready: []string{"IDLE"},
		First: time.Second, Max: 15 * time.Second, Limit: schema.DefaultLimit,
	},
	HoldsData:    true,
	BlocksParent: true,

	Risks: []schema.RiskRule{
		{Risk: schema.Irreversible, On: []schema.Event{schema.OnDelete, schema.OnReplace}},
		{Risk: schema.Downtime, On: []schema.Event{schema.OnReplace, schema.OnUpgrade}},
		{Risk: schema.Billable, On: []schema.Event{schema.OnCreate, schema.OnUpgrade}},
	},
})

const (
	version20241113 = "2024-11-13"

	oneFlexCluster = group + "/flexClusters/{name}"
)

var flexProvider = []schema.Attribute{
	{Name: "backing_provider_name", Type: schema.TypeString, Required: true, Enum: []string{"AWS", "AZURE", "GCP"},
		Doc: "The cloud provider."},
	{Name: "region_name", Type: schema.TypeString, Required: true,
		Doc: "The region, in Atlas's spelling: EU_WEST_1."},
	{Name: "provider_name", Type: schema.TypeString, Owner: schema.Server,
		Doc: "Always FLEX."},
	{Name: "disk_size_gb", API: "diskSizeGB", Type: schema.TypeNumber, Owner: schema.Server,
		Doc: "The size of its disk."},
}

var flexStrings = []schema.Attribute{
	{Name: "standard", Type: schema.TypeString, Owner: schema.Server,
		Doc: "The connection string that names all hosts."},
	{Name: "standard_srv", Type: schema.TypeString, Owner: schema.Server,
		Doc: "The connection string that finds the hosts by DNS."},
}

var flexBackups = []schema.Attribute{
	{Name: "enabled", Type: schema.TypeBool, Owner: schema.Server,
		Doc: "Whether snapshots are taken."},
}
