# A flex cluster for trials, and a user who may reach nothing else.
project "lab" {
  flex_cluster "trials" {
    provider_settings = { backing_provider_name = "AWS", region_name = "EU_WEST_1" }
    tags              = { team = "lab", environment = "trial" }
  }

  database_user "app" {
    password = env("APP_PASSWORD", "sandbox-only-password")
    roles    = [{ role_name = "readWrite", database_name = "trials" }]
    scopes   = [{ name = flex_cluster.trials.name, type = "CLUSTER" }]
  }
}

output "trials" {
  value = project.lab.flex_cluster.trials.connection_strings.standard_srv
}
