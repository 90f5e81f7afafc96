package kinds

import "mercator/schema"

// A custom database role. Atlas answers actions and resources in any order, and wants one write at a time (R42).
var _ = declare(schema.Kind{
	Name:   "custom_role",
	Parent: "project",
	Doc:    "A database role of the project's own: actions on resources, and roles that it inherits.",

	Identity: schema.Identity{
		Binds: schema.ByKey, Key: []string{"role_name"}, LabelIs: "role_name",
		Pattern: `^[a-zA-Z0-9][a-zA-Z0-9_-]*$`,
		Hint:    "letters, digits, hyphens and underscores, beginning with a letter or digit",
	},
	Attributes: []schema.Attribute{
		{Name: "role_name", Type: schema.TypeString, Required: true, Immutable: true,
			Doc: "The role's name, unique in the project."},
		{Name: "actions", Type: schema.TypeList, Elem: schema.Elem{Key: []string{"action"}}, Nested: roleActions,
			Doc: "What the role may do, each action on a list of resources."},
		{Name: "inherited_roles", Type: schema.TypeList, Elem: schema.Elem{Whole: true}, Nested: inheritedRoles,
			Doc: "Roles whose privileges this one has too."},
	},

	Endpoints: schema.Endpoints{
		List: &schema.Endpoint{Operation: "listGroupCustomDbRoleRoles", Method: "GET", Path: allRoles,
			Version: version20230101, Role: projectReadOnly, BareArray: true},
		Get: &schema.Endpoint{Operation: "getGroupCustomDbRoleRole", Method: "GET", Path: allRoles + "/{roleName}",
			Version: version20230101, Role: projectReadOnly},
		Create: &schema.Endpoint{Operation: "createGroupCustomDbRoleRole", Method: "POST", Path: allRoles,
			Version: version20230101, Role: projectDatabaseAdmin},
		Update: &schema.Endpoint{Operation: "updateGroupCustomDbRoleRole", Method: "PATCH", Path: allRoles + "/{roleName}",
			Version: version20230101, Role: projectDatabaseAdmin, Omit: []string{"role_name"}},
		Delete: &schema.Endpoint{Operation: "deleteGroupCustomDbRoleRole", Method: "DELETE", Path: allRoles + "/{roleName}",
			Version: version20230101, Role: projectDatabaseAdmin},
	},
	Serial: true,

	Risks: []schema.RiskRule{
		{Risk: schema.GrantsAccess, Attribute: "actions", When: schema.Added},
		{Risk: schema.GrantsAccess, Attribute: "actions.resources", When: schema.Added},
		{Risk: schema.GrantsAccess, Attribute: "inherited_roles", When: schema.Added},
	},
})

const allRoles = group + "/customDBRoles/roles"

var roleActions = []schema.Attribute{
	{Name: "action", Type: schema.TypeString, Required: true, Enum: roleActionNames,
		Doc: "The privilege, in Atlas's spelling: FIND, INSERT, COLL_STATS."},
	{Name: "resources", Type: schema.TypeList, Required: true, Elem: schema.Elem{Whole: true},
		Doc: "Where the action may be taken.",
		Nested: []schema.Attribute{
			{Name: "cluster", Type: schema.TypeBool,
				Doc: "True where the action concerns the whole cluster; db and collection are then left out."},
			{Name: "db", Type: schema.TypeString,
				Doc: "The database."},
			{Name: "collection", Type: schema.TypeString,
				Doc: "The collection; without it, all of the database."},
		}},
}

var inheritedRoles = []schema.Attribute{
	{Name: "role", Type: schema.TypeString, Required: true,
		Refers: []schema.Refer{{Kind: "custom_role", Attribute: "role_name"}},
		Doc:    "A built-in role, or another custom role of the project."},
	{Name: "db", Type: schema.TypeString, Required: true,
		Doc: "The database in which it holds: admin for all roles but read and readWrite."},
}

var roleActionNames = []string{
	"ANALYZE", "ANALYZE_SHARD_KEY", "BYPASS_DEFAULT_MAX_TIME_MS", "BYPASS_DOCUMENT_VALIDATION",
	"BYPASS_USER_WRITE_BLOCK", "CHANGE_STREAM", "CHECK_METADATA_CONSISTENCY", "CLEAR_JUMBO_FLAG", "COLL_MOD",
	"COLL_STATS", "COMPACT", "CONN_POOL_STATS", "CONVERT_TO_CAPPED", "CREATE_COLLECTION", "CREATE_INDEX",
	"CREATE_SEARCH_INDEX", "CREATE_STREAM_PROCESSOR", "DB_HASH", "DB_STATS", "DROP_COLLECTION", "DROP_DATABASE",
	"DROP_INDEX", "DROP_SEARCH_INDEX", "DROP_STREAM_PROCESSOR", "ENABLE_PROFILER", "ENABLE_SHARDING", "FIND",
	"FLUSH_ROUTER_CONFIG", "GET_CMD_LINE_OPTS", "GET_LOG", "GET_PARAMETER", "GET_SHARD_MAP",
	"GET_STREAM_PROCESSOR", "HOST_INFO", "INSERT", "IN_PROG", "KILL_ANY_CURSOR", "KILL_ANY_SESSION", "KILL_OP",
	"LIST_COLLECTIONS", "LIST_CONNECTIONS", "LIST_DATABASES", "LIST_INDEXES", "LIST_SEARCH_INDEXES",
	"LIST_SESSIONS", "LIST_SHARDS", "LIST_STREAM_PROCESSORS", "MODIFY_STREAM_PROCESSOR", "MOVE_CHUNK", "NET_STAT",
	"OUT_TO_AZURE", "OUT_TO_GCS", "OUT_TO_S3", "PROCESS_STREAM_PROCESSOR", "REFINE_COLLECTION_SHARD_KEY",
	"REMOVE", "RENAME_COLLECTION_SAME_DB", "REPL_SET_GET_CONFIG", "REPL_SET_GET_STATUS", "RESHARD_COLLECTION",
	"RE_INDEX", "SAMPLE_STREAM_PROCESSOR", "SERVER_STATUS", "SET_USER_WRITE_BLOCK", "SHARDED_DATA_DISTRIBUTION",
	"SHARDING_STATE", "SPLIT_CHUNK", "SQL_GET_SCHEMA", "SQL_SET_SCHEMA", "START_STREAM_PROCESSOR",
	"STOP_STREAM_PROCESSOR", "STORAGE_GET_CONFIG", "STORAGE_SET_CONFIG", "STREAM_PROCESSOR_STATS", "TOP",
	"UPDATE", "UPDATE_SEARCH_INDEX", "USE_UUID", "VALIDATE", "VIEW_ALL_HISTORY",
}
