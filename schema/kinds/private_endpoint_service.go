package kinds

import (
	"time"

	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
)

// A private endpoint service: Atlas's side of a private way from a user's network to the project's clusters in a region.
// A region of a provider has at most one, so that these two are its natural key, and Atlas lists those of each provider
// by themselves.
var _ = declare(schema.Kind{
	Name:   "private_endpoint_service",
	Parent: "project",
	Doc:    "Atlas's side of AWS PrivateLink, Azure Private Link or Google Cloud Private Service Connect in a region, which has one at most. It hands out what your private endpoint has to lead to; declare that endpoint inside as a private_endpoint.",

	Identity: schema.Identity{
		Binds: schema.ByKey, ID: "id", Key: []string{"provider_name", "region"},
		Params: map[string]string{"endpointServiceId": "id"},
	},
	Attributes: []schema.Attribute{
		{Name: "provider_name", Answers: []string{"cloudProvider"}, Type: schema.TypeString, Required: true, Immutable: true, Enum: clouds,
			Doc: "The cloud provider."},
		{Name: "region", Answers: []string{"regionName"}, Type: schema.TypeString, Required: true, Immutable: true,
			Doc: "The region, in Atlas's spelling: EU_WEST_1 on AWS, EUROPE_WEST on Azure, WESTERN_EUROPE on Google Cloud."},
		{Name: "supported_remote_regions", Type: schema.TypeList, Of: schema.TypeString, AllowedWhen: onAWS,
			Doc: "Other regions of AWS from which endpoints can lead to the service."},
		{Name: "port_mapping_enabled", Type: schema.TypeBool, Immutable: true, Default: cty.False, AllowedWhen: onGoogle,
			Doc: "Whether one endpoint is enough on Google Cloud, because nodes are told apart by their ports, instead of 50 to 150."},

		{Name: "id", Type: schema.TypeString, Owner: schema.Server,
			Doc: "The service's id in Atlas, 24 hexadecimal digits."},
		{Name: "status", Type: schema.TypeString, Owner: schema.Server, Volatile: true,
			Doc: "INITIATING while Atlas makes it, AVAILABLE or WAITING_FOR_USER once endpoints can lead to it, FAILED or DELETING."},
		{Name: "error_message", Type: schema.TypeString, Owner: schema.Server, Volatile: true,
			Doc: "Why it failed."},
		{Name: "endpoint_service_name", Type: schema.TypeString, Owner: schema.Server, Volatile: true,
			Doc: "The service's name on AWS, which your VPC endpoint has to lead to."},
		{Name: "interface_endpoints", Type: schema.TypeList, Of: schema.TypeString, Owner: schema.Server, Volatile: true,
			Doc: "The ids of the endpoints on AWS that lead to it."},
		{Name: "private_link_service_name", Type: schema.TypeString, Owner: schema.Server, Volatile: true,
			Doc: "The service's name on Azure."},
		{Name: "private_link_service_resource_id", Type: schema.TypeString, Owner: schema.Server, Volatile: true,
			Doc: "The service's resource id on Azure, which your private endpoint has to lead to."},
		{Name: "private_endpoints", Type: schema.TypeList, Of: schema.TypeString, Owner: schema.Server, Volatile: true,
			Doc: "The resource ids of the endpoints on Azure that lead to it."},
		{Name: "service_attachment_names", Type: schema.TypeList, Of: schema.TypeString, Elem: schema.Elem{Ordered: true}, Owner: schema.Server, Volatile: true,
			Doc: "The service attachments on Google Cloud, to each of which a forwarding rule of yours has to lead."},
		{Name: "endpoint_group_names", Type: schema.TypeList, Of: schema.TypeString, Owner: schema.Server, Volatile: true,
			Doc: "The names of the endpoint groups on Google Cloud that lead to it."},
	},

	Endpoints: schema.Endpoints{
		List: &schema.Endpoint{Operation: "listGroupPrivateEndpointEndpointService", Method: "GET", Path: endpointServices,
			Version: version20230101, Role: projectReadOnly, BareArray: true, Per: &schema.Per{Attribute: "provider_name", Param: "cloudProvider"}},
		Get: &schema.Endpoint{Operation: "getGroupPrivateEndpointEndpointService", Method: "GET", Path: oneEndpointService,
			Version: version20230101, Role: projectReadOnly},
		Create: &schema.Endpoint{Operation: "createGroupPrivateEndpointEndpointService", Method: "POST", Path: group + "/privateEndpoint/endpointService",
			Version: version20230101, Role: projectOwner},
		Update: &schema.Endpoint{Operation: "updateGroupPrivateEndpointEndpointService", Method: "PATCH", Path: group + "/privateEndpoint/endpointService/{endpointServiceId}",
			Version: version20230101, Role: projectOwner, Only: []string{"supported_remote_regions"}, Adds: map[string]string{"cloudProvider": "AWS"}},
		Delete: &schema.Endpoint{Operation: "deleteGroupPrivateEndpointEndpointService", Method: "DELETE", Path: oneEndpointService,
			Version: version20230101, Role: projectOwner},
	},
	Settle: &schema.Settle{
		Field: "status",
		Busy:  []string{"INITIATING"}, Deleting: []string{"DELETING"},
		Ready: []string{"AVAILABLE", "WAITING_FOR_USER"}, Failed: []string{"FAILED"},
		Why:   []string{"error_message"},
		First: time.Second, Max: 15 * time.Second, Limit: schema.DefaultLimit,
	},
	BlocksParent: true,

	Risks: []schema.RiskRule{
		{Risk: schema.Billable, On: []schema.Event{schema.OnCreate}},
		{Risk: schema.Downtime, On: []schema.Event{schema.OnDelete, schema.OnReplace}},
	},
})

const (
	endpointServices   = group + "/privateEndpoint/{cloudProvider}/endpointService"
	oneEndpointService = endpointServices + "/{endpointServiceId}"
)
