//go:build unix

package postgres

import (
	"context"
	"errors"
	"testing"
	"time"

	"mercator/apply/state"
	"mercator/apply/state/postgres/postgrestest"
	"mercator/apply/state/statetest"
)

func TestHistory(t *testing.T) {
	ctx := context.Background()
	clock := statetest.NewClock()
	server := postgrestest.Shared(t)
	s, err := New(Config{ConnString: server.ConnString(server.PoolerAddress), Schema: freshSchema(), Keep: 3}, statetest.Catalog(t), clock, ByItsClock())
	if err != nil {
		t.Fatal(err)
	}
	var store state.Historian = s
	for range 5 {
		clock.Advance(state.RenewEvery)
		if err := writeOne(ctx, t, s); err != nil {
			t.Fatal(err)
		}
	}
	lease, err := s.Lock(ctx, state.LockInfo{})
	if err == nil { // what is in the journal is no version yet
		err = errors.Join(lease.Append(ctx, state.Record{Bind: statetest.Box(t, "later", 1)}), lease.Release(ctx))
	}
	now, err2 := s.Read(ctx)
	versions, err3 := store.History(ctx)
	if err := errors.Join(err, err2, err3); err != nil {
		t.Fatal(err)
	}
	if len(versions) != 3 {
		t.Fatalf("of 5 versions 3 are to be kept, and there are %+v", versions)
	}
	for i, v := range versions {
		old, err := store.Version(ctx, v.Serial)
		if err != nil {
			t.Fatal(err)
		}
		text, err := state.Encode(statetest.Catalog(t), old)
		if err != nil {
			t.Fatal(err)
		}
		at := clock.Now().Add(-time.Duration(i) * state.RenewEvery)
		if v.Serial != uint64(5-i) || old.Serial != v.Serial || len(old.Resources) != 5-i || v.Lineage != now.Lineage ||
			!v.At.Equal(at) || v.Who != "writer@host" || v.Size != int64(len(text)) {
			t.Errorf("version %d is %+v and holds %d resources in %d bytes", i, v, len(old.Resources), len(text))
		}
	}
	var none *state.NotKeptError
	for _, serial := range []uint64{0, 2, 6} {
		if _, err := store.Version(ctx, serial); !errors.As(err, &none) || none.Serial != serial {
			t.Errorf("serial %d, which is not kept: %v", serial, err)
		}
	}
}

// States under other names in the same schema have nothing to do with each other.
func TestNamesKeepStatesApart(t *testing.T) {
	ctx := context.Background()
	server := postgrestest.Shared(t)
	schema := freshSchema()
	named := func(name string) *Store {
		s, err := New(Config{ConnString: server.ConnString(server.Address), Schema: schema, Name: name}, statetest.Catalog(t), statetest.NewClock(), ByItsClock())
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	one, two := named("one"), named("two'); --")
	held, err := one.Lock(ctx, state.LockInfo{})
	if err == nil {
		err = held.Append(ctx, state.Record{Bind: statetest.Box(t, "a", 1)})
	}
	if err := errors.Join(err, writeOne(ctx, t, two), writeOne(ctx, t, two)); err != nil {
		t.Fatal(err)
	}
	first, err1 := one.Read(ctx)
	second, err2 := two.Read(ctx)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	if first.Serial != 0 || len(first.Resources) != 1 || second.Serial != 2 || len(second.Resources) != 2 || second.Resources["box.a"] != nil {
		t.Errorf("one holds %+v and the other %+v", first, second)
	}
}

// What is damaged is said with the place of the state, and nothing is made up.
func TestDamageIsNamed(t *testing.T) {
	ctx := context.Background()
	for name, statement := range map[string]string{
		"a version is gone":      `DELETE FROM {schema}.versions`,
		"a version is something": `UPDATE {schema}.versions SET data = 'x'`,
		"the journal is cut":     `UPDATE {schema}.journal SET lines = substr(lines, 1, length(lines) - 1)`,
		"the journal is changed": `UPDATE {schema}.journal SET lines = overlay(lines PLACING 'x' FROM 20)`,
	} {
		t.Run(name, func(t *testing.T) {
			server := postgrestest.Shared(t)
			s := open(t, server.Address, freshSchema(), statetest.NewClock())
			if err := writeOne(ctx, t, s); err != nil {
				t.Fatal(err)
			}
			lease, err := s.Lock(ctx, state.LockInfo{})
			if err == nil {
				err = errors.Join(lease.Append(ctx, state.Record{Bind: statetest.Box(t, "a", 1)}), lease.Release(ctx))
			}
			if err != nil {
				t.Fatal(err)
			}
			server.Exec(t, s.sql(statement))
			_, err = s.Read(ctx)
			says(t, "reading", err, `state "default" in schema "`+s.schema+`" of database "postgres" at `+server.Address)
		})
	}
}
