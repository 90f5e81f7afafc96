package kinds

import "mercator/schema"

// What the project's clusters write to their audit logs. The API has no reset: what is no longer declared goes on as
// it was.
var _ = declare(schema.Kind{
	Name:      "auditing",
	Parent:    "project",
	Doc:       "Which events the project's clusters record in their audit logs. M0 and flex clusters have none.",
	Singleton: true,

	Attributes: []schema.Attribute{
		{Name: "enabled", Type: schema.TypeBool,
			Doc: "Whether events are recorded at all."},
		{Name: "audit_filter", Type: schema.TypeJSON,
			Doc: "The events to record, as MongoDB's audit filter: { atype = \"authenticate\" }. How it is spelt does not count."},
		{Name: "audit_authorization_success", Type: schema.TypeBool,
			Doc: "Whether reads and writes that are allowed are recorded too, which slows clusters down."},

		{Name: "configuration_type", Type: schema.TypeString, Owner: schema.Server, Volatile: true,
			Doc: "Whether the filter was written as JSON (FILTER_JSON), put together in the console (FILTER_BUILDER), or is not there (NONE)."},
	},

	Endpoints: schema.Endpoints{
		Get: &schema.Endpoint{Operation: "getGroupAuditLog", Method: "GET", Path: group + "/auditLog",
			Version: version20230101, Role: projectOwner},
		Update: &schema.Endpoint{Operation: "updateGroupAuditLog", Method: "PATCH", Path: group + "/auditLog",
			Version: version20230101, Role: projectOwner},
	},
})
