package kinds

import "mercator/schema"

// A service account of an organization, which logs in with its client id and one of its secrets. Names may be the same,
// so the client id is all that binds one (R4). A secret has an end, so that another one is made in time.
var _ = declare(schema.Kind{
	Name:  "service_account",
	Doc:   "A service account of the organization: it logs in by OAuth with its client id and a secret that expires, and may do what its roles say there and in projects.",
	Alias: "project_service_account",

	Identity: schema.Identity{Binds: schema.ByID, ID: "client_id"},
	Attributes: append(accountAttributes(schema.Attribute{
		Name: "roles", Type: schema.TypeList, Of: schema.TypeString, Required: true, MinItems: 1, Elem: schema.Elem{Whole: true},
		Enum: []string{"ORG_OWNER", "ORG_MEMBER", "ORG_GROUP_CREATOR", "ORG_BILLING_ADMIN", "ORG_BILLING_READ_ONLY", "ORG_READ_ONLY",
			"ORG_STREAM_PROCESSING_ADMIN"},
		Doc: "What it may do in the organization, one role at least."}),
		schema.Attribute{Name: "projects", Type: schema.TypeList, Elem: schema.Elem{Key: []string{"project_id"}}, Nested: []schema.Attribute{
			{Name: "project_id", API: "groupId", Type: schema.TypeString, Required: true,
				Doc: "The project's id, mostly project.LABEL.id."},
			{Name: "roles", Type: schema.TypeList, Of: schema.TypeString, Required: true, MinItems: 1, Elem: schema.Elem{Whole: true},
				Doc: "What it may do there, one role at least: GROUP_READ_ONLY, GROUP_OWNER and so on."},
		}, Doc: "The projects that the account is assigned to; none where the list is empty."}),
	Ignored: accountNews,
	Credential: &schema.Credential{Public: "client_id", Secret: "secret", Provisional: "description", Rotation: &schema.Rotation{
		Secrets: "secrets", ID: "id", Expires: "expires_at", Lasts: "secret_expires_after_hours", Most: 2, Param: "secretId",
		Mint: &schema.Endpoint{Operation: "createOrgServiceAccountSecret", Method: "POST", Path: oneAccount + "/secrets",
			Version: version20240805, Role: orgOwner},
		Revoke: &schema.Endpoint{Operation: "deleteOrgServiceAccountSecret", Method: "DELETE", Path: oneAccount + "/secrets/{secretId}",
			Version: version20240805, Role: orgOwner},
	}},

	Endpoints: schema.Endpoints{
		List: &schema.Endpoint{Operation: "listOrgServiceAccounts", Method: "GET", Path: accounts,
			Version: version20240805, Role: orgReadOnly},
		Get: &schema.Endpoint{Operation: "getOrgServiceAccount", Method: "GET", Path: oneAccount,
			Version: version20240805, Role: orgReadOnly},
		Create: &schema.Endpoint{Operation: "createOrgServiceAccount", Method: "POST", Path: accounts,
			Version: version20240805, Role: orgOwner},
		Update: &schema.Endpoint{Operation: "updateOrgServiceAccount", Method: "PATCH", Path: oneAccount,
			Version: version20240805, Role: orgOwner},
		Delete: &schema.Endpoint{Operation: "deleteOrgServiceAccount", Method: "DELETE", Path: oneAccount,
			Version: version20240805, Role: orgOwner},
	},
	Parts: []schema.Part{
		{Attribute: "projects",
			Read: &schema.Endpoint{Operation: "getOrgServiceAccountGroups", Method: "GET", Path: oneAccount + "/groups",
				Version: version20240805, Role: orgReadOnly},
			Members: &schema.Members{
				Add: &schema.Endpoint{Operation: "inviteGroupServiceAccount", Method: "POST", Path: accountInProject + ":invite",
					Version: version20240805, Role: orgOwner},
				Change: &schema.Endpoint{Operation: "updateGroupServiceAccount", Method: "PATCH", Path: accountInProject,
					Version: version20240805, Role: projectOwner},
				Remove: &schema.Endpoint{Operation: "deleteGroupServiceAccount", Method: "DELETE", Path: accountInProject,
					Version: version20240805, Role: projectOwner},
				Params: map[string][]string{"groupId": {"project_id"}},
			}},
		{Attribute: "access_list",
			Read: &schema.Endpoint{Operation: "listOrgServiceAccountAccessList", Method: "GET", Path: oneAccount + "/accessList",
				Version: version20240805, Role: orgReadOnly},
			Members: &schema.Members{
				Add: &schema.Endpoint{Operation: "createOrgServiceAccountAccessList", Method: "POST", Path: oneAccount + "/accessList",
					Version: version20240805, Role: orgOwner, Batch: 1},
				Remove: &schema.Endpoint{Operation: "deleteOrgServiceAccountAccessListEntry", Method: "DELETE", Path: oneAccount + "/accessList/{ipAddress}",
					Version: version20240805, Role: orgOwner},
				Params: map[string][]string{"ipAddress": {"ip_address", "cidr_block"}},
			}},
	},

	Risks: append(accountRisks(),
		schema.RiskRule{Risk: schema.GrantsAccess, Attribute: "projects", When: schema.Added},
		schema.RiskRule{Risk: schema.GrantsAccess, Attribute: "projects.roles", When: schema.Added},
		schema.RiskRule{Risk: schema.LocksOut, InUse: true, Attribute: "projects", When: schema.Changed}),
})

const (
	accounts         = "/api/atlas/v2/orgs/{orgId}/serviceAccounts"
	oneAccount       = accounts + "/{clientId}"
	accountInProject = group + "/serviceAccounts/{clientId}"
)

// accountNews are what Atlas notes about the use of an account.
var accountNews = []string{".secrets[].lastUsedAt", ".secrets[].maskedSecretValue", ".accessList[].createdAt", ".accessList[].lastUsedAt",
	".accessList[].lastUsedAddress", ".accessList[].requestCount"}

// accountAttributes are what both kinds of service accounts have; their roles differ.
func accountAttributes(roles schema.Attribute) []schema.Attribute {
	return []schema.Attribute{
		{Name: "name", Type: schema.TypeString, Required: true, MaxLen: 64,
			Doc: "What the account is called: letters, digits, spaces and -_.,'. It need not be unique."},
		{Name: "description", Type: schema.TypeString, Required: true, MaxLen: 250,
			Doc: "What the account is for. Until its first secret is delivered it is described after the apply that makes it."},
		roles,
		{Name: "secret_expires_after_hours", Type: schema.TypeInteger, Required: true, Initial: true, Min: new(8.0), Max: new(8760.0),
			Doc: "For how many hours a new secret is good, up to what the settings of the organization allow. Another number counts for the next secret."},
		{Name: "access_list", Type: schema.TypeList, Nested: networks, Networks: theNetwork,
			Doc: "The addresses from which the account is accepted; every address where the list is empty, unless the organization asks for one."},

		{Name: "client_id", Type: schema.TypeString, Owner: schema.Server,
			Doc: "The name by which the account logs in, no secret."},
		{Name: "created_at", Type: schema.TypeTime, Owner: schema.Server,
			Doc: "When the account was made."},
		{Name: "secrets", Type: schema.TypeList, Owner: schema.Server, Elem: schema.Elem{Key: []string{"id"}}, Nested: []schema.Attribute{
			{Name: "id", Type: schema.TypeString, Owner: schema.Server,
				Doc: "The id of the secret, which stands beside it where it is delivered, as secret_id."},
			{Name: "created_at", Type: schema.TypeTime, Owner: schema.Server,
				Doc: "When it was made."},
			{Name: "expires_at", Type: schema.TypeTime, Owner: schema.Server,
				Doc: "When it ends. Atlas shortens that to a week when another one is made."},
			{Name: "secret", Type: schema.TypeString, Owner: schema.Server, OnceShown: true,
				Doc: "The secret, which Atlas shows once. It goes where the block says, and is kept nowhere else."},
		}, Doc: "The secrets that the account has, two at most."},
	}
}

func accountRisks() []schema.RiskRule {
	return []schema.RiskRule{
		{Risk: schema.MintsCredential, On: []schema.Event{schema.OnCreate, schema.OnMint}},
		{Risk: schema.Irreversible, On: []schema.Event{schema.OnDelete, schema.OnReplace}},
		{Risk: schema.GrantsAccess, Attribute: "roles", When: schema.Added},
		{Risk: schema.LocksOut, InUse: true, On: []schema.Event{schema.OnDelete, schema.OnReplace, schema.OnMint}},
		{Risk: schema.LocksOut, InUse: true, Attribute: "roles", When: schema.Changed},
		{Risk: schema.LocksOut, InUse: true, Attribute: "access_list", When: schema.Changed},
	}
}
