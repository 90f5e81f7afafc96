package postgres

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5"

	"mercator/apply/state"
)

// lease is a held lease, with a connection as long as it is held. It implements [state.Lease].
//
// It stays good until somebody else takes it or takes it away, even past its expiry: the row that says whose it is
// and the change are one statement, so nothing can come in between.
type lease struct {
	mu   sync.Mutex // held during a change
	link link
	// batch is the number of the last journal entry that was tried. A number is never used for another entry, so that
	// one of unknown fate can neither be taken for the next one nor come after it.
	batch    int64
	released bool

	infoMu sync.Mutex
	info   state.LockInfo
}

// Info implements [state.Lease].
func (l *lease) Info() state.LockInfo {
	l.infoMu.Lock()
	defer l.infoMu.Unlock()
	return l.info
}

// Read implements [state.Lease].
func (l *lease) Read(ctx context.Context) (*state.State, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.idle()
	return l.link.read(ctx)
}

// idle ends the connection of a lease that is over and was asked something all the same.
func (l *lease) idle() {
	if l.released {
		l.link.close()
	}
}

// owned is the condition that the lease is still its holder's, for queries that take name, moment, id and fence as
// their first arguments; mine are those.
const owned = `s.name = $1 AND s.lease = $3 AND s.fence = $4 AND {durable}`

func (l *lease) mine(more ...any) []any {
	info, s := l.Info(), l.link.store
	return append([]any{s.name, s.moment(), info.ID, int64(info.Fence)}, more...)
}

// change makes a change whose query returns the state's row if it was made. Where it was not, the lease was lost, or
// already says of the row as it is now whether the change was made before and only its answer got lost.
func (l *lease) change(ctx context.Context, query string, args []any, already func(context.Context, *pgx.Conn, row) (bool, error)) (row, error) {
	var r row
	made := false
	err := l.link.do(ctx, func(ctx context.Context, c *pgx.Conn) (err error) {
		if made, err = one(c.QueryRow(ctx, l.link.store.sql(query), args...), r.targets()...); err != nil || made {
			return err
		}
		if r, err = l.link.store.look(ctx, c); err != nil || !l.owns(r) || already == nil {
			return err
		}
		made, err = already(ctx, c, r)
		return err
	})
	switch {
	case err != nil || made:
		return r, err
	case !l.owns(r):
		return r, l.lost(r)
	}
	return r, fmt.Errorf("the state in the database is not what it was a moment ago, serial %d now; was it changed by hand? "+
		"read it again and repeat the change", r.serial)
}

func (l *lease) owns(r row) bool {
	info := l.Info()
	return r.lease == info.ID && uint64(r.fence) == info.Fence
}

// lost says what became of the lease.
func (l *lease) lost(r row) error {
	if l.released {
		return &state.LostError{Reason: "it was released"}
	}
	if r.lease == "" {
		return &state.LostError{Reason: fmt.Sprintf("it was taken away (mercator state unlock %s)", l.Info().ID)}
	}
	next, err := r.info(l.link.store.clock.Now())
	if err != nil {
		return err
	}
	return &state.LostError{Reason: fmt.Sprintf("it was taken over by %s (%s, process %d) at %s",
		next.Who, next.Operation, next.PID, next.Since.Format("15:04:05"))}
}

// Renew implements [state.Lease].
func (l *lease) Renew(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.idle()
	r, err := l.change(ctx, `UPDATE {schema}.states AS s SET renewed = t.at, expires = t.at + {length}
		FROM (SELECT {now} AS at) AS t WHERE `+owned+` RETURNING `+columns, l.mine(), nil)
	if err != nil {
		return err
	}
	renewed, err := r.info(l.link.store.clock.Now())
	if err != nil {
		return err
	}
	l.infoMu.Lock()
	defer l.infoMu.Unlock()
	l.info.Renewed, l.info.Expires = renewed.Renewed, renewed.Expires
	return nil
}

// Append implements [state.Lease]. It sets the records' fence.
func (l *lease) Append(ctx context.Context, records ...state.Record) error {
	if len(records) == 0 {
		return nil
	}
	fenced := make([]state.Record, len(records))
	for i, r := range records {
		r.Fence = l.Info().Fence
		fenced[i] = r
	}
	lines, err := state.JournalLines(l.link.store.catalog, fenced)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.idle()
	l.batch++
	batch := l.batch
	_, err = l.change(ctx, `WITH s AS (UPDATE {schema}.states AS s SET batch = $5 WHERE `+owned+` AND s.batch < $5 RETURNING s.*),
		entry AS (INSERT INTO {schema}.journal (name, fence, batch, lines) SELECT s.name, s.fence, s.batch, $6 FROM s)
		SELECT `+columns+` FROM s`, l.mine(batch, lines),
		func(_ context.Context, _ *pgx.Conn, r row) (bool, error) { return r.batch >= batch, nil })
	return err
}

// Write implements [state.Lease].
func (l *lease) Write(ctx context.Context, s *state.State) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.idle()
	stored, err := l.stored(ctx)
	if err != nil {
		return err
	}
	next, err := state.Succeed(l.link.store.catalog, stored, s)
	if err != nil {
		return err
	}
	if next.Data == nil {
		err = l.empty(ctx, next.Base)
	} else {
		err = l.replace(ctx, s.Base(), next)
	}
	if err == nil {
		s.Lineage, s.Serial = next.Base.Lineage, next.Base.Serial
	}
	return err
}

// stored returns the encoded state that is to be replaced, nil where there is none.
func (l *lease) stored(ctx context.Context) ([]byte, error) {
	var r row
	var data []byte
	err := l.link.do(ctx, func(ctx context.Context, c *pgx.Conn) error {
		_, err := one(c.QueryRow(ctx, l.link.store.sql(`SELECT v.data, `+columns+` FROM {schema}.states AS s
			LEFT JOIN {schema}.versions AS v ON v.name = s.name AND v.serial = s.serial WHERE s.name = $1`),
			l.link.store.name, l.link.store.moment()), append([]any{&data}, r.targets()...)...)
		return err
	})
	if err == nil && !l.owns(r) {
		err = l.lost(r)
	}
	return data, err
}

// empty empties the journal of a state that it does not change.
func (l *lease) empty(ctx context.Context, base state.Base) error {
	_, err := l.change(ctx, `WITH s AS (SELECT s.* FROM {schema}.states AS s WHERE `+owned+` AND s.serial = $5 FOR UPDATE),
		emptied AS (DELETE FROM {schema}.journal AS j USING s WHERE j.name = s.name)
		SELECT `+columns+` FROM s`, l.mine(int64(base.Serial)), nil)
	return err
}

// replace puts the next version in the place of the present one.
func (l *lease) replace(ctx context.Context, base state.Base, next state.Successor) error {
	_, err := l.change(ctx, `WITH s AS (UPDATE {schema}.states AS s SET serial = $6 WHERE `+owned+` AND s.serial = $5 RETURNING s.*),
		written AS (INSERT INTO {schema}.versions (name, serial, lineage, written, who, data)
			SELECT s.name, s.serial, $7, {now}, $8, $9 FROM s),
		pruned AS (DELETE FROM {schema}.versions AS v USING s WHERE v.name = s.name AND v.serial <= s.serial - $10::bigint),
		emptied AS (DELETE FROM {schema}.journal AS j USING s WHERE j.name = s.name)
		SELECT `+columns+` FROM s`,
		l.mine(int64(base.Serial), int64(next.Base.Serial), next.Base.Lineage, l.Info().Who, next.Data, int64(l.link.store.keep)),
		func(ctx context.Context, c *pgx.Conn, r row) (bool, error) { return l.written(ctx, c, next) })
	return err
}

// written reports whether the next version is the present one already.
func (l *lease) written(ctx context.Context, c *pgx.Conn, next state.Successor) (same bool, err error) {
	sum := sha256.Sum256(next.Data)
	_, err = one(c.QueryRow(ctx, l.link.store.sql(`SELECT sha256(v.data) = $3 FROM {schema}.states AS s
		JOIN {schema}.versions AS v ON v.name = s.name AND v.serial = s.serial WHERE s.name = $1 AND s.serial = $2`),
		l.link.store.name, int64(next.Base.Serial), sum[:]), &same)
	return same, err
}

// Release implements [state.Lease].
func (l *lease) Release(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.released {
		return nil
	}
	_, err := l.change(ctx, `UPDATE {schema}.states AS s SET lease = '' WHERE `+owned+` RETURNING `+columns, l.mine(), nil)
	var lost *state.LostError
	if err != nil && !errors.As(err, &lost) {
		return err
	}
	l.released = true
	l.link.close()
	return nil
}
