package sandbox

import "testing"

func TestEncryptionLife(t *testing.T) {
	c := start(t, Options{Dir: t.TempDir()})
	project := c.project("p")
	path := project + "/encryptionAtRest"
	const initial = `{"awsKms":{"enabled":false,"valid":false},"azureKeyVault":{"enabled":false,"valid":false},"enabledForSearchNodes":false,"googleCloudKms":{"enabled":false,"valid":false}}`
	if got := canonical(c.do("GET", path, nil, 200).body); got != initial {
		t.Errorf("from the start it is %s", got)
	}
	google := object{"enabled": true, "keyVersionResourceID": "projects/p/1", "serviceAccountKey": "a-long-enough-secret"}
	got := c.do("PATCH", path, object{"googleCloudKms": google, "enabledForSearchNodes": true}, 200).body
	if kms := objectOf(got, "googleCloudKms"); kms["serviceAccountKey"] != nil || kms["valid"] != true || kms["keyVersionResourceID"] != "projects/p/1" {
		t.Errorf("set, it is %v", got)
	}
	if !c.s.Received("a-long-enough-secret") {
		t.Error("the secret was not received")
	}
	c.refuse("PATCH", path, object{"googleCloudKms": object{"enabled": true, "keyVersionResourceID": "projects/p/2"}}, 400, "MISSING_ATTRIBUTE")

	// A role has to be there, and AWS's to be authorized.
	aws := object{"enabled": true, "customerMasterKeyID": "key", "region": "EU_WEST_1", "roleId": "5e2211c17a3e5a48f5497de3"}
	c.refuse("PATCH", path, object{"awsKms": aws}, 400, "INVALID_ATTRIBUTE")
	role := textOf(c.do("POST", project+"/cloudProviderAccess", object{"providerName": "AWS"}, 200).body, "roleId")
	aws["roleId"] = role
	c.refuse("PATCH", path, object{"awsKms": aws}, 400, "INVALID_ATTRIBUTE")
	c.do("PATCH", project+"/cloudProviderAccess/"+role, object{"providerName": "AWS", "iamAssumedRoleArn": "arn:aws:iam::123456789012:role/keys"}, 200)
	got = c.do("PATCH", path, object{"awsKms": aws}, 200).body
	if objectOf(got, "awsKms")["valid"] != true || objectOf(got, "googleCloudKms")["enabled"] != true {
		t.Errorf("with two it is %v", got)
	}

	// It is not turned off under a cluster.
	cluster := replicaSet("one")
	cluster["encryptionAtRestProvider"] = "AWS"
	c.do("POST", project+"/clusters", cluster, 201)
	c.refuse("PATCH", path, object{"awsKms": object{"enabled": false}}, 409, "CANNOT_DISABLE_ENCRYPTION_AT_REST")
	c.do("PATCH", path, object{"googleCloudKms": object{"enabled": false}}, 200)
	c.do("PATCH", project+"/clusters/one", object{"encryptionAtRestProvider": "NONE"}, 200)
	got = c.do("PATCH", path, object{"awsKms": object{"enabled": false}, "azureKeyVault": object{"enabled": false}, "googleCloudKms": object{"enabled": false}, "enabledForSearchNodes": false}, 200).body
	if canonical(got) != initial {
		t.Errorf("turned off, it is %s", canonical(got))
	}
}

func TestEncryptionRefusals(t *testing.T) {
	c := start(t, Options{})
	path := c.project("p") + "/encryptionAtRest"
	for name, tc := range map[string]struct {
		body object
		code string
	}{
		"an unknown key management": {object{"vault": object{}}, "INVALID_ATTRIBUTE"},
		"an unknown field":          {object{"awsKms": object{"enabled": true, "key": "x"}}, "INVALID_ATTRIBUTE"},
		"no key":                    {object{"awsKms": object{"enabled": true, "region": "EU_WEST_1"}}, "MISSING_ATTRIBUTE"},
		"no secret":                 {object{"awsKms": object{"enabled": true, "region": "EU_WEST_1", "customerMasterKeyID": "k", "accessKeyID": "0123456789abcdef"}}, "MISSING_ATTRIBUTE"},
		"no tenant":                 {object{"azureKeyVault": object{"enabled": true, "tenantID": "mine"}}, "VALIDATION_ERROR"},
	} {
		t.Run(name, func(t *testing.T) { c.refuse("PATCH", path, tc.body, 400, tc.code) })
	}
}
