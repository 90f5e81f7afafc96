package state

import (
	"context"
	"fmt"
	"time"
)

// Historian is a [Store] that keeps earlier states, to look back at and to go back to. Not every store does.
type Historian interface {
	Store
	// History lists the states that are kept, the newest first, which is the current one without its journal.
	History(ctx context.Context) ([]Version, error)
	// Version returns a state that is kept as it was written, without a journal, or a *NotKeptError.
	Version(ctx context.Context, serial uint64) (*State, error)
}

// Version says of a state that was written which one it is, and how it came about.
type Version struct {
	Serial  uint64 `json:"serial"`
	Lineage string `json:"lineage"`
	// At is when it was written, by the clock of the store, in UTC.
	At time.Time `json:"at"`
	// Who wrote it, user@host; "" where the store does not know.
	Who string `json:"who,omitempty"`
	// Size is that of its JSON form, in bytes.
	Size int64 `json:"size"`
}

// NotKeptError says that a store has no state of that serial, or none any more.
type NotKeptError struct{ Serial uint64 }

// Error says where to find which ones there are.
func (e *NotKeptError) Error() string {
	return fmt.Sprintf("the state with serial %d is not kept; mercator state history lists those that are", e.Serial)
}
