package mercator_test

import data.mercator

planned(actions, entry) := {"resource_changes": [{
	"address": "project.shop.access_list.office",
	"type": "access_list",
	"change": {"actions": actions, "after": {"entry": entry}},
}]}

test_the_internet_is_kept_out if {
	count(mercator.deny) == 1 with input as planned(["create"], "0.0.0.0/0")
	count(mercator.deny) == 1 with input as planned(["update"], "::/0")
	count(mercator.deny) == 1 with input as planned(["delete", "create"], "0.0.0.0/0")
}

test_an_office_is_let_in if {
	count(mercator.deny) == 0 with input as planned(["create"], "203.0.113.0/24")
}

test_what_stays_or_goes_is_no_change_for_the_worse if {
	count(mercator.deny) == 0 with input as planned(["no-op"], "0.0.0.0/0")
	count(mercator.deny) == 0 with input as {"resource_changes": [{
		"address": "project.shop.access_list.office",
		"type": "access_list",
		"change": {"actions": ["delete"], "after": null},
	}]}
}

test_a_cluster_is_kept if {
	count(mercator.deny) == 1 with input as {"resource_changes": [{
		"address": "project.shop.cluster.orders",
		"type": "cluster",
		"change": {"actions": ["delete"], "after": null},
	}]}
}
