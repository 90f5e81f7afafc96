package status

import "mercator/schema"

// watched is looked at beside the kinds of the catalogue, and nothing that a file could declare. It is described like a
// kind, so that the client reads it like one: whole lists, every page, verified.
var watched = []schema.Kind{
	{
		Name:     "alert",
		Identity: schema.Identity{Binds: schema.ByID, ID: "id"},
		Attributes: []schema.Attribute{
			answered("id"), answered("event_type_name"), answered("metric_name"), answered("cluster_name"), answered("replica_set_name"),
			answered("hostname_and_port"), at("created"), at("acknowledged_until"),
		},
		Endpoints: schema.Endpoints{List: &schema.Endpoint{Operation: "listGroupAlerts", Method: "GET", Path: group + "/alerts",
			Version: "2023-01-01", Role: projectReadOnly, Always: map[string]string{"status": "OPEN"}}},
	},
	{ // what is asked for at once is no argument of the kind
		Name:      "window",
		Singleton: true,
		Attributes: []schema.Attribute{
			number("day_of_week"), number("hour_of_day"), number("number_of_deferrals"), answered("time_zone_id"),
			{Name: "start_asap", API: "startASAP", Type: schema.TypeBool, Owner: schema.Server},
		},
		Endpoints: schema.Endpoints{Get: &schema.Endpoint{Operation: "getGroupMaintenanceWindow", Method: "GET", Path: group + "/maintenanceWindow",
			Version: "2023-01-01", Role: projectReadOnly}},
	},
	{
		Name:       "flex_snapshot",
		Identity:   schema.Identity{Binds: schema.ByID, ID: "id"},
		Attributes: []schema.Attribute{answered("id"), answered("status"), {Name: "created_at", API: "finishTime", Type: schema.TypeTime, Owner: schema.Server}},
		Endpoints: schema.Endpoints{List: &schema.Endpoint{Operation: "listGroupFlexClusterBackupSnapshots", Method: "GET", Path: group + "/flexClusters/{name}/backup/snapshots",
			Version: "2024-11-13", Role: projectReadOnly}},
	},
}

const (
	group           = "/api/atlas/v2/groups/{groupId}"
	projectReadOnly = "Project Read Only"
)

func answered(name string) schema.Attribute {
	return schema.Attribute{Name: name, Type: schema.TypeString, Owner: schema.Server}
}

func at(name string) schema.Attribute {
	return schema.Attribute{Name: name, Type: schema.TypeTime, Owner: schema.Server}
}

func number(name string) schema.Attribute {
	return schema.Attribute{Name: name, Type: schema.TypeInteger, Owner: schema.Server}
}

// cluster says how objects of a kind are looked at that run a MongoDB: by these attributes of theirs.
type cluster struct {
	created string
	// paused and backups are attributes that say whether it rests, and whether it is backed up.
	paused, backups string
	// snapshots is the kind of its snapshots, sharded that of a cluster's that is no replica set.
	snapshots, sharded string
}

// clusters are those kinds, by name.
var clusters = map[string]cluster{
	"cluster":      {created: "create_date", paused: "paused", backups: "backup_enabled", snapshots: "backup_snapshot", sharded: "sharded_backup_snapshot"},
	"flex_cluster": {created: "create_date", backups: "backup_settings.enabled", snapshots: "flex_snapshot"},
}
