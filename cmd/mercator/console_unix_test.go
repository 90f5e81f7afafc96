//go:build unix

package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
)

// terminal is a console on a terminal of its own.
type terminal struct {
	t     *testing.T
	cmd   *exec.Cmd
	keys  *os.File
	shown chan []byte
	seen  bytes.Buffer // what was shown and not yet awaited
}

// openConsole starts a console in a folder, with caches in another.
func openConsole(t *testing.T, dir, cache string) *terminal {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// Under this name the binary of the tests is mercator, see TestMain.
	cmd := &exec.Cmd{Path: self, Args: []string{"mercator", "console", "--sandbox"}, Dir: dir,
		Env: []string{"HOME=" + cache, "XDG_CACHE_HOME=" + cache, "TERM=xterm", "PATH=" + os.Getenv("PATH"), "APP_SECRET=canary-env"}}
	keys, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 40, Cols: 200})
	if err != nil {
		t.Fatal(err)
	}
	c := &terminal{t: t, cmd: cmd, keys: keys, shown: make(chan []byte, 64)}
	go func() {
		defer close(c.shown)
		for {
			b := make([]byte, 4096)
			n, err := keys.Read(b)
			if n > 0 {
				c.shown <- b[:n]
			}
			if err != nil { // on Linux EIO once the program has ended
				return
			}
		}
	}()
	t.Cleanup(func() { _ = errors.Join(cmd.Process.Kill(), keys.Close()) })
	return c
}

// types sends keys.
func (c *terminal) types(keys string) {
	c.t.Helper()
	if _, err := io.WriteString(c.keys, keys); err != nil {
		c.t.Fatal(err)
	}
}

// await waits until the terminal shows a text behind what was awaited before, and returns what came before it.
func (c *terminal) await(text string) string {
	c.t.Helper()
	deadline := time.NewTimer(20 * time.Second)
	defer deadline.Stop()
	for {
		if i := strings.Index(c.seen.String(), text); i >= 0 {
			before := string(c.seen.Next(i + len(text)))
			return before[:i]
		}
		select {
		case b, open := <-c.shown:
			if !open {
				c.t.Fatalf("it ended before it showed %q; %q", text, c.seen.String())
			}
			c.seen.Write(b)
		case <-deadline.C:
			c.t.Fatalf("%q is not shown: %q", text, c.seen.String())
		}
	}
}

// ends waits for the end and checks the exit code.
func (c *terminal) ends(code int) {
	c.t.Helper()
	for range c.shown { // so that nothing waits for a reader
	}
	_ = c.cmd.Wait()
	if got := c.cmd.ProcessState.ExitCode(); got != code {
		c.t.Errorf("it exits with %d, want %d", got, code)
	}
}

const consoleConfiguration = `
variable "region" { default = "EU_WEST_1" }
variable "token" {
  default   = "canary-token"
  sensitive = true
}
locals { sizes = { dev = "M10", prod = "M30" } }
project "shop" {}
`

// TestConsole types into a console as a person does.
func TestConsole(t *testing.T) {
	dir, cache := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.hcl"), []byte(consoleConfiguration), 0o600); err != nil {
		t.Fatal(err)
	}
	const tab, up, interrupt, end, enter = "\t", "\x1b[A", "\x03", "\x04", "\r"
	c := openConsole(t, dir, cache)
	c.await("> ")
	for _, step := range []struct{ keys, shows string }{
		{"1 + 1" + enter, "\n2\r\n"},
		{"var.reg" + tab + enter, "\n\"EU_WEST_1\"\r\n"},
		{"local.siz" + tab + ".de" + tab + enter, "\n\"M10\"\r\n"},
		{"{ a = [" + enter, ". "},
		{"3]" + enter, ". "},
		{"}" + enter, "  \"a\": [\r\n    3\r\n  ]\r\n}\r\n"},
		{"<<EOT" + enter, ". "},
		{"in ${var.region}" + enter, ". "},
		{"EOT" + enter, "\n\"in EU_WEST_1\\n\"\r\n"},
		{"[1," + enter, ". "},
		{"2", "2"}, // whose echo shows that keys are read one by one, and that Ctrl-C is one of them
		{interrupt, "^C"},
		{"var.token" + enter, "\n(sensitive)\r\n"},
		{`env("APP_SECRET")` + enter, "\n(sensitive)\r\n"},
		{`sha256("canary-token") == ""` + enter, "\nfalse\r\n"},
		{" \"canary-space\"" + enter, "\n\"canary-space\"\r\n"},
		{"nonsense + \"canary-mistake\"" + enter, "Nothing is called \"nonsense\""},
		{"5 * 5" + enter, "\n25\r\n"},
		{up + enter, "\n25\r\n"},
	} {
		c.types(step.keys)
		c.await(step.shows)
		if step.keys == interrupt || strings.HasSuffix(step.keys, enter) && step.shows != ". " {
			c.await("> ")
		}
	}
	c.types("exit" + enter)
	c.ends(0)

	file := filepath.Join(cache, "mercator", "console_history")
	kept, err := os.ReadFile(file)
	const want = "1 + 1\nvar.region\nlocal.sizes.dev\n{ a = [\n3]\n}\n<<EOT\nin ${var.region}\nEOT\n5 * 5\n5 * 5\n"
	if err != nil || string(kept) != want {
		t.Errorf("%q is kept, want %q (%v)", kept, want, err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("its mode is %v (%v)", info.Mode(), err)
	}

	c = openConsole(t, dir, cache)
	c.await("> ")
	c.types(up + up + up + up + enter) // the same typed twice is found once
	c.await(". ")
	c.types(end)
	c.ends(0)
}

// TestRule_R29_ConsoleEndsWithASignal sends what a terminal that is closed and a CI system send.
func TestRule_R29_ConsoleEndsWithASignal(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.hcl"), []byte(consoleConfiguration), 0o600); err != nil {
		t.Fatal(err)
	}
	c := openConsole(t, dir, t.TempDir())
	c.await("> ")
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	c.await("Interrupted")
	c.ends(130)
}
