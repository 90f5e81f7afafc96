# A snapshot that is taken once, before something that may have to be undone. It is gone after its days and is not taken
# again; another description is another snapshot.
project "shop" {
  cluster "orders" {
    provider_name  = "AWS"
    region_name    = "EU_WEST_1"
    instance_size  = "M10"
    backup_enabled = true
    accept         = { no_termination_protection = "an example, to be thrown away" }

    backup_snapshot "before_migration" {
      description       = "Before the orders are split by country"
      retention_in_days = 14
    }
  }
}
