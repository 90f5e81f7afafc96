// Package provider says what the engine needs of Atlas: to read objects and to make calls. The real client
// (provider/atlas) implements it; decorators here make one read-only or count and trace its calls.
//
// Errors carry a Class, which is all that the engine decides by; their text is for people.
package provider

import (
	"context"
	"errors"
	"net/url"

	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
)

// Ref names one live object of a kind.
type Ref struct {
	Kind *schema.Kind
	// Place holds the path parameters of its parent.
	Place schema.Place
	// ID is its Atlas id, where the kind has one.
	ID string
	// Key holds the values of its natural key's attributes, where it has one, and of others that its paths name.
	Key map[string]string
}

// Sweep is one whole list, verified as R7 says.
type Sweep struct {
	Objects []schema.Object
}

// Reader reads live objects. Every method returns errors of a Class.
type Reader interface {
	// List reads all objects of a kind in a place, every page, and verifies the sweep (R7). A missing place is
	// NotFound.
	List(ctx context.Context, kind *schema.Kind, place schema.Place) (Sweep, error)
	// Get reads one object: by the ref's id, or where it has none by its key. An object that is not there is NotFound.
	Get(ctx context.Context, ref Ref) (schema.Object, error)
	// Part reads one of the kind's Parts; the value has the part attribute's type.
	Part(ctx context.Context, ref Ref, part *schema.Part) (cty.Value, error)
}

// Write is one mutating call.
type Write struct {
	Ref      Ref
	Endpoint *schema.Endpoint
	// Bodies are the values to send, of the kind's object type, secrets included and marked; one, or up to
	// Endpoint.Batch. nil means a call without body. For a Part that is written key by key, see PartKey.
	Bodies []cty.Value
	// Attributes are the top-level attributes of Bodies that are sent; nil means all that are not null, handles
	// included and server-owned ones left out.
	Attributes []string
	// Part is set where the call writes a part: the body is then that attribute's value. PartKey is the key of a
	// part that is written key by key.
	Part    *schema.Part
	PartKey string
	// Member is the element that the call adds to a list, changes or removes (see [schema.Members]); NilVal for other
	// calls.
	Member cty.Value
	// Upgrade is set where the call upgrades the object. Its answer is none of the object's.
	Upgrade *schema.Upgrade
	// Secret is the id of the secret that the call revokes, of a credential that can have several.
	Secret string
	// Query are the query parameters.
	Query url.Values
}

// Writer makes mutating calls.
type Writer interface {
	// Write makes one call and returns the object that Atlas answered with, the zero Object where it answers
	// with none or with a list (see Endpoint.AnswersList); of a call that makes a secret (see schema.Rotation) the object
	// holds that and nothing else. Repeats are made only where they are safe: a creation
	// is sent once, and if its answer is lost, the error is of class Uncertain.
	Write(ctx context.Context, w Write) (schema.Object, error)
}

// Validator asks about writes without making them.
type Validator interface {
	// Validate has Atlas say what it would refuse a creation or an update for, by the kind's [schema.Validation]. The
	// write's Endpoint does not count. there says that the object exists.
	Validate(ctx context.Context, w Write, there bool) ([]Objection, error)
}

// Objection is something that Atlas would refuse a write for.
type Objection struct{ Code, Text string }

// Provider reads and writes.
type Provider interface {
	Reader
	Writer
}

// Class is what the engine decides by.
type Class int

const (
	// Unknown is an error that fits nothing else.
	Unknown Class = iota
	// NotFound: the object or its parent is not there.
	NotFound
	// Conflict: it exists already, or another object stands in the way.
	Conflict
	// Throttled: Atlas still answered 429 after the retries.
	Throttled
	// Denied: 401 or 403.
	Denied
	// Invalid: Atlas refuses what was sent (400, 406, 410).
	Invalid
	// Transient: 5xx or a broken connection, after the retries; nothing was done, or a repeat does no harm.
	Transient
	// Uncertain: the answer to a call that may not be repeated was lost: it may have been carried out.
	Uncertain
)

// Error is a failed call.
type Error struct {
	Class Class
	// Status is the HTTP status, 0 where no answer came.
	Status int
	// Code and Detail are Atlas's errorCode and detail, secrets masked.
	Code, Detail string
	// Call is "POST /api/atlas/v2/groups", Operation its operationId.
	Call, Operation string
	// Remedy says what to do, "" where nothing is known.
	Remedy string
	// Err is the cause where no answer came.
	Err error
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// ClassOf returns the class of err, Unknown for an error that is not a call's.
func ClassOf(err error) Class {
	var e *Error
	if errors.As(err, &e) {
		return e.Class
	}
	return Unknown
}

// IsNotFound reports whether err says that the object is not there.
func IsNotFound(err error) bool { return ClassOf(err) == NotFound }
