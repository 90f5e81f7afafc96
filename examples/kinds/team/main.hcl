# A team of users of the organization. Who is in it is changed one by one; who is not in the list leaves the team.
team "on_call" {
  name      = "On call"
  usernames = ["owner@example.com"]
}

# Alerts can go to a team.
project "shop" {
  alert_config "primary" {
    event_type_name = "NO_PRIMARY"
    enabled         = true
    notifications   = [{ type_name = "TEAM", team_id = team.on_call.id, delay_min = 0, interval_min = 15, email_enabled = true }]
  }
}
