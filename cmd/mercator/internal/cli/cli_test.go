package cli

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"mercator/schema/kinds"
)

// run runs a command line in this process and returns its exit code and output.
func run(t *testing.T, ctx context.Context, stdout io.Writer, args ...string) (code int, stderr string) {
	t.Helper()
	var errors bytes.Buffer
	w := World{Stdin: strings.NewReader(""), Stdout: stdout, Stderr: &errors, Now: time.Now,
		LookupEnv: func(string) (string, bool) { return "", false }}
	return Run(ctx, w, args), errors.String()
}

func configuration(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.hcl"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// trigger is a writer that calls do when a text has been written.
type trigger struct {
	mu   sync.Mutex
	all  bytes.Buffer
	on   string
	do   func()
	done bool
}

func (w *trigger) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all.Write(p)
	if !w.done && strings.Contains(w.all.String(), w.on) {
		w.done = true
		w.do()
	}
	return len(p), nil
}

func (w *trigger) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.all.String()
}

const withCluster = `project "shop" {
  cluster "orders" {
    provider_name = "AWS"
    region_name   = "EU_WEST_1"
    instance_size = "M10"
  }
  database_user "app" {
    password   = "a-long-enough-password"
    roles      = [{ role_name = "read", database_name = "orders" }]
    depends_on = [cluster.orders]
  }
}
`

// TestRule_R29_Interrupt stops an apply while a cluster is being created, and lets the next one finish it.
func TestRule_R29_Interrupt(t *testing.T) {
	dir := configuration(t, withCluster)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out := &trigger{on: "project.shop.cluster.orders: creating", do: cancel}
	code, stderr := run(t, ctx, out, "apply", "--sandbox", "--auto-approve", dir)
	if code != exitInterrupted {
		t.Fatalf("exit code %d, want %d\n%s%s", code, exitInterrupted, out, stderr)
	}
	for _, want := range []string{"Interrupted: nothing new is begun", "Interrupted: 2", "The state is saved."} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the output lacks %q:\n%s", want, out)
		}
	}
	var again bytes.Buffer
	if code, stderr := run(t, t.Context(), &again, "apply", "--sandbox", "--auto-approve", dir); code != exitDone {
		t.Fatalf("exit code %d of the next apply\n%s%s", code, &again, stderr)
	}
	var list bytes.Buffer
	if code, stderr := run(t, t.Context(), &list, "plan", "--sandbox", "--detailed-exitcode", dir); code != exitDone {
		t.Errorf("exit code %d of the plan after it\n%s%s", code, &list, stderr)
	}
}

// TestInterruptedPlan ends a plan that was interrupted before it began, with its own exit code.
func TestInterruptedPlan(t *testing.T) {
	dir := configuration(t, withCluster)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	code, stderr := run(t, ctx, io.Discard, "plan", "--sandbox", dir)
	if code != exitInterrupted || !strings.Contains(stderr, "Interrupted") {
		t.Errorf("exit code %d, stderr:\n%s", code, stderr)
	}
}

// TestSandboxServes starts the sandbox command, asks it something, and ends it as Ctrl-C would.
func TestSandboxServes(t *testing.T) {
	for _, name := range []string{"http", "https"} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			args := []string{"sandbox", "--listen", "127.0.0.1:0"}
			dir := configuration(t, "project \"shop\" {}\n")
			if name == "http" { // shared with whoever uses the folder
				args = append(args, "--data", filepath.Join(dir, ".mercator", "sandbox"))
			}
			cert := filepath.Join(t.TempDir(), "cert.pem")
			if name == "https" {
				args = append(args, "--tls-cert-file", cert)
			}
			ready := make(chan struct{})
			out := &trigger{on: "CLIENT_SECRET=", do: func() { close(ready) }}
			ended := make(chan int, 1)
			go func() {
				code, _ := run(t, ctx, out, args...)
				ended <- code
			}()
			select {
			case <-ready:
			case code := <-ended:
				t.Fatalf("it ended with %d before it served:\n%s", code, out)
			}
			health(t, name, out.String(), cert)
			if code, stderr := run(t, t.Context(), io.Discard, "apply", "--sandbox", "--auto-approve", dir); code != exitDone {
				t.Errorf("exit code %d of an apply beside it:\n%s", code, stderr)
			}
			cancel()
			if code := <-ended; code != exitDone {
				t.Errorf("exit code %d", code)
			}
		})
	}
}

func health(t *testing.T, scheme, printed, certFile string) {
	t.Helper()
	_, rest, _ := strings.Cut(printed, "export MONGODB_ATLAS_BASE_URL=")
	url, _, _ := strings.Cut(rest, "\n")
	if !strings.HasPrefix(url, scheme+"://") {
		t.Fatalf("the address is %q in:\n%s", url, printed)
	}
	transport := &http.Transport{}
	if scheme == "https" {
		pem, err := os.ReadFile(certFile)
		if err != nil {
			t.Fatal(err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			t.Fatal("the file holds no certificate")
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	answer, err := client.Get(url + "/sandbox/health")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Errorf("status %d", answer.StatusCode)
	}
}

// TestHelp holds every command's help to the width of a page, and asks for examples and exit codes.
func TestHelp(t *testing.T) {
	w := &World{Stdout: io.Discard, Stderr: io.Discard, LookupEnv: func(string) (string, bool) { return "", false }, Now: time.Now}
	root := rootCommand(w, &globals{})
	each(root, func(c *cobra.Command) {
		if c.Hidden {
			return
		}
		var b bytes.Buffer
		c.SetOut(&b)
		if err := c.Help(); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"Usage:", "Examples:", "Exit codes:"} {
			if !strings.Contains(b.String(), want) {
				t.Errorf("the help of %s has no section %q", c.CommandPath(), want)
			}
		}
		narrow(t, c.CommandPath(), b.String(), plainWidth)
		if n := utf8.RuneCountInString(c.Short); n > 44 {
			t.Errorf("the one line about %s has %d columns, too many for a list in a narrow terminal", c.CommandPath(), n)
		}
	})
}

// TestSchemaPages holds the reference of every kind to the width of a page.
func TestSchemaPages(t *testing.T) {
	catalog, err := kinds.Catalog()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range catalog.Names() {
		var b bytes.Buffer
		if err := showSchema(screen{w: &b, width: plainWidth}, catalog, []string{name}, false); err != nil {
			t.Fatal(err)
		}
		narrow(t, name, b.String(), plainWidth)
		for _, section := range []string{"Arguments", "Operations below " + apiRoot} {
			if !strings.Contains(b.String(), "\n"+section+"\n") {
				t.Errorf("the page of %s has no section %q", name, section)
			}
		}
	}
}

// narrow checks that no line is wider than it may be.
func narrow(t *testing.T, what, text string, width int) {
	t.Helper()
	for line := range strings.SplitSeq(text, "\n") {
		if n := utf8.RuneCountInString(line); n > width {
			t.Errorf("%s: a line has %d columns:\n%s", what, n, line)
		}
	}
}

// TestOneCodePerError pins what errors of each class exit with; the scripts see most of them, this one the order.
func TestOneCodePerError(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if code, _ := judge(ctx, exit(exitDifference)); code != exitDifference {
		t.Errorf("a result is lost when the run is interrupted: %d", code)
	}
	if code, _ := judge(ctx, io.ErrUnexpectedEOF); code != exitInterrupted {
		t.Errorf("an error after an interruption exits with %d", code)
	}
	if code, why := judge(t.Context(), io.ErrUnexpectedEOF); code != exitError || len(why.list) != 1 {
		t.Errorf("an error exits with %d and %v", code, why.list)
	}
}
