# An account that is made in one project, by who owns that project and has no rights in the organization.
project "shop" {
  project_service_account "reports" {
    name        = "Reports"
    description = "Reads the shop's figures"
    roles       = ["GROUP_READ_ONLY"]
    access_list = [{ ip_address = "198.51.100.9" }]

    secret_expires_after_hours = 720
    rotate_before              = "168h"
    secret_file                = "secrets/reports.json"
  }
}
