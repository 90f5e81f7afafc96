# An account for a pipeline, which logs in with its client id and a secret that is good for ninety days. Every apply
# looks whether less than thirty days are left: then a new secret is made and written to the file, and the old one is
# revoked only after that. Let a scheduled job apply once a day.
project "shop" {}

service_account "pipeline" {
  name        = "Pipeline"
  description = "Deploys the shop"
  roles       = ["ORG_MEMBER"]

  projects    = [{ project_id = project.shop.id, roles = ["GROUP_OWNER"] }]
  access_list = [{ cidr_block = "203.0.113.0/28" }, { ip_address = "198.51.100.7" }]

  secret_expires_after_hours = 2160
  rotate_before              = "720h"
  secret_file                = "secrets/pipeline.json"
}

# An account for dashboards, whose secrets go to a secret store as JSON on the standard input of a command.
service_account "dashboards" {
  name                       = "Dashboards"
  description                = "Reads what is there"
  roles                      = ["ORG_READ_ONLY"]
  secret_expires_after_hours = 8760
  rotate_before              = "1440h"
  secret_command             = ["vault", "kv", "put", "secret/atlas/dashboards", "-"]
}
