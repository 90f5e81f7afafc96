package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"mercator/apply/state"
)

// read returns the state with its journal folded in, both of one moment.
func (l *link) read(ctx context.Context) (*state.State, error) {
	var serial int64
	var data, lines []byte
	err := l.do(ctx, func(ctx context.Context, c *pgx.Conn) error {
		if !l.tables {
			return nil
		}
		_, err := one(c.QueryRow(ctx, l.store.sql(`SELECT s.serial, v.data,
			(SELECT string_agg(j.lines, ''::bytea ORDER BY j.fence, j.batch) FROM {schema}.journal AS j WHERE j.name = s.name)
			FROM {schema}.states AS s LEFT JOIN {schema}.versions AS v ON v.name = s.name AND v.serial = s.serial
			WHERE s.name = $1`), l.store.name), &serial, &data, &lines)
		return err
	})
	if err != nil {
		return nil, err
	}
	stored := state.New()
	if data != nil {
		if stored, err = state.Decode(l.store.catalog, data); err != nil {
			return nil, l.store.damaged(err)
		}
	}
	if stored.Serial != uint64(serial) {
		return nil, l.store.damaged(fmt.Errorf("serial %d is missing; restore the table versions from a copy", serial))
	}
	folded, err := l.store.fold(stored, lines)
	if err != nil {
		return nil, l.store.damaged(err)
	}
	return folded, nil
}

// fold returns what a state and the lines of its journal amount to.
func (s *Store) fold(stored *state.State, lines []byte) (*state.State, error) {
	head, err := state.JournalHead(stored.Base())
	if err != nil {
		return nil, err
	}
	data := append(head, lines...)
	journal, err := state.DecodeJournal(s.catalog, data)
	if err != nil {
		return nil, err
	}
	if journal.Size < len(data) {
		return nil, fmt.Errorf("the last line of its journal is not whole; restore the table journal from a copy")
	}
	return journal.Over(stored)
}

func (s *Store) damaged(err error) error {
	return fmt.Errorf("state %q in schema %q of %s: %w", s.name, s.schema, s.place, err)
}

// History implements [state.Historian].
func (s *Store) History(ctx context.Context) ([]state.Version, error) {
	l := link{store: s}
	defer l.close()
	var versions []state.Version
	err := l.do(ctx, func(ctx context.Context, c *pgx.Conn) error {
		if !l.tables {
			return nil
		}
		rows, err := c.Query(ctx, s.sql(`SELECT serial, lineage, written, who, octet_length(data)
			FROM {schema}.versions WHERE name = $1 ORDER BY serial DESC`), s.name)
		if err != nil {
			return err
		}
		versions, err = pgx.CollectRows(rows, func(r pgx.CollectableRow) (v state.Version, err error) {
			var serial int64
			err = r.Scan(&serial, &v.Lineage, &v.At, &v.Who, &v.Size)
			v.Serial, v.At = uint64(serial), v.At.UTC()
			return v, err
		})
		return err
	})
	return versions, err
}

// Version implements [state.Historian].
func (s *Store) Version(ctx context.Context, serial uint64) (*state.State, error) {
	l := link{store: s}
	defer l.close()
	var data []byte
	err := l.do(ctx, func(ctx context.Context, c *pgx.Conn) error {
		if !l.tables {
			return nil
		}
		_, err := one(c.QueryRow(ctx, s.sql(`SELECT data FROM {schema}.versions WHERE name = $1 AND serial = $2`),
			s.name, int64(serial)), &data)
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case data == nil:
		return nil, &state.NotKeptError{Serial: serial}
	}
	old, err := state.Decode(s.catalog, data)
	if err != nil {
		return nil, s.damaged(err)
	}
	return old, nil
}
