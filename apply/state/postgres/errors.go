package postgres

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"mercator/apply/state"
)

// refusal is an error in words that fit a terminal already.
type refusal string

// Error returns the words.
func (r refusal) Error() string { return string(r) }

// explain says what went wrong, where, and what helps. No error of the driver goes further than here: they carry the
// configuration, and with it the password.
func (s *Store) explain(ctx context.Context, err error) error {
	var refusal refusal
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refusal):
		return refusal
	case errors.Is(ctx.Err(), context.Canceled):
		return fmt.Errorf("%s: %w", s.place, context.Canceled)
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("%s did not answer within %s (%s): is it overloaded, or a firewall in between?: %w",
			s.place, state.CallLimit, s.withoutPassword(cause(err)), context.DeadlineExceeded)
	}
	text := fmt.Sprintf("%s: %s", s.place, s.withoutPassword(cause(err)))
	if help := s.remedy(err); help != "" {
		text += "; " + help
	}
	return errors.New(text)
}

// cause is the innermost part of an error that a person can act upon.
func cause(err error) string {
	var answer *pgconn.PgError
	var dial *net.OpError
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(err, &answer):
		return fmt.Sprintf("%s (SQLSTATE %s)", answer.Message, answer.Code)
	case errors.As(err, &certificate):
		return certificate.Error()
	case errors.As(err, &dial):
		return dial.Error()
	}
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	return err.Error()
}

// withoutPassword takes the password out of a text in which nothing should have put it.
func (s *Store) withoutPassword(text string) string {
	if s.config.Password == "" {
		return text
	}
	return strings.ReplaceAll(text, s.config.Password, "(password)")
}

// remedy says what helps against an error, "" where its own words are all there is to say.
func (s *Store) remedy(err error) string {
	var answer *pgconn.PgError
	if errors.As(err, &answer) {
		return s.remedyFor(answer)
	}
	var authority x509.UnknownAuthorityError
	var connect *pgconn.ConnectError
	switch {
	case errors.As(err, &authority):
		return "set sslrootcert (PGSSLROOTCERT) to the file of the certificate authority that signed the server's certificate"
	case strings.Contains(err.Error(), "server refused TLS connection"):
		return "the server offers no TLS; turn it on there, or set sslmode=disable (PGSSLMODE) if the network in between can be trusted"
	case errors.As(err, &connect):
		return "check the host and port in conn_str (PGHOST, PGPORT), that the server runs, and that it can be reached from here"
	}
	return "the connection was lost again and again; look at the server's log, and run the command again"
}

func (s *Store) remedyFor(answer *pgconn.PgError) string {
	user := pgx.Identifier{s.config.User}.Sanitize()
	inSchema := pgx.Identifier{s.schema}.Sanitize()
	database := pgx.Identifier{s.config.Database}.Sanitize()
	says := func(part string) bool { return strings.Contains(answer.Message, part) }
	switch {
	case says("no encryption") || says("SSL off") || says("SSL required"):
		return "the server wants TLS: set sslmode=verify-full, or at least require, in conn_str (PGSSLMODE)"
	case says("unsupported startup parameter"):
		return "the pooler in between takes no such setting: leave it out of conn_str, or add it to the pooler's ignore_startup_parameters"
	case answer.Code == "28P01" || answer.Code == "28000" || says("password authentication failed") || says("SASL authentication failed"):
		return "check user and password in conn_str (PGUSER, PGPASSWORD, the password file), and the server's pg_hba.conf"
	case answer.Code == "3D000" || says("no such database"):
		return fmt.Sprintf("name another in conn_str (PGDATABASE), or create it: CREATE DATABASE %s", database)
	case answer.Code == "42501" && says("for database"):
		return fmt.Sprintf("let somebody who may do it run: CREATE SCHEMA %s AUTHORIZATION %s; or grant the right: GRANT CREATE ON DATABASE %s TO %s",
			inSchema, user, database, user)
	case answer.Code == "42501":
		return fmt.Sprintf("let the owner of the schema run: GRANT USAGE, CREATE ON SCHEMA %s TO %s; "+
			"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %s TO %s", inSchema, user, inSchema, user)
	case strings.HasPrefix(answer.Code, "42"): // something is not there, or is of another type
		return fmt.Sprintf("the tables in schema %s are not Mercator's, or incomplete; choose another schema, or drop what is there if nothing in it is needed", inSchema)
	case answer.Code == "25006":
		return "this server can only be read; name the primary in conn_str, or list all servers there with target_session_attrs=read-write"
	case answer.Code == "53300":
		return "free some, raise max_connections or put a pooler in between; Mercator uses one at a time"
	}
	return ""
}
