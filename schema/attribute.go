package schema

import (
	"regexp"
	"slices"

	"github.com/zclconf/go-cty/cty"
)

// Type is the type of an attribute's value.
type Type int

const (
	// TypeString is text.
	TypeString Type = iota + 1
	// TypeNumber is any JSON number.
	TypeNumber
	// TypeInteger is a whole JSON number.
	TypeInteger
	// TypeBool is true or false.
	TypeBool
	// TypeTime is text in RFC 3339, compared by the instant it names.
	TypeTime
	// TypeObject has the attributes in Nested, each of them null where it is not set.
	TypeObject
	// TypeList has elements with the attributes in Nested, or of the primitive type Of; its Elem says how they pair.
	TypeList
	// TypeMap has free keys and primitive values of type Of; it is owned whole (R11).
	TypeMap
	// TypeTypePairs is a map of strings that the API writes as an array of {"key", "value"} objects (tags, labels).
	TypePairs
	// TypeJSON is a JSON document. It is held as text and compared by what it means, see [CanonicalJSON]; a file may
	// also write it as a value.
	TypeJSON
)

// Owner says who decides about a value.
type Owner int

const (
	// Config: the file decides; what it leaves out Atlas keeps or fills in, and that is never a difference.
	Config Owner = iota
	// Server: Atlas decides; the file cannot set it. Its value is known once the object exists.
	Server
)

// Attribute is one argument of a kind, or one field that Atlas owns.
type Attribute struct {
	// Name is the argument, in snake_case.
	Name string
	// API is the JSON field; Declare derives it from Name where it is empty.
	API string
	// Answers are the JSON fields of answers, where they are others than that of requests: the first that is set counts.
	Answers []string
	// Doc says what it does, in a sentence.
	Doc  string
	Type Type
	// Of is the primitive type of a List's or a Map's elements; zero where Nested says what they are.
	Of     Type
	Nested []Attribute
	// Elem says how the elements of a List pair (R12).
	Elem Elem
	// Networks says which attributes of a top-level List's elements name a network; nil for other lists.
	Networks *Networks

	Owner    Owner
	Required bool
	// Immutable says that Atlas cannot change it: a difference means replacement.
	Immutable bool
	// AtBirth says that an object which lives without it cannot get it any more; one that has it takes another.
	AtBirth bool
	// WriteOnly marks a secret: sent, never read back nor stored; state keeps a hash.
	WriteOnly bool
	// Unread says that Atlas takes the value and never shows it. It is what was last applied, so that only the file
	// changes it.
	Unread bool
	// Masked says of a WriteOnly secret, outside of lists, that Atlas shows it starred while it holds one. Where it shows
	// none, the secret is not there.
	Masked bool
	// OnceShown marks a secret that Atlas shows in one answer only (R33).
	OnceShown bool
	// Protects marks a flag that, while it is on in Atlas, makes Atlas refuse a deletion.
	Protects bool
	// DestroyTime marks an argument that only a deletion uses; it is recorded, never sent otherwise (R18).
	DestroyTime bool
	// Initial marks an argument that only a creation takes, or what makes a new secret. Atlas does not show it, so it is
	// recorded and never compared.
	Initial bool
	// Handle marks an id that is never compared and always sent back as read.
	Handle bool
	// Embedded says that a JSON document stands in requests and answers as it is, and not as a text that holds it.
	Embedded bool
	// Volatile says that an update of the resource can change this computed value, so that it is unknown in the
	// plan of an update (R40).
	Volatile bool
	// Virtual marks an argument that exists in the language only: a Normalize hook rewrites it (R38).
	Virtual bool
	// Later says that a creation leaves it out; an update sends it once the object is ready, or when a Steps hook says.
	Later bool

	// Restless says why Atlas changes the value by itself, in a sentence that is told with its drift.
	Restless string

	// Default is what Atlas takes where the file says nothing. It fills natural keys (see [Kind.Normalize]) and the
	// comparison by exact content (R3); no other default is ever sent.
	Default cty.Value
	// Filled says that Atlas fills in a value of its own choice where the file says nothing, so that it does not
	// count in a comparison by exact content.
	Filled bool
	// DefaultBy takes the default from another attribute.
	DefaultBy *DefaultBy
	// Enum are the known values, compared without case; an unknown one is a warning (R19). Ordered enums
	// (instance sizes) stand in rising order.
	Enum []string
	// AnyCase says that a text, or the texts in a list, are compared without case (an e-mail address).
	AnyCase bool
	// Min and Max bound a number, MaxLen a string's characters, MinItems the elements of a list; nil and 0 mean no
	// bound.
	Min, Max *float64
	MaxLen   int
	MinItems int
	// Forms are the API fields of a text that Atlas takes under a name that depends on its shape (an access-list
	// entry is an ipAddress, a cidrBlock or an awsSecurityGroup). A request has the first form whose pattern fits;
	// an answer is read from the first that is set. With Forms, API is not used.
	Forms []Form
	// FromPlace names the path parameter of the object's Place that fills the attribute in a request, for ids that
	// Atlas wants in the body too (orgId); such an attribute is the Server's.
	FromPlace string
	// AllowedWhen lists what must hold among the sibling attributes for this one to be set, and RequiredWhen what
	// makes it necessary for a creation; see [Kind.Misfits].
	AllowedWhen, RequiredWhen []Condition
	// Refers says that the text names another resource, which orders like a reference (R21).
	Refers []Refer
	// Within bounds a Time to the near future (R39).
	Within *Horizon

	ty cty.Type // CtyType's answer, once a catalog has been made
}

// Form is one API field of an attribute with Forms.
type Form struct {
	API string
	// Answer is the field of answers, where it is another one.
	Answer string
	// Pattern is a regular expression that the whole text must match, and When what the sibling attributes must be.
	Pattern string
	When    []Condition

	re *regexp.Regexp // Pattern, once a catalog has been made
}

func (f *Form) compile() (*regexp.Regexp, error) { return regexp.Compile(`^(?:` + f.Pattern + `)$`) }

func (f *Form) fits(text string) bool {
	re := f.re
	if re == nil {
		var err error
		if re, err = f.compile(); err != nil {
			return false
		}
	}
	return re.MatchString(text)
}

// fields are the JSON fields that the attribute is read from, in the order in which they are tried.
func (a *Attribute) fields(n Naming) []string {
	if n == ByName || a.Forms == nil && a.Answers == nil {
		return []string{n.of(a)}
	}
	names := slices.Clone(a.Answers)
	for _, f := range a.Forms {
		names = append(names, f.API)
		if f.Answer != "" {
			names = append(names, f.Answer)
		}
	}
	if a.Forms == nil {
		names = append(names, a.API)
	}
	return names
}

// fieldIn returns the JSON field of an answer that the attribute is read from, and how many of its fields are there.
func (a *Attribute) fieldIn(j map[string]any) (field string, there int) {
	for _, name := range a.fields(ByAPI) {
		v, ok := j[name]
		if !ok {
			continue
		}
		there++
		if v != nil && (field == "" || j[field] == nil) {
			field = name
		}
	}
	return field, there
}

// ReadFrom reports whether the attribute is read from a JSON field of answers.
func (a *Attribute) ReadFrom(field string) bool { return slices.Contains(a.fields(ByAPI), field) }

// Condition holds where the sibling attribute has one of the values, compared without case; a sibling that is
// not set counts with its default. Without Values it holds where the sibling is set, or with Unset where it is not: a
// list or map without elements counts as not set. With both, either is enough.
type Condition struct {
	Attribute string
	Values    []string
	Unset     bool
	// What follows is not for the siblings of an argument. Network asks in place of Values for a network of a certain width.
	Network *Prefixes
	// Past asks in place of Values for a Time that is not in the future.
	Past bool
	// Some and Every look into an object, or at each element of a list: whether all of these conditions hold of it, or
	// of one element; with Every, of each element.
	Some, Every []Condition
}

// Prefixes bounds the prefix length of a network, least and most, for either version of IP. Private networks (RFC
// 1918, RFC 4193) are outside of all bounds: they are reached through a peering only.
type Prefixes struct {
	IPv4, IPv6 [2]int
}

// DefaultBy is a default that depends on other attributes: the first case whose attribute is set to something
// else than one of the Unset values gives Then; with none, Else.
type DefaultBy struct {
	Attributes []string
	Unset      string
	Then, Else string
	// Cases are exceptions: attribute, value, default ("oidc_auth_type", "IDP_GROUP", "admin").
	Cases [][3]string
}

// Refer names a kind whose natural key the text may be, or a singleton that it asks for.
type Refer struct {
	Kind string
	// Attribute is the referred kind's key attribute, "" for a singleton, and Of then are the texts that ask for it.
	Attribute string
	Of        []string
	// When limits the reference to elements whose sibling attribute has a value ("type": "CLUSTER").
	When map[string]string
}

// Horizon bounds a time from the run's Now: not sooner than Soonest, not later than Latest, as durations.
type Horizon struct {
	Soonest, Latest string
}

// Elem says what identifies an element of a list (R12). Elements pair by equality, then by key, then, in an
// ordered list, by position; each of them once.
type Elem struct {
	// Key are the nested attributes that identify an element.
	Key []string
	// Ordinal adds the element's number among those with the same key.
	Ordinal bool
	// Tag names the nested attribute whose value chooses the further key attributes in Tags.
	Tag  string
	Tags map[string][]string
	// Whole says that the whole value identifies the element, and that an absent field is a value.
	Whole bool
	// Ordered says that the order has a meaning.
	Ordered bool
}

// Argument reports whether a file can set the attribute.
func (a *Attribute) Argument() bool { return a.Owner == Config && !a.Handle }

// CtyType returns the type of the attribute's values.
func (a *Attribute) CtyType() cty.Type {
	if a.ty != cty.NilType {
		return a.ty
	}
	switch a.Type {
	case TypeObject:
		return ObjectType(a.Nested)
	case TypeList:
		return cty.List(a.elemType())
	case TypeMap:
		return cty.Map(primitive(a.Of))
	case TypePairs:
		return cty.Map(cty.String)
	default:
		return primitive(a.Type)
	}
}

func (a *Attribute) elemType() cty.Type {
	if a.Nested != nil {
		return ObjectType(a.Nested)
	}
	return primitive(a.Of)
}

func primitive(t Type) cty.Type {
	switch t {
	case TypeNumber, TypeInteger:
		return cty.Number
	case TypeBool:
		return cty.Bool
	default:
		return cty.String
	}
}

// ObjectType returns the object type with the given attributes.
func ObjectType(attrs []Attribute) cty.Type {
	types := make(map[string]cty.Type, len(attrs))
	for i := range attrs {
		types[attrs[i].Name] = attrs[i].CtyType()
	}
	return cty.Object(types)
}

// Find returns the attribute of the given name, or nil.
func Find(attrs []Attribute, name string) *Attribute {
	for i := range attrs {
		if attrs[i].Name == name {
			return &attrs[i]
		}
	}
	return nil
}
