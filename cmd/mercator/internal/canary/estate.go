package canary

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// Variable is the environment variable from which Estate takes the secret argument of a name.
func Variable(argument string) string { return "CANARY_" + argument }

// Estate is a configuration with a secret in every argument of the kinds that takes one, and sensitive values in
// ordinary places: the variables sensitive (a text) and settings (an object of texts: tag, comment). Another delay,
// in minutes, is a change that makes Atlas replace what holds the secrets. The secrets that Atlas shows once go to files:
// that of an account is replaced when thirty of its hundred days are left.
func Estate(delay int) string { return fmt.Sprintf(estate, delay, delivered[0], delivered[1]) }

// delivered are the files, in the folder of the Estate, with the secrets of its credentials.
var delivered = [...]string{"key.json", "account.json"}

// Excepted reports whether a file of the Estate's folder is one in which a secret may stand.
func Excepted(path string) bool {
	name := filepath.Base(path)
	return name == "main.hcl" || slices.Contains(delivered[:], name)
}

// ShownOnce returns the secrets of the credentials that were made for the Estate in a folder.
func ShownOnce(dir string) ([]string, error) {
	var secrets []string
	for i, argument := range []string{"private_key", "secret"} {
		text, err := os.ReadFile(filepath.Join(dir, delivered[i]))
		if err != nil {
			return nil, err
		}
		var held map[string]string
		if err := json.Unmarshal(text, &held); err != nil {
			return nil, err
		}
		if len(held[argument]) < 36 {
			return nil, fmt.Errorf("%s holds no secret", delivered[i])
		}
		secrets = append(secrets, held[argument])
	}
	return secrets, nil
}

const estate = `
variable "sensitive" {
	type      = string
	sensitive = true
}
variable "settings" {
	type      = object({ tag = string, comment = string })
	sensitive = true
}
project "shop" {
	tags = { note = var.settings.tag }
	database_user "app" {
		password    = env("CANARY_password")
		roles       = [{ role_name = "read", database_name = "orders" }]
		description = var.sensitive
		labels      = { note = "x ${var.settings.tag}" }
	}
	access_list "office" { entries = { "203.0.113.7" = { comment = var.settings.comment } } }
	alert_config "all" {
		event_type_name = "NO_PRIMARY"
		enabled         = true
		notifications   = [
			{ type_name = "SLACK", channel_name = "ops", delay_min = %d, interval_min = 15, api_token = env("CANARY_api_token") },
			{ type_name = "DATADOG", delay_min = 0, interval_min = 15, datadog_region = "EU", datadog_api_key = env("CANARY_datadog_api_key") },
			{ type_name = "MICROSOFT_TEAMS", delay_min = 0, interval_min = 15, microsoft_teams_webhook_url = env("CANARY_microsoft_teams_webhook_url") },
			{ type_name = "HIP_CHAT", delay_min = 0, interval_min = 15, room_name = "ops", notification_token = env("CANARY_notification_token") },
			{ type_name = "OPS_GENIE", delay_min = 0, ops_genie_region = "EU", ops_genie_api_key = env("CANARY_ops_genie_api_key") },
			{ type_name = "PAGER_DUTY", delay_min = 0, region = "EU", service_key = env("CANARY_service_key") },
			{ type_name = "VICTOR_OPS", delay_min = 0, victor_ops_api_key = env("CANARY_victor_ops_api_key"), victor_ops_routing_key = env("CANARY_victor_ops_routing_key") },
			{ type_name = "WEBHOOK", delay_min = 0, interval_min = 15, webhook_url = env("CANARY_webhook_url"), webhook_secret = env("CANARY_webhook_secret") },
		]
	}
	encryption_at_rest {
		aws_kms = {
			enabled = true, customer_master_key_id = "key", region = "EU_WEST_1"
			access_key_id = "0123456789abcdef", secret_access_key = env("CANARY_secret_access_key")
		}
		azure_key_vault = {
			enabled = true, subscription_id = "6f0bd6a8-6ff4-4dd4-8b4e-8d5e6f3c1f0a", resource_group_name = "keys", key_vault_name = "keys"
			key_identifier = "https://keys.vault.azure.net/keys/disks/1", tenant_id = "0b6b7a55-3c0f-4f0e-9c39-3a5ad2a3a7b1"
			client_id = "9f2deb0d-be22-4524-a403-df531868bac0", secret = env("CANARY_secret")
		}
		google_cloud_kms = { enabled = true, key_version_resource_id = "projects/p/1", service_account_key = env("CANARY_service_account_key") }
	}
	integration "datadog" {
		type    = "DATADOG"
		api_key = env("CANARY_api_key")
	}
	integration "teams" {
		type                        = "MICROSOFT_TEAMS"
		microsoft_teams_webhook_url = env("CANARY_microsoft_teams_webhook_url")
	}
	integration "new_relic" {
		type        = "NEW_RELIC"
		account_id  = "bcc3c81b344a6030a3935c2527e2216535af7718"
		license_key = env("CANARY_license_key")
		read_token  = env("CANARY_read_token")
		write_token = env("CANARY_write_token")
	}
	integration "pager" {
		type        = "PAGER_DUTY"
		service_key = env("CANARY_service_key")
	}
	integration "prometheus" {
		type              = "PROMETHEUS"
		enabled           = true
		username          = "prom_user"
		password          = env("CANARY_password")
		service_discovery = "file"
	}
	integration "slack" {
		type         = "SLACK"
		channel_name = "ops"
		api_token    = env("CANARY_api_token")
	}
	integration "hook" {
		type   = "WEBHOOK"
		url    = env("CANARY_url")
		secret = env("CANARY_secret")
	}
}
api_key "deployer" {
	desc        = "Deploys"
	roles       = ["ORG_MEMBER"]
	secret_file = "%s"
}
service_account "pipeline" {
	name                       = "Pipeline"
	description                = "Deploys"
	roles                      = ["ORG_MEMBER"]
	secret_expires_after_hours = 2400
	rotate_before              = "720h"
	secret_file                = "%s"
}
output "secret" {
	value     = { password = env("CANARY_password"), tag = var.settings.tag }
	sensitive = true
}
`
