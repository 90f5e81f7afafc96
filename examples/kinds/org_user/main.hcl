# People of the organization. Who does not belong to it yet gets an invitation, which is good for 30 days; one that came
# to nothing is made anew by the next apply.
org_user "people" {
  for_each = {
    "ann@example.com" = ["ORG_MEMBER"]
    "bob@example.com" = ["ORG_MEMBER", "ORG_BILLING_READ_ONLY"]
  }
  username = each.key
  roles    = { org_roles = each.value }
}

# A team can hold them at once, invited or not.
team "developers" {
  usernames = [for user in org_user.people : user.username]
}
