//go:build unix

package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"

	"mercator/apply/state"
	"mercator/apply/state/postgres/postgrestest"
	"mercator/apply/state/statetest"
)

// large writes a state of many resources and returns it with the size of its JSON form.
func large(t testing.TB, s *Store, resources int) (*state.State, int) {
	t.Helper()
	ctx := context.Background()
	lease, err := s.Lock(ctx, state.LockInfo{Operation: "apply"})
	if err != nil {
		t.Fatal(err)
	}
	full := state.New()
	for i := range resources {
		box := statetest.Box(t, fmt.Sprintf("n%d", i), i)
		full.Resources[box.Address] = box
	}
	if err := errors.Join(lease.Write(ctx, full), lease.Release(ctx)); err != nil {
		t.Fatal(err)
	}
	text, err := state.Encode(statetest.Catalog(t), full)
	if err != nil {
		t.Fatal(err)
	}
	return full, len(text)
}

// changeTen does what an apply does that changes ten resources, one after the other.
func changeTen(t testing.TB, s *Store) {
	t.Helper()
	ctx := context.Background()
	lease, err := s.Lock(ctx, state.LockInfo{Operation: "apply"})
	if err != nil {
		t.Fatal(err)
	}
	before, err := lease.Read(ctx)
	if err != nil {
		t.Fatal(err)
	}
	plan := make([]state.Intent, 10)
	for i := range plan {
		plan[i] = *statetest.Armed(t, "i-"+strconv.Itoa(i), statetest.Box(t, "n"+strconv.Itoa(i), 1).Address)
	}
	err = lease.Append(ctx, state.Record{Plan: plan})
	for i := range plan {
		box := statetest.Box(t, "n"+strconv.Itoa(i), int(before.Serial)+7)
		err = errors.Join(err, lease.Append(ctx, state.Record{Arm: &plan[i]}),
			lease.Append(ctx, state.Record{Bind: box}, state.Record{Done: []string{plan[i].ID}}))
	}
	after, err2 := lease.Read(ctx)
	if err := errors.Join(err, err2, lease.Write(ctx, after), lease.Release(ctx)); err != nil {
		t.Fatal(err)
	}
}

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
func TestAnApplyWritesTheStateOnce(t *testing.T) {
	s := open(t, postgrestest.Shared(t).Address, freshSchema(), statetest.NewClock())
	_, size := large(t, s, 10_000)
	before := logPosition(t)
	changeTen(t, s)
	if written := logPosition(t) - before; written > 2*int64(size) {
		t.Errorf("the server wrote %d bytes to change 10 of 10,000 resources, and the whole state has %d", written, size)
	} else {
		t.Logf("%d bytes written for a state of %d", written, size)
	}
}

// The bytes that the server writes to its log, which are what is copied to its standbys, against the state's size.
func BenchmarkChangeTen(b *testing.B) {
	for _, size := range []int{100, 10_000} {
		b.Run(fmt.Sprintf("resources=%d", size), func(b *testing.B) {
			s := open(b, postgrestest.Shared(b).Address, freshSchema(), statetest.NewClock())
			_, bytes := large(b, s, size)
			before, times := logPosition(b), 0
			for b.Loop() {
				changeTen(b, s)
				times++
			}
			b.ReportMetric(float64(logPosition(b)-before)/float64(times), "written-B/op")
			b.ReportMetric(float64(bytes), "state-B")
		})
	}
}
