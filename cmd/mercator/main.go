// Command mercator is configuration as code for MongoDB Atlas: it reads HCL files, compares them with what is
// live, and carries the difference out. See the README, and "mercator --help".
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"mercator/cmd/mercator/internal/cli"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.LookupEnv))
}

// run is the program without its process, and returns the exit code.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer, lookupEnv func(string) (string, bool)) int {
	ctx, stop := interruptible()
	defer stop()
	return cli.Run(ctx, cli.World{Stdin: stdin, Stdout: stdout, Stderr: stderr, LookupEnv: lookupEnv, Now: time.Now}, args)
}

// interruptible returns a context that the first SIGINT or SIGTERM ends. From then on signals do again what they
// do by default, so that a second one ends the process at once; the journal survives that (R26, R29).
func interruptible() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case <-signals:
			cancel()
		case <-ctx.Done():
		}
		signal.Stop(signals)
	}()
	return ctx, cancel
}
