# The backups that every cluster of a project has at least, whatever its own schedule says. Once it is on, only the
# support of Atlas can take it off.
project "ledger" {
  backup_compliance_policy {
    authorized_email           = "compliance@example.com"
    authorized_user_first_name = "Ada"
    authorized_user_last_name  = "Example"
    copy_protection_enabled    = true
    pit_enabled                = true
    restore_window_days        = 2
    overwrite_backup_policies  = false

    on_demand_policy_item = { frequency_type = "ondemand", frequency_interval = 0, retention_unit = "days", retention_value = 7 }
    scheduled_policy_items = [
      { frequency_type = "hourly", frequency_interval = 12, retention_unit = "days", retention_value = 2 },
      { frequency_type = "daily", frequency_interval = 1, retention_unit = "days", retention_value = 7 },
    ]
  }
}
