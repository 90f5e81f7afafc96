project "shop" {
  # A metric of hosts.
  alert_config "cpu" {
    event_type_name = "OUTSIDE_METRIC_THRESHOLD"
    enabled         = true
    metric_threshold = {
      metric_name = "NORMALIZED_SYSTEM_CPU_USER"
      operator    = "GREATER_THAN"
      threshold   = 90
      units       = "RAW"
      mode        = "AVERAGE"
    }
    matchers      = [{ field_name = "TYPE_NAME", operator = "EQUALS", value = "PRIMARY" }]
    notifications = [{ type_name = "GROUP", interval_min = 60, delay_min = 5, email_enabled = true, roles = ["GROUP_OWNER"] }]
  }

  # An event. The credential of the service is sent and never stored.
  alert_config "no_primary" {
    event_type_name = "NO_PRIMARY"
    enabled         = true
    notifications = [
      { type_name = "EMAIL", interval_min = 5, delay_min = 0, email_address = "oncall@example.com" },
      { type_name = "PAGER_DUTY", delay_min = 0, region = "EU", service_key = env("PAGERDUTY_KEY", "0123456789abcdef0123456789abcdef") },
    ]
  }
}
