package sandbox

import (
	"regexp"
	"testing"
	"time"
)

func TestCloudRoleLife(t *testing.T) {
	c := start(t, Options{Dir: t.TempDir()})
	path := c.project("p") + "/cloudProviderAccess"
	if got := canonical(c.do("GET", path, nil, 200).body); got != `{"awsIamRoles":[],"azureServicePrincipals":[],"gcpServiceAccounts":[]}` {
		t.Errorf("from the start there is %s", got)
	}
	aws := c.do("POST", path, object{"providerName": "AWS"}, 200).body
	id := textOf(aws, "roleId")
	if aws["iamAssumedRoleArn"] != nil || aws["authorizedDate"] != nil || !regexp.MustCompile(uuid).MatchString(textOf(aws, "atlasAssumedRoleExternalId")) {
		t.Errorf("made, it is %v", aws)
	}
	const arn = "arn:aws:iam::123456789012:role/atlas"
	c.do("PATCH", path+"/"+id, object{"providerName": "AWS", "iamAssumedRoleArn": arn}, 200)
	if got := c.do("GET", path+"/"+id, nil, 200).body; got["iamAssumedRoleArn"] != arn || got["authorizedDate"] == nil || got["atlasAssumedRoleExternalId"] != aws["atlasAssumedRoleExternalId"] {
		t.Errorf("authorized, it is %v", got)
	}

	principal, tenant := "6f0bd6a8-6ff4-4dd4-8b4e-8d5e6f3c1f0a", "0b6b7a55-3c0f-4f0e-9c39-3a5ad2a3a7b1"
	azure := c.do("POST", path, object{"providerName": "AZURE", "servicePrincipalId": principal, "tenantId": tenant}, 200).body
	if azure["roleId"] != nil || textOf(azure, "_id") == "" || azure["atlasAzureAppId"] == nil {
		t.Errorf("at Azure it is %v", azure)
	}
	all := c.do("GET", path, nil, 200).body
	if len(listOf(all, "awsIamRoles")) != 1 || len(listOf(all, "azureServicePrincipals")) != 1 || len(listOf(all, "gcpServiceAccounts")) != 0 {
		t.Errorf("there are %v", all)
	}
	c.do("PATCH", path+"/"+textOf(azure, "_id"), object{"providerName": "AZURE", "servicePrincipalId": tenant, "tenantId": tenant}, 200)
	if got := c.do("GET", path+"/"+textOf(azure, "_id"), nil, 200).body; got["servicePrincipalId"] != tenant {
		t.Errorf("changed, it is %v", got)
	}

	c.refuse("DELETE", path+"/AZURE/"+id, nil, 404, "RESOURCE_NOT_FOUND")
	c.do("DELETE", path+"/AWS/"+id, nil, 204)
	c.refuse("GET", path+"/"+id, nil, 404, "RESOURCE_NOT_FOUND")
	c.refuse("PATCH", path+"/"+id, object{"providerName": "AWS", "iamAssumedRoleArn": arn}, 404, "RESOURCE_NOT_FOUND")
}

func TestCloudRoleRefusals(t *testing.T) {
	c := start(t, Options{})
	path := c.project("p") + "/cloudProviderAccess"
	c.refuse("POST", path, object{}, 400, "MISSING_ATTRIBUTE")
	c.refuse("POST", path, object{"providerName": "AWS", "iamAssumedRoleArn": "arn:aws:iam::123456789012:role/atlas"}, 400, "INVALID_ATTRIBUTE")
	c.refuse("POST", path, object{"providerName": "AWS", "tenantId": "0b6b7a55-3c0f-4f0e-9c39-3a5ad2a3a7b1"}, 400, "INVALID_ATTRIBUTE")
	c.refuse("POST", path, object{"providerName": "AZURE", "tenantId": "0b6b7a55-3c0f-4f0e-9c39-3a5ad2a3a7b1"}, 400, "MISSING_ATTRIBUTE")
	c.refuse("POST", path, object{"providerName": "AZURE", "tenantId": "mine"}, 400, "VALIDATION_ERROR")
	one := path + "/" + textOf(c.do("POST", path, object{"providerName": "AWS"}, 200).body, "roleId")
	c.refuse("PATCH", one, object{"providerName": "AWS"}, 400, "MISSING_ATTRIBUTE")
	c.refuse("PATCH", one, object{"iamAssumedRoleArn": "arn:aws:iam::123456789012:role/atlas"}, 400, "MISSING_ATTRIBUTE")
	c.refuse("PATCH", one, object{"providerName": "GCP"}, 400, "INVALID_ATTRIBUTE")
	c.refuse("PATCH", one, object{"providerName": "AWS", "iamAssumedRoleArn": "short"}, 400, "VALIDATION_ERROR")
}

// The first Google service account of a project is made in the background, further ones at once.
func TestGoogleServiceAccountsTakeTime(t *testing.T) {
	c := start(t, Options{CreateTime: 10 * time.Minute})
	path := c.project("p") + "/cloudProviderAccess"
	first := c.do("POST", path, object{"providerName": "GCP"}, 200).body
	if first["status"] != "IN_PROGRESS" || first["gcpServiceAccountForAtlas"] != nil {
		t.Errorf("made, it is %v", first)
	}
	c.clock.Advance(2 * time.Minute)
	if got := c.do("GET", path+"/"+textOf(first, "roleId"), nil, 200).body; got["status"] != "COMPLETE" ||
		!regexp.MustCompile(`^mongodb-atlas-[0-9a-z]{16}@p-[0-9a-z]{24}.iam.gserviceaccount.com$`).MatchString(textOf(got, "gcpServiceAccountForAtlas")) {
		t.Errorf("later it is %v", got)
	}
	if got := c.do("POST", path, object{"providerName": "GCP"}, 200).body; got["status"] != "COMPLETE" {
		t.Errorf("the second is %v", got)
	}
}
