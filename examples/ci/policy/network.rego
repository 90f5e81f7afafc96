# What no change may do, written for Terraform's JSON plan, which Mercator's has the shape of.
package mercator

# An entry that lets the whole internet in.
deny contains message if {
	some change in input.resource_changes
	change.type == "access_list"
	opened := {"create", "update"}
	some action in change.change.actions
	action in opened
	cidr := change.change.after.entry
	cidr in {"0.0.0.0/0", "::/0"}
	message := sprintf("%s lets the whole internet in (%s)", [change.address, cidr])
}

# The loss of a cluster.
deny contains message if {
	some change in input.resource_changes
	change.type == "cluster"
	"delete" in change.change.actions
	message := sprintf("%s would lose its data", [change.address])
}
