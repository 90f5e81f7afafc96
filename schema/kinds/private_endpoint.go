package kinds

import (
	"time"

	"mercator/schema"
)

// A private endpoint of the user's that leads to a private endpoint service. It is made at the cloud provider; here Atlas
// is told to let it in. It is known by the name that it has there, whose form tells the providers apart and which Atlas
// calls by another name for each. Nothing of it can change. Atlas lists endpoints by name only, in their service.
var _ = declare(schema.Kind{
	Name:   "private_endpoint",
	Parent: "private_endpoint_service",
	Doc:    "An endpoint in your network that leads to the private endpoint service around it, and that Atlas lets in. Make it at the cloud provider first. A change of any argument replaces it.",

	Identity: schema.Identity{
		Binds: schema.ByKey, Key: []string{"endpoint_id"},
		Params: map[string]string{"endpointId": "endpoint_id"},
	},
	Attributes: []schema.Attribute{
		{Name: "endpoint_id", Type: schema.TypeString, Required: true, Immutable: true,
			Forms: []schema.Form{
				{API: "id", Answer: "interfaceEndpointId", Pattern: `vpce-[0-9a-f]+`},
				{API: "id", Answer: "privateEndpointResourceId", Pattern: `/.+`},
				{API: "endpointGroupName", Pattern: `.*`},
			},
			Doc: "The endpoint at the cloud provider: on AWS the id of the VPC endpoint (vpce-0123456789abcdef0), on Azure the resource id of the private endpoint, as Azure spells it, on Google Cloud a name of your choice for the group of endpoints, or where the service maps ports the name of its one endpoint."},
		{Name: "private_endpoint_ip_address", API: "privateEndpointIPAddress", Type: schema.TypeString, Immutable: true, AllowedWhen: notInGroup,
			Doc: "The endpoint's address in your network on Azure, which asks for it."},
		{Name: "gcp_project_id", Type: schema.TypeString, Immutable: true, RequiredWhen: inGroup,
			Doc: "The project on Google Cloud in which the endpoints are, which asks for it."},
		{Name: "endpoints", Type: schema.TypeList, Immutable: true, RequiredWhen: inProject, Nested: forwardingRules, Elem: schema.Elem{Key: []string{"endpoint_name"}},
			Doc: "The endpoints of the group on Google Cloud, one for each service attachment of the service."},

		{Name: "cloud_provider", Type: schema.TypeString, Owner: schema.Server, FromPlace: "cloudProvider",
			Doc: "The cloud provider, which is the service's."},
		{Name: "status", Answers: []string{"connectionStatus", "status"}, Type: schema.TypeString, Owner: schema.Server, Volatile: true,
			Doc: "AVAILABLE once it carries traffic; INITIATING, PENDING_ACCEPTANCE, PENDING or VERIFIED on the way there; REJECTED or FAILED; DELETING."},
		{Name: "error_message", Type: schema.TypeString, Owner: schema.Server, Volatile: true,
			Doc: "Why it failed."},
		{Name: "delete_requested", Type: schema.TypeBool, Owner: schema.Server, Volatile: true,
			Doc: "Whether its deletion has begun."},
		{Name: "private_endpoint_connection_name", Type: schema.TypeString, Owner: schema.Server, Volatile: true,
			Doc: "The connection's name on Azure, which Atlas makes up."},
		{Name: "port_mapping_enabled", Type: schema.TypeBool, Owner: schema.Server,
			Doc: "Whether the service on Google Cloud tells nodes apart by their ports."},
	},

	Endpoints: schema.Endpoints{
		List: &schema.Endpoint{Operation: "getGroupPrivateEndpointEndpointService", Method: "GET", Path: oneEndpointService,
			Version: version20230101, Role: projectReadOnly, Names: []string{"interfaceEndpoints", "privateEndpoints", "endpointGroupNames"}},
		Get: &schema.Endpoint{Operation: "getGroupPrivateEndpointEndpointServiceEndpoint", Method: "GET", Path: onePrivateEndpoint,
			Version: version20230101, Role: projectReadOnly},
		Create: &schema.Endpoint{Operation: "createGroupPrivateEndpointEndpointServiceEndpoint", Method: "POST", Path: oneEndpointService + "/endpoint",
			Version: version20230101, Role: projectOwner},
		Delete: &schema.Endpoint{Operation: "deleteGroupPrivateEndpointEndpointServiceEndpoint", Method: "DELETE", Path: onePrivateEndpoint,
			Version: version20230101, Role: projectOwner},
	},
	Settle: &schema.Settle{
		Field: "status",
		Busy:  []string{"NONE", "INITIATING", "PENDING_ACCEPTANCE", "PENDING", "VERIFIED"}, Deleting: []string{"DELETING", "DELETED"},
		Ready: []string{"AVAILABLE"}, Failed: []string{"REJECTED", "FAILED"},
		Why:   []string{"error_message"},
		First: time.Second, Max: 15 * time.Second, Limit: schema.DefaultLimit,
	},
	BlocksParent: true,

	Risks: []schema.RiskRule{
		{Risk: schema.OpensNetwork, On: []schema.Event{schema.OnCreate}},
		{Risk: schema.Downtime, On: []schema.Event{schema.OnDelete, schema.OnReplace}},
	},
})

const onePrivateEndpoint = oneEndpointService + "/endpoint/{endpointId}"

// What an endpoint on Google Cloud is made of, and what one elsewhere is not.
var (
	inGroup    = []schema.Condition{{Attribute: "endpoints"}}
	inProject  = []schema.Condition{{Attribute: "gcp_project_id"}}
	notInGroup = []schema.Condition{{Attribute: "endpoints", Unset: true}, {Attribute: "gcp_project_id", Unset: true}}
)

var forwardingRules = []schema.Attribute{
	{Name: "endpoint_name", Type: schema.TypeString, Required: true,
		Doc: "The name of the forwarding rule."},
	{Name: "ip_address", Type: schema.TypeString, Required: true,
		Doc: "Its address in your network."},
	{Name: "status", Type: schema.TypeString, Owner: schema.Server,
		Doc: "Its state in Atlas: INITIATING, AVAILABLE, FAILED or DELETING."},
}
