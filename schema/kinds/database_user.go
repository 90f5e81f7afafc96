package kinds

import (
	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
)

// A database user. How it authenticates cannot be changed, so a change of that is a replacement (R42); which
// database it authenticates against follows from it.
var _ = declare(schema.Kind{
	Name:   "database_user",
	Parent: "project",
	Doc:    "A user of the project's databases, with a password or known to an identity provider, and what it may do.",

	Identity: schema.Identity{
		Binds: schema.ByKey, Key: []string{"database_name", "username"}, LabelIs: "username",
	},
	Attributes: []schema.Attribute{
		{Name: "username", Type: schema.TypeString, Required: true, Immutable: true, MaxLen: 1024,
			Doc: "The name: free text for passwords, a distinguished name for X.509 and LDAP, an ARN for AWS IAM, and for OIDC the identity provider's id, a slash, and the user or group."},
		{Name: "database_name", Type: schema.TypeString, Immutable: true, Enum: []string{"admin", "$external"},
			DefaultBy: &schema.DefaultBy{
				Attributes: []string{"x509_type", "aws_iam_type", "ldap_auth_type", "oidc_auth_type"},
				Unset:      "NONE", Then: "$external", Else: "admin",
				Cases: [][3]string{{"oidc_auth_type", "IDP_GROUP", "admin"}},
			},
			Doc: "The database that the user authenticates against. It follows from the way of authentication."},
		{Name: "password", Type: schema.TypeString, WriteOnly: true,
			RequiredWhen: []schema.Condition{
				{Attribute: "x509_type", Values: []string{"NONE"}}, {Attribute: "aws_iam_type", Values: []string{"NONE"}},
				{Attribute: "ldap_auth_type", Values: []string{"NONE"}}, {Attribute: "oidc_auth_type", Values: []string{"NONE"}},
			},
			Doc: "The password, at least 8 characters, of a user that is known to no identity provider."},
		authType("x509_type", "x509Type", "How the user authenticates with X.509: a certificate that Atlas issues (MANAGED) or your own (CUSTOMER).",
			"NONE", "CUSTOMER", "MANAGED"),
		authType("aws_iam_type", "awsIAMType", "Whether the username is the ARN of an AWS IAM user or role.",
			"NONE", "USER", "ROLE"),
		authType("ldap_auth_type", "ldapAuthType", "Whether the username is the distinguished name of an LDAP user or group.",
			"NONE", "GROUP", "USER"),
		authType("oidc_auth_type", "oidcAuthType", "Whether the username is a user (workload) or a group (workforce) of an OIDC identity provider.",
			"NONE", "IDP_GROUP", "USER"),
		{Name: "roles", Type: schema.TypeList, Required: true, Elem: schema.Elem{Whole: true}, Nested: userRoles,
			Doc: "What the user may do: roles, each on one database or collection."},
		{Name: "scopes", Type: schema.TypeList, Elem: schema.Elem{Whole: true}, Nested: userScopes,
			Doc: "The clusters, data lakes and stream workspaces that the user is known to; all of the project where the list is empty."},
		{Name: "description", Type: schema.TypeString, MaxLen: 100,
			Doc: "What the user is for."},
		{Name: "delete_after_date", Type: schema.TypeTime, Within: &soon, AtBirth: true,
			Doc: "When Atlas removes the user by itself, within a week from now. A lasting user cannot be made temporary."},
		{Name: "labels", Type: schema.TypePairs,
			Doc: "Key-value pairs of your own."},
		{Name: "group_id", Type: schema.TypeString, Owner: schema.Server, FromPlace: "groupId",
			Doc: "The id of the project that the user belongs to."},
	},
	Ignored: []string{".links"},

	Endpoints: schema.Endpoints{
		List: &schema.Endpoint{Operation: "listGroupDatabaseUsers", Method: "GET", Path: group + "/databaseUsers",
			Version: version20230101, Role: projectReadOnly},
		Get: &schema.Endpoint{Operation: "getGroupDatabaseUser", Method: "GET", Path: oneUser,
			Version: version20230101, Role: projectReadOnly},
		Create: &schema.Endpoint{Operation: "createGroupDatabaseUser", Method: "POST", Path: group + "/databaseUsers",
			Version: version20230101, Role: projectDatabaseAdmin},
		Update: &schema.Endpoint{Operation: "updateGroupDatabaseUser", Method: "PATCH", Path: oneUser,
			Version: version20230101, Role: projectDatabaseAdmin},
		Delete: &schema.Endpoint{Operation: "deleteGroupDatabaseUser", Method: "DELETE", Path: oneUser,
			Version: version20230101, Role: projectDatabaseAdmin},
	},

	Risks: []schema.RiskRule{
		{Risk: schema.GrantsAccess, On: []schema.Event{schema.OnCreate}},
		{Risk: schema.GrantsAccess, Attribute: "roles", When: schema.Added},
		{Risk: schema.GrantsAccess, Attribute: "scopes", When: schema.Added},
		{Risk: schema.Downtime, On: []schema.Event{schema.OnReplace}},
	},
	Advice: []schema.Advice{
		{Code: "broad_role", Summary: "has a role on every database",
			When: []schema.Condition{{Attribute: "roles", Some: []schema.Condition{{Attribute: "role_name",
				Values: []string{"atlasAdmin", "readWriteAnyDatabase", "dbAdminAnyDatabase"}}}}},
			Why:  "Whoever gets hold of this one password can change or drop everything, and nothing that is added later is out of reach.",
			Mend: "Give readWrite on the databases that are used, or a custom_role with the actions that are needed."},
		{Code: "unscoped_user", Summary: "can log in to every cluster of its project",
			When: []schema.Condition{{Attribute: "scopes", Unset: true}},
			Why:  "A password that leaks from one application then opens the clusters of all the others, those that are added later among them.",
			Mend: "Name the clusters that it needs: scopes = [{ name = cluster.LABEL.name, type = \"CLUSTER\" }]."},
	},
})

const oneUser = group + "/databaseUsers/{databaseName}/{username}"

func authType(name, api, doc string, values ...string) schema.Attribute {
	return schema.Attribute{Name: name, API: api, Type: schema.TypeString, Immutable: true, Enum: values,
		Default: cty.StringVal("NONE"), Doc: doc}
}

var userRoles = []schema.Attribute{
	{Name: "role_name", Type: schema.TypeString, Required: true,
		Refers: []schema.Refer{{Kind: "custom_role", Attribute: "role_name"}},
		Doc:    "A built-in role of Atlas such as readWrite, or a custom role of the project."},
	{Name: "database_name", Type: schema.TypeString, Required: true,
		Doc: "The database in which the role holds; admin for custom roles and for roles on all databases."},
	{Name: "collection_name", Type: schema.TypeString,
		Doc: "The one collection in which the role holds; without it, all of the database."},
}

var userScopes = []schema.Attribute{
	{Name: "name", Type: schema.TypeString, Required: true,
		Refers: []schema.Refer{{Kind: "cluster", Attribute: "name", When: map[string]string{"type": "CLUSTER"}},
			{Kind: "flex_cluster", Attribute: "name", When: map[string]string{"type": "CLUSTER"}}},
		Doc: "The name of the cluster, data lake or stream workspace."},
	{Name: "type", Type: schema.TypeString, Required: true, Enum: []string{"CLUSTER", "DATA_LAKE", "STREAM"},
		Doc: "What the name is the name of."},
}
