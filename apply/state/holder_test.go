package state_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"mercator/apply/state"
	"mercator/apply/state/statetest"
)

// busyStore is locked by each of its holders in turn, for one attempt each, then free.
type busyStore struct {
	state.Store
	holders  []string
	attempts int
	fails    error
}

func (b *busyStore) Lock(context.Context, state.LockInfo) (state.Lease, error) {
	b.attempts++
	if b.fails != nil {
		return nil, b.fails
	}
	if b.attempts > len(b.holders) {
		return &fakeLease{}, nil
	}
	id := b.holders[b.attempts-1]
	return nil, &state.LockedError{Holder: state.LockInfo{ID: id, Who: id + "@host"}}
}

// runningClock advances by whatever is slept.
type runningClock struct{ *statetest.Clock }

func (c runningClock) Sleep(ctx context.Context, d time.Duration) error {
	c.Advance(d)
	return ctx.Err()
}

func wait(store state.Store, timeout time.Duration) (lease state.Lease, told []string, slept time.Duration, err error) {
	clock := runningClock{statetest.NewClock()}
	lease, err = state.LockWait(context.Background(), store, state.LockInfo{}, timeout, clock, func(l *state.LockedError) {
		told = append(told, l.Holder.ID)
	})
	return lease, told, clock.Elapsed(), err
}

func TestLockWait(t *testing.T) {
	many := make([]string, 1000)
	for i := range many {
		many[i] = "a"
	}
	for name, c := range map[string]struct {
		store    *busyStore
		timeout  time.Duration
		attempts int
		told     string
		slept    time.Duration
		want     string
	}{
		"free":             {&busyStore{}, 0, 1, "", 0, ""},
		"one attempt":      {&busyStore{holders: many}, 0, 1, "", 0, "locked by a@host"},
		"freed in time":    {&busyStore{holders: []string{"a", "a", "b"}}, time.Minute, 4, "a b", 7 * time.Second, ""},
		"not freed":        {&busyStore{holders: many}, 10 * time.Second, 5, "a", 10 * time.Second, "waited 10s: the state is locked by a@host"},
		"a tiny timeout":   {&busyStore{holders: many}, time.Millisecond, 2, "a", time.Millisecond, "a@host"},
		"a broken store":   {&busyStore{fails: errors.New("no such folder")}, time.Minute, 1, "", 0, "no such folder"},
		"negative timeout": {&busyStore{holders: many}, -time.Second, 1, "", 0, "a@host"},
	} {
		t.Run(name, func(t *testing.T) {
			lease, told, slept, err := wait(c.store, c.timeout)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
			if (lease != nil) != (err == nil) {
				t.Errorf("lease %v with error %v", lease, err)
			}
			if c.store.attempts != c.attempts || strings.Join(told, " ") != c.told || slept != c.slept {
				t.Errorf("%d attempts, told of %v, waited %v; want %d, %q, %v", c.store.attempts, told, slept, c.attempts, c.told, c.slept)
			}
		})
	}
}

func TestLockWaitEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	store := &busyStore{holders: []string{"a", "a"}}
	if _, err := state.LockWait(ctx, store, state.LockInfo{}, time.Hour, statetest.NewClock(), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestCurrentHolder(t *testing.T) {
	for name, c := range map[string]struct {
		env         map[string]string
		job, commit string
	}{
		"laptop": {nil, "", ""},
		"github": {map[string]string{"GITHUB_SERVER_URL": "https://github.example", "GITHUB_REPOSITORY": "o/r", "GITHUB_RUN_ID": "12",
			"GITHUB_SHA": "c0ffee"}, "https://github.example/o/r/actions/runs/12", "c0ffee"},
		"github rerun": {map[string]string{"GITHUB_SERVER_URL": "https://github.example", "GITHUB_REPOSITORY": "o/r", "GITHUB_RUN_ID": "12",
			"GITHUB_RUN_ATTEMPT": "2"}, "https://github.example/o/r/actions/runs/12/attempts/2", ""},
		"gitlab": {map[string]string{"CI_JOB_URL": "https://gitlab.example/j/1", "CI_COMMIT_SHA": "c0ffee"}, "https://gitlab.example/j/1", "c0ffee"},
		"azure": {map[string]string{"SYSTEM_COLLECTIONURI": "https://dev.example/o/", "SYSTEM_TEAMPROJECT": "p", "BUILD_BUILDID": "3",
			"BUILD_SOURCEVERSION": "c0ffee"}, "https://dev.example/o/p/_build/results?buildId=3", "c0ffee"},
		"buildkite":           {map[string]string{"BUILDKITE_BUILD_URL": "https://b.example/1", "BUILDKITE_JOB_ID": "j"}, "https://b.example/1#j", ""},
		"jenkins":             {map[string]string{"BUILD_URL": "https://ci.example/job/1/", "GIT_COMMIT": "c0ffee"}, "https://ci.example/job/1/", "c0ffee"},
		"password in the URL": {map[string]string{"BUILD_URL": "https://bot:CANARY@ci.example/1"}, "https://ci.example/1", ""},
		"no URL":              {map[string]string{"BUILD_URL": "://CANARY"}, "", ""},
		"half of github":      {map[string]string{"GITHUB_RUN_ID": "12"}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := state.CurrentHolder("apply", "1.2.3", func(name string) string { return c.env[name] })
			if got.Job != c.job || got.Commit != c.commit {
				t.Errorf("job %q, commit %q; want %q, %q", got.Job, got.Commit, c.job, c.commit)
			}
			if got.Operation != "apply" || got.Version != "1.2.3" || got.PID != os.Getpid() || !strings.Contains(got.Who, "@") {
				t.Errorf("holder %+v", got)
			}
		})
	}
}
