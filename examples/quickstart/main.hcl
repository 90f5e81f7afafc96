# One project with a small cluster and what an application needs to reach it. Run it without an account:
#
#   mercator plan --sandbox examples/quickstart
#   mercator apply --sandbox examples/quickstart

variable "office" {
  type        = string
  default     = "203.0.113.0/24"
  description = "The addresses that may reach the database."
}

project "shop" {
  tags = { team = "shop", environment = "trial" }

  cluster "orders" {
    provider_name = "AWS"
    region_name   = "EU_WEST_1"
    instance_size = "M10"

    mongo_db_major_version = "8.0"
    backup_enabled         = true

    # "mercator explain no_termination_protection" tells what this is about. A trial may be thrown away at any time.
    accept = { no_termination_protection = "a trial, with nothing in it that anybody needs" }
  }

  database_user "app" {
    # The password comes from the environment. The fallback is for the sandbox, which lives on this machine only.
    password = env("APP_PASSWORD", "quickstart-only")
    roles    = [{ role_name = "readWrite", database_name = "orders" }]
    scopes   = [{ name = cluster.orders.name, type = "CLUSTER" }]
  }

  access_list "office" {
    entries = {
      (var.office)  = "Office"
      "203.0.113.7" = "Build server"
    }
  }

  alert_config "connections" {
    event_type_name = "OUTSIDE_METRIC_THRESHOLD"
    enabled         = true
    metric_threshold = {
      metric_name = "CONNECTIONS_PERCENT"
      operator    = "GREATER_THAN"
      threshold   = 80
      units       = "RAW"
      mode        = "AVERAGE"
    }
    notifications = [
      { type_name = "GROUP", interval_min = 15, delay_min = 0, email_enabled = true, sms_enabled = false, roles = ["GROUP_OWNER"] },
    ]
  }
}

output "connection_string" {
  value       = project.shop.cluster.orders.connection_strings.standard_srv
  description = "Where applications connect to."
}
