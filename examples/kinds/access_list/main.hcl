variable "offices" {
  type    = map(string)
  default = { "203.0.113.0/24" = "Office in Dublin", "2001:db8:10::/48" = "Office in Dublin" }
}

project "shop" {
  # Each entry is a resource of its own: project.shop.access_list.people["203.0.113.0/24"].
  access_list "people" {
    entries = merge(var.offices, {
      "198.51.100.7" = { comment = "Contractor", delete_after_date = timeadd(plantimestamp(), "72h") }
    })
  }
}
