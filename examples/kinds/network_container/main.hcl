# The addresses of the clusters in two regions, chosen before the first cluster is there, and those of Google Cloud.
project "shop" {
  network_container "ireland" {
    provider_name    = "AWS"
    region_name      = "EU_WEST_1"
    atlas_cidr_block = "10.8.0.0/21"
  }

  network_container "netherlands" {
    provider_name    = "AZURE"
    region_name      = "EUROPE_WEST"
    atlas_cidr_block = "10.8.8.0/21"
  }

  network_container "google" {
    provider_name    = "GCP"
    atlas_cidr_block = "10.128.0.0/18"
  }

  cluster "orders" {
    provider_name = "AWS"
    region_name   = "EU_WEST_1"
    instance_size = "M10"
    accept = {
      no_backup                 = "an example, to be thrown away"
      no_termination_protection = "an example, to be thrown away"
    }
  }
}
