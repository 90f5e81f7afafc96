variable "app_password" {
  description = "The application's password. Set MERCATOR_VAR_app_password; the default is for trials."
  default     = "sandbox-only-application"
  sensitive   = true
}

project "shop" {
  cluster "orders" {
    provider_name = "AWS"
    region_name   = "EU_WEST_1"
    instance_size = "M10"

    backup_enabled                 = true
    termination_protection_enabled = true
  }

  # Atlas never tells the password again; the state keeps a salted hash, by which a change is seen.
  database_user "app" {
    password    = var.app_password
    description = "The shop's backend"
    roles       = [{ role_name = "readWrite", database_name = "orders" }]
    scopes      = [{ name = cluster.orders.name, type = "CLUSTER" }]
  }

  # An AWS role needs no password; the name of the database follows from that.
  database_user "reporting" {
    username     = "arn:aws:iam::123456789012:role/reporting"
    aws_iam_type = "ROLE"
    roles        = [{ role_name = "read", database_name = "orders" }]
    scopes       = [{ name = cluster.orders.name, type = "CLUSTER" }]
  }
}
