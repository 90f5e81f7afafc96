# Endpoints in networks on AWS, Azure and Google Cloud, each let in by the service of its region. They are made at the
# cloud provider, which says what they are called.
project "shop" {
  private_endpoint_service "ireland" {
    provider_name = "AWS"
    region        = "EU_WEST_1"

    private_endpoint "vpc" {
      endpoint_id = "vpce-0123456789abcdef0"
    }
  }

  private_endpoint_service "netherlands" {
    provider_name = "AZURE"
    region        = "EUROPE_WEST"

    private_endpoint "vnet" {
      endpoint_id                 = "/subscriptions/00000000-0000-0000-0000-0000000000e1/resourceGroups/shop/providers/Microsoft.Network/privateEndpoints/atlas"
      private_endpoint_ip_address = "10.20.0.4"
    }
  }

  private_endpoint_service "belgium" {
    provider_name        = "GCP"
    region               = "WESTERN_EUROPE"
    port_mapping_enabled = true

    private_endpoint "network" {
      endpoint_id    = "atlas"
      gcp_project_id = "shop-123456"

      endpoints = [
        { endpoint_name = "atlas", ip_address = "10.30.0.4" },
      ]
    }
  }
}
