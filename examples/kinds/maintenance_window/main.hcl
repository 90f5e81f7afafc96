# When Atlas may restart the clusters of two projects. Removing a block gives the choice back to Atlas.
project "shop" {
  maintenance_window {
    day_of_week             = 1 # Sunday
    hour_of_day             = 3
    auto_defer_once_enabled = true
    protected_hours         = { start_hour_of_day = 8, end_hour_of_day = 20 }
  }
}

# Outside of the project's block it takes a label.
project "lab" {}

maintenance_window "lab" {
  project     = project.lab
  day_of_week = project.shop.maintenance_window.day_of_week
  hour_of_day = project.shop.maintenance_window.hour_of_day + 1
}
