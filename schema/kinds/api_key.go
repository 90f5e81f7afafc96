package kinds

import "mercator/schema"

// A programmatic API key of an organization. Atlas shows its private key in the answer to its creation only, and
// keys may have the same description, so the id is all that binds one (R4). Projects and addresses are assigned one
// by one, at endpoints of their own.
//
// Atlas also makes keys in a project, for who owns no more than that. There is no kind for them: the project's endpoints
// cannot delete such a key, only take it out of the project, so that one whose private key reached nobody would stay good
// in the organization, which R33 rules out. A project_service_account is the same without that, its secrets can be revoked.
var _ = declare(schema.Kind{
	Name: "api_key",
	Doc:  "A programmatic API key of the organization: a public and a private key, which may do what its roles say there and in projects. Who owns no more than a project makes a project_service_account.",

	Identity: schema.Identity{
		Binds: schema.ByID, ID: "id", Params: map[string]string{"apiUserId": "id"},
	},
	Attributes: []schema.Attribute{
		{Name: "desc", Type: schema.TypeString, Required: true, MaxLen: 250,
			Doc: "What the key is for. Until its private key is delivered it is called after the apply that makes it."},
		{Name: "roles", Type: schema.TypeList, Of: schema.TypeString, Required: true, MinItems: 1, Elem: schema.Elem{Whole: true},
			Enum: []string{"ORG_OWNER", "ORG_MEMBER", "ORG_GROUP_CREATOR", "ORG_BILLING_ADMIN", "ORG_BILLING_READ_ONLY", "ORG_READ_ONLY",
				"ORG_STREAM_PROCESSING_ADMIN"},
			Doc: "What it may do in the organization, one role at least."},
		{Name: "projects", Type: schema.TypeList, Elem: schema.Elem{Key: []string{"project_id"}}, Nested: []schema.Attribute{
			{Name: "project_id", API: "groupId", Type: schema.TypeString, Required: true,
				Doc: "The project's id, mostly project.LABEL.id."},
			{Name: "roles", Type: schema.TypeList, Of: schema.TypeString, Required: true, MinItems: 1, Elem: schema.Elem{Whole: true},
				Doc: "What it may do there, one role at least: GROUP_READ_ONLY, GROUP_OWNER and so on."},
		}, Doc: "The projects that the key is assigned to; none where the list is empty."},
		{Name: "access_list", Type: schema.TypeList, Nested: networks, Networks: theNetwork,
			Doc: "The addresses from which the key is accepted; every address where the list is empty, unless the organization asks for one."},

		{Name: "id", Type: schema.TypeString, Owner: schema.Server,
			Doc: "The id that Atlas gives the key."},
		{Name: "public_key", Type: schema.TypeString, Owner: schema.Server,
			Doc: "The public key: the name by which the key is used, no secret."},
		{Name: "private_key", Type: schema.TypeString, Owner: schema.Server, OnceShown: true,
			Doc: "The private key, which Atlas shows once. It goes where the block says, and is kept nowhere else."},
	},
	Ignored:    []string{".links", ".accessList[].count", ".accessList[].created", ".accessList[].lastUsed", ".accessList[].lastUsedAddress"},
	Credential: &schema.Credential{Public: "public_key", Secret: "private_key", Provisional: "desc"},

	Endpoints: schema.Endpoints{
		List: &schema.Endpoint{Operation: "listOrgApiKeys", Method: "GET", Path: apiKeys,
			Version: version20230101, Role: orgMember},
		Get: &schema.Endpoint{Operation: "getOrgApiKey", Method: "GET", Path: oneAPIKey,
			Version: version20230101, Role: orgMember},
		Create: &schema.Endpoint{Operation: "createOrgApiKey", Method: "POST", Path: apiKeys,
			Version: version20230101, Role: orgOwner},
		Update: &schema.Endpoint{Operation: "updateOrgApiKey", Method: "PATCH", Path: oneAPIKey,
			Version: version20230101, Role: orgOwner},
		Delete: &schema.Endpoint{Operation: "deleteOrgApiKey", Method: "DELETE", Path: oneAPIKey,
			Version: version20230101, Role: orgOwner},
	},
	Parts: []schema.Part{
		{Attribute: "projects", Members: &schema.Members{
			Add: &schema.Endpoint{Operation: "addGroupApiKey", Method: "POST", Path: assignedAPIKey,
				Version: version20230101, Role: projectOwner, Batch: 1},
			Change: &schema.Endpoint{Operation: "updateGroupApiKeyRoles", Method: "PATCH", Path: assignedAPIKey,
				Version: version20230101, Role: projectAccessManager},
			Remove: &schema.Endpoint{Operation: "removeGroupApiKey", Method: "DELETE", Path: assignedAPIKey,
				Version: version20230101, Role: projectAccessManager},
			Params: map[string][]string{"groupId": {"project_id"}},
		}},
		{Attribute: "access_list",
			Read: &schema.Endpoint{Operation: "listOrgApiKeyAccessListEntries", Method: "GET", Path: oneAPIKey + "/accessList",
				Version: version20230101, Role: orgMember},
			Members: &schema.Members{
				Add: &schema.Endpoint{Operation: "createOrgApiKeyAccessListEntry", Method: "POST", Path: oneAPIKey + "/accessList",
					Version: version20230101, Role: orgOwner, Batch: 1},
				Remove: &schema.Endpoint{Operation: "deleteOrgApiKeyAccessListEntry", Method: "DELETE", Path: oneAPIKey + "/accessList/{ipAddress}",
					Version: version20230101, Role: orgOwner},
				Params: map[string][]string{"ipAddress": {"ip_address", "cidr_block"}},
			}},
	},

	Risks: []schema.RiskRule{
		{Risk: schema.MintsCredential, On: []schema.Event{schema.OnCreate}},
		{Risk: schema.Irreversible, On: []schema.Event{schema.OnDelete, schema.OnReplace}},
		{Risk: schema.GrantsAccess, Attribute: "roles", When: schema.Added},
		{Risk: schema.GrantsAccess, Attribute: "projects", When: schema.Added},
		{Risk: schema.GrantsAccess, Attribute: "projects.roles", When: schema.Added},
		{Risk: schema.LocksOut, InUse: true, On: []schema.Event{schema.OnDelete, schema.OnReplace}},
		{Risk: schema.LocksOut, InUse: true, Attribute: "roles", When: schema.Changed},
		{Risk: schema.LocksOut, InUse: true, Attribute: "projects", When: schema.Changed},
		{Risk: schema.LocksOut, InUse: true, Attribute: "access_list", When: schema.Changed},
	},
	Hooks: schema.Hooks{Decode: decodeAPIKey},
})

// networks are the attributes of an element that names an address or a network, by the one or the other.
var networks = []schema.Attribute{
	{Name: "ip_address", Type: schema.TypeString,
		RequiredWhen: []schema.Condition{{Attribute: "cidr_block", Unset: true}},
		Doc:          "A single address."},
	{Name: "cidr_block", Type: schema.TypeString,
		AllowedWhen: []schema.Condition{{Attribute: "ip_address", Unset: true}},
		Doc:         "A network, in place of an address."},
}

var theNetwork = &schema.Networks{Address: "ip_address", Block: "cidr_block"}

const (
	apiKeys        = organization + "/apiKeys"
	oneAPIKey      = apiKeys + "/{apiUserId}"
	assignedAPIKey = group + "/apiKeys/{apiUserId}"
)
