package kinds

import "mercator/schema"

// The hours in which Atlas may restart a project's clusters. Its PATCH wants the day every time, so all of it is sent.
var _ = declare(schema.Kind{
	Name:      "maintenance_window",
	Parent:    "project",
	Doc:       "When Atlas may take the project's clusters through maintenance that is not urgent.",
	Singleton: true,
	Reset:     "Atlas chooses the time of maintenance again",

	Attributes: []schema.Attribute{
		{Name: "day_of_week", Type: schema.TypeInteger, Required: true, Min: new(1.0), Max: new(7.0),
			Doc: "The day on which maintenance starts, from 1 for Sunday to 7 for Saturday."},
		{Name: "hour_of_day", Type: schema.TypeInteger, Min: new(0.0), Max: new(23.0),
			Doc: "The hour at which maintenance starts, from 0 to 23, in the project's time zone."},
		{Name: "auto_defer_once_enabled", Type: schema.TypeBool,
			Doc: "Whether every maintenance is put off by a week once."},
		{Name: "protected_hours", Type: schema.TypeObject, Nested: protectedHours,
			Doc: "Hours of the day in which no maintenance begins."},

		{Name: "number_of_deferrals", Type: schema.TypeInteger, Owner: schema.Server, Volatile: true,
			Doc: "How often the maintenance that is due was put off."},
		{Name: "time_zone_id", Type: schema.TypeString, Owner: schema.Server,
			Doc: "The project's time zone, which only the Atlas console can change."},
	},
	Ignored: []string{".startASAP"}, // a request to begin at once, no state to declare

	Endpoints: schema.Endpoints{
		Get: &schema.Endpoint{Operation: "getGroupMaintenanceWindow", Method: "GET", Path: group + "/maintenanceWindow",
			Version: version20230101, Role: projectReadOnly},
		Update: &schema.Endpoint{Operation: "updateGroupMaintenanceWindow", Method: "PATCH", Path: group + "/maintenanceWindow",
			Version: version20230101, Role: projectOwner, Replaces: true},
		Delete: &schema.Endpoint{Operation: "resetGroupMaintenanceWindow", Method: "DELETE", Path: group + "/maintenanceWindow",
			Version: version20230101, Role: projectOwner},
	},
})

var protectedHours = []schema.Attribute{
	{Name: "start_hour_of_day", Type: schema.TypeInteger, Min: new(0.0), Max: new(23.0),
		Doc: "The hour at which they begin."},
	{Name: "end_hour_of_day", Type: schema.TypeInteger, Min: new(0.0), Max: new(23.0),
		Doc: "The hour at which they end."},
}
