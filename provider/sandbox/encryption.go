package sandbox

const encryptionPath = apiRoot + "/groups/{groupId}/encryptionAtRest"

// encryptionRule is that of a project's key managements. Whose regions there are is left to AWS.
var encryptionRule = of(shape{
	"awsKms": of(shape{
		"enabled": boolean, "valid": owned, "requirePrivateNetworking": boolean, "region": text.like(`^[A-Z]+(_[A-Z]+)*(_[0-9]+)?$`),
		"customerMasterKeyID": text.between(1, 2048), "roleId": text.like(`^([a-f0-9]{24})$`), "accessKeyID": text.between(16, 128),
		"secretAccessKey": text.hidden(),
	}),
	"azureKeyVault": of(shape{
		"enabled": boolean, "valid": owned, "requirePrivateNetworking": boolean, "azureEnvironment": enum("AZURE", "AZURE_CHINA", "AZURE_US_GOVERNMENT"),
		"clientID": text.like(uuid), "subscriptionID": text.like(uuid), "tenantID": text.like(uuid), "resourceGroupName": text,
		"keyVaultName": text, "keyIdentifier": text, "roleId": text.like(`^([a-f0-9]{24})$`), "secret": text.hidden(),
	}),
	"googleCloudKms": of(shape{
		"enabled": boolean, "valid": owned, "keyVersionResourceID": text, "roleId": text.like(`^([a-f0-9]{24})$`), "serviceAccountKey": text.hidden(),
	}),
	"enabledForSearchNodes": boolean,
})

var encryptionOperations = []*operation{
	{id: "getGroupEncryptionAtRest", method: "GET", path: encryptionPath, versions: since("2023-01-01"), limits: "encryptionAtRest", serve: (*Server).getEncryption},
	{id: "updateGroupEncryptionAtRest", method: "PATCH", path: encryptionPath, versions: since("2023-01-01"), limits: "encryptionAtRest", body: &encryptionRule, serve: (*Server).updateEncryption},
}

// keyManagement is what one of the key managements asks for.
type keyManagement struct {
	provider string   // of clusters and roles
	required []string // when it is on
	// beside goes with secret, where there is no role.
	beside, secret string
}

// keyManagements are those of a project. None was recorded: what they ask for is from the descriptions of their fields.
var keyManagements = map[string]keyManagement{
	"awsKms":         {"AWS", []string{"customerMasterKeyID", "region"}, "accessKeyID", "secretAccessKey"},
	"azureKeyVault":  {"AZURE", []string{"keyIdentifier", "keyVaultName", "resourceGroupName", "subscriptionID", "tenantID"}, "clientID", "secret"},
	"googleCloudKms": {"GCP", []string{"keyVersionResourceID"}, "keyVersionResourceID", "serviceAccountKey"},
}

func defaultEncryption() object {
	doc := object{"enabledForSearchNodes": false}
	for name := range keyManagements {
		doc[name] = object{"enabled": false, "valid": false}
	}
	return doc
}

func (s *Server) getEncryption(c *call) *apiError {
	c.out = c.project.Singles[Encryption]
	return nil
}

// updateEncryption leaves alone what the body does not name. A key management that it names is replaced whole: whether
// Atlas keeps a field, or the secret, of one that is named without it is not known.
func (s *Server) updateEncryption(c *call) *apiError {
	doc := clone(c.project.Singles[Encryption])
	for _, name := range sortedKeys(c.in()) {
		if name == "enabledForSearchNodes" {
			doc[name] = c.in()[name]
			continue
		}
		replaced, err := keyManagements[name].read(c.project, name, objectOf(c.in(), name))
		if err != nil {
			return err
		}
		doc[name] = replaced
	}
	c.project.Singles[Encryption] = doc
	c.out = doc
	return nil
}

// read checks a key management and returns what is shown of it. Turned off, nothing else is kept.
func (k keyManagement) read(p *project, name string, in object) (object, *apiError) {
	if !boolOf(in, "enabled") {
		for _, it := range p.of(Cluster).all() {
			if textOf(it.Doc, "encryptionAtRestProvider") == k.provider {
				return nil, fail("CANNOT_DISABLE_ENCRYPTION_AT_REST")
			}
		}
		return object{"enabled": false, "valid": false}, nil
	}
	for _, field := range k.required {
		if textOf(in, field) == "" {
			return nil, fail("MISSING_ATTRIBUTE", name+"."+field)
		}
	}
	if id := textOf(in, "roleId"); id != "" {
		if role, ok := p.of(CloudRole).get(id); !ok || role.Doc["providerName"] != k.provider || k.provider == "AWS" && role.Doc["iamAssumedRoleArn"] == nil {
			return nil, fail("INVALID_ATTRIBUTE", name+".roleId") // Atlas has a code of its own, which was not recorded
		}
	} else if textOf(in, k.beside) == "" || textOf(in, k.secret) == "" {
		return nil, fail("MISSING_ATTRIBUTE", name+"."+k.secret)
	}
	doc := clone(in)
	delete(doc, k.secret)
	setDefault(doc, "requirePrivateNetworking", false)
	if name == "googleCloudKms" {
		delete(doc, "requirePrivateNetworking")
	}
	doc["valid"] = true
	return doc, nil
}
