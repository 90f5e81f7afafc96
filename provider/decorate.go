package provider

import (
	"context"
	"errors"

	"mercator/schema"
)

// ErrReadOnly is the cause of every write through [ReadOnly].
var ErrReadOnly = errors.New("this run only reads: it makes no call that changes anything in Atlas")

// ReadOnly returns a provider that reads through p and refuses every write, so that a plan cannot change
// anything whatever its code does.
func ReadOnly(p Reader) Provider { return readOnly{p} }

type readOnly struct{ Reader }

// Write implements Writer by refusing.
func (readOnly) Write(_ context.Context, w Write) (schema.Object, error) {
	err := &Error{Class: Denied, Call: "a write", Err: ErrReadOnly}
	if w.Endpoint != nil {
		err.Call, err.Operation = w.Endpoint.Method+" "+w.Endpoint.Path, w.Endpoint.Operation
	}
	return schema.Object{}, err
}

type guardKey struct{}

// WithGuard returns a context under which guard is asked right before each request is sent, reads and repeats
// included; where it fails, nothing is sent. The holder of a lock proves that way that it still holds it, after
// whatever wait for rate limits came first, and who lost it does not even look any more (R28). Without a guard a
// Write ends, repeats included, within the time limit of one call.
func WithGuard(ctx context.Context, guard func(context.Context) error) context.Context {
	return context.WithValue(ctx, guardKey{}, guard)
}

// Guard returns the context's guard, or nil.
func Guard(ctx context.Context) func(context.Context) error {
	guard, _ := ctx.Value(guardKey{}).(func(context.Context) error)
	return guard
}
