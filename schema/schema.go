// Package schema is Mercator's vocabulary: what a kind of Atlas resource is, what a configuration asks for,
// what Atlas holds, and what the state remembers. It holds data and pure functions over it, does no I/O, and
// knows no kind by name: kinds are values of type [Kind], made in schema/kinds.
//
// Glossary:
//
//   - Kind: a class of resource ("cluster"), described as data: its arguments, identity, endpoints, how it settles.
//   - Attribute: one argument or server-owned field of a kind. Its value is a cty value from file to request.
//   - Address: how a user names one resource: project.payments["prod"].cluster.orders.
//   - Place: where an object lives in Atlas: the path parameters of its parent (orgId=…;groupId=…).
//   - Natural key: the values by which Atlas itself tells siblings apart (a cluster's name). Not every kind has one.
//   - Resource: what the files ask for. Object: what Atlas holds. Bound: what the state remembers of a pair of the two.
//   - Connection: one Atlas organization with credentials of its own.
//   - Upgrade: how an object becomes, in place, what no update makes of it: even one of another kind.
//   - Part: an argument that Atlas keeps behind an endpoint of its own (a cluster's process arguments).
//   - Fan: a block whose map argument makes each entry a resource of its own (an access list).
//   - Member: an element of a list that Atlas writes one by one, by calls of their own (who is in a team).
//   - Alias: another kind under which the same objects can be declared. Namespace: what kinds share whose names are one set.
//   - Once: said of a kind whose objects stand for what was done at one time and cannot be done again (a snapshot).
//   - Safeguard: the copy of an object that is taken before a step in which it could be lost.
//   - Credential: what has a secret that Atlas shows once. Rotation: how its next secret follows one that expires.
//   - Settle: how an object that Atlas changes in the background comes to rest.
//   - Handle: an id inside an object that is never compared and always sent back as it was read (notifierId).
package schema

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/zclconf/go-cty/cty"
)

// Kind describes one class of Atlas resource. The generic engine does everything that it does from this
// description; see Declare for what is filled in and checked.
type Kind struct {
	// Name is the block type in the language, in snake_case: "database_user".
	Name string
	// Parent is the kind in whose block it is written, "" for what lives directly in an organization.
	Parent string
	// Doc says in one or two sentences what it is, for the reference.
	Doc string
	// Singleton says that a parent has exactly one, from the parent's beginning to its end: it has no label, update is
	// its creation, and its deletion resets it, or where the API has none only ends its management.
	Singleton bool
	// Reset says in words what the deletion of a Singleton comes to, for plans ("Atlas chooses the hour again"); ""
	// where there is none.
	Reset string

	// Lasting says in words why it stays although nobody declares it any more ("the support alone can take it off"); ""
	// where it merely has no reset.
	Lasting string

	Identity   Identity
	Attributes []Attribute
	// Fan names the map argument whose entries are the resources, see [Fan]; nil for most kinds.
	Fan *Fan

	Endpoints Endpoints
	// Ignored are JSON paths of answers that are Atlas's bookkeeping (".links"), no argument and no news.
	Ignored []string
	// Upgrades are the ways in which an object becomes one of this kind that no update makes of it.
	Upgrades []Upgrade
	// Parts are the arguments behind endpoints of their own (R8).
	Parts []Part
	// Validate is nil for kinds of which Atlas says nothing about a write that is not made.
	Validate *Validation
	// Settle is nil for kinds whose writes are done when they are answered.
	Settle *Settle

	// Serial says that Atlas wants one write at a time among the siblings in one place.
	Serial bool
	// CreateFirst says that in one place all creations precede all deletions, and that a failed one keeps them (R15).
	CreateFirst bool
	// HoldsData says that deletion loses people's data: a renamed or replaced one is refused (R6, R22).
	HoldsData bool
	// BlocksParent says that its parent cannot be deleted while one is there (R22).
	BlocksParent bool
	// Alias names another kind under which the same objects can be declared, with the same ids: what has an address
	// there is no stranger here.
	Alias string
	// Siblings says that Atlas adds objects of this kind by itself, so that a creation looks first (R24).
	Siblings bool
	// Once says that an object stands for what was done at one time: a snapshot, a restore. It cannot be done again, so
	// one that is gone is not made anew, nor with a parent that is replaced; a changed one is another one, made before
	// the old one goes. What nobody declared of it is nobody's business: Atlas does such things by itself all the time.
	Once bool
	// InParent are what must hold of the parent for an object to be there, as conditions on its attributes.
	InParent []Condition

	// Safeguard is nil for what cannot be copied before it is lost.
	Safeguard *Safeguard
	// Overwrites is nil for what leaves all other objects as they are.
	Overwrites *Overwrites

	// Last is nil where every object can go.
	Last *Last
	// Credential is nil for what has no secret that Atlas shows once.
	Credential *Credential

	Risks []RiskRule
	// Advice is what its resources can deserve to be warned of; see [Kind.AllAdvice].
	Advice []Advice
	Hooks  Hooks

	ty cty.Type // Type's answer, once a catalog has been made
}

// Type returns the object type of the kind's values.
func (k *Kind) Type() cty.Type {
	if k.ty != cty.NilType {
		return k.ty
	}
	return ObjectType(k.Attributes)
}

// Identity says how live objects and addresses are paired (R2, R3).
type Identity struct {
	// Binds says which of id, key and content decides.
	Binds Binding
	// ID is the attribute that holds the Atlas id, "" where Atlas gives none.
	ID string
	// Key are the attributes of the natural key, in the order in which they are written; empty where there is none.
	Key []string
	// Namespace is shared by kinds that share their names: of two of them Atlas never has an object with the same
	// natural key in one place. "" means that a kind's names are its own.
	Namespace string
	// Optional are those of Key that an object may lack, which is then a part of its key.
	Optional []string
	// LabelIs is the key attribute that defaults to the block's label, "" where none does.
	LabelIs string
	// Pattern is what Atlas accepts as a name, as a regular expression, and Hint says it in words.
	Pattern, Hint string
	// Canonical turns a spelling of a key attribute into the one form that is compared and stored, or says
	// what is wrong with it; nil means that the text is the key (R15).
	Canonical func(string) (string, error)
	// Params maps path parameters of one object's endpoints to the attributes that fill them ("clusterName": "name"),
	// where the parameter is not called like the attribute's API field; see [Kind.PathParam].
	Params map[string]string
	// Similar are the attributes, as dotted paths, by which a resemblance is worth a warning (R3).
	Similar []string

	pattern *regexp.Regexp // Pattern, once a catalog has been made; nil where there is none
}

// Accepts reports whether Atlas accepts a name.
func (id *Identity) Accepts(name string) bool {
	return id.pattern == nil || id.pattern.MatchString(name)
}

// Binding says by what a pair of address and object lasts.
type Binding int

const (
	// ByKey binds by place and natural key; a changed id is bound again (R2).
	ByKey Binding = iota + 1
	// ByID binds by the id; when it is gone, an object with the natural key is adopted (R2).
	ByID
	// ByContent binds by the id, and finds an unbound object by exact content (R3).
	ByContent
)

// Safeguard says how a copy of an object is made before a step that its lifecycle guards (snapshot_before).
type Safeguard struct {
	// Copies are kinds that live in the object's. The copy is of the first whose InParent holds of the object.
	Copies []string
	// Text is the copy's argument that says what it is for, With are the values of others, and Taken is the attribute
	// that says when it was made.
	Text  string
	With  map[string]cty.Value
	Taken string
	// Version is the argument whose change is an upgrade. Kept is what a deletion is asked so that copies outlive it.
	Version, Kept string
}

// Overwrites says that the creation of an object replaces the data of another one, which its arguments name.
type Overwrites struct {
	// Kind is what is overwritten, Name the argument with its natural key, and In the one with the id of what it is in.
	Kind, Name, In string
}

// Fan says that each entry of a map argument is a resource of its own.
type Fan struct {
	// Argument is the map in the file ("entries").
	Argument string
	// Key is the attribute that takes the entry's key.
	Key string
	// Short is the attribute that a plain string in place of the entry's object means ("comment").
	Short string
}

// Endpoints are the calls of a kind; nil where the API has none.
type Endpoints struct {
	List, Get, Create, Update, Delete *Endpoint
	// Find reads one object by its natural key, for kinds whose Get goes by the id (R5).
	Find *Endpoint
	// Partial are updates tried first: one serves when every changed attribute is in its Only list.
	Partial []*Endpoint
}

// Endpoint is one operation of the Administration API.
type Endpoint struct {
	// Operation is the operationId of the official specification.
	Operation string
	Method    string
	// Path is the template, with {parameters} that a Place and the object's own attributes fill.
	Path string
	// Version is the dated version of the media type: "2024-08-05".
	Version string
	// Role is the least Atlas role that may call it, "Project Owner".
	Role string
	// BareArray says that the answer of a list is a JSON array without pages.
	BareArray bool
	// Arrays are the fields of the answer of a list that hold its objects, where it has several without pages in place
	// of results.
	Arrays []string
	// Per says that a list shows the objects of one value of an attribute and is read once for each; see [Per].
	Per *Per
	// Names are the fields of the answer that hold the names of the objects, where the answer to a list is no list but
	// what they live in; each is then read by itself.
	Names []string
	// Batch is how many objects one call takes as an array; 0 means one, not in an array.
	Batch int
	// AnswersList says that a creation is answered with a list instead of the object, so that it is read back.
	AnswersList bool
	// Upsert says that the call creates or updates; an update is read back and must have taken (R15).
	Upsert bool
	// Replaces says that what the body leaves out is reset, so that the whole object is sent (R13).
	Replaces bool
	// Only are the attributes that the call can change; nil means all that are not a Part.
	Only []string
	// Body is the JSON object that a deletion sends, where that is a call which changes what it names.
	Body string
	// Omit are attributes that the call does not take in its body, mostly because the path holds them.
	Omit []string
	// Renamed maps attributes to the API fields that they have in the call's body, where these are not the usual ones,
	// and Adds are fields that the body has whatever the file says.
	Renamed, Adds map[string]string
	// Query maps a query parameter to the attribute that fills it (retainBackups: retain_backups).
	Query map[string]string
	// Always are query parameters that every call has, with their values.
	Always map[string]string
	// Limits names the set of endpoints that shares a rate budget; "" means the path's second-level resource.
	Limits string
}

// Validation is a call by which Atlas says what it would refuse a creation or an update for, without making it.
type Validation struct {
	Endpoint *Endpoint
	// Object is the field of the request that holds what the write would send, Editing the one that says that the
	// object exists, and Key the one that names it then.
	Object, Editing, Key string
	// Errors is the list in the answer of what is wrong, of objects with a Code and a Text; a write that nothing
	// is wrong with is answered without one.
	Errors, Code, Text string
}

// Per says that a list is asked for with a value of an attribute, which is among the places that its objects live in:
// "orgId=…;groupId=…;cloudProvider=AWS". So a list is read for those values only that the files or the state have.
type Per struct {
	// Attribute has an Enum, which holds all values, and never changes.
	Attribute string
	// Param is the parameter that names the value, of the path or, where that has none of the name, of the query.
	Param string
}

// Part is an argument behind endpoints of its own (R8).
type Part struct {
	// Attribute is the argument that it fills.
	Attribute string
	Read      *Endpoint
	Write     *Endpoint
	// Each says that every key is read from a {name, value} list and written by a call of its own, whose path
	// parameter is named by EachParam.
	Each      bool
	EachParam string
	// Settles says that a write puts the object to work, to be waited for.
	Settles bool
	// When are the conditions under which an object has the part: Atlas refuses to read it of another.
	When []Condition
	// Members says that the elements of a list are written one by one; there is no Write then, and no Read where
	// reading the object shows them.
	Members *Members
	// AtCreation says that a creation takes the argument in its own body, so that the part is for changes only.
	AtCreation bool
}

// Members are the calls that change a list by its elements: who is in a team, where a key is assigned.
type Members struct {
	// Add makes an element and Remove takes one away. Change writes an element that pairs with a live one and differs
	// from it; where it is nil, that one is removed and the element added.
	Add, Change, Remove *Endpoint
	// Params maps path parameters to the nested attributes that fill them: of several, the first that is set. A body
	// holds none that fills a parameter of its endpoint's path.
	Params map[string][]string
	// Text is set where the elements are plain texts, and only there.
	Text *MemberText
}

// MemberText says where calls and answers hold an element that is a plain text.
type MemberText struct {
	// In is the list of texts inside the part's attribute, where that is an object; "" where it is the list.
	In string
	// Sent is the field of a body that names the element ("groupRole").
	Sent string
	// Shown is the field of the objects that the part's Read lists, where it lists objects ("username").
	Shown string
	// IDs is set where calls name an element by an id: a list of the objects that have one, each with the element's text
	// in Shown. It is asked for the element by a query parameter of that name.
	IDs *Endpoint
}

// Endpoints returns the calls that write the part.
func (p *Part) Endpoints() []*Endpoint {
	all := []*Endpoint{p.Write}
	if m := p.Members; m != nil {
		all = []*Endpoint{m.Add, m.Change, m.Remove}
	}
	return slices.DeleteFunc(all, func(e *Endpoint) bool { return e == nil })
}

// List returns the attribute whose elements are written one by one: the part's own, or the list inside it.
func (p *Part) List(kind *Kind) *Attribute {
	a := kind.Attribute(p.Attribute)
	if t := p.Members.Text; t != nil && t.In != "" {
		return Find(a.Nested, t.In)
	}
	return a
}

// Elements returns the value of List within that of the part's attribute.
func (p *Part) Elements(v cty.Value) cty.Value {
	t := p.Members.Text
	if t == nil || t.In == "" || v.IsNull() || !v.IsKnown() {
		return v
	}
	bare, marks := v.Unmark()
	return bare.GetAttr(t.In).WithMarks(marks)
}

// Operation names the writing of the part in a plan: the operationId of its call, or of the one that adds members.
func (p *Part) Operation() string { return p.Endpoints()[0].Operation }

// Settle says how an object comes to rest after a write.
type Settle struct {
	// Field is the attribute with the state's name.
	Field string
	// Creating, Busy and Deleting are states to wait in, Ready those in which a write is accepted, Failed those
	// that no waiting mends. A state in none of them is an error, never waited for.
	Creating, Busy, Deleting, Ready, Failed []string
	// Others says of Ready states in which somebody else has to act what there is to do, in a sentence: waiting does not
	// help there, and nothing is wrong.
	Others map[string]string
	// Why are the attributes, as dotted paths, that may tell why it failed: the first that is set.
	Why []string
	// First is the first pause between two reads, which doubles up to Max.
	First, Max time.Duration
	// Limit is how long waiting lasts where the file sets no timeout (R9).
	Limit time.Duration
}

// FailedBecause returns what an object of the kind says of its failure, after a colon, or "" where it says nothing.
func (k *Kind) FailedBecause(v cty.Value) string {
	if k.Settle == nil {
		return ""
	}
	for _, path := range k.Settle.Why {
		if text := firstText(v, strings.Split(path, ".")); text != "" {
			return ": " + strings.TrimSuffix(text, ".")
		}
	}
	return ""
}

// firstText returns the first text at a path of attributes, through lists.
func firstText(v cty.Value, path []string) string {
	v, _ = v.Unmark()
	switch {
	case v.IsNull() || !v.IsKnown():
		return ""
	case v.Type().IsListType():
		for _, el := range v.AsValueSlice() {
			if text := firstText(el, path); text != "" {
				return text
			}
		}
		return ""
	case len(path) > 0:
		return firstText(v.GetAttr(path[0]), path[1:])
	}
	text, _ := textOf(v)
	return text
}

// DefaultLimit is how long a write of a kind without Settle may take where the file sets no timeout (R9).
const DefaultLimit = 20 * time.Minute
