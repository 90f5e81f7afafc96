package sandbox

import "testing"

// TestValidateCluster asks what a cluster would be refused for; nothing comes of it.
func TestValidateCluster(t *testing.T) {
	c := start(t, Options{})
	path := c.project("shop")
	ask := func(body object) string {
		t.Helper()
		got := c.do("POST", path+"/clusterConfigurations:validate", body, 200).body
		errors := objectsOf(got, "errors")
		if got["valid"] != (len(errors) == 0) {
			t.Errorf("%v contradicts itself", got)
		}
		if len(errors) == 0 {
			return ""
		}
		return textOf(errors[0], "errorCode")
	}
	fresh := replicaSet("orders")
	if got := ask(object{"clusterDescription": fresh, "editing": false}); got != "" {
		t.Errorf("a new cluster: %s", got)
	}
	if got := c.do("GET", path+"/clusters", nil, 200).results(); len(got) > 0 {
		t.Fatalf("a question made a cluster: %v", got)
	}
	if got := ask(object{"clusterDescription": object{"name": "orders"}, "editing": false}); got != "MISSING_ATTRIBUTE" {
		t.Errorf("a new cluster without anything: %s", got)
	}
	if got := ask(object{"clusterDescription": object{}, "editing": true, "clusterName": "orders"}); got != "CLUSTER_NOT_FOUND" {
		t.Errorf("a cluster that is not there: %s", got)
	}
	before := c.do("POST", path+"/clusters", fresh, 201)
	if got := ask(object{"clusterDescription": fresh, "editing": false}); got != "DUPLICATE_CLUSTER_NAME" {
		t.Errorf("a second cluster of the name: %s", got)
	}
	for want, change := range map[string]object{"": {"backupEnabled": true}, "CLUSTER_CANNOT_CHANGE_NAME": {"name": "other"}} {
		if got := ask(object{"clusterDescription": change, "editing": true, "clusterName": "orders"}); got != want {
			t.Errorf("a change: %s, want %s", got, want)
		}
	}
	if got := c.do("GET", path+"/clusters/orders", nil, 200).body; boolOf(got, "backupEnabled") || textOf(got, "id") != textOf(before.body, "id") {
		t.Errorf("a question changed the cluster: %v", got)
	}
	c.refuse("POST", path+"/clusterConfigurations:validate", object{"clusterDescription": object{}}, 400, "MISSING_ATTRIBUTE")
}
