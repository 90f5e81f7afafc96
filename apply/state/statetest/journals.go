package statetest

import (
	"context"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"mercator/apply/state"
	"mercator/schema"
)

// records are what an apply that creates box.new would append, of every sort.
func (s *suite) records() []state.Record {
	planned := state.Intent{ID: "i-1", Address: "box.new", Kind: "box", Verb: schema.CallCreate,
		Content: cty.NullVal(Catalog(s).Kind("box").Type())}
	other := planned
	other.ID, other.Address = "i-2", "box.other"
	return []state.Record{
		{Plan: []state.Intent{planned, other}},
		{Connections: map[string]state.Connection{"": {OrgID: "o1", BaseURL: "https://cloud.example"}}},
		{Arm: Armed(s, "i-1", "box.new")},
		{Bind: Box(s, "new", 1)},
		{Done: []string{"i-1"}},
		{Drop: []schema.Address{"box.old"}},
		{Outputs: map[string]state.Output{"n": {Value: cty.NumberIntVal(1)}}},
	}
}

func journalIsRead(s *suite) {
	ctx := context.Background()
	want := s.write(func(got *state.State) { got.Resources["box.old"] = Box(s, "old", 1) })
	lease := s.lock("writer@host")
	for _, r := range s.records() {
		s.must(lease.Append(ctx, r))
		want = state.Fold(want, []state.Record{r})
		s.same(want, s.read())
	}
	s.must(lease.Release(ctx))
}

func journalIsFolded(s *suite) {
	ctx := context.Background()
	for _, base := range []string{"none", "some"} {
		if base == "some" {
			s.write(func(got *state.State) { got.Resources["box.old"] = Box(s, "old", 1) })
		}
		before := s.read()
		killed := s.lock("killed@host")
		s.must(killed.Append(ctx, s.records()[:3]...))
		s.must(s.handle().Unlock(ctx, killed.Info().ID))

		next := s.lock("next@host")
		got, err := next.Read(ctx)
		s.must(err)
		want := state.Fold(before, s.records()[:3])
		s.same(want, got)
		if len(got.Intents) != 2 || !got.Intents[0].Armed {
			s.Errorf("the next run inherits %+v, want two intents, the first armed", got.Intents)
		}
		s.must(next.Append(ctx, s.records()[3:]...)) // goes on where the first was killed
		want = state.Fold(want, s.records()[3:])
		s.same(want, s.read())
		s.must(next.Write(ctx, want))
		if want.Serial != before.Serial+1 {
			s.Errorf("serial %d after %d", want.Serial, before.Serial)
		}
		s.same(want, s.read())
		s.must(next.Append(ctx, state.Record{Bind: Box(s, "later", 1)}))
		s.same(state.Fold(want, []state.Record{{Bind: Box(s, "later", 1)}}), s.read())
		s.must(next.Release(ctx))
	}
}

// What an apply planned and ended without changing anything is folded in without a write.
func journalOfNothing(s *suite) {
	ctx := context.Background()
	before := s.write(func(got *state.State) { got.Resources["box.a"] = Box(s, "a", 1) })
	lease := s.lock("idle@host")
	s.must(lease.Append(ctx, s.records()[0], state.Record{Done: []string{"i-1", "i-2"}}))
	got, err := lease.Read(ctx)
	s.must(err)
	s.must(lease.Write(ctx, got))
	s.same(before, got)
	s.must(lease.Append(ctx, state.Record{Bind: Box(s, "b", 1)}))
	s.same(state.Fold(before, []state.Record{{Bind: Box(s, "b", 1)}}), s.read())
	s.must(lease.Release(ctx))
}

func journalRefusesSecrets(s *suite) {
	lease := s.lock("careless@host")
	err := lease.Append(context.Background(), state.Record{Bind: withTags(s, cty.StringVal("CANARY").Mark(schema.Sensitive))})
	if err == nil || strings.Contains(err.Error(), "CANARY") {
		s.Errorf("appending a secret: %v", err)
	}
	s.same(state.New(), s.read())
	s.must(lease.Release(context.Background()))
}

func concurrentAppenders(s *suite) {
	const workers, each = 8, 10
	lease := s.lock("busy@host")
	want := state.New()
	for i := range workers {
		for j := range each {
			b := Box(s, boxName(i, j), j)
			want.Resources[b.Address] = b
		}
	}
	concurrently(workers, func(i int) {
		for j := range each {
			if err := lease.Append(context.Background(), state.Record{Bind: Box(s, boxName(i, j), j)}); err != nil {
				s.Error(err)
			}
		}
	})
	s.same(want, s.read())
	s.must(lease.Release(context.Background()))
}

// A reader without a lock always finds at least what was durable when it began, whatever the writer does.
func readWhileWriting(s *suite) {
	const rounds = 30
	lease := s.lock("writer@host")
	durable := make(chan int, 2*rounds+1)
	durable <- 0
	go func() {
		defer close(durable)
		ctx := context.Background()
		for n := 1; n <= rounds; n++ {
			if err := lease.Append(ctx, state.Record{Bind: Box(s, boxName(0, n), n)}); err != nil {
				s.Error(err)
				return
			}
			durable <- n
			if n%3 != 0 {
				continue
			}
			got, err := lease.Read(ctx)
			if err == nil {
				err = lease.Write(ctx, got)
			}
			if err != nil {
				s.Error(err)
				return
			}
			durable <- n
		}
	}()
	reader := s.handle()
	for n := range durable {
		got, err := reader.Read(context.Background())
		s.must(err)
		for i := 1; i <= n; i++ {
			if got.Resources[schema.Address("").Child("box", boxName(0, i))] == nil {
				s.Fatalf("box %d was durable before this read and is not in it; %d are", i, len(got.Resources))
			}
		}
	}
	s.must(lease.Release(context.Background()))
}
