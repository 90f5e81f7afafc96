package kinds

import "mercator/schema"

// The organization behind a connection. Mercator makes and deletes none: the block says how the one that is there is
// to be. Its name and its settings stand behind endpoints of their own.
var _ = declare(schema.Kind{
	Name:      "organization",
	Doc:       "The organization itself that a connection leads to: its name, and the settings that hold for everything in it.",
	Singleton: true,

	Attributes: []schema.Attribute{
		{Name: "name", Type: schema.TypeString,
			Doc: "The organization's name, 1 to 64 letters, digits and characters of -_.(),:&@+'."},
		{Name: "skip_default_alerts_settings", Type: schema.TypeBool,
			Doc: "Whether Atlas adds no alerts of its own to the organization."},
		{Name: "settings", Type: schema.TypeObject, Nested: organizationSettings,
			Doc: "What holds for everybody and everything in the organization. Keys that are left out are not managed."},

		{Name: "id", Type: schema.TypeString, Owner: schema.Server,
			Doc: "The organization's id, 24 hexadecimal digits."},
	},
	Ignored: []string{".links", ".isDeleted"},

	Endpoints: schema.Endpoints{
		Get: &schema.Endpoint{Operation: "getOrg", Method: "GET", Path: organization,
			Version: version20230101, Role: orgMember},
		Update: &schema.Endpoint{Operation: "updateOrg", Method: "PATCH", Path: organization,
			Version: version20230101, Role: orgOwner, Replaces: true},
	},
	Parts: []schema.Part{
		{Attribute: "settings",
			Read: &schema.Endpoint{Operation: "getOrgSettings", Method: "GET", Path: organization + "/settings",
				Version: version20230101, Role: orgMember},
			Write: &schema.Endpoint{Operation: "updateOrgSettings", Method: "PATCH", Path: organization + "/settings",
				Version: version20230101, Role: orgOwner}},
	},

	Risks: []schema.RiskRule{
		{Risk: schema.LocksOut, Attribute: "settings.api_access_list_required", When: schema.Changed},
	},
})

var organizationSettings = []schema.Attribute{
	{Name: "api_access_list_required", Type: schema.TypeBool,
		Doc: "Whether the Administration API takes requests only from addresses on the access list of their credential."},
	{Name: "multi_factor_auth_required", Type: schema.TypeBool,
		Doc: "Whether users need a second factor to see the organization."},
	{Name: "restrict_employee_access", Type: schema.TypeBool,
		Doc: "Whether MongoDB's support has to be let in before it sees infrastructure and logs."},
	{Name: "gen_ai_features_enabled", API: "genAIFeaturesEnabled", Type: schema.TypeBool,
		Doc: "Whether projects may use features with generative AI."},
	{Name: "streams_cross_group_enabled", Type: schema.TypeBool,
		Doc: "Whether stream processing workspaces may connect to clusters of other projects."},
	{Name: "max_service_account_secret_validity_in_hours", Type: schema.TypeInteger, Min: new(8.0), Max: new(8760.0),
		Doc: "How long secrets of service accounts are good at most, for those that are made from then on."},
	{Name: "operations_contact", Type: schema.TypeString,
		Doc: "The e-mail address of a list that is told about the infrastructure."},
	{Name: "security_contact", Type: schema.TypeString,
		Doc: "The e-mail address that is told about security; \"\" for none."},
	{Name: "custom_session_timeouts", Type: schema.TypeObject, Nested: []schema.Attribute{
		{Name: "absolute_session_timeout_in_seconds", Type: schema.TypeInteger, Min: new(3600.0), Max: new(43200.0),
			Doc: "Seconds after which everybody has to log in again, from an hour to twelve."},
		{Name: "idle_session_timeout_in_seconds", Type: schema.TypeInteger, Min: new(300.0), Max: new(43200.0),
			Doc: "Seconds without activity after which a session ends."},
	}, Doc: "When sessions in the Atlas console end."},
}
