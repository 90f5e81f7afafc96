package sandbox

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"
)

func region(changes object) object {
	r := object{"providerName": "AWS", "regionName": "EU_WEST_1", "priority": 7, "electableSpecs": object{"instanceSize": "M10", "nodeCount": 3}}
	maps.Copy(r, changes)
	return r
}

func replicaSet(name string, regions ...any) object {
	if regions == nil {
		regions = []any{region(nil)}
	}
	return object{"name": name, "clusterType": "REPLICASET", "replicationSpecs": []any{object{"regionConfigs": regions}}}
}

func freeCluster(name string) object {
	return replicaSet(name, object{"providerName": "TENANT", "backingProviderName": "AWS", "regionName": "EU_WEST_1", "priority": 7,
		"electableSpecs": object{"instanceSize": "M0"}})
}

func state(a answer) string { return textOf(a.body, "stateName") }

func TestClusterLifeByTime(t *testing.T) {
	c := start(t, Options{CreateTime: 10 * time.Minute, UpdateTime: 5 * time.Minute, DeleteTime: 3 * time.Minute, DeleteLingers: true})
	project := c.project("p")
	one := project + "/clusters/orders"
	created := c.do("POST", project+"/clusters", replicaSet("orders"), 201)
	if state(created) != "CREATING" || canonical(created.body["connectionStrings"]) != "{}" {
		t.Errorf("created %s", created.raw)
	}
	if got := created.header.Get("Content-Type"); !strings.Contains(got, "2024-10-23") {
		t.Errorf("Content-Type of a POST %s", got)
	}
	c.clock.Advance(9 * time.Minute)
	if got := c.do("GET", one, nil, 200); state(got) != "CREATING" || !strings.Contains(got.header.Get("Content-Type"), "2024-08-05") {
		t.Errorf("after 9 minutes %s", got.raw)
	}
	c.refuse("DELETE", project, nil, 409, "CANNOT_CLOSE_GROUP_ACTIVE_ATLAS_CLUSTERS")
	c.clock.Advance(time.Minute)
	ready := c.do("GET", one, nil, 200)
	if state(ready) != "IDLE" || objectOf(ready.body, "connectionStrings")["standardSrv"] == nil {
		t.Errorf("after 10 minutes %s", ready.raw)
	}
	if got := c.do("PATCH", one, object{"backupEnabled": true}, 200); state(got) != "UPDATING" || !boolOf(got.body, "backupEnabled") {
		t.Errorf("updated %s", got.raw)
	}
	c.clock.Advance(5 * time.Minute)
	if got := c.do("GET", one, nil, 200); state(got) != "IDLE" {
		t.Errorf("after the update %s", state(got))
	}
	if got := c.do("DELETE", one+"?retainBackups=false", nil, 202); got.raw != "{}" {
		t.Errorf("body of a deletion %q", got.raw)
	}
	c.refuse("DELETE", one, nil, 400, "CLUSTER_ALREADY_REQUESTED_DELETION")
	c.refuse("PATCH", one, object{"backupEnabled": false}, 400, "CLUSTER_ALREADY_REQUESTED_DELETION")
	for _, want := range []string{"IDLE", "DELETING"} { // one read still sees the state before
		if got := c.do("GET", one, nil, 200); state(got) != want {
			t.Errorf("during the deletion %s, want %s", state(got), want)
		}
	}
	c.clock.Advance(3 * time.Minute)
	c.refuse("GET", one, nil, 404, "CLUSTER_NOT_FOUND")
	c.do("DELETE", project, nil, 202)
}

func TestClusterLifeByPolls(t *testing.T) {
	c := start(t, Options{Polls: 2, CreateTime: time.Hour})
	path := c.project("p") + "/clusters"
	one := path + "/orders"
	states := func() (out string) {
		for range 4 {
			a, err := c.send("GET", one, "2024-08-05", nil)
			if err != nil {
				t.Fatal(err)
			}
			out += state(a) + " "
		}
		return out
	}
	c.do("POST", path, replicaSet("orders"), 201)
	if got := states(); got != "CREATING CREATING IDLE IDLE " {
		t.Errorf("creation: %s", got)
	}
	c.do("PATCH", one, object{"pitEnabled": true}, 200)
	if got := states(); got != "UPDATING UPDATING IDLE IDLE " {
		t.Errorf("update: %s", got)
	}
	c.do("DELETE", one, nil, 202)
	if got := states(); got != "DELETING DELETING   " {
		t.Errorf("deletion: %s", got)
	}
	c.do("POST", path, replicaSet("listed"), 201)
	for _, want := range []string{"CREATING", "CREATING", "IDLE"} {
		if got := c.do("GET", path, nil, 200).results(); textOf(got[0], "stateName") != want {
			t.Errorf("list: %s, want %s", got[0]["stateName"], want)
		}
	}
}

func TestClusterLifeByTicks(t *testing.T) {
	c := start(t, Options{Tick: time.Minute, CreateTime: 3 * time.Minute})
	path := c.project("p") + "/clusters"
	c.do("POST", path, replicaSet("orders"), 201)
	for i, want := range []string{"CREATING", "CREATING", "IDLE"} {
		if got := c.do("GET", path+"/orders", nil, 200); state(got) != want {
			t.Errorf("read %d: %s, want %s", i, state(got), want)
		}
	}
}

func TestClusterDefaults(t *testing.T) {
	c := start(t, Options{})
	project := c.project("p")
	created := c.do("POST", project+"/clusters", replicaSet("orders", region(object{"autoScaling": object{"compute": object{}, "diskGB": object{"enabled": true}}})), 201)
	for field, want := range map[string]string{
		"advancedConfiguration": `{"customOpensslCipherConfigTls12":[],"customOpensslCipherConfigTls13":[],"minimumEnabledTlsProtocol":"TLS1_2","tlsCipherConfigMode":"DEFAULT"}`,
		"biConnector":           `{"enabled":false,"readPreference":"secondary"}`, "labels": "[]", "tags": "[]", "mongoDBMajorVersion": `"8.0"`,
		"rootCertType": `"ISRGROOTX1"`, "terminationProtectionEnabled": "false", "versionReleaseSystem": `"LTS"`, "diskWarmingMode": `"FULLY_WARMED"`,
	} {
		if got := canonical(created.body[field]); got != want {
			t.Errorf("%s is %s, want %s", field, got, want)
		}
	}
	for _, field := range []string{"replicaSetScalingStrategy", "configServerType", "configServerManagementMode"} {
		if created.body[field] != nil {
			t.Errorf("%s is there: %v", field, created.body[field])
		}
	}
	spec := objectsOf(created.body, "replicationSpecs")[0]
	r := objectsOf(spec, "regionConfigs")[0]
	if got := canonical(r["readOnlySpecs"]); got != `{"diskIOPS":3000,"diskSizeGB":10,"ebsVolumeType":"STANDARD","instanceSize":"M10","nodeCount":0}` {
		t.Errorf("readOnlySpecs %s", got)
	}
	if got := canonical(r["autoScaling"]); got != `{"compute":{"enabled":false,"scaleDownEnabled":false},"diskGB":{"enabled":true}}` {
		t.Errorf("autoScaling %s", got)
	}
	if textOf(spec, "zoneName") != "Zone 1" || textOf(spec, "id") == "" || textOf(spec, "zoneId") == "" {
		t.Errorf("replication spec %v", spec)
	}

	sharded := replicaSet("sharded", region(object{"electableSpecs": object{"instanceSize": "M30", "nodeCount": 3, "diskIOPS": 2000, "ebsVolumeType": "PROVISIONED"}}))
	sharded["clusterType"] = "SHARDED"
	sharded["replicationSpecs"] = append(sharded["replicationSpecs"].([]any), clone(sharded["replicationSpecs"].([]any)[0].(object)))
	got := c.do("POST", project+"/clusters", sharded, 201)
	specs := objectsOf(got.body, "replicationSpecs")
	if textOf(got.body, "configServerType") != "EMBEDDED" || specs[0]["id"] == specs[1]["id"] || specs[0]["zoneId"] != specs[1]["zoneId"] {
		t.Errorf("sharded %s", got.raw)
	}
	if got := canonical(objectsOf(specs[1], "regionConfigs")[0]["analyticsSpecs"]); got != `{"diskIOPS":2000,"diskSizeGB":40,"ebsVolumeType":"PROVISIONED","instanceSize":"M30","nodeCount":0}` {
		t.Errorf("analyticsSpecs %s", got)
	}
	azure := c.do("POST", project+"/clusters", replicaSet("both", region(nil), region(object{"providerName": "AZURE", "regionName": "US_EAST", "priority": 6, "electableSpecs": object{"instanceSize": "M10", "nodeCount": 2}})), 201)
	second := objectsOf(objectsOf(azure.body, "replicationSpecs")[0], "regionConfigs")[1]
	if got := canonical(second["electableSpecs"]); got != `{"diskIOPS":3500,"diskSizeGB":8,"diskThroughput":125,"instanceSize":"M10","nodeCount":2}` {
		t.Errorf("azure %s", got)
	}

	free := c.do("POST", project+"/clusters", freeCluster("free"), 201)
	if got := canonical(objectsOf(objectsOf(free.body, "replicationSpecs")[0], "regionConfigs")[0]); got != `{"backingProviderName":"AWS","electableSpecs":{"diskSizeGB":0.5,"effectiveInstanceSize":"M0","instanceSize":"M0"},"priority":7,"providerName":"TENANT","regionName":"EU_WEST_1"}` {
		t.Errorf("M0 %s", got)
	}
	if free.body["advancedConfiguration"] != nil || objectOf(free.body, "connectionStrings")["standardSrv"] == nil {
		t.Errorf("M0 %s", free.raw)
	}
}

func TestClusterChecks(t *testing.T) {
	c := start(t, Options{})
	path := c.project("p") + "/clusters"
	c.do("POST", path, replicaSet("a-name-of-twenty-three-letters"), 201)
	with := func(changes object) object {
		doc := replicaSet("x")
		maps.Copy(doc, changes)
		return doc
	}
	scaling := func(compute object) object {
		return replicaSet("x", region(object{"autoScaling": object{"compute": compute}}))
	}
	for _, tt := range []struct {
		doc  object
		code string
	}{
		{with(object{"name": "a-name-of-twenty-three-letters"}), "DUPLICATE_CLUSTER_NAME"},
		{with(object{"name": "a-name-of-twenty-three-numbers"}), "DUPLICATE_CLUSTER_NAME_PREFIX"},
		{with(object{"name": "under_score"}), "CLUSTER_NAME_INVALID"},
		{with(object{"paused": true}), "CANNOT_CREATE_PAUSED_CLUSTER"},
		{with(object{"clusterType": "TRIANGLE"}), "INVALID_ENUM_VALUE"},
		{with(object{"replicationSpecs": nil}), "MISSING_ATTRIBUTE"},
		{with(object{"diskSizeGB": 10}), "INVALID_ATTRIBUTE"},
		{with(object{"backupEnabled": "yes"}), "INVALID_JSON_ATTRIBUTE"},
		{with(object{"replicationSpecs": []any{object{"numShards": 1, "regionConfigs": []any{region(nil)}}}}), "INVALID_ATTRIBUTE"},
		{replicaSet("x", region(object{"electableSpecs": object{"instanceSize": "M10", "nodeCount": 4}})), "CLUSTER_REPLICATION_FACTOR_INVALID"},
		{replicaSet("x", region(object{"electableSpecs": object{"instanceSize": "huge", "nodeCount": 3}})), "VALIDATION_ERROR"},
		{replicaSet("x", region(object{"priority": 8})), "VALIDATION_ERROR"},
		{replicaSet("x", region(object{"electableSpecs": object{"instanceSize": "M10", "nodeCount": 3.5}})), "INVALID_JSON_ATTRIBUTE"},
		{replicaSet("x", region(object{"providerName": nil})), "MISSING_ATTRIBUTE"},
		{scaling(object{"enabled": true}), "COMPUTE_AUTO_SCALING_MAX_INSTANCE_SIZE_REQUIRED"},
		{scaling(object{"enabled": true, "maxInstanceSize": "M40", "scaleDownEnabled": true}), "COMPUTE_AUTO_SCALING_MIN_INSTANCE_SIZE_REQUIRED"},
		{scaling(object{"scaleDownEnabled": true}), "COMPUTE_AUTO_SCALING_SCALE_DOWN_ENABLED_INVALID"},
	} {
		c.refuse("POST", path, tt.doc, 400, tt.code)
	}
	c.refuse("GET", path+"/x", nil, 404, "CLUSTER_NOT_FOUND")
}

func TestOlderClusterVersionsAreGone(t *testing.T) {
	c := start(t, Options{})
	path := c.project("p") + "/clusters"
	got, err := c.send("GET", path, "2023-02-01", nil)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"detail":"Version 2023-02-01 of ` + path[1:] + ` is no longer available.","error":410,"errorCode":"VERSION_GONE","parameters":["2023-02-01 ` + path[1:] + `"],"reason":"Gone"}`
	if got.status != 410 || got.raw != want {
		t.Errorf("%d %s", got.status, got.raw)
	}
	older, err := c.send("POST", path, "2024-08-05", replicaSet("orders"))
	if err != nil {
		t.Fatal(err)
	}
	if older.status != 201 || older.header.Get("Sunset") == "" || older.header.Get("Deprecation") == "" {
		t.Errorf("%d %v", older.status, older.header)
	}
	if got := c.do("GET", path+"/orders/autoScalingConfiguration", nil, 200); textOf(got.body, "autoScalingMode") != "CLUSTER_WIDE_SCALING" {
		t.Errorf("%s", got.raw)
	}
}

func TestImmutableClusterFields(t *testing.T) {
	c := start(t, Options{})
	path := c.project("p") + "/clusters"
	for _, kind := range []string{"REPLICASET", "SHARDED", "GEOSHARDED"} {
		doc := replicaSet(strings.ToLower(kind))
		doc["clusterType"] = kind
		c.do("POST", path, doc, 201)
	}
	c.do("POST", path, freeCluster("free"), 201)
	for _, tt := range []struct {
		cluster string
		change  object
		status  int
		code    string
	}{
		{"replicaset", object{"name": "other"}, 400, "CLUSTER_CANNOT_CHANGE_NAME"},
		{"replicaset", object{"clusterType": "GEOSHARDED"}, 400, "CANNOT_CHANGE_GEOSHARDED_CLUSTER_TYPE"},
		{"sharded", object{"clusterType": "REPLICASET"}, 400, "SHARDED_CLUSTER_CANT_BECOME_REPLICA_SET"},
		{"geosharded", object{"clusterType": "SHARDED"}, 400, "CANNOT_CHANGE_GEOSHARDED_CLUSTER_TYPE"},
		{"sharded", object{"globalClusterSelfManagedSharding": true}, 400, "ATTRIBUTE_READ_ONLY"},
		{"sharded", object{"mongoDBMajorVersion": "7.0"}, 400, "INVALID_ATTRIBUTE"},
		{"replicaset", object{"replicationSpecs": freeCluster("x")["replicationSpecs"]}, 400, "INVALID_ATTRIBUTE"},
		{"free", object{"backupEnabled": true}, 400, "TENANT_CLUSTER_UPDATE_UNSUPPORTED"},
	} {
		c.refuse("PATCH", path+"/"+tt.cluster, tt.change, tt.status, tt.code)
	}
	c.do("PATCH", path+"/free", object{"tags": []any{object{"key": "a", "value": "b"}}}, 200)
	got := c.do("PATCH", path+"/replicaset", object{"clusterType": "SHARDED", "name": "replicaset", "mongoDBMajorVersion": "9", "stateName": "IDLE"}, 200)
	if textOf(got.body, "mongoDBMajorVersion") != "9.0" || state(got) != "UPDATING" {
		t.Errorf("%s", got.raw)
	}
}

func TestTerminationProtection(t *testing.T) {
	c := start(t, Options{})
	path := c.project("p") + "/clusters"
	doc := replicaSet("orders")
	doc["terminationProtectionEnabled"] = true
	c.do("POST", path, doc, 201)
	got := c.refuse("DELETE", path+"/orders", nil, 400, "CANNOT_TERMINATE_CLUSTER_WHEN_TERMINATION_PROTECTION_ENABLED")
	if !strings.HasPrefix(listOf(got.body, "parameters")[0].(string), "Cannot terminate cluster orders in group ") {
		t.Errorf("%s", got.raw)
	}
	c.refuse("DELETE", path+"/orders?retainBackups=perhaps", nil, 400, "INVALID_QUERY_PARAMETER")
	c.do("PATCH", path+"/orders", object{"terminationProtectionEnabled": false}, 200)
	c.do("DELETE", path+"/orders", nil, 202)
}

func TestPausing(t *testing.T) {
	c := start(t, Options{UpdateTime: time.Minute})
	path := c.project("p") + "/clusters"
	one := path + "/orders"
	c.do("POST", path, replicaSet("orders"), 201)
	c.do("GET", one, nil, 200)
	c.refuse("PATCH", one, object{"paused": true, "backupEnabled": true}, 409, "CANNOT_UPDATE_AND_PAUSE_CLUSTER")
	c.do("PATCH", one, object{"backupEnabled": true}, 200)
	c.refuse("PATCH", one, object{"paused": true}, 409, "CANNOT_PAUSE_CLUSTER_WITH_PENDING_CHANGES")
	c.clock.Advance(time.Minute)
	c.do("PATCH", one, object{"paused": true}, 200)
	c.clock.Advance(time.Minute)
	for _, change := range []object{{"backupEnabled": false}, {"backupEnabled": false, "paused": false}, {"backupEnabled": false, "paused": true}} {
		c.refuse("PATCH", one, change, 409, "CANNOT_UPDATE_PAUSED_CLUSTER")
	}
	c.refuse("PATCH", one+"/processArgs", object{"noTableScan": true}, 409, "CANNOT_UPDATE_PAUSED_CLUSTER")
	c.refuse("PATCH", one, object{"paused": true}, 409, "CLUSTER_ALREADY_PAUSED")
	if got := c.do("PATCH", one, object{"paused": false}, 200); boolOf(got.body, "paused") {
		t.Errorf("%s", got.raw)
	}
}

func TestReplicationSpecsKeepTheirIdentity(t *testing.T) {
	c := start(t, Options{})
	path := c.project("p") + "/clusters"
	doc := replicaSet("orders")
	doc["clusterType"] = "SHARDED"
	shard := func(zone string) object { return object{"zoneName": zone, "regionConfigs": []any{region(nil)}} }
	doc["replicationSpecs"] = []any{shard("A"), shard("B"), shard("A")}
	specs := objectsOf(c.do("POST", path, doc, 201).body, "replicationSpecs")
	patch := func(specs ...any) []object {
		t.Helper()
		return objectsOf(c.do("PATCH", path+"/orders", object{"replicationSpecs": specs}, 200).body, "replicationSpecs")
	}
	third := shard("A")
	third["id"] = specs[2]["id"]
	if got := patch(third, shard("B")); got[0]["id"] != specs[2]["id"] || got[1]["id"] != specs[1]["id"] {
		t.Errorf("echoed ids: %v, were %v", names(got, "id"), names(specs, "id"))
	}
	if got := patch(shard("A"), shard("A"), shard("C")); got[0]["id"] != specs[2]["id"] || got[1]["id"] == specs[0]["id"] ||
		got[0]["zoneId"] != specs[0]["zoneId"] || got[2]["zoneId"] == specs[1]["zoneId"] {
		t.Errorf("ids by zone: %v, were %v", names(got, "id"), names(specs, "id"))
	}
	// A list is replaced whole: nodes that are not sent again are gone.
	withReaders := region(object{"readOnlySpecs": object{"nodeCount": 2}})
	patch(object{"zoneName": "A", "regionConfigs": []any{withReaders}})
	got := patch(shard("A"))
	if n := intOf(objectOf(objectsOf(got[0], "regionConfigs")[0], "readOnlySpecs"), "nodeCount"); n != 0 {
		t.Errorf("%d read-only nodes survived a replacement", n)
	}
}

func TestProcessArgs(t *testing.T) {
	c := start(t, Options{UpdateTime: time.Minute})
	path := c.project("p") + "/clusters"
	c.do("POST", path, replicaSet("orders"), 201)
	c.do("POST", path, freeCluster("free"), 201)
	args := path + "/orders/processArgs"
	initial := c.do("GET", args, nil, 200)
	if len(initial.body) != len(argFields) || initial.body["javascriptEnabled"] != true || initial.body["oplogSizeMB"] != nil {
		t.Errorf("%s", initial.raw)
	}
	c.do("PATCH", args, object{"noTableScan": true, "transactionLifetimeLimitSeconds": 300}, 200)
	merged := c.do("PATCH", args, object{"transactionLifetimeLimitSeconds": nil, "minimumEnabledTlsProtocol": "TLS1_3", "changeStreamOptionsPreAndPostImagesExpireAfterSeconds": -1}, 200)
	if merged.body["noTableScan"] != true || merged.body["transactionLifetimeLimitSeconds"] != nil || intOf(merged.body, "changeStreamOptionsPreAndPostImagesExpireAfterSeconds") != -1 {
		t.Errorf("%s", merged.raw)
	}
	cluster := c.do("GET", path+"/orders", nil, 200)
	if state(cluster) != "UPDATING" || textOf(objectOf(cluster.body, "advancedConfiguration"), "minimumEnabledTlsProtocol") != "TLS1_3" {
		t.Errorf("%s", cluster.raw)
	}
	c.do("PATCH", path+"/orders", object{"advancedConfiguration": object{"minimumEnabledTlsProtocol": "TLS1_2"}}, 200)
	if got := c.do("GET", args, nil, 200); textOf(got.body, "minimumEnabledTlsProtocol") != "TLS1_2" {
		t.Errorf("%s", got.raw)
	}
	c.refuse("PATCH", args, object{"transactionLifetimeLimitSeconds": 0}, 400, "VALIDATION_ERROR")
	c.refuse("GET", path+"/free/processArgs", nil, 400, "TENANT_CLUSTER_PROCESS_ARGS_NOT_SUPPORTED")
}

func TestContainers(t *testing.T) {
	c := start(t, Options{})
	project := c.project("p")
	for i, r := range []object{region(nil), region(nil), region(object{"regionName": "US_EAST_1"}), region(object{"providerName": "GCP", "regionName": "WESTERN_EUROPE"}), region(object{"providerName": "AZURE", "regionName": "EUROPE_WEST"})} {
		c.do("POST", project+"/clusters", replicaSet(string(rune('a'+i)), r), 201)
	}
	c.do("POST", project+"/clusters", freeCluster("free"), 201)
	for query, want := range map[string]int{"": 2, "?providerName=AWS": 2, "?providerName=AZURE": 1, "?providerName=GCP": 1, "/all": 4} {
		got := c.do("GET", project+"/containers"+query, nil, 200)
		if len(got.results()) != want {
			t.Errorf("containers%s: %d, want %d", query, len(got.results()), want)
		}
		c.do("GET", project+"/containers/"+textOf(got.results()[0], "id"), nil, 200)
	}
	c.refuse("GET", project+"/containers/5a0db0000000000000000009", nil, 404, "CLOUD_PROVIDER_CONTAINER_NOT_FOUND")
}

func TestScalingAndUpgradeByHand(t *testing.T) {
	c := start(t, Options{})
	project := c.project("p")
	id := strings.Split(project, "/")[5]
	c.do("POST", project+"/clusters", replicaSet("orders"), 201)
	c.do("POST", project+"/clusters", freeCluster("free"), 201)
	if err := c.s.ScaleCluster(id, "orders", "M30"); err != nil {
		t.Fatal(err)
	}
	if got := c.do("GET", project+"/clusters/orders", nil, 200); sizeOf(got) != "M30" || state(got) != "IDLE" {
		t.Errorf("scaled %s", got.raw)
	}
	before := c.do("GET", project+"/clusters/free", nil, 200)
	if err := c.s.UpgradeTenant(id, "free", "M10"); err != nil {
		t.Fatal(err)
	}
	after := c.do("GET", project+"/clusters/free", nil, 200)
	if before.body["id"] == after.body["id"] || sizeOf(after) != "M10" || after.body["advancedConfiguration"] == nil {
		t.Errorf("upgraded %s", after.raw)
	}
	c.do("GET", project+"/clusters/free/processArgs", nil, 200)
	if err := c.s.UpgradeTenant(id, "orders", "M10"); err == nil {
		t.Error("a dedicated cluster was upgraded")
	}
	if err := c.s.ScaleCluster(id, "nobody", "M10"); err == nil {
		t.Error("a cluster that does not exist was scaled")
	}
}

// FuzzClusterBody checks that no accepted cluster makes the sandbox stumble.
func FuzzClusterBody(f *testing.F) {
	for _, doc := range []object{replicaSet("orders"), freeCluster("free")} {
		raw, err := json.Marshal(doc)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(raw))
	}
	s, err := New(Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body string) {
		value, failed := decodeBody([]byte(body))
		if failed != nil {
			return
		}
		in, failed := checker{}.check("", value, clusterRule)
		if failed != nil {
			return
		}
		doc := object{}
		if failed := s.fillCluster(doc, in.(object), nil); failed != nil {
			return
		}
		if err := s.fillCluster(doc, object{"tags": []any{}}, objectsOf(doc, "replicationSpecs")); err != nil {
			t.Fatalf("an accepted cluster refuses new tags: %v: %s", err, body)
		}
	})
}

func flexCluster(name string) object {
	return object{"name": name, "providerSettings": object{"backingProviderName": "AWS", "regionName": "EU_WEST_1"}}
}

func TestFlexLife(t *testing.T) {
	c := start(t, Options{CreateTime: time.Minute, UpdateTime: time.Minute, DeleteTime: time.Minute})
	project := c.project("p")
	path := project + "/flexClusters"
	created := c.do("POST", path, flexCluster("one"), 201).body
	if created["stateName"] != creating || created["tags"] != nil || canonical(created["connectionStrings"]) != "{}" ||
		textOf(objectOf(created, "providerSettings"), "providerName") != "FLEX" || created["terminationProtectionEnabled"] != false {
		t.Errorf("created %v", created)
	}
	c.refuse("POST", path, flexCluster("one"), 400, "DUPLICATE_CLUSTER_NAME")
	c.refuse("POST", project+"/clusters", replicaSet("one"), 400, "DUPLICATE_CLUSTER_NAME")
	c.refuse("GET", project+"/clusters/one", nil, 400, "CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API")
	c.refuse("POST", path, object{"name": "two"}, 400, "MISSING_ATTRIBUTE")
	c.clock.Advance(time.Minute)
	ready := c.do("GET", path+"/one", nil, 200).body
	if ready["stateName"] != idle || !strings.HasPrefix(textOf(objectOf(ready, "connectionStrings"), "standardSrv"), "mongodb+srv://one.") || ready["tags"] == nil {
		t.Errorf("ready %v", ready)
	}
	changed := c.do("PATCH", path+"/one", object{"tags": []any{object{"key": "a", "value": "b"}}, "terminationProtectionEnabled": true}, 200).body
	if changed["stateName"] != updating || len(listOf(changed, "tags")) != 1 {
		t.Errorf("changed %v", changed)
	}
	c.refuse("PATCH", path+"/one", object{"name": "two"}, 400, "INVALID_ATTRIBUTE")
	c.refuse("DELETE", path+"/one", nil, 400, "CANNOT_TERMINATE_CLUSTER_WHEN_TERMINATION_PROTECTION_ENABLED")
	c.do("PATCH", path+"/one", object{"terminationProtectionEnabled": false}, 200)
	c.refuse("DELETE", project, nil, 409, "CANNOT_CLOSE_GROUP_ACTIVE_ATLAS_CLUSTERS")
	c.do("DELETE", path+"/one", nil, 204)
	c.refuse("PATCH", path+"/one", object{"tags": []any{}}, 400, "CLUSTER_ALREADY_REQUESTED_DELETION")
	if got := c.do("GET", path, nil, 200).results(); len(got) != 1 || got[0]["stateName"] != deleting {
		t.Errorf("while it goes the list has %v", got)
	}
	c.clock.Advance(time.Minute)
	c.refuse("GET", path+"/one", nil, 404, "CLUSTER_NOT_FOUND")
	c.do("POST", project+"/clusters", replicaSet("other"), 201)
	c.refuse("GET", path+"/other", nil, 400, "CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API")
}
