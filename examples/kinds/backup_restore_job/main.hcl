# A snapshot of one cluster that is restored into another, whose data is lost. It is run once; another snapshot or target
# is another job.
project "shop" {
  cluster "orders" {
    provider_name  = "AWS"
    region_name    = "EU_WEST_1"
    instance_size  = "M10"
    backup_enabled = true
    pit_enabled    = true
    accept         = { no_termination_protection = "an example, to be thrown away" }

    backup_snapshot "weekly_trial" {
      description       = "Restored into the lab"
      retention_in_days = 2
    }

    backup_restore_job "weekly_trial" {
      delivery_type       = "automated"
      snapshot_id         = parent.backup_snapshot.weekly_trial.id
      target_cluster_name = project.lab.cluster.trial.name
      target_group_id     = project.lab.id
    }

    backup_restore_job "this_morning" {
      delivery_type             = "pointInTime"
      point_in_time_utc_seconds = 1772366400
      target_cluster_name       = project.lab.cluster.trial.name
      target_group_id           = project.lab.id
      depends_on                = [backup_restore_job.weekly_trial]
    }
  }
}

project "lab" {
  cluster "trial" {
    provider_name  = "AWS"
    region_name    = "EU_WEST_1"
    instance_size  = "M10"
    backup_enabled = true
    accept         = { no_termination_protection = "an example, to be thrown away" }
  }
}
