package kinds

import "mercator/schema"

// A project, which the API calls a group: the home of clusters and of all that guards them.
var _ = declare(schema.Kind{
	Name: "project",
	Doc:  "A project of the organization. Clusters, database users, access lists and alert configurations live in it.",

	Identity: schema.Identity{
		Binds: schema.ByID, ID: "id", Key: []string{"name"}, LabelIs: "name",
		Pattern: `^[\p{L}\p{N}\-_.(),:&@+']{1,64}$`,
		Hint:    "1 to 64 letters, digits and characters of -_.(),:&@+'",
		Params:  map[string]string{"groupId": "id", "groupName": "name"},
	},
	Attributes: []schema.Attribute{
		{Name: "name", Type: schema.TypeString, Required: true,
			Doc: "The project's name, unique in the organization. It can be changed in place."},
		{Name: "tags", Type: schema.TypePairs,
			Doc: "Key-value pairs by which projects are grouped in invoices and searches. Atlas takes 1 to 255 characters each."},
		{Name: "with_default_alerts_settings", Type: schema.TypeBool,
			Doc: "Whether Atlas adds its default alert configurations to the project."},
		{Name: "region_usage_restrictions", Type: schema.TypeString, Immutable: true,
			Enum: []string{"COMMERCIAL_FEDRAMP_REGIONS_ONLY", "GOV_REGIONS_ONLY"},
			Doc:  "Which regions may be used, in Atlas for Government only. It cannot be changed."},
		{Name: "settings", Type: schema.TypeObject, Nested: projectSettings,
			Doc: "Switches for the features of Atlas in this project. Keys that are left out are not managed."},
		{Name: "limits", Type: schema.TypeObject, Nested: projectLimits,
			Doc: "Limits of the project, under Atlas's own names in quotes. Keys that are left out are not managed."},

		{Name: "id", Type: schema.TypeString, Owner: schema.Server,
			Doc: "The project's id, 24 hexadecimal digits."},
		{Name: "org_id", Type: schema.TypeString, Owner: schema.Server, FromPlace: "orgId",
			Doc: "The id of the organization that the project belongs to."},
		{Name: "cluster_count", Type: schema.TypeInteger, Owner: schema.Server, Volatile: true,
			Doc: "How many clusters the project has."},
		{Name: "created", Type: schema.TypeTime, Owner: schema.Server,
			Doc: "When the project was created."},
	},
	Ignored: []string{".links"},

	Endpoints: schema.Endpoints{
		List: &schema.Endpoint{Operation: "getOrgGroups", Method: "GET", Path: "/api/atlas/v2/orgs/{orgId}/groups",
			Version: version20230101, Role: orgMember},
		Get: &schema.Endpoint{Operation: "getGroup", Method: "GET", Path: group,
			Version: version20230101, Role: projectReadOnly},
		Find: &schema.Endpoint{Operation: "getGroupByName", Method: "GET", Path: "/api/atlas/v2/groups/byName/{groupName}",
			Version: version20230101, Role: projectReadOnly},
		Create: &schema.Endpoint{Operation: "createGroup", Method: "POST", Path: "/api/atlas/v2/groups",
			Version: version20230101, Role: orgProjectCreator},
		Update: &schema.Endpoint{Operation: "updateGroup", Method: "PATCH", Path: group,
			Version: version20230101, Role: projectOwner, Omit: []string{"org_id", "region_usage_restrictions"}},
		Delete: &schema.Endpoint{Operation: "deleteGroup", Method: "DELETE", Path: group,
			Version: version20230101, Role: projectOwner},
	},
	Parts: []schema.Part{
		{Attribute: "settings",
			Read: &schema.Endpoint{Operation: "getGroupSettings", Method: "GET", Path: group + "/settings",
				Version: version20230101, Role: projectReadOnly},
			Write: &schema.Endpoint{Operation: "updateGroupSettings", Method: "PATCH", Path: group + "/settings",
				Version: version20230101, Role: projectOwner}},
		{Attribute: "limits", Each: true, EachParam: "limitName",
			Read: &schema.Endpoint{Operation: "listGroupLimits", Method: "GET", Path: group + "/limits",
				Version: version20230101, Role: projectReadOnly, BareArray: true},
			Write: &schema.Endpoint{Operation: "setGroupLimit", Method: "PATCH", Path: group + "/limits/{limitName}",
				Version: version20230101, Role: projectOwner}},
	},
	HoldsData: true,

	Risks: []schema.RiskRule{
		{Risk: schema.Irreversible, On: []schema.Event{schema.OnDelete, schema.OnReplace}},
	},
})

var projectSettings = []schema.Attribute{
	{Name: "is_collect_database_specifics_statistics_enabled", Type: schema.TypeBool,
		Doc: "Whether metrics are collected per database."},
	{Name: "is_data_explorer_enabled", Type: schema.TypeBool,
		Doc: "Whether documents can be browsed in the Atlas console."},
	{Name: "is_data_explorer_gen_ai_features_enabled", API: "isDataExplorerGenAIFeaturesEnabled", Type: schema.TypeBool,
		Doc: "Whether the data explorer may use generative AI, which calls third parties."},
	{Name: "is_data_explorer_gen_ai_sample_document_passing_enabled", API: "isDataExplorerGenAISampleDocumentPassingEnabled",
		Type: schema.TypeBool, Doc: "Whether sample field values may be passed to the data explorer's generative AI."},
	{Name: "is_extended_storage_sizes_enabled", Type: schema.TypeBool,
		Doc: "Whether clusters may have more storage than their tier usually allows."},
	{Name: "is_performance_advisor_enabled", Type: schema.TypeBool,
		Doc: "Whether the performance advisor and the profiler are on."},
	{Name: "is_realtime_performance_panel_enabled", Type: schema.TypeBool,
		Doc: "Whether the panel of live metrics is on."},
	{Name: "is_schema_advisor_enabled", Type: schema.TypeBool,
		Doc: "Whether Atlas suggests improvements of schemas."},
	{Name: "is_cluster_ai_assistant_enabled", Type: schema.TypeBool,
		Doc: "Whether the AI assistant for clusters is on."},
	{Name: "is_data_validation_enabled", Type: schema.TypeBool,
		Doc: "Whether data validation is on for all clusters of the project."},
	{Name: "is_native_reranking_enabled", Type: schema.TypeBool,
		Doc: "Whether aggregation pipelines may rerank with Voyage AI models."},
	{Name: "is_atlas_home_page_ai_assistant_enabled", Type: schema.TypeBool, Owner: schema.Server,
		Doc: "Whether the AI assistant on the project's home page is on; answered by Atlas, not documented as an argument."},
}

var projectLimits = []schema.Attribute{
	limit("atlas.project.deployment.clusters", "Clusters in the project."),
	limit("atlas.project.deployment.nodesPerPrivateLinkRegion", "Nodes per region that AWS PrivateLink can address."),
	limit("atlas.project.deployment.privateServiceConnectionsPerRegionGroup", "Private Service Connections per group of regions."),
	limit("atlas.project.deployment.privateServiceConnectionsSubnetMask", "Subnet mask of networks of Google's Private Service Connect."),
	limit("atlas.project.deployment.serverlessMTMs", "Multi-tenant hosts of serverless instances."),
	limit("atlas.project.security.databaseAccess.customRoles", "Custom database roles in the project."),
	limit("atlas.project.security.databaseAccess.users", "Database users in the project."),
	limit("atlas.project.security.networkAccess.crossRegionEntries", "Access-list entries that count across regions."),
	limit("atlas.project.security.networkAccess.entries", "Entries in the project's access list."),
	limit("dataFederation.bytesProcessed.query", "Bytes that one federated query may process."),
	limit("dataFederation.bytesProcessed.daily", "Bytes that federated queries may process in a day."),
	limit("dataFederation.bytesProcessed.weekly", "Bytes that federated queries may process in a week."),
	limit("dataFederation.bytesProcessed.monthly", "Bytes that federated queries may process in a month."),
}

func limit(name, doc string) schema.Attribute {
	return schema.Attribute{Name: name, API: name, Type: schema.TypeInteger, Min: new(0.0), Doc: doc}
}
