package schema

// Risk is a stable word for what a change can cost people (R41).
type Risk string

const (
	// Irreversible: what is lost cannot be brought back.
	Irreversible Risk = "irreversible"
	// Billable: Atlas charges more from then on.
	Billable Risk = "billable"
	// OpensNetwork: more addresses can reach the databases.
	OpensNetwork Risk = "opens-network"
	// GrantsAccess: somebody may do more than before.
	GrantsAccess Risk = "grants-access"
	// MintsCredential: a new credential comes into being.
	MintsCredential Risk = "mints-credential"
	// Downtime: connections break or are refused for a while.
	Downtime Risk = "downtime"
	// LocksOut: the credential in use may lose its access (R23).
	LocksOut Risk = "locks-out"
)

// RiskRule says when a change of a kind carries a risk.
type RiskRule struct {
	Risk Risk
	// On are the events that a rule without Attribute speaks of.
	On []Event
	// Attribute is the path of an attribute without indices ("replication_specs.region_configs.instance_size"),
	// and When the way of changing it that carries the risk.
	Attribute string
	When      Trend
	// Of limits Attribute rules to new values among these, compared without case.
	Of []string
	// InUse limits the rule to the credential with which Mercator works (R23), for kinds that are one.
	InUse bool
}

// Event is what happens to an object as a whole.
type Event int

const (
	// OnCreate is a creation, also the one in a replacement.
	OnCreate Event = iota + 1
	// OnDelete is a deletion, also the one in a replacement and that by an exclusive list.
	OnDelete
	// OnReplace is a replacement.
	OnReplace
	// OnUpgrade is an upgrade.
	OnUpgrade
	// OnMint is a new secret of a credential that stays.
	OnMint
)

// Trend is a way in which a value changes.
type Trend int

const (
	// Changed is any difference.
	Changed Trend = iota + 1
	// Raised is a larger number, or a later value of an ordered enum; at creation, any value.
	Raised
	// TurnedOn is a change from false or nothing to true; at creation, true.
	TurnedOn
	// Added is an element that was not in the list before; at creation, any element.
	Added
	// Altered is a change of what was set before; never at creation.
	Altered
)
