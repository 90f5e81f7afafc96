// Package plan turns what the files ask for, what Atlas holds and what was last applied into a Plan: every
// change, in order, with its reasons, risks and the roles it needs. It is pure: no I/O, no clock, no goroutine,
// so the same inputs give the same bytes. A file each for match, normalize, diff, check and order.
package plan

import (
	"time"

	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
	"mercator/schema/diag"
)

// Action is what happens to one live object.
type Action string

// The actions. Adopt takes over a live object, with the differences it may have; Forget ends the management and
// leaves the object in Atlas.
const (
	NoOp    Action = "no-op"
	Create  Action = "create"
	Update  Action = "update"
	Replace Action = "replace"
	Delete  Action = "delete"
	Adopt   Action = "adopt"
	Forget  Action = "forget"
)

// Plan is a value: it can be rendered, saved, compared and applied. It holds no secret: sensitive values in it
// are marked, and Diffs carry masks in their place.
type Plan struct {
	// Now is the run's one idea of the present (R39).
	Now time.Time
	// Lineage and Serial are those of the state that the plan rests on; Serial is for people (R27).
	Lineage string
	Serial  uint64
	// Connections are the organizations behind the connections, by name.
	Connections map[string]Connection
	// Destroying says that the plan removes all that the state owns.
	Destroying bool
	// Changes are all pairs, the unchanged ones included, by address.
	Changes []Change
	// Tasks are what apply carries out, in an order that respects their Needs.
	Tasks []Task
	// StateOnly are changes of what is remembered that need no call (R16), by address, for people to read: apply
	// carries them out through Change.Record and Drops.
	StateOnly []StateChange
	// Drops are the addresses that the state forgets without a call: former addresses of moves, objects that are
	// gone, what is forgotten.
	Drops []schema.Address
	// Drift is what changed outside Mercator since the last apply, by address.
	Drift []Drift
	// Unmanaged are live objects that no address claims, in the places that were read.
	Unmanaged []Unmanaged
	Outputs   []OutputChange
	// Blast is set when the plan deletes or replaces so much that it must be confirmed as a whole.
	Blast *Blast
	// AllowDestroy and AllowAdopt are what the user allowed by name; "all" stands for everything (R30).
	AllowDestroy, AllowAdopt []string
	// Targets, Excludes, Replacing and NoAdopt are what else the user asked of the plan; see [Plan.Options].
	Targets, Excludes, Replacing []schema.Address
	NoAdopt                      bool
	// Checks are what the conditions of the files came to; of a destruction there are none.
	Checks []schema.Check `json:",omitempty"`
	// Diagnostics are the plan's warnings and errors. A plan with errors is shown and never applied.
	Diagnostics diag.List
}

// Options returns what the user asked when the plan was made. With the same of everything else they give the same
// plan again, which is how a saved one is held against what it rests on (R25).
func (p *Plan) Options() Options {
	return Options{Destroy: p.Destroying, Targets: p.Targets, Excludes: p.Excludes, Replace: p.Replacing, NoAdopt: p.NoAdopt,
		AllowDestroy: p.AllowDestroy, AllowAdopt: p.AllowAdopt}
}

// Connection is what a plan knows of a connection.
type Connection struct {
	OrgID, BaseURL, CredentialsPrefix string
}

// Change is one address and its live object, and what is to happen to them.
type Change struct {
	Address schema.Address
	// Previous is the address in the state, where it is another one.
	Previous   schema.Address
	Kind       string
	Connection string
	// Place is where the object lives, "" where its parent is made in this run; Parent is the parent's address
	// where that is a resource of ours.
	Place  schema.Place
	Parent schema.Address
	// Into is where a replacement makes the new object, if that is another place than Place and known.
	Into schema.Place `json:",omitempty"`
	// Was is the kind of the live object until it is upgraded, "" where that is Kind.
	Was string `json:",omitempty"`
	// ID and Key are the live object's; both are "" for a creation.
	ID, Key string
	Action  Action
	// Before is the live value, null for a creation. After is what will be: the desired value over the live one,
	// unknown where only Atlas can tell, null for a deletion. Secrets in it are marked.
	Before, After cty.Value
	// Desired is the normalized desired value, with null for what is not managed; null for a deletion.
	Desired cty.Value
	Diffs   []Diff
	// Reasons say why the action is what it is: for a replacement the paths that force it, for a deletion,
	// a forgetting or an adoption what led to it.
	Reasons []Reason
	// CreateFirst says of a replacement that the new object is made before the old one goes (R42).
	CreateFirst bool
	// Leaves says of a replacement that the old object stays in Atlas, which has no deletion for it.
	Leaves bool `json:",omitempty"`
	// GoesWith is the deleted resource that takes this one with it; there is no call of its own (R22).
	GoesWith schema.Address
	// Adopted says that the state did not make the object (R31).
	Adopted bool
	// FormerGone says that the object which the state has at this address is gone; the change speaks of another one.
	FormerGone bool
	// Undelivered says that the object is a credential whose secret reached nobody; it is revoked (R4).
	Undelivered bool `json:",omitempty"`
	// Secret and Stale are what the state remembers of a credential's secrets: the id of the one that was delivered, and
	// those of the ones that are to be revoked.
	Secret string   `json:",omitempty"`
	Stale  []string `json:",omitempty"`
	// Waiting is "create", "update", "upgrade" or "delete" where Atlas is still at work (R9).
	Waiting string
	// Secrets are the paths of secrets that will be set. Hashes are those of the secrets that stay as they are,
	// by their path in Desired.
	Secrets []string
	Hashes  map[string]string
	// Record says that what the state remembers of the object changes although no call is made.
	Record bool
	// Undone counts per argument the consecutive applies, this one included, that undo a change from outside (R35).
	Undone map[string]int
	// Overwrites is the name of the object whose data a creation replaces, "" for what leaves others as they are.
	Overwrites string `json:",omitempty"`
	// Exclusive says that the object is deleted because its kind is exclusive in its parent (R32).
	Exclusive bool
	// Roles are the Atlas roles that the calls need.
	Roles []string
	Risks []RiskNote
	// NeedsAllow says which flag the change needs where no human answers: "", "allow-destroy" or "allow-adopt" (R30).
	NeedsAllow string
	// Calls are the calls of the creation or update, Removal those of the deletion.
	Calls, Removal []schema.Call
	// Depends are the resources that it needs, for the state.
	Depends   []schema.Address
	Lifecycle schema.Lifecycle
	Timeouts  schema.Timeouts
	Range     diag.Range
}

// Writes reports whether the change makes a call to Atlas.
func (c *Change) Writes() bool { return len(c.Calls) > 0 || len(c.Removal) > 0 }

// RiskNote is a risk of a change, with a few words about it ("16,777,216 addresses").
type RiskNote struct {
	Risk schema.Risk
	Note string
}

// Reason says why, by a stable code and for people.
type Reason struct {
	// Code is "cannot_update", "by_request", "not_declared", "destroy", "exclusive", "parent_replaced",
	// "parent_deleted", "natural_key", "content", "import", "removed_block", "adopted_undeclared" and so on.
	Code string
	// Path is the argument concerned, "" if none.
	Path string
	Text string
}

// Diff is one changed argument, or one element added or removed.
type Diff struct {
	// Path is as users write it: replication_specs[0].region_configs[1].electable_specs.instance_size. Elements
	// of lists stand by their position in the file, removed ones by their position in Atlas.
	Path string
	// Label names the element by its identity ("AWS EU_WEST_1"), where the path goes through a list.
	Label string
	Op    DiffOp
	// Old and New are the values: cty.NilVal where there is none, unknown where only Atlas can tell. A sensitive
	// diff has neither.
	Old, New  cty.Value
	Sensitive bool
	// UndoesDrift says that somebody changed Old outside Mercator after it was applied as New.
	UndoesDrift bool
	// Replaces says that this difference forces the replacement.
	Replaces bool
}

// DiffOp is how an argument changes.
type DiffOp string

// The ways of changing.
const (
	DiffAdd    DiffOp = "add"
	DiffRemove DiffOp = "remove"
	DiffChange DiffOp = "change"
)

// Task is a unit of work for apply: the creation or update of a change, or its removal.
type Task struct {
	// Change is the index in Plan.Changes.
	Change int
	Phase  Phase
	// Needs are the indices of tasks that must have succeeded before.
	Needs []int
}

// Phase says which calls of the change a task makes.
type Phase string

const (
	// Write makes Change.Calls.
	Write Phase = "write"
	// Remove makes Change.Removal, or forgets what goes with its parent.
	Remove Phase = "remove"
)

// StateChange is a change of the state alone (R16).
type StateChange struct {
	Address schema.Address
	// From is the former address of a move.
	From schema.Address
	// Kind is "move", "release", "protect", "record", "bind", "forget", "own".
	Kind string
	// Path is the argument concerned, "" if none.
	Path string
	// Text says it: "no longer managed: backup_enabled, stays true".
	Text string
}

// Drift is what changed outside Mercator since the last apply.
type Drift struct {
	Address schema.Address
	Kind    string
	// Deleted says that the object is gone; else Diffs say what changed, Old as applied and New as live.
	Deleted bool
	Diffs   []Diff
	// Reverts says that the plan undoes it.
	Reverts bool
	// Note explains what Atlas does by itself ("Atlas resumes paused clusters after 30 days").
	Note string
}

// Unmanaged is a live object that no address claims.
type Unmanaged struct {
	Connection string
	Kind       string
	Place      schema.Place
	// Parent is the address of the parent, "" where that is not ours.
	Parent  schema.Address
	ID, Key string
}

// OutputChange is an output and how it changes. A sensitive one's values are marked.
type OutputChange struct {
	Name          string
	Action        Action
	Before, After cty.Value
	Sensitive     bool
}

// Blast says how much of what the state owns a plan removes (R30).
type Blast struct {
	Removed, Owned int
}

// Summary counts the changes by action.
type Summary struct {
	Create, Update, Replace, Delete, Adopt, Forget int
}

// Summary counts the changes.
func (p *Plan) Summary() Summary {
	var s Summary
	for i := range p.Changes {
		switch p.Changes[i].Action {
		case Create:
			s.Create++
		case Update:
			s.Update++
		case Replace:
			s.Replace++
		case Delete:
			s.Delete++
		case Adopt:
			s.Adopt++
		case Forget:
			s.Forget++
		}
	}
	return s
}

// Empty reports whether there is nothing to do, in Atlas or in the state.
func (p *Plan) Empty() bool {
	return p.Summary() == Summary{} && len(p.StateOnly) == 0 && len(p.Tasks) == 0 && !p.outputsChange()
}

func (p *Plan) outputsChange() bool {
	for _, o := range p.Outputs {
		if o.Action != NoOp {
			return true
		}
	}
	return false
}
