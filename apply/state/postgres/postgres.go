// Package postgres keeps states in a PostgreSQL database, in a schema of their own:
//
//	format      the version of these tables
//	states      a row per state: its serial, and who holds its lease under which fencing number
//	versions    the contents of the present state and of the last ones before it
//	journal     what an apply did since, until it is folded in
//
// Every change is one statement that asks in its condition whether the lease is still its holder's. That makes check
// and change one, leaves no lock behind where a client dies, and needs nothing of a session, so that it works through
// a pooler such as PgBouncer. Each can be sent again when its answer was lost: what was done already is recognized.
//
// Leases go by the database's clock, which all machines share; times are told in that of who asks.
package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"mercator/apply/state"
	"mercator/schema"
)

// Store is a state in a database. It implements [state.Historian].
type Store struct {
	config  *pgx.ConnConfig
	place   string // the server and database, for errors
	schema  string
	name    string
	keep    int
	catalog *schema.Catalog
	clock   state.Clock
	// judge is nil where leases go by the database's clock.
	judge state.Clock
	words *strings.Replacer
}

// Option is a way in which a store may differ.
type Option func(*Store)

// ByItsClock has leases go by the store's own clock in place of the database's, for tests that move the time.
func ByItsClock() Option { return func(s *Store) { s.judge = s.clock } }

// New returns the store that a configuration describes, or an error that says what is wrong with it. Nothing is
// connected to yet.
func New(c Config, catalog *schema.Catalog, clock state.Clock, options ...Option) (*Store, error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	config, err := parse(c.ConnString, c.Version)
	if err != nil {
		return nil, err
	}
	s := &Store{
		config: config, place: place(config), schema: c.Schema, name: c.Name, keep: c.Keep, catalog: catalog, clock: clock,
		words: strings.NewReplacer(
			"{schema}", pgx.Identifier{c.Schema}.Sanitize(),
			"{now}", "coalesce($2::timestamptz, clock_timestamp())",
			"{length}", interval(state.LeaseLength),
			"{patience}", interval(state.CallLimit+state.Skew),
			"{durable}", durable,
		),
	}
	for _, o := range options {
		o(s)
	}
	return s, nil
}

func interval(d time.Duration) string {
	return fmt.Sprintf("interval '%d microseconds'", d.Microseconds())
}

// durable is a condition that is always true. It has the server answer a change when it is on its disk, even where the
// role or the database has synchronous_commit off; any other setting stays, which may ask for more.
const durable = `set_config('synchronous_commit', replace(current_setting('synchronous_commit'), 'off', 'on'), true) <> ''`

// Capabilities says that a database can do everything.
func (s *Store) Capabilities() state.Capabilities {
	return state.Capabilities{Lease: true, CompareAndSwap: true, Journal: true}
}

// sql fills in what all queries have in common. Those that say {now} take the state's name as $1 and moment as $2.
func (s *Store) sql(query string) string { return s.words.Replace(query) }

// moment is the time by which leases are judged, nil for the database's.
func (s *Store) moment() *time.Time {
	if s.judge == nil {
		return nil
	}
	now := s.judge.Now()
	return &now
}

// columns are what a row is read from, of the table states under the name s.
const columns = `s.lease, s.fence, s.batch, s.serial, s.holder::text, s.since, s.renewed, s.expires, s.quiet, {now},
	s.lease <> '' AND {now} <= s.expires + {patience}`

// row is a state's row in the table states. The zero row is that of a state that nobody ever locked.
type row struct {
	lease         string // "" where nobody holds it
	fence         int64
	batch         int64 // the last one in the journal under this fence
	serial        int64
	holder        string // who holds it or held it last, a state.LockInfo without times as JSON
	since         time.Time
	renewed       time.Time
	expires       time.Time
	quiet         *time.Time
	at            time.Time // when the row was read
	mustBeAwaited bool      // whether the lease is one that a successor must respect
}

func (r *row) targets() []any {
	return []any{&r.lease, &r.fence, &r.batch, &r.serial, &r.holder, &r.since, &r.renewed, &r.expires, &r.quiet, &r.at,
		&r.mustBeAwaited}
}

// info returns the holder with its times as a clock shows them that stands at now.
func (r *row) info(now time.Time) (state.LockInfo, error) {
	var info state.LockInfo
	if err := json.Unmarshal([]byte(r.holder), &info); err != nil {
		return info, fmt.Errorf("the holder of the state's lock is damaged: %w", err)
	}
	here := func(t time.Time) time.Time { return t.Add(now.Sub(r.at)).UTC() }
	info.ID, info.Fence = r.lease, uint64(r.fence)
	info.Since, info.Renewed, info.Expires = here(r.since), here(r.renewed), here(r.expires)
	if r.quiet != nil && r.quiet.After(r.at) {
		info.Quiet = here(*r.quiet)
	}
	return info, nil
}

// look reads the state's row.
func (s *Store) look(ctx context.Context, c *pgx.Conn) (row, error) {
	var r row
	_, err := one(c.QueryRow(ctx, s.sql(`SELECT `+columns+` FROM {schema}.states AS s WHERE s.name = $1`),
		s.name, s.moment()), r.targets()...)
	return r, err
}

// Read implements [state.Store]. One statement sees one moment, so that it needs no lock.
func (s *Store) Read(ctx context.Context) (*state.State, error) {
	l := link{store: s}
	defer l.close()
	return l.read(ctx)
}

// Holder implements [state.Store].
func (s *Store) Holder(ctx context.Context) (*state.LockInfo, error) {
	l := link{store: s}
	defer l.close()
	r, err := l.look(ctx)
	if err != nil || !r.mustBeAwaited {
		return nil, err
	}
	info, err := r.info(s.clock.Now())
	return &info, err
}

// Lock implements [state.Store].
func (s *Store) Lock(ctx context.Context, info state.LockInfo) (state.Lease, error) {
	info.ID = uuid.NewString()
	l := &lease{link: link{store: s}}
	r, err := l.link.take(ctx, info)
	if err != nil && ctx.Err() != nil {
		l.link.untake(ctx, info.ID)
	}
	if err == nil && r.lease != info.ID {
		err = s.locked(r)
	}
	if err == nil {
		l.info, err = r.info(s.clock.Now())
	}
	if err != nil {
		l.link.close()
		return nil, err
	}
	return l, nil
}

// locked says who holds the state.
func (s *Store) locked(r row) error {
	holder, err := r.info(s.clock.Now())
	if err != nil {
		return err
	}
	return &state.LockedError{Holder: holder}
}

// take makes the lease with info's ID the current one, and returns the row as it is then: that of another holder
// where there is one. The fencing number that the row was seen with is a condition, so that a statement that arrives
// after its sender gave it up takes nothing.
func (l *link) take(ctx context.Context, info state.LockInfo) (row, error) {
	holder, err := json.Marshal(info)
	if err != nil {
		return row{}, err
	}
	query := l.store.sql(`INSERT INTO {schema}.states AS s (name, fence, lease, holder, since, renewed, expires)
		SELECT $1, $3::bigint + 1, $4, $5::jsonb, at, at, at + {length} FROM (SELECT {now} AS at) AS t WHERE {durable}
		ON CONFLICT (name) DO UPDATE SET fence = excluded.fence, batch = 0, lease = excluded.lease, holder = excluded.holder,
			since = excluded.since, renewed = excluded.renewed, expires = excluded.expires
		WHERE s.fence = $3 AND (s.lease = '' OR {now} > s.expires + {patience})
		RETURNING ` + columns)
	var r row
	err = l.do(ctx, func(ctx context.Context, c *pgx.Conn) (err error) {
		if err := l.createTables(ctx, c); err != nil {
			return err
		}
		for {
			if r, err = l.store.look(ctx, c); err != nil || r.mustBeAwaited {
				return err
			}
			took, err := one(c.QueryRow(ctx, query, l.store.name, l.store.moment(), r.fence, info.ID, string(holder)), r.targets()...)
			if err != nil || took {
				return err
			}
		}
	})
	return r, err
}

// untake gives back a lease that may have been taken for somebody who then stopped waiting for the answer. Where that
// fails, or comes too early, the lease expires by itself.
func (l *link) untake(ctx context.Context, id string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if l.tables {
		_ = l.exec(ctx, `UPDATE {schema}.states SET lease = '' WHERE name = $1 AND lease = $2`, l.store.name, id)
	}
}

// Unlock implements [state.Store].
func (s *Store) Unlock(ctx context.Context, id string) error {
	l := link{store: s}
	defer l.close()
	r, err := l.look(ctx)
	switch {
	case err != nil:
		return err
	case r.lease == "":
		return fmt.Errorf("there is no lock with the id %q: nobody holds the state", id)
	case r.lease != id:
		return fmt.Errorf("there is no lock with the id %q: %w", id, s.locked(r))
	}
	// Its holder may live, and notice late. Where the row is not the lock's any more, that is what was wanted.
	return l.exec(ctx, `UPDATE {schema}.states SET lease = '', quiet = greatest(quiet, expires) WHERE name = $1 AND lease = $2 AND {durable}`,
		s.name, id)
}
