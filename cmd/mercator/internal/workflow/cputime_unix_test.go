//go:build unix

package workflow_test

import (
	"syscall"
	"time"
)

// cpuTime returns the processor time that this process has used, which other processes do not lengthen.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
