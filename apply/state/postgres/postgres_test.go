//go:build unix

package postgres

import (
	"fmt"
	"sync/atomic"
	"testing"

	"mercator/apply/state"
	"mercator/apply/state/postgres/postgrestest"
	"mercator/apply/state/statetest"
)

var schemas atomic.Int64

// freshSchema returns the name of a schema that no other test uses.
func freshSchema() string { return fmt.Sprintf("mercator %d", schemas.Add(1)) }

// open opens a store at an address whose leases go by the test's clock.
func open(t testing.TB, address, schema string, clock state.Clock) *Store {
	t.Helper()
	s, err := New(Config{ConnString: postgrestest.Shared(t).ConnString(address), Schema: schema}, statetest.Catalog(t), clock, ByItsClock())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestConformance(t *testing.T) {
	server := postgrestest.Shared(t)
	for name, address := range map[string]string{"direct": server.Address, "through PgBouncer": server.PoolerAddress} {
		t.Run(name, func(t *testing.T) {
			statetest.Run(t, func(*testing.T) statetest.Opener {
				schema := freshSchema()
				return func(t *testing.T, clock state.Clock) state.Store { return open(t, address, schema, clock) }
			})
		})
	}
}
