# A key for a job that deploys: it may work in one project, and is accepted from the runners' network only. Atlas shows
# its private key once, so the block says where it goes: here into a file that only its owner can read.
project "shop" {}

api_key "deployer" {
  desc  = "Deploys the shop"
  roles = ["ORG_MEMBER"]

  projects    = [{ project_id = project.shop.id, roles = ["GROUP_OWNER"] }]
  access_list = [{ cidr_block = "203.0.113.0/28" }, { ip_address = "198.51.100.7" }]

  secret_file = "secrets/deployer.json"
}

# A key for dashboards, whose private key goes to a secret store as JSON on the standard input of a command.
api_key "dashboards" {
  desc           = "Dashboards"
  roles          = ["ORG_READ_ONLY"]
  access_list    = [{ ip_address = "198.51.100.9" }]
  secret_command = ["vault", "kv", "put", "secret/atlas/dashboards", "-"]
}
