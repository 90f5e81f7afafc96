package workflow_test

import "maps"

func init() {
	lawMend["search_index"] = mendLawIndex
	maps.Copy(lawValues, map[string]func(g *lawGen, old any) any{
		"search_index.name":            func(g *lawGen, _ any) any { return g.block.label },
		"search_index.database":        func(g *lawGen, old any) any { return g.rarely(old, "shop", "logs") },
		"search_index.collection_name": func(g *lawGen, old any) any { return g.rarely(old, "a", "b/c d") },
		"search_index.type":            func(g *lawGen, old any) any { return g.rarely(old, "search", "vectorSearch") },
		"search_index.definition.mappings": func(g *lawGen, old any) any {
			return g.unlike(old, lawObject{"dynamic": true}, `{ "dynamic": true }`, lawObject{"dynamic": false, "fields": lawObject{"title": lawObject{"type": "string", "ignoreAbove": 255}}},
				lawObject{"dynamic": lawObject{"typeSet": "short"}, "fields": lawObject{}}, lawObject{"fields": lawObject{"tags": []any{lawObject{"type": "token"}, lawObject{"type": "string"}}}})
		},
		"search_index.definition.analyzer":        func(g *lawGen, old any) any { return g.other(old, "lucene.standard", "lucene.french") },
		"search_index.definition.search_analyzer": func(g *lawGen, old any) any { return g.other(old, "lucene.standard", "lucene.keyword") },
		"search_index.definition.analyzers": func(g *lawGen, old any) any {
			return g.unlike(old, []any{}, []any{lawObject{"name": "codes", "tokenizer": lawObject{"type": "keyword"}}},
				[]any{lawObject{"name": "codes", "charFilters": []any{}, "tokenizer": lawObject{"type": "standard", "maxTokenLength": 9}}})
		},
		"search_index.definition.synonyms": func(g *lawGen, old any) any {
			return g.unlike(old, []any{}, []any{lawObject{"name": "words", "analyzer": "lucene.standard", "source": lawObject{"collection": "words"}}})
		},
		"search_index.definition.type_sets": func(g *lawGen, old any) any {
			return g.unlike(old, []any{lawObject{"name": "short", "types": []any{lawObject{"type": "token"}}}}, []any{lawObject{"name": "short", "types": []any{}}})
		},
		"search_index.definition.sort": func(g *lawGen, old any) any { return g.unlike(old, lawObject{"price": 1}, lawObject{"price": -1}) },
		"search_index.definition.fields": func(g *lawGen, old any) any {
			vector := lawObject{"type": "vector", "path": "plot", "numDimensions": 3, "similarity": "cosine"}
			return g.unlike(old, []any{vector}, []any{vector, lawObject{"type": "filter", "path": "kind"}}, `[{"type":"vector","path":"plot","numDimensions":3.0,"similarity":"dotProduct"}]`)
		},
		"search_index.definition.stored_source":  func(g *lawGen, old any) any { return g.unlike(old, true, false, lawObject{"include": []any{"title"}}) },
		"search_index.definition.num_partitions": func(g *lawGen, old any) any { return g.other(old, 1, 2, 4) },
		"search_index.definition.nested_root":    func(g *lawGen, old any) any { return g.other(old, "parts", "pages") },
	})
}

// mendLawIndex gives an index a definition of its type, which stays where the file no longer says it.
func mendLawIndex(g *lawGen, old, args lawObject) {
	if old["type"] == "vectorSearch" && args["type"] == nil {
		args["type"] = "vectorSearch"
	}
	definition := args["definition"].(lawObject)
	need, others := "mappings", []string{"fields", "nested_root"}
	if args["type"] == "vectorSearch" {
		need, others = "fields", []string{"mappings", "analyzer", "search_analyzer", "analyzers", "synonyms", "type_sets", "sort"}
	}
	for _, name := range others {
		delete(definition, name)
	}
	if definition[need] == nil {
		definition[need] = lawValues["search_index.definition."+need](g, nil)
	}
}
