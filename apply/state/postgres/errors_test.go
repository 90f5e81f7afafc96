//go:build unix

package postgres

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"

	"mercator/apply/state"
	"mercator/apply/state/postgres/postgrestest"
	"mercator/apply/state/statetest"
)

// Each way in which a connection fails is told with its place and its remedy, and without the password.
func TestErrorsSayWhatHelps(t *testing.T) {
	server := postgrestest.Shared(t)
	server.Exec(t, `CREATE DATABASE tlsonly`, `CREATE ROLE known LOGIN PASSWORD 'c4n4ry-right'`)
	closed := closedAddress(t)
	for name, c := range map[string]struct{ conn, want string }{
		"nobody listens":        {server.ConnStringOf("known", "c4n4ry-right", closed, "postgres"), "check the host and port in conn_str (PGHOST, PGPORT)"},
		"unknown host":          {server.ConnStringOf("known", "c4n4ry-right", "no-such-host.invalid", "postgres"), "no-such-host.invalid"},
		"wrong password":        {server.ConnStringOf("known", "c4n4ry-wrong", server.Address, "postgres"), "check user and password in conn_str (PGUSER, PGPASSWORD"},
		"unknown user":          {server.ConnStringOf("unknown", "c4n4ry", server.Address, "postgres"), "check user and password in conn_str"},
		"unknown to the pooler": {server.ConnStringOf("unknown", "c4n4ry", server.PoolerAddress, "postgres"), "check user and password in conn_str"},
		"no such database":      {server.ConnStringOf("known", "c4n4ry-right", server.Address, "shop's"), `CREATE DATABASE "shop's"`},
		"only with TLS":         {server.ConnStringOf("known", "c4n4ry-right", server.Address, "tlsonly"), "set sslmode=verify-full, or at least require"},
		"no TLS there":          {withMode(server.ConnStringOf("known", "c4n4ry-right", server.PoolerAddress, "postgres"), "require"), "the server offers no TLS"},
		"unknown authority":     {withMode(server.ConnStringOf("known", "c4n4ry-right", server.Address, "tlsonly"), "verify-full"), "sslrootcert (PGSSLROOTCERT)"},
		"pooler's settings":     {server.ConnString(server.PoolerAddress) + "&search_path=c4n4ry", "ignore_startup_parameters"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := New(Config{ConnString: c.conn, Schema: freshSchema()}, statetest.Catalog(t), statetest.NewClock())
			if err != nil {
				t.Fatal(err)
			}
			_, err = s.Read(context.Background())
			says(t, "reading", err, c.want)
			_, err = s.Lock(context.Background(), state.LockInfo{})
			says(t, "locking", err, c.want)
			if err != nil && !strings.HasPrefix(err.Error(), `database "`) {
				t.Errorf("the error does not begin with the place: %v", err)
			}
		})
	}
}

func TestTLSWorks(t *testing.T) {
	server := postgrestest.Shared(t)
	s, err := New(Config{ConnString: withMode(server.ConnString(server.Address), "require")}, statetest.Catalog(t), statetest.NewClock())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Read(context.Background()); err != nil {
		t.Error(err)
	}
}

func withMode(conn, mode string) string {
	return strings.Replace(conn, "sslmode=disable", "sslmode="+mode, 1)
}

// closedAddress returns one at which nobody listens.
func closedAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err == nil {
		err = l.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return l.Addr().String()
}

// An interruption is told as such, and one that comes while a lock is being taken leaves none behind.
func TestAnInterruptedLock(t *testing.T) {
	server := postgrestest.Shared(t)
	ctx, cancel := context.WithCancel(context.Background())
	taken := false
	proxy := postgrestest.NewProxy(t, server.Address, func(query string) postgrestest.Action {
		switch {
		case strings.Contains(query, "SET fence"):
			taken = true
			return postgrestest.LoseAnswer
		case taken && ctx.Err() == nil: // it connects again, to look
			cancel()
			return postgrestest.LoseRequest
		}
		return postgrestest.Pass
	})
	s := open(t, proxy.Address, freshSchema(), hasty{statetest.NewClock()})
	if _, err := s.Lock(ctx, state.LockInfo{}); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted, and the error is %v", err)
	}
	if holder, err := s.Holder(context.Background()); holder != nil || err != nil {
		t.Errorf("held by %+v, %v, and nobody knows", holder, err)
	}
}

func TestSettings(t *testing.T) {
	for name, c := range map[string]struct {
		values map[string]string
		want   string
	}{
		"nothing":          {nil, ""},
		"everything":       {map[string]string{"conn_str": "host=db.example user=app", "schema": "Infra", "name": "shop/prod", "keep": "3"}, ""},
		"keep of text":     {map[string]string{"keep": "many"}, `keep is "many"; it must be a whole number from 1`},
		"keep of nothing":  {map[string]string{"keep": "0"}, `keep is "0"; it must be a whole number from 1`},
		"reserved schema":  {map[string]string{"schema": "pg_mercator"}, "PostgreSQL's own"},
		"long schema":      {map[string]string{"schema": strings.Repeat("x", 64)}, "at most 63 bytes"},
		"long name":        {map[string]string{"name": strings.Repeat("x", 256)}, "at most 255 bytes"},
		"bad port":         {map[string]string{"conn_str": "postgres://app:c4n4ry@db.example:port/x"}, "cannot be read"},
		"bad mode":         {map[string]string{"conn_str": "host=db.example password=c4n4ry sslmode=maybe"}, "cannot be read"},
		"unquoted blank":   {map[string]string{"conn_str": "host=db.example password=c4n4ry c4n4ry"}, "cannot be read"},
		"per cent":         {map[string]string{"conn_str": "postgres://app:c4n4ry%zz@db.example/x"}, "cannot be read"},
		"certificate file": {map[string]string{"conn_str": "postgres://app:c4n4ry@db.example/x?sslmode=verify-full&sslrootcert=/none"}, "sslrootcert, must exist"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Backend().Open(state.Settings{Values: c.values, Catalog: statetest.Catalog(t), Clock: statetest.NewClock()})
			says(t, "opening", err, c.want)
		})
	}
}

// What no argument says comes from the variables that PostgreSQL's own programs read.
func TestTheEnvironmentCounts(t *testing.T) {
	server := postgrestest.Shared(t)
	host, port, _ := net.SplitHostPort(server.Address)
	for name, value := range map[string]string{"PGHOST": host, "PGPORT": port, "PGUSER": "postgres", "PGPASSWORD": server.Password, "PGDATABASE": "postgres", "PGSSLMODE": "disable"} {
		t.Setenv(name, value)
	}
	s, err := Backend().Open(state.Settings{Values: map[string]string{"schema": freshSchema()}, Catalog: statetest.Catalog(t), Clock: state.SystemClock(), Version: "1.2.3"})
	if err != nil {
		t.Fatal(err)
	}
	lease, err := s.Lock(context.Background(), state.LockInfo{})
	if err != nil {
		t.Fatal(err)
	}
	if names := server.Query(t, `SELECT application_name FROM pg_stat_activity WHERE application_name <> ''`); !slices.Contains(names, "mercator 1.2.3") {
		t.Errorf("the server knows its connections as %q", names)
	}
	if err := lease.Release(context.Background()); err != nil {
		t.Error(err)
	}
}
