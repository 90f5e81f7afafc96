package kinds

import (
	"time"

	"mercator/schema"
)

// A peering of a network container with a network of the user's. It has an id, and no two lead from one container to
// one network, so that what it leads to is its natural key. Atlas begins it and the owner of the other network accepts
// it, for which no apply waits: that is another tool's work, or another person's.
var _ = declare(schema.Kind{
	Name:   "network_peering",
	Parent: "project",
	Doc:    "A connection of a network container with a network of yours on the same cloud. On AWS and Google Cloud it carries traffic once your side has accepted or made it too, which the plan says as long as it is missing.",

	Identity: schema.Identity{
		Binds: schema.ByKey, ID: "id",
		Key:      []string{"provider_name", "container_id", "aws_account_id", "vpc_id", "azure_subscription_id", "resource_group_name", "vnet_name", "gcp_project_id", "network_name"},
		Optional: []string{"aws_account_id", "vpc_id", "azure_subscription_id", "resource_group_name", "vnet_name", "gcp_project_id", "network_name"},
		Params:   map[string]string{"peerId": "id"},
	},
	Attributes: []schema.Attribute{
		{Name: "provider_name", Type: schema.TypeString, Required: true, Immutable: true, Enum: clouds,
			Doc: "The cloud provider of both networks."},
		{Name: "container_id", Type: schema.TypeString, Required: true, Immutable: true,
			Doc: "The id of the container: network_container.main.id."},
		{Name: "accepter_region_name", Type: schema.TypeString, Immutable: true, Unread: true, AllowedWhen: onAWS, RequiredWhen: onAWS,
			Doc: "The region of your VPC, as AWS spells it. Atlas shows none where it is the container's."},
		{Name: "aws_account_id", Type: schema.TypeString, Immutable: true, AllowedWhen: onAWS, RequiredWhen: onAWS,
			Doc: "The account that your VPC belongs to."},
		{Name: "vpc_id", Type: schema.TypeString, Immutable: true, AllowedWhen: onAWS, RequiredWhen: onAWS,
			Doc: "Your VPC."},
		{Name: "route_table_cidr_block", Type: schema.TypeString, AllowedWhen: onAWS, RequiredWhen: onAWS,
			Doc: "The addresses of your VPC, or of the subnet that Atlas sends traffic to. They must not overlap with the container's."},
		{Name: "azure_directory_id", Type: schema.TypeString, Immutable: true, AllowedWhen: onAzure, RequiredWhen: onAzure,
			Doc: "The directory in which your virtual network is."},
		{Name: "azure_subscription_id", Type: schema.TypeString, Immutable: true, AllowedWhen: onAzure, RequiredWhen: onAzure,
			Doc: "The subscription in which it is."},
		{Name: "resource_group_name", Type: schema.TypeString, Immutable: true, AllowedWhen: onAzure, RequiredWhen: onAzure,
			Doc: "The resource group in which it is."},
		{Name: "vnet_name", Type: schema.TypeString, Immutable: true, AllowedWhen: onAzure, RequiredWhen: onAzure,
			Doc: "Your virtual network."},
		{Name: "gcp_project_id", Type: schema.TypeString, Immutable: true, AllowedWhen: onGoogle, RequiredWhen: onGoogle,
			Doc: "The project in which your network is."},
		{Name: "network_name", Type: schema.TypeString, Immutable: true, AllowedWhen: onGoogle, RequiredWhen: onGoogle,
			Doc: "Your network."},

		{Name: "id", Type: schema.TypeString, Owner: schema.Server,
			Doc: "The connection's id in Atlas, 24 hexadecimal digits."},
		{Name: "status", Answers: []string{"statusName", "status"}, Type: schema.TypeString, Owner: schema.Server, Volatile: true,
			Doc: "AVAILABLE once it carries traffic; PENDING_ACCEPTANCE or WAITING_FOR_USER while your side is missing."},
		{Name: "connection_id", Type: schema.TypeString, Owner: schema.Server, Volatile: true,
			Doc: "The connection's id on AWS, which its acceptance there needs."},
		{Name: "error_message", Answers: []string{"errorStateName", "errorState", "errorMessage"}, Type: schema.TypeString, Owner: schema.Server, Volatile: true,
			Doc: "Why it failed: on AWS REJECTED, EXPIRED or INVALID_ARGUMENT."},
	},

	Endpoints: schema.Endpoints{
		List: &schema.Endpoint{Operation: "listGroupPeers", Method: "GET", Path: group + "/peers",
			Version: version20230101, Role: projectReadOnly, Per: &schema.Per{Attribute: "provider_name", Param: "providerName"}},
		Get: &schema.Endpoint{Operation: "getGroupPeer", Method: "GET", Path: onePeer,
			Version: version20230101, Role: projectReadOnly},
		Create: &schema.Endpoint{Operation: "createGroupPeer", Method: "POST", Path: group + "/peers",
			Version: version20230101, Role: projectNetworkAdmin},
		Update: &schema.Endpoint{Operation: "updateGroupPeer", Method: "PATCH", Path: onePeer,
			Version: version20230101, Role: projectNetworkAdmin, Replaces: true},
		Delete: &schema.Endpoint{Operation: "deleteGroupPeer", Method: "DELETE", Path: onePeer,
			Version: version20230101, Role: projectNetworkAdmin},
	},
	Settle: &schema.Settle{
		Field: "status",
		Busy:  []string{"INITIATING", "FINALIZING", "ADDING_PEER"}, Deleting: []string{"TERMINATING", "DELETING"},
		Ready: []string{"AVAILABLE", "PENDING_ACCEPTANCE", "WAITING_FOR_USER"}, Failed: []string{"FAILED", "DELETION_FAILED"},
		Others: map[string]string{
			"PENDING_ACCEPTANCE": "Accept the peering connection on AWS, in the account and region of your VPC; its connection_id names it. It expires after a week.",
			"WAITING_FOR_USER":   "Make the same peering from your network on Google Cloud, with the container's gcp_project_id and network_name.",
		},
		Why:   []string{"error_message"},
		First: time.Second, Max: 15 * time.Second, Limit: schema.DefaultLimit,
	},
	BlocksParent: true,

	Risks: []schema.RiskRule{
		{Risk: schema.OpensNetwork, On: []schema.Event{schema.OnCreate}},
		{Risk: schema.Downtime, On: []schema.Event{schema.OnDelete, schema.OnReplace}},
	},
})

const onePeer = group + "/peers/{peerId}"
