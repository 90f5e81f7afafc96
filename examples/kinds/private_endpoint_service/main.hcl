# Atlas's side of a private way to the clusters, in a region of each cloud. What your endpoint has to lead to are outputs
# here; once it is there, declare it inside as a private_endpoint.
project "shop" {
  private_endpoint_service "ireland" {
    provider_name            = "AWS"
    region                   = "EU_WEST_1"
    supported_remote_regions = ["EU_CENTRAL_1"]
  }

  private_endpoint_service "netherlands" {
    provider_name = "AZURE"
    region        = "EUROPE_WEST"
  }

  private_endpoint_service "belgium" {
    provider_name        = "GCP"
    region               = "WESTERN_EUROPE"
    port_mapping_enabled = true
  }
}

output "aws_service_name" {
  value = project.shop.private_endpoint_service.ireland.endpoint_service_name
}

output "azure_service" {
  value = project.shop.private_endpoint_service.netherlands.private_link_service_resource_id
}

output "google_service_attachments" {
  value = project.shop.private_endpoint_service.belgium.service_attachment_names
}
