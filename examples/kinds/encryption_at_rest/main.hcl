# Disks that are encrypted with keys of your own. Atlas reaches the key in a role that is made and authorized first, and a
# cluster that asks for the key management waits until it is set up. Taken away together, they go the other way round.
project "shop" {
  cloud_provider_access "keys" {
    provider_name        = "AWS"
    iam_assumed_role_arn = "arn:aws:iam::123456789012:role/atlas-keys"
  }

  encryption_at_rest {
    aws_kms = {
      enabled                = true
      customer_master_key_id = "arn:aws:kms:eu-west-1:123456789012:key/12345678-90ab-cdef-1234-567890abcdef"
      region                 = "EU_WEST_1"
      role_id                = cloud_provider_access.keys.role_id
    }
  }

  cluster "orders" {
    provider_name               = "AWS"
    region_name                 = "EU_WEST_1"
    instance_size               = "M10"
    backup_enabled              = true
    encryption_at_rest_provider = "AWS"
    accept                      = { no_termination_protection = "an example" }
  }
}

# Without a role there is a secret, which Atlas never shows: it is sent with every change, so the files must hold it.
project "lab" {
  encryption_at_rest {
    google_cloud_kms = {
      enabled                 = true
      key_version_resource_id = "projects/lab/locations/europe-west1/keyRings/atlas/cryptoKeys/disks/cryptoKeyVersions/1"
      service_account_key     = env("GOOGLE_KMS_KEY", jsonencode({ type = "service_account", private_key = "sandbox only" }))
    }
  }
}
