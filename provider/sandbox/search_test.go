package sandbox

import (
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"
)

func textIndex(name string, analyzer string) object {
	return object{"database": "shop", "collectionName": "products", "name": name,
		"definition": object{"analyzer": analyzer, "mappings": object{"dynamic": true}, "analyzers": []any{object{"name": "codes", "tokenizer": object{"type": "keyword"}}}}}
}

func TestSearchIndexLife(t *testing.T) {
	c := start(t, Options{CreateTime: 10 * time.Minute, UpdateTime: 10 * time.Minute, DeleteTime: 10 * time.Minute})
	project := c.project("p")
	c.do("POST", project+"/clusters", replicaSet("orders"), 201)
	path := project + "/clusters/orders/search/indexes"
	created := c.do("POST", path, textIndex("words", "codes"), 201).body
	if created["status"] != "PENDING" || created["queryable"] != false || created["type"] != "search" || created["clusterName"] != nil {
		t.Errorf("created %v", created)
	}
	if a := objectsOf(objectOf(created, "latestDefinition"), "analyzers")[0]; a["charFilters"] == nil || a["tokenFilters"] == nil {
		t.Errorf("its analyzer is %v", a)
	}
	c.refuse("POST", path, textIndex("words", "codes"), 400, "ATLAS_FTS_DUPLICATE_INDEX")
	byID, named := path+"/"+textOf(created, "indexID"), path+"/shop/products/words"
	c.clock.Advance(time.Minute)
	for _, at := range []string{byID, named} {
		got := c.do("GET", at, nil, 200).body
		if got["status"] != "READY" || got["queryable"] != true || len(objectsOf(got, "statusDetail")) != 1 {
			t.Errorf("%s: %v", at, got)
		}
	}
	changed := c.do("PATCH", named, object{"definition": object{"mappings": object{"dynamic": false, "fields": object{"a": object{"type": "string"}}}}}, 200).body
	if definition := objectOf(changed, "latestDefinition"); changed["status"] != "PENDING" || changed["queryable"] != true || definition["analyzer"] != nil {
		t.Errorf("changed %v", changed)
	}
	c.clock.Advance(time.Minute)
	if got := c.do("GET", byID, nil, 200).body; intOf(objectOf(got, "latestDefinitionVersion"), "version") != 1 {
		t.Errorf("its version is %v", got["latestDefinitionVersion"])
	}
	c.do("DELETE", byID, nil, 204)
	if got := c.do("GET", path, nil, 200).list; len(got) != 1 || got[0].(object)["status"] != "DELETING" {
		t.Errorf("while it goes the list has %v", got)
	}
	c.clock.Advance(time.Minute)
	if got := c.do("GET", path+"/shop/products", nil, 200).raw; strings.TrimSpace(got) != "[]" {
		t.Errorf("an empty list is %s", got)
	}
	c.refuse("GET", named, nil, 404, "RESOURCE_NOT_FOUND")
	c.refuse("GET", project+"/clusters/none/search/indexes", nil, 404, "CLUSTER_NOT_FOUND")
}

// An index whose definition cannot be built fails, and says why; the one before goes on serving.
func TestSearchIndexesFail(t *testing.T) {
	c := start(t, Options{})
	project := c.project("p")
	c.do("POST", project+"/clusters", replicaSet("orders"), 201)
	path := project + "/clusters/orders/search/indexes"
	c.do("POST", path, textIndex("words", "code"), 201)
	failed := c.do("GET", path+"/shop/products/words", nil, 200).body
	main := objectOf(objectsOf(failed, "statusDetail")[0], "mainIndex")
	if failed["status"] != "FAILED" || failed["queryable"] != false || !strings.Contains(textOf(main, "message"), "code ") {
		t.Errorf("failed %v", failed)
	}
	c.do("PATCH", path+"/shop/products/words", object{"definition": object{"mappings": object{"dynamic": true}}}, 200)
	c.do("GET", path+"/shop/products/words", nil, 200)
	c.do("PATCH", path+"/shop/products/words", object{"definition": object{"mappings": object{"fields": object{"a": []any{object{"type": "string", "searchAnalyzer": "none"}}}}}}, 200)
	failed = c.do("GET", path+"/shop/products/words", nil, 200).body
	if staged := objectOf(objectsOf(failed, "statusDetail")[0], "stagedIndex"); failed["queryable"] != true || !strings.Contains(textOf(staged, "message"), "none") {
		t.Errorf("failed again %v", failed)
	}
}

func TestSearchIndexChecks(t *testing.T) {
	c := start(t, Options{})
	project := c.project("p")
	c.do("POST", project+"/flexClusters", flexCluster("small"), 201)
	path := project + "/clusters/small/search/indexes"
	index := func(indexType any, definition object) object {
		return object{"database": "d", "collectionName": "c", "name": "i", "type": indexType, "definition": definition}
	}
	vector := object{"fields": []any{object{"type": "vector", "path": "a", "numDimensions": 3, "similarity": "cosine"}}}
	c.refuse("POST", path, index(nil, vector), 400, "MISSING_ATTRIBUTE")
	c.refuse("POST", path, index("vectorSearch", object{"mappings": object{"dynamic": true}}), 400, "MISSING_ATTRIBUTE")
	c.refuse("POST", path, index("search", object{"mappings": object{}, "fields": []any{}}), 400, "INVALID_ATTRIBUTE")
	c.refuse("POST", path, index("knn", vector), 400, "INVALID_ENUM_VALUE")
	c.refuse("POST", path, index("search", object{"mappings": object{}, "sorted": true}), 400, "INVALID_ATTRIBUTE")
	c.refuse("POST", path, index("search", object{"mappings": object{}, "numPartitions": 5}), 400, "VALIDATION_ERROR")
	c.do("POST", path, index("vectorSearch", vector), 201)
	c.refuse("PATCH", path+"/d/c/i", object{"definition": vector, "name": "j"}, 400, "INVALID_ATTRIBUTE")
	c.refuse("PATCH", path+"/d/c/i", object{"definition": object{"fields": []any{}, "analyzer": "x"}}, 400, "INVALID_ATTRIBUTE")
	c.do("DELETE", project+"/flexClusters/small", nil, 204)
	if c.do("GET", project+"/flexClusters", nil, 200); len(c.s.List(SearchIndex, strings.Split(project, "/")[5])) != 0 {
		t.Error("the index outlives its cluster")
	}
}

func TestSearchIndexesByHand(t *testing.T) {
	c := start(t, Options{})
	project := c.project("p")
	id := strings.Split(project, "/")[5]
	c.do("POST", project+"/clusters", replicaSet("orders"), 201)
	const key = "orders/shop/products/words"
	c.put(t, SearchIndex, id, object{"clusterName": "orders", "database": "shop", "collectionName": "products", "name": "words", "type": "search",
		"status": "BUILDING", "latestDefinition": object{"mappings": object{"dynamic": true}}})
	got := c.do("GET", project+"/clusters/orders/search/indexes/shop/products/words", nil, 200).body
	if got["status"] != "READY" || len(textOf(got, "indexID")) != 24 {
		t.Errorf("got %v", got)
	}
	if err := c.s.Change(SearchIndex, id, key, object{"status": "STALE"}); err != nil {
		t.Fatal(err)
	}
	if doc, ok := c.s.Get(SearchIndex, id, key); !ok || doc["status"] != "STALE" {
		t.Errorf("changed to %v", doc)
	}
	if err := c.s.Delete(Cluster, id, "orders"); err != nil {
		t.Fatal(err)
	}
	if _, ok := c.s.Get(SearchIndex, id, key); ok {
		t.Error("the index outlives its cluster")
	}
}

func (c *client) put(t *testing.T, kind Kind, group string, raw object) {
	t.Helper()
	if err := c.s.Put(kind, group, raw); err != nil {
		t.Fatal(err)
	}
}

// TestRecordedSearchIndexes compares creations, changes and deletions of indexes with the recorded ones.
func TestRecordedSearchIndexes(t *testing.T) {
	c := newConformance(t, "searchIndexes")
	maps.DeleteFunc(c.recorded, func(op string, _ []recording) bool { return !strings.Contains(op, "/search/indexes") })
	for _, list := range c.recorded {
		for _, r := range list {
			c.fresh(t, r)
			group, body := r.Params["groupId"], asObject(r.Body)
			c.put(t, Cluster, group, c.minimal(Cluster, r))
			if r.Method == http.MethodPost {
				doc := writable(t, body, searchRule)
				doc["definition"] = writable(t, objectOf(body, "latestDefinition"), searchDefinitionRule)
				c.compare(t, r, doc)
				continue
			}
			c.put(t, SearchIndex, group, object{"clusterName": r.Params["clusterName"], "database": "sample_mflix", "collectionName": "movies", "name": "i",
				"indexID": r.Params["indexId"], "type": "search", "status": "READY", "queryable": false, "latestDefinition": object{"mappings": object{"dynamic": true}}})
			if r.Method == http.MethodPatch {
				c.compare(t, r, object{"definition": body["latestDefinition"]})
			} else {
				c.compare(t, r, nil)
			}
		}
	}
	c.report(t)
}
