package postgres

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"mercator/apply/state"
)

// link is a connection that is made when it is first needed, and made anew where it broke.
type link struct {
	store *Store
	conn  *pgx.Conn
	// made says that a connection was made once: where that succeeded another try may, too.
	made bool
	// tables says that the schema and its tables are there.
	tables bool
}

// pauses are how long a query waits before each new try: at first not at all, since a connection that lay idle is
// often found broken, and then long enough for a server or a pooler to come back.
func pauses() []time.Duration {
	const first = 100 * time.Millisecond
	return []time.Duration{0, first, 2 * first, 4 * first, 8 * first, 16 * first, 32 * first, 64 * first}
}

// do runs a query, again where the connection broke. query must do no harm when it is run again after it was carried
// out and only its answer was lost. The error says what is wrong in words that fit a terminal, and no secret.
func (l *link) do(ctx context.Context, query func(context.Context, *pgx.Conn) error) error {
	ctx, cancel := context.WithTimeout(ctx, state.CallLimit)
	defer cancel()
	err := l.try(ctx, query)
	for _, pause := range pauses() {
		if err == nil || !l.made || !passing(err) || ctx.Err() != nil {
			break
		}
		if pause > 0 && l.store.clock.Sleep(ctx, pause) != nil {
			break
		}
		err = l.try(ctx, query)
	}
	return l.store.explain(ctx, err)
}

func (l *link) try(ctx context.Context, query func(context.Context, *pgx.Conn) error) error {
	if err := l.connect(ctx); err != nil {
		return err
	}
	err := query(ctx, l.conn)
	if err != nil && l.conn.IsClosed() {
		l.conn = nil
	}
	return err
}

func (l *link) connect(ctx context.Context) error {
	if l.conn != nil {
		return nil
	}
	conn, err := pgx.ConnectConfig(ctx, l.store.config)
	if err != nil {
		return err
	}
	l.conn, l.made = conn, true
	if err := l.checkTables(ctx, conn); err != nil {
		l.close()
		return err
	}
	return nil
}

// close ends the connection, if there is one.
func (l *link) close() {
	if l.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = l.conn.Close(ctx) // nothing depends on it any more
	l.conn = nil
}

// look reads the state's row.
func (l *link) look(ctx context.Context) (r row, err error) {
	err = l.do(ctx, func(ctx context.Context, c *pgx.Conn) (err error) {
		if l.tables {
			r, err = l.store.look(ctx, c)
		}
		return err
	})
	return r, err
}

// exec runs a query without an answer.
func (l *link) exec(ctx context.Context, query string, args ...any) error {
	return l.do(ctx, func(ctx context.Context, c *pgx.Conn) error {
		_, err := c.Exec(ctx, l.store.sql(query), args...)
		return err
	})
}

// one reads at most one row, and reports whether there was one.
func one(r pgx.Row, targets ...any) (bool, error) {
	err := r.Scan(targets...)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// passing reports whether an error may be gone with the next try: the connection broke, the server or pooler is being
// started anew, or another transaction came in between.
func passing(err error) bool {
	var refusal refusal
	var answer *pgconn.PgError
	switch {
	case errors.As(err, &refusal):
		return false
	case !errors.As(err, &answer):
		return true
	}
	return strings.HasPrefix(answer.Code, "08") || slices.Contains([]string{
		"40001", "40P01", // could not serialize, deadlock: where the role's transactions are stricter than by default
		"23505", "42P06", "42P07", // something exists: another process made the tables at the same moment
		"53300",                   // too many connections
		"57P01", "57P02", "57P03", // the server is being stopped, has crashed, is being started
	}, answer.Code)
}
