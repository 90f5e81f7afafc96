project "shop" {
  # The short form: one replica set in one region. Its size follows the load between two tiers.
  cluster "orders" {
    provider_name = "AWS"
    region_name   = "EU_WEST_1"
    instance_size = "M30"
    auto_scaling = {
      compute = { enabled = true, scale_down_enabled = true, min_instance_size = "M30", max_instance_size = "M50" }
      disk_gb = { enabled = true }
    }

    mongo_db_major_version         = "8.0"
    backup_enabled                 = true
    pit_enabled                    = true
    termination_protection_enabled = true
    process_args                   = { default_max_time_ms = 30000 }
    tags                           = { team = "shop" }
  }

  # The long form: every shard, region and kind of node by itself.
  cluster "reports" {
    cluster_type = "REPLICASET"
    replication_specs = [{
      region_configs = [{
        provider_name   = "GCP"
        region_name     = "WESTERN_EUROPE"
        priority        = 7
        electable_specs = { instance_size = "M30", node_count = 3 }
        analytics_specs = { instance_size = "M40", node_count = 1 }
      }]
    }]
    backup_enabled                 = true
    pit_enabled                    = true
    termination_protection_enabled = true
  }
}

output "connection_string" {
  value = project.shop.cluster.orders.connection_strings.standard_srv
}
