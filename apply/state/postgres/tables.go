package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// tablesVersion is the version of the tables. A higher one is refused.
const tablesVersion = 1

// tables makes what is missing. It is sent as one text and is therefore one transaction. Of several processes that begin
// at the same moment one succeeds; the others are told that something exists, in spite of IF NOT EXISTS, and try again
// (see passing).
const tables = `
%s
CREATE TABLE IF NOT EXISTS {schema}.states (
	name    text PRIMARY KEY,
	serial  bigint NOT NULL DEFAULT 0,
	fence   bigint NOT NULL,
	batch   bigint NOT NULL DEFAULT 0,
	lease   text NOT NULL,
	holder  jsonb NOT NULL,
	since   timestamptz NOT NULL,
	renewed timestamptz NOT NULL,
	expires timestamptz NOT NULL,
	quiet   timestamptz
);
CREATE TABLE IF NOT EXISTS {schema}.versions (
	name    text NOT NULL REFERENCES {schema}.states ON DELETE CASCADE,
	serial  bigint NOT NULL,
	lineage text NOT NULL,
	written timestamptz NOT NULL,
	who     text NOT NULL,
	data    bytea NOT NULL,
	PRIMARY KEY (name, serial)
);
CREATE TABLE IF NOT EXISTS {schema}.journal (
	name  text NOT NULL REFERENCES {schema}.states ON DELETE CASCADE,
	fence bigint NOT NULL,
	batch bigint NOT NULL,
	lines bytea NOT NULL,
	PRIMARY KEY (name, fence, batch)
);
CREATE TABLE IF NOT EXISTS {schema}.format (
	one     boolean PRIMARY KEY DEFAULT true CHECK (one),
	version int NOT NULL
);
INSERT INTO {schema}.format (version) VALUES (%d) ON CONFLICT DO NOTHING;
`

// checkTables finds out whether the tables are there, and refuses those of a newer Mercator.
func (l *link) checkTables(ctx context.Context, c *pgx.Conn) error {
	var version int
	there, err := one(c.QueryRow(ctx, l.store.sql(`SELECT version FROM {schema}.format`)), &version)
	var answer *pgconn.PgError
	switch {
	case errors.As(err, &answer) && (answer.Code == "42P01" || answer.Code == "3F000"): // no such table, no such schema
		there = false
	case err != nil:
		return err
	case there && version > tablesVersion:
		return refusal(fmt.Sprintf("the tables in schema %q of %s were made by a newer Mercator: they are version %d and this one "+
			"knows up to %d; use a Mercator at least as new as the one that made them", l.store.schema, l.store.place, version, tablesVersion))
	}
	l.tables = there
	return nil
}

// createTables makes the schema and the tables where they are missing. A schema that is there is used as it is: making
// one takes a permission that using one does not.
func (l *link) createTables(ctx context.Context, c *pgx.Conn) error {
	if l.tables {
		return nil
	}
	var there bool
	if _, err := one(c.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)`, l.store.schema), &there); err != nil {
		return err
	}
	schema := "CREATE SCHEMA IF NOT EXISTS {schema};"
	if there {
		schema = ""
	}
	_, err := c.Exec(ctx, l.store.sql(fmt.Sprintf(tables, schema, tablesVersion)), pgx.QueryExecModeSimpleProtocol)
	l.tables = err == nil
	return err
}
