# A full-text index with an analyzer of its own, and a vector index beside it.
project "shop" {
  cluster "orders" {
    provider_name = "AWS"
    region_name   = "EU_WEST_1"
    instance_size = "M10"
    accept = {
      no_backup                 = "an example, to be thrown away"
      no_termination_protection = "an example, to be thrown away"
    }

    search_index "products" {
      database        = "shop"
      collection_name = "products"
      definition = {
        analyzer  = "lucene.english"
        analyzers = [{ name = "codes", tokenizer = { type = "keyword" }, tokenFilters = [{ type = "lowercase" }] }]
        mappings = {
          dynamic = false
          fields = {
            name = { type = "string" }
            code = { type = "string", analyzer = "codes" }
          }
        }
      }
    }

    search_index "similar" {
      database        = "shop"
      collection_name = "products"
      type            = "vectorSearch"
      definition = {
        fields = [
          { type = "vector", path = "embedding", numDimensions = 1536, similarity = "cosine" },
          { type = "filter", path = "category" },
        ]
      }
    }
  }
}
