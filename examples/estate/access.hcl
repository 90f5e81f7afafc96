# Who may connect from where.
access_list "office" {
  for_each = var.environments
  project  = project.shop[each.key]
  entries = {
    (each.value.office) = "Office network"
    "198.51.100.0/24"   = "Deployment runners"
    "2001:db8:10::/48"  = "Office network"
    "203.0.113.7"       = { comment = "Contractor", delete_after_date = timeadd(plantimestamp(), "72h") }
  }
}

custom_role "reader" {
  for_each = var.environments
  project  = project.shop[each.key]
  actions = [
    { action = "FIND", resources = [{ db = "orders" }, { db = "catalog", collection = "products" }] },
    { action = "COLL_STATS", resources = [{ db = "orders" }] },
  ]
}

custom_role "operator" {
  for_each        = var.environments
  project         = project.shop[each.key]
  actions         = [{ action = "KILL_OP", resources = [{ cluster = true }] }]
  inherited_roles = [{ role = custom_role.reader[each.key].role_name, db = "admin" }, { role = "clusterMonitor", db = "admin" }]
}
