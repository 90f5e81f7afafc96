# Roles in which Atlas reaches into accounts at cloud providers.
project "shop" {
  # With AWS it takes two applies, unless the IAM role trusts Atlas already: the first makes the role and gives out what the
  # trust policy of the IAM role has to name, see the outputs. Once that role is there, its ARN is set and authorizes Atlas.
  cloud_provider_access "keys" {
    provider_name        = "AWS"
    iam_assumed_role_arn = var.keys_role_arn
  }

  cloud_provider_access "exports" {
    provider_name        = "AZURE"
    service_principal_id = "6f0bd6a8-6ff4-4dd4-8b4e-8d5e6f3c1f0a"
    tenant_id            = "0b6b7a55-3c0f-4f0e-9c39-3a5ad2a3a7b1"
  }

  cloud_provider_access "google" {
    provider_name = "GCP"
  }
}

variable "keys_role_arn" {
  description = "The IAM role for keys, once it trusts Atlas."
  type        = string
  default     = null
}

output "trust" {
  description = "What the trust policy of the IAM role has to name."
  value = {
    principal   = project.shop.cloud_provider_access.keys.atlas_aws_account_arn
    external_id = project.shop.cloud_provider_access.keys.atlas_assumed_role_external_id
  }
}

output "google_service_account" {
  value = project.shop.cloud_provider_access.google.gcp_service_account_for_atlas
}
