# A free cluster for experiments.
cluster "playground" {
  project       = project.shop["dev"]
  provider_name = "AWS"
  region_name   = "EU_WEST_1"
  instance_size = "M0"
}

# Scales between two tiers; a size that Atlas chose is no difference.
cluster "catalog" {
  project       = project.shop["prod"]
  provider_name = "AWS"
  region_name   = "EU_WEST_1"
  instance_size = "M30"
  disk_size_gb  = 40
  auto_scaling = {
    compute = { enabled = true, scale_down_enabled = true, min_instance_size = "M30", max_instance_size = "M60" }
    disk_gb = { enabled = true }
  }

  backup_enabled                 = true
  pit_enabled                    = true
  retain_backups                 = true
  termination_protection_enabled = var.environments["prod"].protected
  process_args = {
    default_max_time_ms                = 30000
    no_table_scan                      = false
    oplog_min_retention_hours          = 24
    transaction_lifetime_limit_seconds = 90
  }
  advanced_configuration = {
    minimum_enabled_tls_protocol = "TLS1_2"
  }
}

# Two shards in one region.
cluster "events" {
  project      = project.shop["prod"]
  cluster_type = "SHARDED"
  replication_specs = [for shard in range(2) : {
    region_configs = [{
      provider_name   = "AWS"
      region_name     = "EU_WEST_1"
      priority        = 7
      electable_specs = { instance_size = "M30", node_count = 3, disk_size_gb = 60 }
    }]
  }]

  backup_enabled                 = true
  termination_protection_enabled = var.environments["prod"].protected
  config_server_management_mode  = "FIXED_TO_DEDICATED"
}

# A zone on each side of the ocean.
cluster "sessions" {
  project      = project.shop["prod"]
  cluster_type = "GEOSHARDED"
  replication_specs = [for zone, region in { Europe = "EU_WEST_1", Americas = "US_EAST_1" } : {
    zone_name = zone
    region_configs = [{
      provider_name   = "AWS"
      region_name     = region
      priority        = 7
      electable_specs = { instance_size = "M30", node_count = 3 }
    }]
  }]

  termination_protection_enabled = var.environments["prod"].protected
  accept                         = { no_backup = "whoever loses a session logs in again" }
}

# Survives the loss of a region or a provider, with nodes of its own for reports.
cluster "reports" {
  project      = project.shop["prod"]
  cluster_type = "REPLICASET"
  replication_specs = [{
    region_configs = [
      {
        provider_name          = "AWS"
        region_name            = "EU_WEST_1"
        priority               = 7
        electable_specs        = { instance_size = "M30", node_count = 2 }
        analytics_specs        = { instance_size = "M40", node_count = 1 }
        analytics_auto_scaling = { compute = { enabled = true, max_instance_size = "M50" } }
      },
      {
        provider_name   = "AWS"
        region_name     = "EU_CENTRAL_1"
        priority        = 6
        electable_specs = { instance_size = "M30", node_count = 2 }
        read_only_specs = { instance_size = "M30", node_count = 1 }
      },
      {
        provider_name   = "AZURE"
        region_name     = "EUROPE_NORTH"
        priority        = 5
        electable_specs = { instance_size = "M30", node_count = 1 }
      },
    ]
  }]

  backup_enabled                 = true
  termination_protection_enabled = var.environments["prod"].protected

  bi_connector = { enabled = true, read_preference = "ANALYTICS" }
}

# Stopped until the next load test.
cluster "loadtest" {
  project       = project.shop["staging"]
  provider_name = "GCP"
  region_name   = "WESTERN_EUROPE"
  instance_size = "M30"
  paused        = true

  accept = {
    no_backup                 = "the load test makes its own data"
    no_termination_protection = "it is made anew for each series of tests"
  }
}
