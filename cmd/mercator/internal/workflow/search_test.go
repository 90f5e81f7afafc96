package workflow_test

import (
	"reflect"
	"strings"
	"testing"

	"mercator/plan"
	"mercator/provider/sandbox"
)

const indexed = `project "shop" {
  cluster "orders" {
    provider_name = "AWS"
    region_name   = "EU_WEST_1"
    instance_size = "M10"

    search_index "words" {
      database        = "shop"
      collection_name = "products"
      definition      = { mappings = { dynamic = true }, analyzer = "lucene.english" }
    }
  }
}
`

const indexKey = "orders/shop/products/words"

// index is the index of the configuration in Atlas.
func (r *rig) index() map[string]any {
	r.t.Helper()
	doc := r.live(sandbox.SearchIndex, "shop", indexKey)
	if doc == nil {
		r.t.Fatal("Atlas has no such index")
	}
	return doc
}

// An index is made, changed in place, taken over, and deleted, and each apply waits until it serves queries.
func TestSearchIndexLifecycle(t *testing.T) {
	r := newRig(t, sandbox.Options{Polls: 2}).write(indexed)
	r.converge()
	id := r.index()["indexID"]
	if doc := r.index(); doc["status"] != "READY" || doc["queryable"] != true {
		t.Errorf("apply did not wait for it: %v", doc)
	}
	r.edit("main.hcl", `"lucene.english"`, `"lucene.french"`)
	r.box.ResetCalls()
	r.converge()
	equal(t, "writes", r.writes(), "updateGroupClusterSearchIndexByName")
	if doc := r.index(); doc["indexID"] != id || doc["latestDefinition"].(map[string]any)["analyzer"] != "lucene.french" {
		t.Errorf("changed to %v", doc)
	}
	r.forget()
	a := r.converge()
	if c := find(t, a.Plan, "project.shop.cluster.orders.search_index.words"); c.Action != plan.Adopt || len(c.Diffs) > 0 {
		t.Errorf("an index that nobody remembers is %v with %v", c.Action, c.Diffs)
	}
	r.edit("main.hcl", `search_index "words"`, `search_index "texts"`)
	p := r.plan(plan.Options{})
	expect(t, p, "create project.shop.cluster.orders.search_index.texts", "forget project.shop.cluster.orders.search_index.words")
	r.converge() // with everything allowed, which names the adopted one too
	if list := r.box.List(sandbox.SearchIndex, r.project("shop")); len(list) != 1 || list[0]["name"] != "texts" {
		t.Errorf("Atlas has %v", list)
	}
}

// TestRule_R13_PartsOfADefinitionThatTheFileLeavesOut changes one part of a definition, which Atlas replaces whole:
// the parts that somebody wrote by hand and that the file does not speak of stay.
func TestRule_R13_PartsOfADefinitionThatTheFileLeavesOut(t *testing.T) {
	r := newRig(t, sandbox.Options{}).write(indexed)
	r.converge()
	synonyms := []any{map[string]any{"name": "words", "analyzer": "lucene.standard", "source": map[string]any{"collection": "words"}}}
	definition := r.index()["latestDefinition"].(map[string]any)
	definition["synonyms"], definition["storedSource"] = synonyms, true
	r.change(sandbox.SearchIndex, "shop", indexKey, map[string]any{"latestDefinition": definition})
	r.expectEmpty()
	r.edit("main.hcl", "dynamic = true", "dynamic = false")
	r.converge()
	now := r.index()["latestDefinition"].(map[string]any)
	if !reflect.DeepEqual(now["synonyms"], synonyms) || now["storedSource"] != true || !reflect.DeepEqual(now["mappings"], map[string]any{"dynamic": false}) {
		t.Errorf("the definition is %v", now)
	}
	r.change(sandbox.SearchIndex, "shop", indexKey, map[string]any{"latestDefinition": map[string]any{"mappings": map[string]any{"dynamic": false, "fields": nil}, "analyzer": "lucene.english"}})
	r.expectEmpty() // what holds nothing is no difference
}

// An index that cannot be built fails the apply with Atlas's reason, and the file mends it in place.
func TestAFailedSearchIndexIsMended(t *testing.T) {
	r := newRig(t, sandbox.Options{Polls: 1}).write(strings.ReplaceAll(indexed, "lucene.english", "english"))
	a := r.apply(plan.Options{})
	says(t, finding(t, a.Result.All(), "settle_failed").Detail, "The analyzer english is not defined")
	p := r.plan(plan.Options{})
	expect(t, p)
	says(t, finding(t, p.Diagnostics, "failed_in_atlas").Detail, "FAILED", "english", "--replace project.shop.cluster.orders.search_index.words")
	r.edit("main.hcl", `"english"`, `"lucene.english"`)
	a = r.converge()
	expect(t, a.Plan, "update project.shop.cluster.orders.search_index.words definition.analyzer")
	if doc := r.index(); doc["status"] != "READY" {
		t.Errorf("it is %v", doc["status"])
	}
}
