//go:build unix

package main

import (
	"os"
	"syscall"
	"testing"
)

// TestRule_R29_Signals sends this process what Ctrl-C and a CI system send: both end the context and nothing else.
func TestRule_R29_Signals(t *testing.T) {
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(s.String(), func(t *testing.T) {
			ctx, stop := interruptible()
			defer stop()
			if err := syscall.Kill(os.Getpid(), s); err != nil {
				t.Fatal(err)
			}
			<-ctx.Done()
		})
	}
}
