# A project per environment. Only what is written is managed: of the settings one, of the limits one.
project "shop" {
  for_each = toset(["dev", "prod"])
  name     = "shop-${each.key}"
  tags     = { team = "shop", environment = each.key }
  settings = { is_data_explorer_enabled = each.key == "dev" }
  limits   = { "atlas.project.security.databaseAccess.users" = 50 }

  # Nobody removes the project of production by mistake, not even by removing this block.
  lifecycle { prevent_destroy = each.key == "prod" }
}

output "project_ids" {
  value = { for key, p in project.shop : key => p.id }
}
