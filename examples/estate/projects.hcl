project "shop" {
  for_each = var.environments

  name = "${local.shop}-${each.key}"
  tags = merge(local.tags, { environment = each.key })

  settings = {
    is_data_explorer_enabled                                = each.key != "prod"
    is_data_explorer_gen_ai_features_enabled                = false
    is_data_explorer_gen_ai_sample_document_passing_enabled = false
    is_performance_advisor_enabled                          = true
  }
  limits = {
    "atlas.project.deployment.clusters"            = 10
    "atlas.project.security.databaseAccess.users"  = 80
    "atlas.project.security.networkAccess.entries" = 100
  }

  # Every environment has its orders database; what it is made of depends on the environment.
  cluster "orders" {
    provider_name = "AWS"
    region_name   = "EU_WEST_1"
    instance_size = each.value.tier

    mongo_db_major_version         = "8.0"
    backup_enabled                 = each.value.backups
    termination_protection_enabled = each.value.protected
    tags                           = local.tags

    accept = {
      no_backup                 = "dev is filled with samples"
      no_termination_protection = "dev and staging are thrown away at will"
    }
    lifecycle {
      prevent_destroy = each.value.protected
    }
  }
}
