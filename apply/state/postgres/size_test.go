//go:build unix

package postgres

import (
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"

	"mercator/apply/state/postgres/postgrestest"
	"mercator/apply/state/statetest"
)

// logPosition returns how many bytes the server has written to its log of changes so far.
func logPosition(t testing.TB) int64 {
	t.Helper()
	n, err := strconv.ParseInt(postgrestest.Shared(t).Query(t, `SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint::text`)[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// What an apply costs the database does not grow with the number of its changes times the size of the state.
func TestWhatAnApplyWrites(t *testing.T) {
	var queries atomic.Int64
	proxy := postgrestest.NewProxy(t, postgrestest.Shared(t).Address, func(query string) postgrestest.Action {
		if query != postgrestest.Connect {
			queries.Add(1)
		}
		return postgrestest.Pass
	})
	s := open(t, proxy.Address, freshSchema(), statetest.NewClock())
	const boxes, changes = 10_000, 10
	size := statetest.Fill(t, s, boxes)
	asked, position := queries.Load(), logPosition(t)
	statetest.Change(t, s, changes)
	asked, written := queries.Load()-asked, logPosition(t)-position
	t.Logf("postgres: a state of %d bytes, %d bytes written to the server's log in %d queries", size, written, asked)
	const appends, fixed = 1 + 2*changes, 8 // connect, look and take; read; replace in two; release
	if written > 2*int64(size) || asked > appends+fixed {
		t.Errorf("the server wrote %d bytes in %d queries to change %d of %d resources, and the whole state has %d", written, asked, changes, boxes, size)
	}
}

// The bytes that the server writes to its log, which are what is copied to its standbys, against the state's size.
func BenchmarkChangeTen(b *testing.B) {
	for _, size := range []int{100, 10_000} {
		b.Run(fmt.Sprintf("resources=%d", size), func(b *testing.B) {
			s := open(b, postgrestest.Shared(b).Address, freshSchema(), statetest.NewClock())
			bytes := statetest.Fill(b, s, size)
			before, times := logPosition(b), 0
			for b.Loop() {
				statetest.Change(b, s, 10)
				times++
			}
			b.ReportMetric(float64(logPosition(b)-before)/float64(times), "written-B/op")
			b.ReportMetric(float64(bytes), "state-B")
		})
	}
}
