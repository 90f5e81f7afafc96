variable "environments" {
  description = "The projects of the shop, and what differs between them."
  type = map(object({
    tier      = string
    backups   = bool
    protected = bool
    office    = string
  }))
  default = {
    dev     = { tier = "M10", backups = false, protected = false, office = "10.10.0.0/16" }
    staging = { tier = "M10", backups = true, protected = false, office = "10.20.0.0/16" }
    prod    = { tier = "M30", backups = true, protected = true, office = "10.30.0.0/16" }
  }

  validation {
    condition     = alltrue([for e in values(var.environments) : can(regex("^M[0-9]+$", e.tier))])
    error_message = "A tier is written like M30."
  }
}

variable "identity_provider" {
  type        = string
  default     = "64d613677e1ad50839cce4db"
  description = "The id of the OIDC identity provider, from the federation settings."
}

variable "app_password" {
  type      = string
  default   = "sandbox-only-app"
  sensitive = true
}

variable "slack_token" {
  type        = string
  default     = "xoxb-sandbox-only"
  description = "Slack's bot token, from MERCATOR_VAR_slack_token."
  sensitive   = true
}

locals {
  shop = "shop"
  tags = { product = local.shop, managed_by = "mercator" }
}
