package kinds

import (
	"time"

	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
)

// An index for full-text or vector search. A change of its definition replaces the definition and builds the index
// anew, while the old one goes on answering. Most of a definition is JSON of Atlas Search's own, which is handed on as
// it is.
var _ = declare(schema.Kind{
	Name:   "search_index",
	Parent: "cluster",
	Doc:    "An index of Atlas Search or Atlas Vector Search on a collection of the cluster. A change of its definition builds it anew; until that is done the old one is used.",

	Identity: schema.Identity{
		Binds: schema.ByKey, ID: "index_id", Key: []string{"database", "collection_name", "name"}, LabelIs: "name",
		Params: map[string]string{"databaseName": "database", "indexName": "name"},
	},
	Attributes: []schema.Attribute{
		{Name: "database", Type: schema.TypeString, Required: true, Immutable: true,
			Doc: "The database of the collection."},
		{Name: "collection_name", Type: schema.TypeString, Required: true, Immutable: true,
			Doc: "The collection that is indexed."},
		{Name: "name", Type: schema.TypeString, Required: true, Immutable: true,
			Doc: "The name that queries call the index by, unique for the collection."},
		{Name: "type", Type: schema.TypeString, Immutable: true, Enum: []string{"search", "vectorSearch"}, Default: cty.StringVal("search"),
			Doc: "Whether the index is for full-text search, the default, or for vector search."},
		{Name: "definition", Answers: []string{"latestDefinition"}, Type: schema.TypeObject, Required: true, Nested: searchDefinition,
			Doc: "What is indexed, and how: with mappings for full-text search, with fields for vector search."},

		{Name: "index_id", API: "indexID", Type: schema.TypeString, Owner: schema.Server,
			Doc: "The index's id, 24 hexadecimal digits."},
		{Name: "status", Type: schema.TypeString, Owner: schema.Server, Volatile: true,
			Doc: "Whether it waits to be built (PENDING), is being built (BUILDING), serves queries (READY), serves what is out of date (STALE), could not be built (FAILED) or is being deleted (DELETING)."},
		{Name: "queryable", Type: schema.TypeBool, Owner: schema.Server, Volatile: true,
			Doc: "Whether queries can use it on every host."},
		{Name: "status_detail", Type: schema.TypeList, Owner: schema.Server, Volatile: true, Nested: searchHosts,
			Doc: "Its status on each host."},
		{Name: "synonym_mapping_status", Type: schema.TypeString, Owner: schema.Server, Volatile: true,
			Doc: "Whether its synonyms can be used: BUILDING, READY or FAILED."},
		{Name: "latest_definition_version", Type: schema.TypeObject, Owner: schema.Server, Volatile: true, Nested: searchVersion,
			Doc: "Which definition it is, counted from 0."},
	},
	Ignored: []string{".synonymMappingStatusDetail",
		".statusDetail[].mainIndex.definition", ".statusDetail[].mainIndex.definitionVersion",
		".statusDetail[].mainIndex.synonymMappingStatus", ".statusDetail[].mainIndex.synonymMappingStatusDetail",
		".statusDetail[].stagedIndex.definition", ".statusDetail[].stagedIndex.definitionVersion",
		".statusDetail[].stagedIndex.synonymMappingStatus", ".statusDetail[].stagedIndex.synonymMappingStatusDetail"},

	Endpoints: schema.Endpoints{
		List: &schema.Endpoint{Operation: "listGroupClusterSearchIndexes", Method: "GET", Path: searchIndexes,
			Version: version20240530, Role: projectDataReader, BareArray: true},
		Get: &schema.Endpoint{Operation: "getGroupClusterSearchIndexByName", Method: "GET", Path: oneSearchIndex,
			Version: version20240530, Role: projectDataReader},
		Create: &schema.Endpoint{Operation: "createGroupClusterSearchIndex", Method: "POST", Path: searchIndexes,
			Version: version20240530, Role: projectSearchEditor},
		Update: &schema.Endpoint{Operation: "updateGroupClusterSearchIndexByName", Method: "PATCH", Path: oneSearchIndex,
			Version: version20240530, Role: projectSearchEditor, Replaces: true, Omit: []string{"database", "collection_name", "name", "type"}},
		Delete: &schema.Endpoint{Operation: "deleteGroupClusterSearchIndexByName", Method: "DELETE", Path: oneSearchIndex,
			Version: version20240530, Role: projectSearchEditor},
	},
	Settle: &schema.Settle{
		Field: "status",
		Busy:  []string{"PENDING", "BUILDING"}, Deleting: []string{"DELETING"},
		Ready: []string{"READY", "STALE"}, Failed: []string{"FAILED", "DOES_NOT_EXIST"},
		Why:   []string{"status_detail.main_index.message", "status_detail.staged_index.message"},
		First: time.Second, Max: 15 * time.Second, Limit: 3 * time.Hour,
	},

	Risks: []schema.RiskRule{
		{Risk: schema.Downtime, On: []schema.Event{schema.OnDelete, schema.OnReplace}},
	},
})

const (
	version20240530 = "2024-05-30"

	searchIndexes  = oneCluster + "/search/indexes"
	oneSearchIndex = searchIndexes + "/{databaseName}/{collectionName}/{indexName}"
)

// What a full-text index is made of, and what a vector index is: mappings and fields tell the two apart.
var (
	forText    = []schema.Condition{{Attribute: "fields", Unset: true}}
	forVectors = []schema.Condition{{Attribute: "mappings", Unset: true}}
)

var searchDefinition = []schema.Attribute{
	{Name: "mappings", Type: schema.TypeJSON, Embedded: true, AllowedWhen: forText, RequiredWhen: forText,
		Doc: "How the fields of documents are indexed: { dynamic = true }, or { dynamic = false, fields = { title = { type = \"string\" } } }."},
	{Name: "analyzer", Type: schema.TypeString, AllowedWhen: forText,
		Doc: "How texts are cut into words when they are indexed: lucene.standard, another one of Atlas's, or one of analyzers."},
	{Name: "search_analyzer", Type: schema.TypeString, AllowedWhen: forText,
		Doc: "How the text of a query is cut into words."},
	{Name: "analyzers", Type: schema.TypeJSON, Embedded: true, AllowedWhen: forText,
		Doc: "Analyzers of your own, as a list."},
	{Name: "synonyms", Type: schema.TypeJSON, Embedded: true, AllowedWhen: forText,
		Doc: "Collections that hold words of the same meaning, as a list."},
	{Name: "type_sets", Type: schema.TypeJSON, Embedded: true, AllowedWhen: forText,
		Doc: "Named sets of field types that dynamic mappings use, as a list."},
	{Name: "sort", Type: schema.TypeJSON, Embedded: true, AllowedWhen: forText,
		Doc: "The fields by which the index is sorted beforehand."},
	{Name: "fields", Type: schema.TypeJSON, Embedded: true, AllowedWhen: forVectors, RequiredWhen: forVectors,
		Doc: "The fields of a vector index, as a list: [{ type = \"vector\", path = \"plot\", numDimensions = 1536, similarity = \"cosine\" }]."},
	{Name: "nested_root", Type: schema.TypeString, AllowedWhen: forVectors,
		Doc: "The path of the array that holds the vectors, where they are in one."},
	{Name: "stored_source", Type: schema.TypeJSON, Embedded: true,
		Doc: "Whether documents are kept beside the index: true, false, or { include = [...] } or { exclude = [...] }."},
	{Name: "num_partitions", Type: schema.TypeInteger, Min: new(1.0), Max: new(4.0),
		Doc: "Into how many parts the index is divided on each host: 1, 2 or 4."},
}

var searchHosts = []schema.Attribute{
	{Name: "hostname", Type: schema.TypeString, Owner: schema.Server,
		Doc: "The host."},
	{Name: "status", Type: schema.TypeString, Owner: schema.Server,
		Doc: "The index's status there."},
	{Name: "queryable", Type: schema.TypeBool, Owner: schema.Server,
		Doc: "Whether queries can use it there."},
	{Name: "main_index", Type: schema.TypeObject, Owner: schema.Server, Nested: searchGeneration,
		Doc: "The index that is in use."},
	{Name: "staged_index", Type: schema.TypeObject, Owner: schema.Server, Nested: searchGeneration,
		Doc: "The index that is being built to take its place."},
}

var searchGeneration = []schema.Attribute{
	{Name: "status", Type: schema.TypeString, Owner: schema.Server,
		Doc: "Its status."},
	{Name: "queryable", Type: schema.TypeBool, Owner: schema.Server,
		Doc: "Whether queries can use it."},
	{Name: "message", Type: schema.TypeString, Owner: schema.Server,
		Doc: "What went wrong, if anything."},
}

var searchVersion = []schema.Attribute{
	{Name: "version", Type: schema.TypeInteger, Owner: schema.Server,
		Doc: "The number."},
	{Name: "created_at", Type: schema.TypeTime, Owner: schema.Server,
		Doc: "When it was written."},
}
