# What single people may do in a project, beside what their teams allow.
org_user "ann" {
  username = "ann@example.com"
  roles    = { org_roles = ["ORG_MEMBER"] }
}

project "shop" {
  project_user "ann" {
    username = org_user.ann.username
    roles    = ["GROUP_OWNER"]
  }

  # Who is not in the organization yet is invited to it as a member.
  project_user "auditor" {
    username = "auditor@example.com"
    roles    = ["GROUP_READ_ONLY"]
  }
}
