package s3

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"mercator/apply/state"
	"mercator/apply/state/s3/s3test"
	"mercator/apply/state/statetest"
)

// In a bucket with versioning every state that was written can be looked at.
func TestHistory(t *testing.T) {
	ctx := context.Background()
	for name, start := range map[string]func(testing.TB) *s3test.Server{"with versioning": s3test.StartVersioned, "without": s3test.Start} {
		t.Run(name, func(t *testing.T) {
			r := &rig{T: t, server: start(t), key: "k.json", clock: statetest.NewClock()}
			var store state.Historian = r.direct()
			if versions, err := store.History(ctx); len(versions) > 0 || err != nil {
				t.Errorf("the history of nothing: %v, %v", versions, err)
			}
			const writes = 4
			for n := range writes {
				l, err := r.direct().Lock(ctx, state.LockInfo{Operation: "apply", Who: "jürgen@host"})
				r.must(err)
				r.must(errors.Join(l.Append(ctx, r.bind(fmt.Sprint("b", n))), fold(ctx, l), l.Append(ctx, r.bind("later")), l.Release(ctx)))
			}
			want := writes
			if name == "without" {
				want = 1
			}
			versions, err := store.History(ctx)
			r.must(err)
			if len(versions) != want {
				t.Fatalf("%d versions, want %d: %+v", len(versions), want, versions)
			}
			for i, v := range versions {
				old, err := store.Version(ctx, v.Serial)
				r.must(err)
				text, err := state.Encode(statetest.Catalog(t), old)
				r.must(err)
				if v.Serial != uint64(writes-i) || old.Serial != v.Serial || v.Lineage != old.Lineage || v.Who != "jürgen@host" ||
					v.Size != int64(len(text)) || time.Since(v.At).Abs() > time.Hour || v.At.Location() != time.UTC {
					t.Errorf("version %d is %+v, and holds serial %d of %q in %d bytes", i, v, old.Serial, old.Lineage, len(text))
				}
			}
			var none *state.NotKeptError
			if _, err := store.Version(ctx, 9); !errors.As(err, &none) || none.Serial != 9 {
				t.Errorf("a state that is not kept: %v", err)
			}
		})
	}
}

// A state that somebody put there by hand has no notes, and is looked into.
func TestHistoryOfAStatePutByHand(t *testing.T) {
	ctx := context.Background()
	r := newRig(t)
	st := statetest.Full(t)
	st.Lineage, st.Serial = "0b5f0000-0000-4000-8000-000000000000", 7
	data, err := state.Encode(statetest.Catalog(t), st)
	r.must(err)
	s := r.direct()
	b, err := s.connect(ctx)
	r.must(err)
	_, err = b.put(ctx, r.key, data, nil, nil)
	r.must(err)
	versions, err := s.History(ctx)
	r.must(err)
	if len(versions) != 1 || versions[0].Serial != 7 || versions[0].Lineage != st.Lineage || versions[0].Who != "" {
		t.Errorf("%+v", versions)
	}
}
