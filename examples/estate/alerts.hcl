# What wakes whom.

alert_config "cpu" {
  for_each        = var.environments
  project         = project.shop[each.key]
  event_type_name = "OUTSIDE_METRIC_THRESHOLD"
  enabled         = each.key != "dev"
  metric_threshold = {
    metric_name = "NORMALIZED_SYSTEM_CPU_USER"
    operator    = "GREATER_THAN"
    threshold   = 90
    units       = "RAW"
    mode        = "AVERAGE"
  }
  notifications = [
    { type_name = "GROUP", interval_min = 60, delay_min = 5, email_enabled = true, sms_enabled = false, roles = ["GROUP_OWNER"] },
    { type_name = "SLACK", interval_min = 60, delay_min = 5, channel_name = "shop-${each.key}", api_token = var.slack_token },
  ]
}

alert_config "replication_lag" {
  project         = project.shop["prod"]
  event_type_name = "OUTSIDE_METRIC_THRESHOLD"
  enabled         = true
  matchers        = [{ field_name = "TYPE_NAME", operator = "EQUALS", value = "SECONDARY" }]
  metric_threshold = {
    metric_name = "OPLOG_SLAVE_LAG_MASTER_TIME"
    operator    = "GREATER_THAN"
    threshold   = 60
    units       = "SECONDS"
    mode        = "AVERAGE"
  }
  severity_override = "CRITICAL"
  notifications = [
    { type_name = "PAGER_DUTY", delay_min = 0, region = "EU", service_key = env("PAGERDUTY_KEY", "0123456789abcdef0123456789abcdef") },
  ]
}

alert_config "no_primary" {
  project         = project.shop["prod"]
  event_type_name = "NO_PRIMARY"
  enabled         = true
  notifications = [
    { type_name = "EMAIL", interval_min = 5, delay_min = 0, email_address = "oncall@example.com" },
    { type_name = "OPS_GENIE", delay_min = 0, ops_genie_region = "EU", ops_genie_api_key = env("OPSGENIE_KEY", "00000000-0000-0000-0000-000000000000") },
  ]
}

alert_config "oplog_window" {
  project         = project.shop["prod"]
  event_type_name = "REPLICATION_OPLOG_WINDOW_RUNNING_OUT"
  enabled         = true
  threshold       = { operator = "LESS_THAN", threshold = 12, units = "HOURS" }
  notifications   = [{ type_name = "ORG", interval_min = 60, delay_min = 0, email_enabled = true, sms_enabled = false, roles = ["ORG_OWNER"] }]
}

alert_config "bill" {
  project         = project.shop["prod"]
  event_type_name = "DAILY_BILL_OVER_THRESHOLD"
  enabled         = true
  threshold       = { operator = "GREATER_THAN", threshold = 250, units = "RAW" }
  notifications = [{
    type_name      = "WEBHOOK"
    delay_min      = 0
    interval_min   = 1440
    webhook_url    = env("BILLING_WEBHOOK", "https://hooks.example.com/billing")
    webhook_secret = env("BILLING_WEBHOOK_SECRET", "sandbox-only")
  }]
}

alert_config "snapshots" {
  project         = project.shop["prod"]
  event_type_name = "CPS_SNAPSHOT_FAILED"
  enabled         = true
  notifications = [{
    type_name       = "DATADOG"
    delay_min       = 0
    interval_min    = 60
    datadog_region  = "EU"
    datadog_api_key = env("DATADOG_KEY", "0123456789abcdef0123456789abcdef")
  }]
}

alert_config "scaled" {
  project         = project.shop["prod"]
  event_type_name = "COMPUTE_AUTO_SCALE_MAX_INSTANCE_SIZE_FAIL_BASE"
  enabled         = true
  notifications = [{
    type_name                   = "MICROSOFT_TEAMS"
    delay_min                   = 0
    interval_min                = 60
    microsoft_teams_webhook_url = env("TEAMS_WEBHOOK", "https://example.webhook.office.com/shop")
  }]
}
