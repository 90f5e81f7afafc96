package kinds

import "mercator/schema"

// A network container: the addresses of a project's clusters in a region of a cloud provider, and what peering
// connections lead to. Atlas makes one by itself with the first cluster of a region; one that is declared comes before
// that cluster, and one that is there is adopted.
var _ = declare(schema.Kind{
	Name:   "network_container",
	Parent: "project",
	Doc:    "The network of the project's clusters in a region of AWS or Azure, or in all of Google Cloud. Atlas makes one with the first cluster there, unless it is declared, which chooses its addresses.",

	Identity: schema.Identity{
		Binds: schema.ByKey, ID: "id", Key: []string{"provider_name", "region_name"}, Optional: []string{"region_name"},
		Params: map[string]string{"containerId": "id"},
	},
	Attributes: []schema.Attribute{
		{Name: "provider_name", Type: schema.TypeString, Required: true, Immutable: true, Enum: clouds,
			Doc: "The cloud provider."},
		{Name: "region_name", Type: schema.TypeString, Immutable: true, AllowedWhen: withRegion, RequiredWhen: withRegion,
			Forms: []schema.Form{
				{API: "region", Pattern: `.*`, When: []schema.Condition{{Attribute: "provider_name", Values: []string{"AZURE"}}}},
				{API: "regionName", Pattern: `.*`},
			},
			Doc: "The region, in Atlas's spelling: EU_WEST_1, or EUROPE_WEST on Azure. Google Cloud has one container for all regions."},
		{Name: "regions", Type: schema.TypeList, Of: schema.TypeString, AllowedWhen: onGoogle,
			Doc: "The regions of Google Cloud to which clusters are confined, so that a smaller network is enough; all of them where it is left out."},
		{Name: "atlas_cidr_block", Type: schema.TypeString, RequiredWhen: notOnAWS,
			Doc: "The addresses, as a private block of IPv4: /21 to /24, on Google Cloud without regions /18. They cannot change once a cluster or a peering connection uses them."},

		{Name: "id", Type: schema.TypeString, Owner: schema.Server,
			Doc: "The container's id, 24 hexadecimal digits, which peering connections name."},
		{Name: "provisioned", Type: schema.TypeBool, Owner: schema.Server, Volatile: true,
			Doc: "Whether clusters are in it."},
		{Name: "vpc_id", Type: schema.TypeString, Owner: schema.Server, Volatile: true,
			Doc: "Atlas's VPC on AWS, once it is provisioned."},
		{Name: "azure_subscription_id", Type: schema.TypeString, Owner: schema.Server, Volatile: true,
			Doc: "Atlas's subscription on Azure."},
		{Name: "vnet_name", Type: schema.TypeString, Owner: schema.Server, Volatile: true,
			Doc: "Atlas's virtual network on Azure."},
		{Name: "gcp_project_id", Type: schema.TypeString, Owner: schema.Server, Volatile: true,
			Doc: "Atlas's project on Google Cloud."},
		{Name: "network_name", Type: schema.TypeString, Owner: schema.Server, Volatile: true,
			Doc: "Atlas's network on Google Cloud."},
	},

	Endpoints: schema.Endpoints{
		List: &schema.Endpoint{Operation: "listGroupContainerAll", Method: "GET", Path: group + "/containers/all",
			Version: version20230101, Role: projectReadOnly},
		Get: &schema.Endpoint{Operation: "getGroupContainer", Method: "GET", Path: oneContainer,
			Version: version20230101, Role: projectReadOnly},
		Create: &schema.Endpoint{Operation: "createGroupContainer", Method: "POST", Path: group + "/containers",
			Version: version20230101, Role: projectOwner},
		Update: &schema.Endpoint{Operation: "updateGroupContainer", Method: "PATCH", Path: oneContainer,
			Version: version20230101, Role: projectOwner, Replaces: true},
		Delete: &schema.Endpoint{Operation: "deleteGroupContainer", Method: "DELETE", Path: oneContainer,
			Version: version20230101, Role: projectOwner},
	},
})

const oneContainer = group + "/containers/{containerId}"

// clouds are the cloud providers that clusters are on.
var clouds = []string{"AWS", "AZURE", "GCP"}

func onCloud(names ...string) []schema.Condition {
	return []schema.Condition{{Attribute: "provider_name", Values: names}}
}

var (
	onAWS      = onCloud("AWS")
	onAzure    = onCloud("AZURE")
	onGoogle   = onCloud("GCP")
	notOnAWS   = onCloud("AZURE", "GCP")
	withRegion = onCloud("AWS", "AZURE")
)
