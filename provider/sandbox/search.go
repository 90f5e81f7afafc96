package sandbox

import (
	"net/http"
	"slices"
	"strings"
)

const searchPath = clusterPath + "/{clusterName}/search/indexes"

var anything = rule{kind: kindAny}

var searchDefinitionRule = of(shape{
	"analyzer":       text,
	"analyzers":      list(of(shape{"charFilters": list(anything), "name": text.need(), "tokenFilters": list(anything), "tokenizer": anything.need()})),
	"fields":         list(anything),
	"mappings":       of(shape{"dynamic": anything, "fields": anything}),
	"nestedRoot":     text,
	"numPartitions":  integer.between(1, 4),
	"searchAnalyzer": text,
	"sort":           anything,
	"storedSource":   anything,
	"synonyms":       list(of(shape{"analyzer": text.need(), "name": text.need(), "source": of(shape{"collection": text.need()}).need()})),
	"typeSets":       list(of(shape{"name": text.need(), "types": list(anything).need()})),
})

var searchRule = of(shape{
	"collectionName": text.need(),
	"database":       text.need(),
	"definition":     searchDefinitionRule.need(),
	"name":           text.need(),
	"type":           enum("search", "vectorSearch"),
})

var searchUpdateRule = of(shape{"definition": searchDefinitionRule.need()})

// Parts of a definition that belong to one of the two types of index only.
var (
	textParts   = []string{"analyzer", "analyzers", "mappings", "searchAnalyzer", "sort", "synonyms", "typeSets"}
	vectorParts = []string{"fields", "nestedRoot"}
)

var searchOperations = func() []*operation {
	const named, byID, of = searchPath + "/{databaseName}/{collectionName}/{indexName}", searchPath + "/{indexId}", searchPath + "/{databaseName}/{collectionName}"
	ops := []*operation{
		{id: "listGroupClusterSearchIndexes", method: "GET", path: searchPath, serve: (*Server).listSearchIndexes},
		{id: "listGroupClusterSearchIndex", method: "GET", path: of, serve: (*Server).listSearchIndexes},
		{id: "createGroupClusterSearchIndex", method: "POST", path: searchPath, body: &searchRule, serve: (*Server).createSearchIndex},
		{id: "getGroupClusterSearchIndex", method: "GET", path: byID, serve: (*Server).getSearchIndex},
		{id: "getGroupClusterSearchIndexByName", method: "GET", path: named, serve: (*Server).getSearchIndex},
		{id: "updateGroupClusterSearchIndex", method: "PATCH", path: byID, body: &searchUpdateRule, serve: (*Server).updateSearchIndex},
		{id: "updateGroupClusterSearchIndexByName", method: "PATCH", path: named, body: &searchUpdateRule, serve: (*Server).updateSearchIndex},
		{id: "deleteGroupClusterSearchIndex", method: "DELETE", path: byID, serve: (*Server).deleteSearchIndex},
		{id: "deleteGroupClusterSearchIndexByName", method: "DELETE", path: named, serve: (*Server).deleteSearchIndex},
	}
	for _, op := range ops {
		op.versions, op.limits = since("2024-05-30"), "search"
	}
	return ops
}()

// searchKey is what an index is known by within its project. The name of its cluster is kept beside what is shown.
func searchKey(doc object) string {
	return strings.Join([]string{textOf(doc, "clusterName"), textOf(doc, "database"), textOf(doc, "collectionName"), textOf(doc, "name")}, "/")
}

// searchCluster checks that the cluster of the path is there, whichever API it belongs to.
func searchCluster(c *call) *apiError {
	name := c.params["clusterName"]
	for _, kind := range []Kind{Cluster, FlexCluster} {
		if _, ok := c.project.of(kind).get(name); ok {
			return nil
		}
	}
	return fail("CLUSTER_NOT_FOUND", name, c.project.id())
}

// dropCluster removes a cluster and what it holds.
func (p *project) dropCluster(kind Kind, name string) {
	p.of(kind).remove(name)
	for key, it := range p.of(SearchIndex).all() {
		if textOf(it.Doc, "clusterName") == name {
			p.of(SearchIndex).remove(key)
		}
	}
}

// findSearchIndex returns the index of the path, by its id or by its name. The code of one that is missing was not
// recorded.
func (s *Server) findSearchIndex(c *call) (*item, *apiError) {
	if err := searchCluster(c); err != nil {
		return nil, err
	}
	wanted := searchKey(object{"clusterName": c.params["clusterName"], "database": c.params["databaseName"],
		"collectionName": c.params["collectionName"], "name": c.params["indexName"]})
	for key, it := range c.project.of(SearchIndex).all() {
		if key == wanted || textOf(it.Doc, "clusterName") == c.params["clusterName"] && it.Doc["indexID"] == c.params["indexId"] {
			if it, ok := s.seek(c, SearchIndex, key); ok {
				return it, nil
			}
		}
	}
	return nil, fail("RESOURCE_NOT_FOUND", c.req.URL.Path)
}

func searchView(doc object, without ...string) object {
	out := clone(doc)
	for _, field := range append(without, "clusterName") {
		delete(out, field)
	}
	return out
}

// listSearchIndexes lists those of the cluster, or of one collection where the path names it.
func (s *Server) listSearchIndexes(c *call) *apiError {
	if err := searchCluster(c); err != nil {
		return err
	}
	s.concludeAll(c.project, SearchIndex, true)
	out := []any{}
	for _, it := range c.project.of(SearchIndex).all() {
		ofCluster := textOf(it.Doc, "clusterName") == c.params["clusterName"]
		ofCollection := c.params["collectionName"] == "" ||
			textOf(it.Doc, "database") == c.params["databaseName"] && textOf(it.Doc, "collectionName") == c.params["collectionName"]
		if ofCluster && ofCollection {
			out = append(out, searchView(it.Doc))
		}
	}
	c.out = out
	return nil
}

func (s *Server) getSearchIndex(c *call) *apiError {
	it, err := s.findSearchIndex(c)
	if err == nil {
		c.out = searchView(it.Doc)
	}
	return err
}

// checkDefinition refuses what does not belong to an index of the type.
func checkDefinition(definition object, indexType string) *apiError {
	need, others := "mappings", vectorParts
	if indexType == "vectorSearch" {
		need, others = "fields", textParts
	}
	if definition[need] == nil {
		return fail("MISSING_ATTRIBUTE", "definition."+need)
	}
	for _, field := range others {
		if definition[field] != nil {
			return fail("INVALID_ATTRIBUTE", "definition."+field)
		}
	}
	// Recorded analyzers show their filters also where they have none; that Atlas fills them in is inferred.
	for _, analyzer := range objectsOf(definition, "analyzers") {
		setDefault(analyzer, "charFilters", []any{})
		setDefault(analyzer, "tokenFilters", []any{})
	}
	return nil
}

func (s *Server) createSearchIndex(c *call) *apiError {
	if err := searchCluster(c); err != nil {
		return err
	}
	doc := clone(c.in())
	setDefault(doc, "type", "search")
	doc["clusterName"] = c.params["clusterName"]
	if err := checkDefinition(objectOf(doc, "definition"), textOf(doc, "type")); err != nil {
		return err
	}
	key := searchKey(doc)
	if _, there := s.seek(c, SearchIndex, key); there {
		return fail("ATLAS_FTS_DUPLICATE_INDEX")
	}
	doc["latestDefinition"], doc["latestDefinitionVersion"] = doc["definition"], object{"version": 0}
	delete(doc, "definition")
	doc["indexID"], doc["queryable"] = s.newID(), false
	it := &item{Doc: doc}
	s.toil(SearchIndex, it, "PENDING", s.opts.CreateTime)
	c.project.store(SearchIndex, key, it)
	c.setJSON(http.StatusCreated, searchView(it.Doc))
	return nil
}

// updateSearchIndex replaces the definition. What is built already goes on serving queries meanwhile. The recorded
// answer does not tell the version.
func (s *Server) updateSearchIndex(c *call) *apiError {
	it, err := s.findSearchIndex(c)
	if err != nil {
		return err
	}
	doc := clone(it.Doc)
	definition := objectOf(c.in(), "definition")
	if err := checkDefinition(definition, textOf(doc, "type")); err != nil {
		return err
	}
	doc["latestDefinition"] = definition
	doc["latestDefinitionVersion"] = object{"version": intOf(objectOf(doc, "latestDefinitionVersion"), "version") + 1}
	delete(doc, "statusDetail")
	it.Doc = doc
	s.toil(SearchIndex, it, "PENDING", s.opts.UpdateTime)
	c.out = searchView(it.Doc, "latestDefinitionVersion")
	return nil
}

func (s *Server) deleteSearchIndex(c *call) *apiError {
	it, err := s.findSearchIndex(c)
	if err != nil {
		return err
	}
	it.Doc = clone(it.Doc)
	s.toil(SearchIndex, it, "DELETING", s.opts.DeleteTime)
	c.status = http.StatusNoContent
	return nil
}

// indexed ends the building of an index. One whose definition names an analyzer that there is not fails; that Atlas
// finds this out only while it builds is inferred from its state FAILED.
func (s *Server) indexed(_ *project, doc object) {
	host := object{"hostname": "orders-shard-00-00.mongodb.net"}
	if missing := missingAnalyzer(objectOf(doc, "latestDefinition")); missing != "" {
		doc["status"] = "FAILED"
		generation := object{"status": "FAILED", "queryable": false, "message": "The analyzer " + missing + " is not defined."}
		host["status"], host["queryable"] = "FAILED", doc["queryable"]
		if boolOf(doc, "queryable") {
			host["mainIndex"], host["stagedIndex"] = object{"status": "READY", "queryable": true}, generation
		} else {
			host["mainIndex"] = generation
		}
	} else {
		doc["queryable"] = true
		host["status"], host["queryable"] = "READY", true
		host["mainIndex"] = object{"status": "READY", "queryable": true}
	}
	doc["statusDetail"] = []any{host}
}

// missingAnalyzer returns the name of an analyzer that a definition uses and that neither Atlas has nor it defines.
func missingAnalyzer(definition object) string {
	var defined []string
	for _, analyzer := range objectsOf(definition, "analyzers") {
		defined = append(defined, textOf(analyzer, "name"))
	}
	missing := ""
	var walk func(value any)
	walk = func(value any) {
		switch v := value.(type) {
		case object:
			for _, field := range sortedKeys(v) {
				name, isText := v[field].(string)
				if (field == "analyzer" || field == "searchAnalyzer") && isText && !strings.HasPrefix(name, "lucene.") && !slices.Contains(defined, name) {
					missing = name
				}
				walk(v[field])
			}
		case []any:
			for _, e := range v {
				walk(e)
			}
		}
	}
	walk(object{"analyzer": definition["analyzer"], "searchAnalyzer": definition["searchAnalyzer"], "mappings": definition["mappings"]})
	return missing
}
