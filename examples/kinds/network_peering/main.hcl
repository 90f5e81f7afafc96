# Peering connections with a VPC on AWS, a virtual network on Azure and a network on Google Cloud. Those on AWS and
# Google Cloud are accepted on the other side; what that needs are outputs here.
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

  network_peering "ireland" {
    provider_name          = "AWS"
    container_id           = network_container.ireland.id
    accepter_region_name   = "eu-west-1"
    aws_account_id         = "123456789012"
    vpc_id                 = "vpc-0123456789abcdef0"
    route_table_cidr_block = "10.20.0.0/16"
  }

  network_peering "netherlands" {
    provider_name         = "AZURE"
    container_id          = network_container.netherlands.id
    azure_directory_id    = "00000000-0000-0000-0000-0000000000d1"
    azure_subscription_id = "00000000-0000-0000-0000-0000000000e1"
    resource_group_name   = "shop"
    vnet_name             = "shop"
  }

  network_peering "google" {
    provider_name  = "GCP"
    container_id   = network_container.google.id
    gcp_project_id = "shop-123456"
    network_name   = "default"
  }
}

output "peering_to_accept" {
  value = project.shop.network_peering.ireland.connection_id
}
