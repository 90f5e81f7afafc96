# Where a project's metrics and alerts go. Atlas shows a secret starred once it has it, so the files must hold it: from the
# environment, as here, or from a variable that is sensitive.
project "shop" {
  integration "metrics" {
    type                  = "DATADOG"
    api_key               = env("DATADOG_API_KEY", "0123456789abcdef0123456789abcdef")
    region                = "EU"
    send_database_metrics = true
  }

  integration "pager" {
    type        = "PAGER_DUTY"
    service_key = env("PAGERDUTY_SERVICE_KEY", "abcdef0123456789abcdef0123456789")
    region      = "EU"
  }

  integration "prometheus" {
    type              = "PROMETHEUS"
    enabled           = true
    username          = "prom_reader"
    password          = env("PROMETHEUS_PASSWORD", "correct-horse-battery")
    service_discovery = "http"
  }

  # An alert goes to the integration's service with the integration's credentials.
  alert_config "no_primary" {
    event_type_name = "NO_PRIMARY"
    enabled         = true
    notifications   = [{ type_name = "PAGER_DUTY", delay_min = 0, integration_id = integration.pager.id }]
  }
}
