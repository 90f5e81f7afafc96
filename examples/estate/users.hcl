# A user of every way to authenticate.

database_user "app" {
  for_each = var.environments
  project  = project.shop[each.key]
  password = var.app_password
  roles    = [{ role_name = "readWrite", database_name = "orders" }]
  scopes   = [{ name = project.shop[each.key].cluster.orders.name, type = "CLUSTER" }]
  labels   = { service = "shop" }
}

database_user "maintenance" {
  project           = project.shop["prod"]
  password          = env("MAINTENANCE_PASSWORD", "sandbox-only-maintenance")
  description       = "For the migration of this week"
  delete_after_date = timeadd(plantimestamp(), "120h")
  roles             = [{ role_name = "dbAdmin", database_name = "orders" }]
  scopes            = [{ name = project.shop["prod"].cluster.orders.name, type = "CLUSTER" }]
}

database_user "batch" {
  project   = project.shop["prod"]
  username  = "CN=batch,OU=shop,O=Example"
  x509_type = "MANAGED"
  roles     = [{ role_name = "read", database_name = "orders", collection_name = "invoices" }]
  scopes    = [{ name = project.shop["prod"].cluster.orders.name, type = "CLUSTER" }]
}

database_user "partner" {
  project   = project.shop["prod"]
  username  = "CN=partner,OU=exchange,O=Example"
  x509_type = "CUSTOMER"
  roles     = [{ role_name = "read", database_name = "exchange" }]
  scopes    = [{ name = project.shop["prod"].cluster.orders.name, type = "CLUSTER" }]
}

database_user "lambda" {
  project      = project.shop["prod"]
  username     = "arn:aws:iam::123456789012:role/shop-lambda"
  aws_iam_type = "ROLE"
  roles        = [{ role_name = "readWrite", database_name = "sessions" }]
  scopes       = [{ name = cluster.sessions.name, type = "CLUSTER" }]
}

database_user "analysts" {
  project        = project.shop["prod"]
  username       = "CN=analysts,OU=groups,DC=example,DC=com"
  ldap_auth_type = "GROUP"
  roles          = [{ role_name = custom_role.reader["prod"].role_name, database_name = "admin" }]
  scopes         = [{ name = cluster.reports.name, type = "CLUSTER" }]
}

database_user "people" {
  project        = project.shop["prod"]
  username       = "${var.identity_provider}/operators"
  oidc_auth_type = "IDP_GROUP"
  roles          = [{ role_name = custom_role.operator["prod"].role_name, database_name = "admin" }]

  accept = { unscoped_user = "operators look after every cluster" }
}

database_user "workload" {
  project        = project.shop["prod"]
  username       = "${var.identity_provider}/shop-worker"
  oidc_auth_type = "USER"
  roles          = [{ role_name = "readWrite", database_name = "events" }]
  scopes         = [{ name = cluster.events.name, type = "CLUSTER" }]
}
