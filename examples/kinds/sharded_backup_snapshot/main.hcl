# A snapshot of all shards of a cluster, taken once.
project "shop" {
  cluster "events" {
    cluster_type   = "SHARDED"
    backup_enabled = true
    accept         = { no_termination_protection = "an example, to be thrown away" }
    replication_specs = [
      for shard in range(2) : {
        region_configs = [{
          provider_name   = "AWS"
          region_name     = "EU_WEST_1"
          priority        = 7
          electable_specs = { instance_size = "M30", node_count = 3 }
        }]
      }
    ]

    sharded_backup_snapshot "before_migration" {
      description       = "Before the events are resharded"
      retention_in_days = 14
    }
  }
}
