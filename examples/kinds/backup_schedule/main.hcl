# When snapshots of a cluster are taken, how long they are kept, and where they are copied to. Without the block the
# schedule stays as it is: to end scheduled snapshots, write policy_items = [].
project "shop" {
  cluster "orders" {
    provider_name  = "AWS"
    region_name    = "EU_WEST_1"
    instance_size  = "M10"
    backup_enabled = true
    pit_enabled    = true
    accept         = { no_termination_protection = "an example, to be thrown away" }

    backup_schedule {
      policies = [{
        policy_items = [
          { frequency_type = "hourly", frequency_interval = 12, retention_unit = "days", retention_value = 2 },
          { frequency_type = "daily", frequency_interval = 1, retention_unit = "days", retention_value = 7 },
          { frequency_type = "weekly", frequency_interval = 6, retention_unit = "weeks", retention_value = 4 },
          { frequency_type = "monthly", frequency_interval = 40, retention_unit = "months", retention_value = 12 },
        ]
      }]
      reference_hour_of_day    = 3
      reference_minute_of_hour = 30
      restore_window_days      = 2
      copy_settings = [{
        zone_id            = parent.replication_specs[0].zone_id
        cloud_provider     = "AWS"
        region_name        = "EU_CENTRAL_1"
        frequencies        = ["DAILY", "WEEKLY"]
        should_copy_oplogs = false
      }]
    }
  }
}
