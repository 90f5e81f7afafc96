team "developers" {
  usernames = ["owner@example.com"]
}

# What the team may do in a project. In production it may look only.
project "shop" {
  for_each = { dev = ["GROUP_OWNER"], prod = ["GROUP_READ_ONLY", "GROUP_DATA_ACCESS_READ_ONLY"] }
  name     = "shop-${each.key}"

  project_team "developers" {
    team_id    = team.developers.id
    role_names = parent.each.value
  }
}
