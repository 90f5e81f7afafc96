//go:build unix

// Package postgrestest runs a PostgreSQL server and a PgBouncer in front of it, for tests. One of each serves all tests
// of a process; they stop, and what they wrote is removed, when the process ends, however it ends.
//
// Debian's packages postgresql and pgbouncer hold what is needed. Where it is missing, tests are skipped with the
// reason, or fail where the variable CI is true.
package postgrestest

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Server is a running server.
type Server struct {
	// Address is the server's, host and port. It takes connections with TLS and without; those to the database
	// tlsonly with TLS only.
	Address string
	// PoolerAddress is PgBouncer's, in transaction mode.
	PoolerAddress string
	// Password is that of the superuser postgres.
	Password string
}

var shared = sync.OnceValues(start)

// Shared returns the server of this process, which it starts if it does not run yet.
func Shared(t testing.TB) *Server {
	t.Helper()
	s, err := shared()
	var missing *missingError
	switch {
	case errors.As(err, &missing) && os.Getenv("CI") != "true":
		t.Skipf("NOT TESTED AGAINST POSTGRESQL: %v", err)
	case err != nil:
		t.Fatalf("no PostgreSQL to test with: %v", err)
	}
	return s
}

// ConnString returns the connection string of the superuser for an address, that of the server, of the pooler or of
// something in between.
func (s *Server) ConnString(address string) string {
	return s.ConnStringOf("postgres", s.Password, address, "postgres")
}

// ConnStringOf returns a connection string without TLS.
func (s *Server) ConnStringOf(user, password, address, database string) string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword(user, password), Host: address, Path: "/" + database, RawQuery: "sslmode=disable"}
	return u.String()
}

// Exec runs statements as the superuser.
func (s *Server) Exec(t testing.TB, statements ...string) {
	t.Helper()
	s.with(t, func(ctx context.Context, c *pgx.Conn) error {
		for _, statement := range statements {
			if _, err := c.Exec(ctx, statement, pgx.QueryExecModeSimpleProtocol); err != nil {
				return fmt.Errorf("%s: %w", statement, err)
			}
		}
		return nil
	})
}

// Query returns the rows of a query with one column of text, as the superuser.
func (s *Server) Query(t testing.TB, query string, args ...any) (texts []string) {
	t.Helper()
	s.with(t, func(ctx context.Context, c *pgx.Conn) error {
		rows, err := c.Query(ctx, query, args...)
		if err == nil {
			texts, err = pgx.CollectRows(rows, pgx.RowTo[string])
		}
		return err
	})
	return texts
}

func (s *Server) with(t testing.TB, do func(context.Context, *pgx.Conn) error) {
	t.Helper()
	ctx := context.Background()
	c, err := pgx.Connect(ctx, s.ConnString(s.Address))
	if err == nil {
		err = errors.Join(do(ctx, c), c.Close(ctx))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// missingError says what a test needs and this machine lacks.
type missingError struct{ what string }

// Error says what is missing and how to get it.
func (e *missingError) Error() string {
	return e.what + "; apt-get install postgresql pgbouncer provides what is needed"
}

// tools are what is run.
type tools struct {
	folder  string // of PostgreSQL's programs
	bouncer string
	account *syscall.Credential // who runs them, nil for this process's user
}

func findTools() (tools, error) {
	var found tools
	path, err := exec.LookPath("initdb")
	if err != nil {
		// Debian puts them out of the way, a folder a version.
		all, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
		if len(all) == 0 {
			return found, &missingError{"there is no initdb here, neither in the PATH nor in /usr/lib/postgresql"}
		}
		path = slices.MaxFunc(all, func(a, b string) int { return len(a) - len(b) + strings.Compare(a, b) })
	}
	found.folder = filepath.Dir(path)
	for _, path := range []string{"pgbouncer", "/usr/sbin/pgbouncer"} {
		if found.bouncer, err = exec.LookPath(path); err == nil {
			break
		}
	}
	if err != nil {
		return found, &missingError{"there is no pgbouncer here"}
	}
	if os.Getuid() != 0 {
		return found, nil
	}
	// Both refuse to run as root.
	for _, name := range []string{"postgres", "nobody"} {
		if u, err := user.Lookup(name); err == nil {
			uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
			gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
			found.account = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
			return found, errors.Join(err1, err2)
		}
	}
	return found, &missingError{"PostgreSQL does not run as root, and there is no user postgres or nobody"}
}

// start starts both servers.
func start() (*Server, error) {
	found, err := findTools()
	if err != nil {
		return nil, err
	}
	// A port that was free a moment ago may be taken by the time that the server asks for it.
	for try := 1; ; try++ {
		s, err := found.start()
		if err == nil || try == 3 {
			return s, err
		}
	}
}

// serverScript makes a database, serves it until the input ends, which it does with the test's process, and removes it.
const serverScript = `
cd "$1" || exit 1
finish() { "$2/pg_ctl" -D data -m immediate -s stop; cd /; rm -rf "$1"; }
trap 'finish "$1" "$2"' EXIT
"$2/initdb" -D data -U postgres --auth=scram-sha-256 --pwfile=password --no-sync -E UTF8 --locale=C >log 2>&1 &&
cat settings >>data/postgresql.conf && cp access data/pg_hba.conf && cp server.key server.crt data/ && chmod 600 data/server.key &&
"$2/pg_ctl" -D data -w -s -l log start >>log 2>&1 || { cat log; exit 1; }
echo up
read _`

// poolerScript serves until the input ends.
const poolerScript = `
cd "$1" || exit 1
"$2" pooler.ini 2>&1 &
read _
kill $!
wait`

func (found tools) start() (*Server, error) {
	port, err1 := freePort()
	pooler, err2 := freePort()
	key, certificate, err3 := selfSigned()
	dir, err4 := os.MkdirTemp("", "mercator-postgres-")
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return nil, err
	}
	s := &Server{Address: "127.0.0.1:" + port, PoolerAddress: "127.0.0.1:" + pooler, Password: rand.Text()}
	files := map[string]string{
		"password": s.Password, "server.key": key, "server.crt": certificate,
		"settings": fmt.Sprintf("port = %s\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\nmax_connections = 300\n"+
			"shared_buffers = 32MB\nfsync = off\nssl = on\nautovacuum = off\nwal_writer_delay = 10s\n", port),
		"access": "hostnossl tlsonly all all reject\nhost all all all scram-sha-256\n",
		"pooler.ini": fmt.Sprintf("[databases]\n* = host=127.0.0.1 port=%s\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = %s\n"+
			"unix_socket_dir =\npool_mode = transaction\nauth_type = scram-sha-256\nauth_file = users\nmax_client_conn = 1000\n", port, pooler),
		"users": fmt.Sprintf("\"postgres\" \"%s\"\n", s.Password),
	}
	if err := found.give(dir, files); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err := found.run("up\n", serverScript, dir, found.folder); err != nil {
		return nil, fmt.Errorf("the server does not start: %w", err)
	}
	if err := found.run("process up", poolerScript, dir, found.bouncer); err != nil {
		return nil, fmt.Errorf("PgBouncer does not start: %w", err)
	}
	return s, nil
}

// give puts files into a folder that becomes the account's.
func (found tools) give(dir string, files map[string]string) error {
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	if found.account == nil {
		return nil
	}
	return filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		return errors.Join(err, os.Chown(path, int(found.account.Uid), int(found.account.Gid)))
	})
}

// run starts a script, and returns when it has printed a text. It is not this process's standard output that it
// writes to, or go test would wait for it.
func (found tools) run(text, script string, args ...string) error {
	cmd := exec.Command("/bin/sh", append([]string{"-c", script, "sh"}, args...)...)
	// A group of its own, so that an interruption from the keyboard reaches the test alone, which then lets go.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: found.account}
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"}
	cmd.Dir = "/"
	out, err1 := cmd.StdoutPipe()
	in, err2 := cmd.StdinPipe()
	if err := errors.Join(err1, err2, cmd.Start()); err != nil {
		return err
	}
	held.add(in)
	var said bytes.Buffer
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		said.WriteString(line)
		if strings.Contains(line, text) {
			go func() { _, _ = io.Copy(io.Discard, lines) }()
			return nil
		}
		if err != nil {
			return fmt.Errorf("%w: %s", errors.Join(cmd.Wait(), err), said.String())
		}
	}
}

// held keeps the scripts' inputs from the garbage collector, which would close them.
var held inputs

type inputs struct {
	mu  sync.Mutex
	all []io.Closer
}

func (i *inputs) add(c io.Closer) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.all = append(i.all, c)
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, errors.Join(err, l.Close())
}
