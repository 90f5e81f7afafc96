# What the clusters of a project record of who did what. Without the block auditing goes on as it was: to end it, write
# enabled = false.
project "shop" {
  auditing {
    enabled                     = true
    audit_authorization_success = false
    audit_filter = {
      "$or" = [
        { users = [] },
        { atype = { "$in" = ["authenticate", "createUser", "dropUser", "grantRolesToUser"] } },
      ]
    }
  }
}

# The same as a JSON text, by people who have one.
project "lab" {
  auditing {
    enabled      = true
    audit_filter = <<-EOT
      { "atype": "authCheck", "param.command": { "$in": ["insert", "update", "delete"] } }
    EOT
  }
}
