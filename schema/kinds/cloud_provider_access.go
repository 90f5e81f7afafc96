package kinds

import (
	"time"

	"mercator/schema"
)

// A role of a cloud provider that Atlas acts in: an AWS IAM role, an Azure service principal or a Google service account.
// It takes two steps with AWS: Atlas makes the role and says who it is (atlas_aws_account_arn and
// atlas_assumed_role_external_id), somebody lets that identity assume an IAM role, and Atlas is told its ARN. Nothing about
// a role names it but its id, so one is never adopted.
var _ = declare(schema.Kind{
	Name:   "cloud_provider_access",
	Parent: "project",
	Doc: "A role in which Atlas reaches into an account at AWS, Azure or Google Cloud, for keys, exports and federated data. " +
		"For AWS it is made first and authorized by iam_assumed_role_arn, in the same apply or a later one.",

	Identity: schema.Identity{
		Binds: schema.ByID, ID: "role_id", Params: map[string]string{"roleId": "role_id", "cloudProvider": "provider_name"},
	},
	Attributes: []schema.Attribute{
		{Name: "provider_name", Type: schema.TypeString, Required: true, Immutable: true, Enum: []string{"AWS", "AZURE", "GCP"},
			Doc: "The cloud provider."},
		{Name: "iam_assumed_role_arn", Type: schema.TypeString, MaxLen: 2048, Later: true, AllowedWhen: cloud("AWS"),
			Doc: "The ARN of the IAM role that Atlas assumes. Its trust policy must name atlas_aws_account_arn and atlas_assumed_role_external_id by then."},
		{Name: "atlas_azure_app_id", Type: schema.TypeString, AllowedWhen: cloud("AZURE"),
			Doc: "The id of Atlas's application in Azure; Atlas finds it where none is given."},
		{Name: "service_principal_id", Type: schema.TypeString, AllowedWhen: cloud("AZURE"), RequiredWhen: cloud("AZURE"),
			Doc: "The id of the service principal that was made for Atlas's application."},
		{Name: "tenant_id", Type: schema.TypeString, AllowedWhen: cloud("AZURE"), RequiredWhen: cloud("AZURE"),
			Doc: "The id of the Azure tenant."},

		{Name: "role_id", Type: schema.TypeString, Owner: schema.Server,
			Forms: []schema.Form{{API: "roleId", Pattern: ".*"}, {API: "_id", Pattern: ".*"}},
			Doc:   "The role's id, by which other arguments name it. Azure's is answered as _id."},
		{Name: "atlas_aws_account_arn", API: "atlasAWSAccountArn", Type: schema.TypeString, Owner: schema.Server,
			Doc: "The ARN of Atlas's own AWS account, for the trust policy of the IAM role."},
		{Name: "atlas_assumed_role_external_id", Type: schema.TypeString, Owner: schema.Server,
			Doc: "The external id that Atlas presents, for the trust policy of the IAM role."},
		{Name: "authorized_date", Type: schema.TypeTime, Owner: schema.Server, Volatile: true,
			Doc: "When the role was authorized."},
		{Name: "gcp_service_account_for_atlas", Type: schema.TypeString, Owner: schema.Server,
			Doc: "The e-mail address of the Google service account that Atlas made."},
		{Name: "status", Type: schema.TypeString, Owner: schema.Server, Volatile: true,
			Doc: "How far Atlas is with the Google service account: NOT_INITIATED, IN_PROGRESS, COMPLETE or FAILED."},
		{Name: "created_date", Type: schema.TypeTime, Owner: schema.Server,
			Doc: "When the role was made."},
		{Name: "last_updated_date", Type: schema.TypeTime, Owner: schema.Server, Volatile: true,
			Doc: "When an Azure service principal was last changed."},
	},
	Ignored: []string{".featureUsages"}, // who uses it is in the resources that do

	Endpoints: schema.Endpoints{
		List: &schema.Endpoint{Operation: "listGroupCloudProviderAccess", Method: "GET", Path: group + "/cloudProviderAccess",
			Version: version20230101, Role: projectReadOnly, Arrays: []string{"awsIamRoles", "azureServicePrincipals", "gcpServiceAccounts"}},
		Get: &schema.Endpoint{Operation: "getGroupCloudProviderAccess", Method: "GET", Path: oneCloudRole,
			Version: version20230101, Role: projectReadOnly},
		Create: &schema.Endpoint{Operation: "createGroupCloudProviderAccess", Method: "POST", Path: group + "/cloudProviderAccess",
			Version: version20230101, Role: projectOwner},
		Update: &schema.Endpoint{Operation: "authorizeGroupCloudProviderAccessRole", Method: "PATCH", Path: oneCloudRole,
			Version: version20230101, Role: projectOwner, Replaces: true}, // the provider has to be in it too
		Delete: &schema.Endpoint{Operation: "deauthorizeGroupCloudProviderAccessRole", Method: "DELETE",
			Path: group + "/cloudProviderAccess/{cloudProvider}/{roleId}", Version: version20230101, Role: projectOwner},
	},
	Settle: &schema.Settle{
		Field:    "status",
		Creating: []string{"NOT_INITIATED", "IN_PROGRESS"}, Ready: []string{"", "COMPLETE"}, Failed: []string{"FAILED"}, // AWS and Azure have no status
		First: time.Second, Max: 30 * time.Second, Limit: schema.DefaultLimit,
	},

	Risks: []schema.RiskRule{
		{Risk: schema.Downtime, On: []schema.Event{schema.OnDelete, schema.OnReplace}},
	},
})

const oneCloudRole = group + "/cloudProviderAccess/{roleId}"

// cloud holds for roles of the given provider.
func cloud(provider string) []schema.Condition {
	return []schema.Condition{{Attribute: "provider_name", Values: []string{provider}}}
}
