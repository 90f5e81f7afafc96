// Package state keeps what Mercator remembers between runs: which live object belongs to which address, what
// was last applied, and what an unfinished apply was about to do.
//
// A [State] is a value. A [Store] keeps one, behind a lease so that one apply at a time changes it, with an
// append-only journal beside it: what an apply intends and what came of it is durable before the next call, and
// is folded into the state at the end or by the next run (R26). Backends live in sub-packages and all run the
// conformance suite in statetest.
package state

import (
	"context"
	"fmt"
	"time"

	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
)

// FormatVersion is the version of the state's JSON form. A state with a higher one is refused.
const FormatVersion = 1

// State is everything that is remembered.
type State struct {
	// Lineage is a UUID made with the state's first write: two states with different ones have nothing in common.
	Lineage string
	// Serial rises with every write that changes anything.
	Serial uint64
	// Connections are the organizations behind the connections, by connection name (R5).
	Connections map[string]Connection
	Resources   map[schema.Address]*schema.Bound
	Outputs     map[string]Output
	// Intents are the calls of an apply that did not finish, in the order of its plan (R26). A state at rest has none.
	Intents []Intent
}

// Connection is what is recorded of a connection; never credentials (R5).
type Connection struct {
	OrgID             string `json:"org_id"`
	BaseURL           string `json:"base_url"`
	CredentialsPrefix string `json:"credentials_prefix,omitempty"`
}

// Output is an output's last applied value; a sensitive one is remembered by name only (R40).
type Output struct {
	Value     cty.Value
	Sensitive bool
}

// Intent is one call that an apply means to make, see [schema.Intent].
type Intent = schema.Intent

// Record is one line of the journal: exactly one field besides Fence is set.
type Record struct {
	// Fence is the lease's fencing number; a record with a lower one than an earlier record is not folded in.
	Fence uint64
	// Plan lists all that an apply will do; it replaces the intents that were open before.
	Plan []Intent
	// Arm replaces the intent of the same ID: its call may be sent from now on.
	Arm *Intent
	// Bind puts or replaces what is remembered of one resource.
	Bind *schema.Bound
	// Done ends the intents with these IDs.
	Done []string
	// Drop forgets resources.
	Drop []schema.Address
	// Outputs replaces the outputs.
	Outputs map[string]Output
	// Connections replaces what is recorded of the connections.
	Connections map[string]Connection
}

// Capabilities are what a store can promise (R34).
type Capabilities struct {
	// Lease: a lock expires when its holder dies.
	Lease bool
	// CompareAndSwap: a write by a holder that lost its lock is refused.
	CompareAndSwap bool
	// Journal: records are durable one by one; without it the state is written whole at intervals.
	Journal bool
	// Unguarded says why a lock keeps nobody out as the store is set up, and what would; "" where it does.
	Unguarded string
}

// Store keeps one state.
type Store interface {
	Capabilities() Capabilities
	// Read returns the state with its journal folded in, without a lock; a new, empty State where none was
	// written yet.
	Read(ctx context.Context) (*State, error)
	// Lock takes the lease, or returns a *LockedError at once. info says who asks; ID, Fence and times are
	// filled in by the store.
	Lock(ctx context.Context, info LockInfo) (Lease, error)
	// Holder returns who holds the lease, nil if nobody does.
	Holder(ctx context.Context) (*LockInfo, error)
	// Unlock takes the lease with that id away from whoever holds it.
	Unlock(ctx context.Context, id string) error
}

// Lease is the right to change the state, until it is released or expires.
type Lease interface {
	Info() LockInfo
	// Read returns the state with its journal folded in.
	Read(ctx context.Context) (*State, error)
	// Renew extends the lease, or returns a *LostError.
	Renew(ctx context.Context) error
	// Append adds records to the journal, durable when it returns, and sets their fence. It returns a
	// *LostError, having written nothing, when the lease was lost; after another error the records may be there
	// or not, and appending them again does no harm. A store without a journal returns an error; see [Recorder].
	Append(ctx context.Context, records ...Record) error
	// Write replaces the state atomically and empties the journal. It sets Serial and, on the first write,
	// Lineage. A state that changed nothing is not written. It returns a *LostError when the lease was lost, and
	// an error when s was read at another serial than the stored one (see [Succeed]).
	Write(ctx context.Context, s *State) error
	// Release ends the lease. Releasing a lost lease is no error.
	Release(ctx context.Context) error
}

// LockInfo says who holds a lease, in the words that a person who waits wants to read.
type LockInfo struct {
	ID string `json:"id"`
	// Operation is the command: "apply".
	Operation string `json:"operation"`
	// Who is user@host; PID its process; Job the URL of the CI job and Commit its revision, where there is one.
	Who    string `json:"who"`
	PID    int    `json:"pid"`
	Job    string `json:"job,omitempty"`
	Commit string `json:"commit,omitempty"`
	// Version is Mercator's.
	Version string    `json:"version"`
	Since   time.Time `json:"since"`
	// Renewed and Expires are zero in a store without leases, as is whatever else a store cannot tell of a holder.
	Renewed time.Time `json:"renewed,omitzero"`
	Expires time.Time `json:"expires,omitzero"`
	// Fence is the fencing number: one more than that of the holder before.
	Fence uint64 `json:"fence"`
	// Quiet is when the calls to Atlas of earlier holders, who died or were sent away, are certainly over; zero
	// where they are now.
	Quiet time.Time `json:"quiet,omitzero"`
}

// The times of a lease (R28).
const (
	LeaseLength = 60 * time.Second
	RenewEvery  = 15 * time.Second
	// CallLimit bounds one call to Atlas.
	CallLimit = 30 * time.Second
	// Skew is how far the clocks of two holders may be apart.
	Skew = 60 * time.Second
)

// LockedError says that somebody else holds the lease.
type LockedError struct{ Holder LockInfo }

// Error names the holder.
func (e *LockedError) Error() string {
	h := e.Holder
	text := "the state is locked by " + h.Who
	switch {
	case h.Operation != "" && h.PID != 0:
		text += fmt.Sprintf(" (%s, process %d)", h.Operation, h.PID)
	case h.Operation != "":
		text += fmt.Sprintf(" (%s)", h.Operation)
	}
	if !h.Since.IsZero() {
		text += " since " + h.Since.Format(time.RFC3339)
	}
	if !h.Renewed.IsZero() {
		text += ", last renewed " + h.Renewed.Format(time.RFC3339)
	}
	if h.Job != "" {
		text += ", job " + h.Job
	}
	if h.ID != "" {
		text += "; lock id " + h.ID
	}
	return text
}

// LostError says that the lease ran out or was taken away.
type LostError struct{ Reason string }

// Error says why.
func (e *LostError) Error() string { return "the state's lock was lost: " + e.Reason }
