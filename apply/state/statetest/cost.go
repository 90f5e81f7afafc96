package statetest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"mercator/apply/state"
	"mercator/schema"
)

// Fill has a store that holds nothing remember the boxes n0, n1 and so on. It returns how many bytes the state has.
func Fill(t testing.TB, store state.Store, boxes int) int {
	t.Helper()
	ctx := context.Background()
	lease, err := store.Lock(ctx, state.LockInfo{Operation: "apply"})
	if err != nil {
		t.Fatal(err)
	}
	full := state.New()
	for i := range boxes {
		b := Box(t, fmt.Sprintf("n%d", i), i)
		full.Resources[b.Address] = b
	}
	if err := errors.Join(lease.Write(ctx, full), lease.Release(ctx)); err != nil {
		t.Fatal(err)
	}
	text, err := state.Encode(Catalog(t), full)
	if err != nil {
		t.Fatal(err)
	}
	return len(text)
}

// Changes returns what an apply records that gives the first boxes another size: the plan, and for each box what is
// recorded before its call and what after it.
func Changes(t testing.TB, boxes, size int) (plan state.Record, before []state.Record, after [][]state.Record) {
	t.Helper()
	for i := range boxes {
		name := fmt.Sprintf("n%d", i)
		armed := Armed(t, "i-"+name, schema.Address("").Child("box", name))
		plan.Plan = append(plan.Plan, state.Intent{
			ID: armed.ID, Address: armed.Address, Kind: armed.Kind, Connection: armed.Connection, Verb: armed.Verb,
			Place: armed.Place, Content: cty.NullVal(armed.Content.Type()),
		})
		before = append(before, state.Record{Arm: armed})
		after = append(after, []state.Record{{Bind: Box(t, name, size)}, {Done: []string{armed.ID}}})
	}
	return plan, before, after
}

// Change does to a store with a journal what an apply does that changes the first boxes one after the other, in calls
// that take more than a second each: every record is durable by itself, and at the end the state is replaced.
func Change(t testing.TB, store state.Store, boxes int) {
	t.Helper()
	ctx := context.Background()
	lease, err := store.Lock(ctx, state.LockInfo{Operation: "apply"})
	if err != nil {
		t.Fatal(err)
	}
	s, err := lease.Read(ctx)
	if err != nil {
		t.Fatal(err)
	}
	plan, before, after := Changes(t, boxes, -1-int(s.Serial)) // a size that no box has yet
	all := []state.Record{plan}
	err = lease.Append(ctx, plan)
	for i := range before {
		err = errors.Join(err, lease.Append(ctx, before[i]), lease.Append(ctx, after[i]...))
		all = append(append(all, before[i]), after[i]...)
	}
	if err := errors.Join(err, lease.Write(ctx, state.Fold(s, all)), lease.Release(ctx)); err != nil {
		t.Fatal(err)
	}
}
