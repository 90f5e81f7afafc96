# Settings of the organization behind the connection. Keys that are left out stay as they are, and so does everything
# where the block is removed.
organization "ours" {
  name = "Shop"

  settings = {
    multi_factor_auth_required                   = true
    restrict_employee_access                     = true
    gen_ai_features_enabled                      = false
    max_service_account_secret_validity_in_hours = 2160
    security_contact                             = "security@example.com"
    custom_session_timeouts                      = { idle_session_timeout_in_seconds = 3600 }
  }
}
