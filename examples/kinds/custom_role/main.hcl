project "shop" {
  custom_role "catalog_reader" {
    actions = [
      { action = "FIND", resources = [{ db = "catalog", collection = "products" }, { db = "catalog", collection = "prices" }] },
      { action = "COLL_STATS", resources = [{ db = "catalog" }] },
    ]
  }

  # What another role may do, and more.
  custom_role "operator" {
    actions         = [{ action = "KILL_OP", resources = [{ cluster = true }] }]
    inherited_roles = [{ role = custom_role.catalog_reader.role_name, db = "admin" }]
  }
}
