package sandbox

import (
	"strings"
	"testing"
	"time"
)

func upgradeTo(name, provider, size string) object {
	return object{"name": name, "providerSettings": object{"providerName": provider, "instanceSizeName": size, "regionName": "EU_WEST_1"}}
}

func sizeOf(a answer) string {
	return textOf(objectOf(objectsOf(objectsOf(a.body, "replicationSpecs")[0], "regionConfigs")[0], "electableSpecs"), "instanceSize")
}

func TestFreeClusterIsUpgraded(t *testing.T) {
	c := start(t, Options{CreateTime: 2 * time.Hour})
	project := c.project("p")
	c.do("POST", project+"/clusters", freeCluster("free"), 201)
	upgrade := project + "/clusters/tenantUpgrade"
	c.refuse("POST", upgrade, upgradeTo("free", "AWS", "M10"), 400, "TENANT_CLUSTER_UPDATE_UNSUPPORTED") // it is being created
	c.clock.Advance(time.Hour)
	before := c.do("GET", project+"/clusters/free", nil, 200)
	asked := upgradeTo("free", "AWS", "M20")
	asked["tags"] = []any{object{"key": "team", "value": "shop"}}
	answer := c.do("POST", upgrade, asked, 200)
	if state(answer) != "UPDATING" || textOf(objectOf(answer.body, "providerSettings"), "instanceSizeName") != "M0" || answer.body["id"] != before.body["id"] {
		t.Errorf("the answer does not show the cluster as it was: %s", answer.raw)
	}
	if busy := c.do("GET", project+"/clusters/free", nil, 200); state(busy) != "UPDATING" || sizeOf(busy) != "M0" {
		t.Errorf("while it is upgraded: %s", busy.raw)
	}
	c.refuse("POST", upgrade, asked, 400, "TENANT_CLUSTER_UPDATE_UNSUPPORTED")
	c.refuse("PATCH", project+"/clusters/free", object{"tags": []any{}}, 400, "TENANT_CLUSTER_UPDATE_UNSUPPORTED")
	c.clock.Advance(3 * time.Hour)
	after := c.do("GET", project+"/clusters/free", nil, 200)
	if state(after) != "IDLE" || sizeOf(after) != "M20" || after.body["id"] == before.body["id"] || after.body["createDate"] != before.body["createDate"] || !strings.Contains(after.raw, "shop") {
		t.Errorf("after the upgrade: %s", after.raw)
	}
	c.do("GET", project+"/clusters/free/processArgs", nil, 200)
	c.refuse("POST", upgrade, asked, 400, "INVALID_ATTRIBUTE")
}

func TestFreeClusterBecomesFlex(t *testing.T) {
	c := start(t, Options{CreateTime: 2 * time.Hour})
	project := c.project("p")
	c.do("POST", project+"/clusters", freeCluster("free"), 201)
	c.clock.Advance(time.Hour)
	asked := upgradeTo("free", "FLEX", "FLEX")
	c.refuse("POST", project+"/clusters/tenantUpgrade", asked, 400, "MISSING_ATTRIBUTE")
	objectOf(asked, "providerSettings")["backingProviderName"] = "AWS"
	c.do("POST", project+"/clusters/tenantUpgrade", asked, 200)
	c.refuse("GET", project+"/flexClusters/free", nil, 400, "CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API")
	c.clock.Advance(3 * time.Hour)
	flex := c.do("GET", project+"/flexClusters/free", nil, 200)
	if state(flex) != "IDLE" || textOf(objectOf(flex.body, "providerSettings"), "regionName") != "EU_WEST_1" {
		t.Errorf("after the upgrade: %s", flex.raw)
	}
	c.refuse("GET", project+"/clusters/free", nil, 400, "CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API")
	c.refuse("POST", project+"/clusters/tenantUpgrade", asked, 400, "CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API")
}

func TestFlexClusterIsUpgraded(t *testing.T) {
	c := start(t, Options{CreateTime: 2 * time.Hour})
	project := c.project("p")
	c.do("POST", project+"/flexClusters", object{"name": "small", "terminationProtectionEnabled": true,
		"providerSettings": object{"backingProviderName": "AWS", "regionName": "EU_WEST_1"}}, 201)
	c.clock.Advance(time.Hour)
	before := c.do("GET", project+"/flexClusters/small", nil, 200)
	asked := replicaSet("small")
	c.refuse("POST", project+"/flexClusters:tenantUpgrade", object{"name": "small"}, 400, "MISSING_ATTRIBUTE")
	c.refuse("POST", project+"/flexClusters:tenantUpgrade", replicaSet("nobody"), 404, "CLUSTER_NOT_FOUND")
	answer := c.do("POST", project+"/flexClusters:tenantUpgrade", asked, 200)
	if state(answer) != "UPDATING" || answer.body["id"] != before.body["id"] {
		t.Errorf("the answer does not show the cluster as it was: %s", answer.raw)
	}
	c.refuse("GET", project+"/clusters/small", nil, 400, "CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API")
	c.refuse("PATCH", project+"/flexClusters/small", object{"tags": []any{}}, 400, "TENANT_CLUSTER_UPDATE_UNSUPPORTED")
	c.clock.Advance(3 * time.Hour)
	after := c.do("GET", project+"/clusters/small", nil, 200)
	if state(after) != "IDLE" || sizeOf(after) != "M10" || after.body["id"] == before.body["id"] || after.body["terminationProtectionEnabled"] != true {
		t.Errorf("after the upgrade: %s", after.raw)
	}
	if list := c.do("GET", project+"/flexClusters", nil, 200); list.body["totalCount"] != 0.0 {
		t.Errorf("it is a flex cluster still: %s", list.raw)
	}
}
