package kinds

import "mercator/schema"

// Encryption of the disks of a project's clusters with keys of one's own. Of every key management Atlas wants all that
// belongs to it whenever something about it changes, its secret too, which it never shows. There is no DELETE: the
// reset is a PATCH that turns every key management off, upon which Atlas forgets how it was set up. It refuses that as long
// as a cluster is encrypted so.
var _ = declare(schema.Kind{
	Name:   "encryption_at_rest",
	Parent: "project",
	Doc: "The key managements whose keys can encrypt the disks of the project's clusters, beside Atlas's own encryption. " +
		"A cluster asks for one with encryption_at_rest_provider.",
	Singleton: true,
	Reset:     "every key management is turned off, and Atlas forgets how it was set up",

	Attributes: []schema.Attribute{
		{Name: "aws_kms", Type: schema.TypeObject, Nested: awsKMS,
			Doc: "AWS Key Management Service, reached by a role (role_id) or by an access key."},
		{Name: "azure_key_vault", Type: schema.TypeObject, Nested: azureKeyVault,
			Doc: "Azure Key Vault, reached by a role (role_id) or by a client's secret."},
		{Name: "google_cloud_kms", Type: schema.TypeObject, Nested: googleKMS,
			Doc: "Google Cloud Key Management Service, reached by a role (role_id) or by a service account's key."},
		{Name: "enabled_for_search_nodes", Type: schema.TypeBool,
			Doc: "Whether dedicated search nodes are encrypted so too."},
	},

	Endpoints: schema.Endpoints{
		Get: &schema.Endpoint{Operation: "getGroupEncryptionAtRest", Method: "GET", Path: group + "/encryptionAtRest",
			Version: version20230101, Role: projectReadOnly},
		Update: &schema.Endpoint{Operation: "updateGroupEncryptionAtRest", Method: "PATCH", Path: group + "/encryptionAtRest",
			Version: version20230101, Role: projectOwner},
		Delete: &schema.Endpoint{Operation: "updateGroupEncryptionAtRest", Method: "PATCH", Path: group + "/encryptionAtRest",
			Version: version20230101, Role: projectOwner,
			Body: `{"awsKms":{"enabled":false},"azureKeyVault":{"enabled":false},"googleCloudKms":{"enabled":false}}`},
	},

	Risks: []schema.RiskRule{
		// Another key restarts the clusters that are encrypted with it.
		{Risk: schema.Downtime, Attribute: "aws_kms.customer_master_key_id", When: schema.Altered},
		{Risk: schema.Downtime, Attribute: "azure_key_vault.key_identifier", When: schema.Altered},
		{Risk: schema.Downtime, Attribute: "google_cloud_kms.key_version_resource_id", When: schema.Altered},
	},
})

// enabledKey holds where a key management is on: turned off it has no settings.
var enabledKey = []schema.Condition{{Attribute: "enabled", Values: []string{"true"}}}

// keySetting is an argument of a key management that is on.
func keySetting(name, api, doc string) schema.Attribute {
	return schema.Attribute{Name: name, API: api, Type: schema.TypeString, AllowedWhen: enabledKey, Doc: doc}
}

// keySecret is what a key management is reached with where it is not reached by a role; beside says what it belongs to.
func keySecret(name, beside, doc string) schema.Attribute {
	a := keySetting(name, "", doc)
	a.WriteOnly = true
	a.RequiredWhen = []schema.Condition{{Attribute: beside}, {Attribute: "role_id", Unset: true}}
	return a
}

func keyEnabled() schema.Attribute {
	return schema.Attribute{Name: "enabled", Type: schema.TypeBool, Required: true,
		Doc: "Whether its keys can be used. Turned off, Atlas forgets everything else about it; it refuses that while a cluster uses them."}
}

func keyValid() schema.Attribute {
	return schema.Attribute{Name: "valid", Type: schema.TypeBool, Owner: schema.Server,
		Doc: "Whether Atlas can encrypt and decrypt with the key."}
}

// keyRole is the role by which a key management is reached. The specification says that AWS's is never shown, which
// MongoDB's own tools do not find: it is compared like any other argument.
func keyRole(whose string) schema.Attribute {
	return keySetting("role_id", "", "The role by which Atlas reaches "+whose+": cloud_provider_access.LABEL.role_id.")
}

func keyPrivate(whose string) schema.Attribute {
	return schema.Attribute{Name: "require_private_networking", Type: schema.TypeBool, AllowedWhen: enabledKey,
		Doc: "Whether Atlas reaches " + whose + " over private endpoints only."}
}

var awsKMS = []schema.Attribute{
	keyEnabled(),
	bounded(keySetting("customer_master_key_id", "customerMasterKeyID", "The key, by its id or ARN."), 2048),
	keySetting("region", "", "The region of the key, in Atlas's spelling: EU_WEST_1."),
	keyRole("the key"),
	bounded(keySetting("access_key_id", "accessKeyID", "The access key by which Atlas reaches the key where there is no role."), 128),
	keySecret("secret_access_key", "access_key_id", "The secret of the access key."),
	keyPrivate("the key"),
	keyValid(),
}

var azureKeyVault = []schema.Attribute{
	keyEnabled(),
	keySetting("subscription_id", "subscriptionID", "The Azure subscription."),
	keySetting("resource_group_name", "", "The resource group of the vault."),
	keySetting("key_vault_name", "", "The vault."),
	keySetting("key_identifier", "", "The key, by its URL."),
	keySetting("tenant_id", "tenantID", "The Azure tenant."),
	{Name: "azure_environment", Type: schema.TypeString, Enum: []string{"AZURE", "AZURE_CHINA", "AZURE_US_GOVERNMENT"}, AllowedWhen: enabledKey,
		Doc: "Which of the Azure clouds."},
	keyRole("the vault"),
	keySetting("client_id", "clientID", "The application by which Atlas reaches the vault where there is no role."),
	keySecret("secret", "client_id", "The secret of the application."),
	keyPrivate("the vault"),
	keyValid(),
}

var googleKMS = []schema.Attribute{
	keyEnabled(),
	keySetting("key_version_resource_id", "keyVersionResourceID", "The version of the key, by its resource path."),
	keyRole("the key"),
	keySecret("service_account_key", "key_version_resource_id", "The key of a service account as JSON text, where there is no role."),
	keyValid(),
}

// bounded bounds the length of a text.
func bounded(a schema.Attribute, length int) schema.Attribute {
	a.MaxLen = length
	return a
}
