package kinds

import "mercator/schema"

// A service account that is made in one project by who owns no more than that. It becomes a member of the organization,
// and the project's endpoints cannot delete it there: they revoke its secrets, and take it out of the project.
var _ = declare(schema.Kind{
	Name:   "project_service_account",
	Parent: "project",
	Doc:    "A service account that is made in one project, which takes no rights in the organization. Deleting it revokes its secrets and takes it out of the project; without them it stays as a member of the organization.",
	Alias:  "service_account",

	Identity: schema.Identity{Binds: schema.ByID, ID: "client_id"},
	Attributes: accountAttributes(schema.Attribute{
		Name: "roles", Type: schema.TypeList, Of: schema.TypeString, Required: true, MinItems: 1, Elem: schema.Elem{Whole: true},
		Doc: "What it may do in the project, one role at least: GROUP_READ_ONLY, GROUP_OWNER and so on."}),
	Ignored: accountNews,
	Credential: &schema.Credential{Public: "client_id", Secret: "secret", Provisional: "description", Outlives: true, Rotation: &schema.Rotation{
		Secrets: "secrets", ID: "id", Expires: "expires_at", Lasts: "secret_expires_after_hours", Most: 2, Param: "secretId",
		Mint: &schema.Endpoint{Operation: "createGroupServiceAccountSecret", Method: "POST", Path: accountInProject + "/secrets",
			Version: version20240805, Role: projectOwner},
		Revoke: &schema.Endpoint{Operation: "deleteGroupServiceAccountSecret", Method: "DELETE", Path: accountInProject + "/secrets/{secretId}",
			Version: version20240805, Role: projectOwner},
	}},

	Endpoints: schema.Endpoints{
		List: &schema.Endpoint{Operation: "listGroupServiceAccounts", Method: "GET", Path: group + "/serviceAccounts",
			Version: version20240805, Role: projectReadOnly},
		Get: &schema.Endpoint{Operation: "getGroupServiceAccount", Method: "GET", Path: accountInProject,
			Version: version20240805, Role: projectReadOnly},
		Create: &schema.Endpoint{Operation: "createGroupServiceAccount", Method: "POST", Path: group + "/serviceAccounts",
			Version: version20240805, Role: projectOwner},
		Update: &schema.Endpoint{Operation: "updateGroupServiceAccount", Method: "PATCH", Path: accountInProject,
			Version: version20240805, Role: projectOwner},
		Delete: &schema.Endpoint{Operation: "deleteGroupServiceAccount", Method: "DELETE", Path: accountInProject,
			Version: version20240805, Role: projectOwner},
	},
	Parts: []schema.Part{{Attribute: "access_list",
		Read: &schema.Endpoint{Operation: "listGroupServiceAccountAccessList", Method: "GET", Path: accountInProject + "/accessList",
			Version: version20240805, Role: projectReadOnly},
		Members: &schema.Members{
			Add: &schema.Endpoint{Operation: "createGroupServiceAccountAccessList", Method: "POST", Path: accountInProject + "/accessList",
				Version: version20240805, Role: projectAccessManager, Batch: 1},
			Remove: &schema.Endpoint{Operation: "deleteGroupServiceAccountAccessListEntry", Method: "DELETE", Path: accountInProject + "/accessList/{ipAddress}",
				Version: version20240805, Role: projectAccessManager},
			Params: map[string][]string{"ipAddress": {"ip_address", "cidr_block"}},
		}}},

	Risks: accountRisks(),
})
