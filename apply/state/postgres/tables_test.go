//go:build unix

package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"mercator/apply/state"
	"mercator/apply/state/postgres/postgrestest"
	"mercator/apply/state/statetest"
)

// as opens a store as a user of its own, whom the superuser grants what the statements say. In these {user} and {schema}
// stand for their names.
func as(t *testing.T, schema string, statements ...string) *Store {
	t.Helper()
	server := postgrestest.Shared(t)
	user := fmt.Sprintf("role%d", schemas.Add(1))
	words := strings.NewReplacer("{user}", user, "{schema}", pgx.Identifier{schema}.Sanitize())
	server.Exec(t, "CREATE ROLE "+user+" LOGIN PASSWORD 'c4n4ry-of-a-role'")
	for _, s := range statements {
		server.Exec(t, words.Replace(s))
	}
	s, err := New(Config{ConnString: server.ConnStringOf(user, "c4n4ry-of-a-role", server.Address, "postgres"), Schema: schema},
		statetest.Catalog(t), statetest.NewClock(), ByItsClock())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// writeOne locks the state, adds a resource to it and releases it.
func writeOne(ctx context.Context, t *testing.T, s *Store) error {
	lease, err := s.Lock(ctx, state.LockInfo{Operation: "apply", Who: "writer@host"})
	if err != nil {
		return err
	}
	got, err := lease.Read(ctx)
	if err != nil {
		return err
	}
	box := statetest.Box(t, fmt.Sprintf("n%d", got.Serial), 1)
	got.Resources[box.Address] = box
	return errors.Join(lease.Append(ctx, state.Record{Bind: box}), lease.Write(ctx, got), lease.Release(ctx))
}

func TestManyMakeTheTablesAtOnce(t *testing.T) {
	server := postgrestest.Shared(t)
	schema := freshSchema()
	var all sync.WaitGroup
	for i := range 8 {
		address := []string{server.Address, server.PoolerAddress}[i%2]
		s, err := New(Config{ConnString: server.ConnString(address), Schema: schema, Name: fmt.Sprint(i)}, statetest.Catalog(t), statetest.NewClock())
		if err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			if err := writeOne(context.Background(), t, s); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := rows(t, open(t, server.Address, schema, nil), "states"); len(got) != 8 {
		t.Errorf("8 states in one schema became %q", got)
	}
}

func TestReadingMakesNothing(t *testing.T) {
	ctx := context.Background()
	s := as(t, freshSchema())
	got, err := s.Read(ctx)
	if err != nil || statetest.Diff(state.New(), got) != "" {
		t.Errorf("read %+v, %v; want an empty state", got, err)
	}
	if versions, err := s.History(ctx); len(versions) > 0 || err != nil {
		t.Errorf("history %v, %v", versions, err)
	}
	if err := s.Unlock(ctx, "x"); err == nil || !strings.Contains(err.Error(), "nobody") {
		t.Errorf("unlocking what was never locked: %v", err)
	}
	if made := postgrestest.Shared(t).Query(t, `SELECT nspname FROM pg_namespace WHERE nspname = $1`, s.schema); len(made) > 0 {
		t.Errorf("the schema %q was made", made)
	}
}

// What a role may not do is said together with what would let it.
func TestRolesOfEverySort(t *testing.T) {
	const made = "made already" // the superuser has made the tables
	for name, c := range map[string]struct {
		given        []string
		read, change string // a part of the error, "" for none
	}{
		"may create schemas":          {[]string{`GRANT CREATE ON DATABASE postgres TO {user}`}, "", ""},
		"owns an empty schema":        {[]string{`CREATE SCHEMA {schema} AUTHORIZATION {user}`}, "", ""},
		"may create in a schema":      {[]string{`CREATE SCHEMA {schema}`, `GRANT USAGE, CREATE ON SCHEMA {schema} TO {user}`}, "", ""},
		"may change tables":           {[]string{made, `GRANT USAGE ON SCHEMA {schema} TO {user}`, `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {user}`}, "", ""},
		"may only read tables":        {[]string{made, `GRANT USAGE ON SCHEMA {schema} TO {user}`, `GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {user}`}, "", "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES"},
		"may do nothing":              {[]string{made}, "GRANT USAGE, CREATE ON SCHEMA", "GRANT USAGE, CREATE ON SCHEMA"},
		"may do nothing in a schema":  {[]string{`CREATE SCHEMA {schema}`}, "GRANT USAGE, CREATE ON SCHEMA", "GRANT USAGE, CREATE ON SCHEMA"},
		"may use an empty schema":     {[]string{`CREATE SCHEMA {schema}`, `GRANT USAGE ON SCHEMA {schema} TO {user}`}, "", "GRANT USAGE, CREATE ON SCHEMA"},
		"may not create schemas":      {nil, "", "AUTHORIZATION"},
		"reads only, by its settings": {[]string{made, `GRANT USAGE ON SCHEMA {schema} TO {user}`, `GRANT ALL ON ALL TABLES IN SCHEMA {schema} TO {user}`, `ALTER ROLE {user} SET default_transaction_read_only = on`}, "", "name the primary"},
		"finds tables of others":      {[]string{`CREATE SCHEMA {schema} AUTHORIZATION {user}`, `CREATE TABLE {schema}.format (version int)`, `CREATE TABLE {schema}.states (id int)`, `GRANT ALL ON ALL TABLES IN SCHEMA {schema} TO {user}`}, "", "are not Mercator's"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			schema := freshSchema()
			if len(c.given) > 0 && c.given[0] == made {
				c.given = c.given[1:]
				if err := writeOne(ctx, t, open(t, postgrestest.Shared(t).Address, schema, statetest.NewClock())); err != nil {
					t.Fatal(err)
				}
			}
			s := as(t, schema, c.given...)
			_, err := s.Read(ctx)
			says(t, "reading", err, c.read)
			says(t, "changing", writeOne(ctx, t, s), c.change)
		})
	}
}

// says checks an error: none, or one that holds a text and no password.
func says(t *testing.T, what string, err error, text string) {
	t.Helper()
	switch {
	case text == "" && err != nil || text != "" && (err == nil || !strings.Contains(err.Error(), text)):
		t.Errorf("%s: %v; want %q in it", what, err, text)
	case err != nil && (strings.Contains(err.Error(), "c4n4ry") || strings.Contains(fmt.Sprintf("%#v", err), "c4n4ry")):
		t.Errorf("%s: the error holds the password: %#v", what, err)
	}
}

func TestTablesOfANewerMercatorAreRefused(t *testing.T) {
	ctx := context.Background()
	s := open(t, postgrestest.Shared(t).Address, freshSchema(), statetest.NewClock())
	if err := writeOne(ctx, t, s); err != nil {
		t.Fatal(err)
	}
	postgrestest.Shared(t).Exec(t, s.sql(`UPDATE {schema}.format SET version = 2`))
	_, err := s.Read(ctx)
	says(t, "reading", err, "newer Mercator: they are version 2 and this one knows up to 1")
	says(t, "changing", writeOne(ctx, t, s), "newer Mercator")
}

// Where all transactions of a role are stricter than by default, a change that had to wait for another's is an error of
// its own, and is made again.
func TestStricterTransactions(t *testing.T) {
	ctx := context.Background()
	server := postgrestest.Shared(t)
	for _, level := range []string{"repeatable read", "serializable"} {
		t.Run(level, func(t *testing.T) {
			s := as(t, freshSchema(), `CREATE SCHEMA {schema} AUTHORIZATION {user}`, `ALTER ROLE {user} SET default_transaction_isolation = '`+level+`'`)
			lease, err := s.Lock(ctx, state.LockInfo{})
			if err != nil {
				t.Fatal(err)
			}
			other, err := pgx.Connect(ctx, server.ConnString(server.Address))
			if err != nil {
				t.Fatal(err)
			}
			defer other.Close(ctx)
			if _, err := other.Exec(ctx, s.sql(`BEGIN; UPDATE {schema}.states SET quiet = since`), pgx.QueryExecModeSimpleProtocol); err != nil {
				t.Fatal(err)
			}
			renewed := make(chan error, 1)
			go func() { renewed <- lease.Renew(ctx) }()
			for len(server.Query(t, `SELECT pid::text FROM pg_locks WHERE NOT granted`)) == 0 && len(renewed) == 0 {
			}
			if len(renewed) > 0 {
				t.Fatalf("the renewal did not wait: %v", <-renewed)
			}
			if _, err := other.Exec(ctx, `COMMIT`); err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(<-renewed, lease.Release(ctx)); err != nil {
				t.Error(err)
			}
		})
	}
}

// A change is on the server's disk when it is answered, even for a role that does not ask for that.
func TestAChangeIsDurableWhenItIsAnswered(t *testing.T) {
	ctx := context.Background()
	s := as(t, freshSchema(), `CREATE SCHEMA {schema} AUTHORIZATION {user}`, `ALTER ROLE {user} SET synchronous_commit = off`)
	lease, err := s.Lock(ctx, state.LockInfo{})
	if err != nil {
		t.Fatal(err)
	}
	server := postgrestest.Shared(t)
	for range 5 {
		records := make([]state.Record, 40)
		for i := range records {
			records[i].Bind = statetest.Box(t, "b"+rand.Text(), 1)
		}
		if err := lease.Append(ctx, records...); err != nil {
			t.Fatal(err)
		}
		// What is not asked for is written within three times wal_writer_delay, which is ten seconds on this server. It
		// has notes of its own to write now and then, of some sixty bytes.
		behind, err := strconv.Atoi(server.Query(t, `SELECT (pg_current_wal_insert_lsn() - pg_current_wal_flush_lsn())::text`)[0])
		if err != nil || behind > 500 {
			t.Errorf("%d bytes are not on the disk after an append, %v", behind, err)
		}
	}
	if err := lease.Release(ctx); err != nil {
		t.Error(err)
	}
}

// Nothing of a password or of a value that is marked gets into any table.
func TestNoSecretIsStored(t *testing.T) {
	ctx := context.Background()
	s := as(t, freshSchema(), `CREATE SCHEMA {schema} AUTHORIZATION {user}`)
	lease, err := s.Lock(ctx, state.LockInfo{Operation: "apply", Who: "writer@host", Job: "https://ci.example/1"})
	if err != nil {
		t.Fatal(err)
	}
	full := statetest.Full(t)
	if err := errors.Join(lease.Append(ctx, state.Record{Bind: full.Resources["box.tools"]}), lease.Write(ctx, full),
		lease.Append(ctx, state.Record{Arm: statetest.Armed(t, "i-1", "box.new")})); err != nil {
		t.Fatal(err)
	}
	dump := ""
	for _, table := range []string{"format", "states", "journal", "versions"} {
		dump += strings.Join(rows(t, s, table), "\n")
	}
	server := postgrestest.Shared(t)
	dump += strings.Join(server.Query(t, s.sql(`SELECT convert_from(data, 'UTF8') FROM {schema}.versions
		UNION ALL SELECT convert_from(lines, 'UTF8') FROM {schema}.journal`)), "\n")
	if !strings.Contains(dump, "writer@host") || !strings.Contains(dump, "hash-1") || !strings.Contains(dump, `"arm"`) {
		t.Errorf("the dump is not whole: %s", dump)
	}
	for _, secret := range []string{"c4n4ry", server.Password} {
		if strings.Contains(dump, secret) {
			t.Errorf("the tables hold %q: %s", secret, dump)
		}
	}
}
