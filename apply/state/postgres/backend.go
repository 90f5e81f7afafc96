package postgres

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"mercator/apply/state"
)

// Config says where a state is.
type Config struct {
	// ConnString is a connection string of PostgreSQL, as a URL or as keywords and values. What it leaves out comes
	// from the PG* variables, the password file and the service file, as with PostgreSQL's own programs.
	ConnString string
	// Schema holds the tables; [DefaultSchema] if empty.
	Schema string
	// Name tells the states in one schema apart; [DefaultName] if empty.
	Name string
	// Keep is how many versions of the state are kept, with the present one; [DefaultKeep] if 0.
	Keep int
	// Version is Mercator's, for the database's list of connections.
	Version string
}

// What a Config says where it says nothing.
const (
	DefaultSchema = "mercator"
	DefaultName   = "default"
	DefaultKeep   = 20
)

// Backend returns the description of this kind of store.
func Backend() state.Backend {
	return state.Backend{
		Name: "postgres",
		Arguments: []state.Argument{
			{Name: "conn_str", Environment: []string{"MERCATOR_STATE_POSTGRES_CONN_STR"}, Sensitive: true,
				Help: "connection string, postgres://USER@HOST/DATABASE; what it leaves out comes from PGHOST, PGPASSWORD and the other PG* variables"},
			{Name: "schema", Help: "schema that holds the tables, made where it is missing (default " + DefaultSchema + ")"},
			{Name: "name", Help: "name of this state, where several share a schema (default " + DefaultName + ")"},
			{Name: "keep", Help: fmt.Sprintf("how many versions of the state are kept, with the present one (default %d)", DefaultKeep)},
		},
		Open: func(settings state.Settings) (state.Store, error) {
			c := Config{ConnString: settings.Values["conn_str"], Schema: settings.Values["schema"], Name: settings.Values["name"],
				Version: settings.Version}
			if keep, set := settings.Values["keep"]; set {
				var err error
				if c.Keep, err = strconv.Atoi(keep); err != nil || c.Keep < 1 {
					return nil, fmt.Errorf("keep is %q; it must be a whole number from 1, which keeps the present state only", keep)
				}
			}
			return New(c, settings.Catalog, settings.Clock)
		},
	}
}

// complete fills in defaults, or returns an error that says what cannot be.
func (c *Config) complete() error {
	c.Schema, c.Name, c.Keep = cmp.Or(c.Schema, DefaultSchema), cmp.Or(c.Name, DefaultName), cmp.Or(c.Keep, DefaultKeep)
	switch {
	case len(c.Schema) > 63 || strings.ContainsRune(c.Schema, 0):
		return fmt.Errorf("schema is %q; a name in PostgreSQL has at most 63 bytes", c.Schema)
	case strings.HasPrefix(c.Schema, "pg_"):
		return fmt.Errorf("schema is %q; names that begin with pg_ are PostgreSQL's own, so choose another", c.Schema)
	case len(c.Name) > 255 || strings.ContainsRune(c.Name, 0):
		return fmt.Errorf("name is %q; the name of a state has at most 255 bytes", c.Name)
	case c.Keep < 1:
		return fmt.Errorf("keep is %d; it must be at least 1, which keeps the present state only", c.Keep)
	}
	return nil
}

// dialLimit is how long one server is tried where the connection string does not say it.
const dialLimit = 10 * time.Second

// parse reads a connection string. Its error shows nothing of the string: where that cannot be read, nobody can tell
// which part of it is the password. version is Mercator's.
func parse(text, version string) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(text)
	if err != nil {
		return nil, errors.New("conn_str, or a PG* variable, cannot be read (it is not shown, since it may hold a password); " +
			"it must be like postgres://USER:PASSWORD@HOST:5432/DATABASE?sslmode=verify-full, with characters such as @ : / % in the " +
			"password written as %40 %3A %2F %25, or like host=HOST user=USER dbname=DATABASE; an sslmode is one of disable, allow, " +
			"prefer, require, verify-ca and verify-full, and files that it names, such as sslrootcert, must exist")
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = dialLimit
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = strings.TrimSpace("mercator " + version)
	}
	// A pooler that hands out a connection for each transaction keeps no prepared statements.
	config.DefaultQueryExecMode = pgx.QueryExecModeExec
	config.StatementCacheCapacity, config.DescriptionCacheCapacity = 0, 0
	return config, nil
}

// place names the server and the database.
func place(c *pgx.ConnConfig) string {
	at := c.Host
	if !strings.HasPrefix(at, "/") {
		at = net.JoinHostPort(c.Host, strconv.Itoa(int(c.Port)))
	}
	return fmt.Sprintf("database %q at %s", cmp.Or(c.Database, c.User), at)
}
