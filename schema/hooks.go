package schema

import (
	"github.com/zclconf/go-cty/cty"

	"mercator/schema/diag"
)

// Hooks are the few things about a kind that data cannot say: pure functions over values, without client,
// clock or context. Most kinds have none.
type Hooks struct {
	// Normalize rewrites a desired value to the form that is compared, recorded and sent (R38).
	Normalize func(desired cty.Value) (cty.Value, diag.List)
	// Equal reports whether a desired and a live leaf at path are the same to Atlas, beyond plain equality.
	// The owners are the whole desired and live values.
	Equal func(leaf Leaf) bool
	// Check looks at a whole change and returns what Atlas would refuse half-way.
	Check func(c Transition) diag.List
	// Steps turns the calls that the engine derived into those that Atlas needs (R17).
	Steps func(c Transition, calls []Call) []Call
	// Decode rewrites an answer, as decoded JSON, to the form that the attributes describe, where Atlas answers in
	// another one than it is asked in. It leaves an answer in that form as it is, and never changes its argument.
	Decode func(answer map[string]any) map[string]any
}

// Names returns the names of the hooks that are set.
func (h Hooks) Names() []string {
	var names []string
	for name, set := range map[string]bool{
		"Normalize": h.Normalize != nil, "Equal": h.Equal != nil, "Check": h.Check != nil, "Steps": h.Steps != nil,
		"Decode": h.Decode != nil,
	} {
		if set {
			names = append(names, name)
		}
	}
	return names
}

// Leaf is a pair of primitive values to be compared, and where they stand. Lists on the way are already
// paired: the element objects that enclose the leaf, innermost last, are given side by side.
type Leaf struct {
	// Path is the attribute path without indices: "replication_specs.region_configs.disk_size_gb".
	Path          string
	Desired, Live cty.Value
	// Around are the enclosing objects, outermost (the whole resource) first.
	Around []Pair
}

// Pair is a desired value and its live counterpart; either may be null.
type Pair struct {
	Desired, Live cty.Value
}

// Transition is a change of one object as a whole.
type Transition struct {
	// Before is the live value, null for a creation and unknown where Atlas was not asked (validation). After is the
	// normalized desired value, null for a deletion.
	Before, After cty.Value
	// Changed are the top-level attributes that differ.
	Changed []string
	Replace bool
}

// Verb says what a call does.
type Verb string

const (
	// Create, Update and Delete are the kind's own endpoints.
	CallCreate Verb = "create"
	CallUpdate Verb = "update"
	CallDelete Verb = "delete"
	// CallUpgrade makes of an object what no update does, see [Upgrade].
	CallUpgrade Verb = "upgrade"
	// WritePart writes one Part.
	CallPart Verb = "part"
	// CallCopy makes a copy of the object, of the call's Kind, and waits until it is complete.
	CallCopy Verb = "copy"
	// CallWait waits for the object to settle.
	CallWait Verb = "wait"
	// CallMint makes a new secret of a credential, and CallRevoke deletes one.
	CallMint   Verb = "mint"
	CallRevoke Verb = "revoke"
)

// Call is one call to Atlas, or one wait, in the order in which a change makes them.
type Call struct {
	Verb Verb `json:"verb"`
	// Operation is the endpoint's operationId, "" for a wait.
	Operation string `json:"operation,omitempty"`
	// Attributes are the top-level attributes that the call sends; nil for a wait and a deletion.
	Attributes []string `json:"attributes,omitempty"`
	// Kind is the kind of a copy.
	Kind string `json:"kind,omitempty"`
	// Key is the key of a Part that is written key by key, or the id of a secret that is revoked.
	Key string `json:"key,omitempty"`
	// Note says in a few words why the call stands apart ("resume before changing it").
	Note string `json:"note,omitempty"`
}
