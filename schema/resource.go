package schema

import (
	"net/url"
	"strings"
	"time"

	"github.com/zclconf/go-cty/cty"

	"mercator/schema/diag"
)

// Place says where an object lives in Atlas: the path parameters that its siblings share, outermost first, as
// "orgId=…;groupId=…". Values are percent-encoded, so places compare with ==. The empty Place means that the
// parent is not there yet.
type Place string

// With returns the place inside p that one more path parameter leads to.
func (p Place) With(param, value string) Place {
	step := param + "=" + url.QueryEscape(value)
	if p == "" {
		return Place(step)
	}
	return p + ";" + Place(step)
}

// Param returns the value of a path parameter, "" if p has none of that name.
func (p Place) Param(name string) string {
	for step := range strings.SplitSeq(string(p), ";") {
		if k, v, ok := strings.Cut(step, "="); ok && k == name {
			if text, err := url.QueryUnescape(v); err == nil {
				return text
			}
		}
	}
	return ""
}

// Parent returns the place that p is in, and the value of its last parameter.
func (p Place) Parent() (Place, string) {
	i := strings.LastIndexByte(string(p), ';')
	last := string(p[i+1:])
	_, v, _ := strings.Cut(last, "=")
	value, _ := url.QueryUnescape(v)
	if i < 0 {
		return "", value
	}
	return p[:i], value
}

// ParentRef says which object a resource lives in: another resource, or an object by its id. Both are empty
// for what lives directly in an organization; both may be empty too where the id is not known yet (Unknown).
type ParentRef struct {
	Address Address
	ID      string
	Unknown bool
	// Lookup is the address of the lookup that tells the ID, where one does.
	Lookup Address
}

// Resource is what the files ask for: one instance of one block, or one entry of a fan.
type Resource struct {
	Address    Address
	Kind       string
	Connection string
	Parent     ParentRef
	// Value has the kind's object type. What the file does not set is null; what only Atlas can tell is
	// unknown; secrets carry the mark [Sensitive].
	Value cty.Value
	// DependsOn are the resources, instances or whole blocks, that this one's expressions refer to or that its
	// depends_on names.
	DependsOn []Address
	// Reads are the lookups that its expressions refer to. What those depend on is in DependsOn too.
	Reads     []Address
	Lifecycle Lifecycle
	Timeouts  Timeouts
	// Exclusive are the kinds inside this resource of which nothing but what is declared may live (R32).
	Exclusive []string
	// Accepted is the advice that the block does not want to be given, each with its reason.
	Accepted []Acceptance
	// Range is the block's header; Ranges are those of its arguments by path ("replication_specs").
	Range  diag.Range
	Ranges map[string]diag.Range
}

// Lifecycle is a resource's lifecycle block, evaluated.
type Lifecycle struct {
	// PreventDestroy refuses deletion and replacement, also after the block is gone from the file.
	PreventDestroy bool
	// Abandon is destroy = false: removal from the file forgets the object and leaves it in Atlas.
	Abandon bool
	// IgnoreChanges are argument paths that are written at creation only.
	IgnoreChanges []string
	// SnapshotBefore are the steps before which a copy is made, see [GuardedSteps], sorted; also after the block is gone.
	SnapshotBefore []string `json:",omitempty"`
}

// The steps that a copy can be made before.
const (
	BeforeDelete  = "delete"
	BeforeReplace = "replace"
	BeforeUpgrade = "version_upgrade"
)

// GuardedSteps returns the steps that a lifecycle can name in snapshot_before.
func GuardedSteps() []string { return []string{BeforeDelete, BeforeReplace, BeforeUpgrade} }

// Timeouts are a resource's time limits; zero means the kind's own.
type Timeouts struct {
	Create, Update, Delete time.Duration
}

// Object is what Atlas holds, as read.
type Object struct {
	Kind  string
	Place Place
	// ID is the Atlas id, "" for kinds without one.
	ID string
	// Key is the natural key in canonical form, its parts joined by "/", "" for kinds without one.
	Key string
	// Value has the kind's object type, server-owned attributes and handles included. Secrets are null.
	Value cty.Value
	// Parts says which Parts are in Value; the others are null because they were not read.
	Parts map[string]bool
	// Held are the paths of the secrets, outside of lists, that the answer shows starred: Atlas holds them.
	Held []string
	// Unknown are the JSON paths of the answer that the kind does not describe.
	Unknown []string
}

// Bound is what the state remembers of a resource that Mercator made or adopted.
type Bound struct {
	Address    Address
	Kind       string
	Connection string
	Place      Place
	ID, Key    string
	// Applied are the arguments as last applied, without secrets (those are null here and hashed in Secrets).
	Applied cty.Value
	// Secrets maps the path of a secret in Applied ("notifications[1].service_key") to its hash.
	Secrets map[string]string
	// Dependencies are the resources that it needed when it was applied; a deletion runs before theirs (R21).
	Dependencies []Address
	// Adopted says that Mercator found it and did not make it (R31).
	Adopted   bool
	Lifecycle Lifecycle
	Timeouts  Timeouts
	// Waiting is "create", "update", "upgrade" or "delete" while Atlas is still at work on what was asked (R9, R29).
	Waiting string
	// Secret is the id of the secret that was delivered, of a credential that can have several, and Stale are the ids
	// of those that are to be revoked: nobody was given them, or they were replaced.
	Secret string
	Stale  []string
	// Undone counts, per argument, the consecutive applies that undid a change from outside (R35).
	Undone map[string]int
}

// Intent is one call that an apply means to make (R26).
type Intent struct {
	ID         string
	Address    Address
	Kind       string
	Connection string
	// Verb is what the call does.
	Verb Verb
	// Armed says that the call may have been sent. The fields below are set when it is armed.
	Armed bool
	Place Place
	// ObjectID and Key name the object, where it has an id or a natural key before the call.
	ObjectID, Key string
	// Content is what was sent, of the kind's type, with secrets null and their hashes in Secrets.
	Content cty.Value
	Secrets map[string]string
	// Seen are the ids of the siblings that were there just before, for kinds without a natural key.
	Seen []string
	// Bind is what the state will remember if the call turns out to have been carried out.
	Bind *Bound
}

// Move is a moved block: the object at From is now declared at To.
type Move struct {
	From, To Address
	Range    diag.Range
}

// Concerns reports whether the move gives an address another one: that of the object itself, of its block's instances
// and of what lives inside. A move that adds a key (project.a to project.a["prod"]) does not concern instances that
// have one already.
func (m Move) Concerns(a Address) bool {
	if !m.From.Contains(a) {
		return false
	}
	rest := a[len(m.From):]
	return !m.From.Contains(m.To) || rest == "" || rest[0] == '.'
}

// Of returns what an address is called after a move that concerns it.
func (m Move) Of(a Address) Address { return m.To + a[len(m.From):] }

// Removal is a removed block: From is no longer declared, on purpose.
type Removal struct {
	From Address
	// Destroy says whether the object is deleted or only forgotten.
	Destroy bool
	Range   diag.Range
}

// Import is an import block: the object with the given id or natural key belongs at To, and is owned.
type Import struct {
	To Address
	// ID holds the identity by attribute name ({"name": "orders"}), or under "id" an Atlas id.
	ID    map[string]string
	Range diag.Range
}

// Lookup is a data block: an object that the files read and do not ask for.
type Lookup struct {
	// Address is the block's ("data.project.shared"); no resource has such a one.
	Address    Address
	Kind       string
	Connection string
	Parent     ParentRef
	// ID or Key names the object by its Atlas id or its natural key; a singleton has neither.
	ID, Key string
	// Open is the argument that is not known yet, "" where all are.
	Open string
	// DependsOn are the resources and Reads the lookups that its arguments refer to. A lookup that cannot be read
	// for the plan is read once they are there.
	DependsOn, Reads []Address
	// Parts are the Parts of the object that the files use (R8).
	Parts []string
	Range diag.Range
}

// Output is an output block, evaluated.
type Output struct {
	Name        string
	Value       cty.Value
	Sensitive   bool
	Description string
	Range       diag.Range
}

// Connection is an atlas block: an organization and where its credentials come from.
type Connection struct {
	// Name is the block's label, "" for the default connection.
	Name              string
	OrgID             string
	CredentialsPrefix string
	Range             diag.Range
}

// Check is what the conditions of one thing in the files came to.
type Check struct {
	// Kind is what the thing is, and Name says which: "project.shop", "output.url", "environment".
	Kind CheckKind
	Name string
	// Status is the worst of its conditions', and Problems are the messages of those that do not hold.
	Status   CheckStatus
	Problems []string
}

// CheckKind is what has conditions, in the words of Terraform's JSON.
type CheckKind string

// What has conditions.
const (
	CheckVariable CheckKind = "var"
	CheckResource CheckKind = "resource"
	CheckOutput   CheckKind = "output_value"
	CheckBlock    CheckKind = "check"
)

// CheckStatus is what became of conditions, in the words of Terraform's JSON.
type CheckStatus string

// What becomes of conditions, from the best to the worst.
const (
	CheckPasses  CheckStatus = "pass"
	CheckUnknown CheckStatus = "unknown" // it depends on what only the apply tells
	CheckFails   CheckStatus = "fail"
	CheckErrors  CheckStatus = "error" // it could not be computed
)

// Desired is everything that the files ask for.
type Desired struct {
	// Checks are the results of all conditions that the files state, by kind and name.
	Checks []Check
	// Advice are the levels that the settings choose, by code.
	Advice      map[string]Level
	Connections []Connection
	Resources   []Resource
	Moves       []Move
	Removals    []Removal
	Imports     []Import
	Outputs     []Output
	Lookups     []Lookup
}
