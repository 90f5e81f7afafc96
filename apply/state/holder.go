package state

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/user"
	"time"
)

// LockWait takes the lease, and waits up to timeout for whoever holds it; 0 means one attempt. onWait, if not
// nil, is told of each holder that is waited for, once. When the time is over the error is the *LockedError that
// names the holder.
func LockWait(ctx context.Context, store Store, info LockInfo, timeout time.Duration, clock Clock,
	onWait func(*LockedError)) (Lease, error) {
	start := clock.Elapsed()
	told := ""
	for pause := time.Second; ; pause = min(2*pause, 5*time.Second) {
		lease, err := store.Lock(ctx, info)
		var locked *LockedError
		if !errors.As(err, &locked) {
			return lease, err
		}
		left := timeout - (clock.Elapsed() - start)
		if left <= 0 {
			return nil, waited(locked, timeout)
		}
		if onWait != nil && told != locked.Holder.ID {
			told = locked.Holder.ID
			onWait(locked)
		}
		if err := clock.Sleep(ctx, min(pause, left)); err != nil {
			return nil, err
		}
	}
}

func waited(locked *LockedError, timeout time.Duration) error {
	if timeout <= 0 {
		return locked
	}
	return fmt.Errorf("waited %s: %w", timeout, locked)
}

// AwaitQuiet waits until nothing of an earlier apply that died can still be under way in Atlas: a request that was
// on its way when its sender was killed may be carried out after that, and whoever looked before would make it
// again. Where the state has no open intents there was none. onWait, if not nil, is told how long it takes.
func AwaitQuiet(ctx context.Context, lease Lease, s *State, clock Clock, onWait func(time.Duration)) error {
	left := min(lease.Info().Quiet.Sub(clock.Now()), LeaseLength)
	if len(s.Intents) == 0 || left <= 0 {
		return nil
	}
	if onWait != nil {
		onWait(left)
	}
	return clock.Sleep(ctx, left)
}

// CurrentHolder describes this process for a lock: user and host, process, and in CI the job's URL and the
// commit, from the variables that the usual systems set. env looks a variable up, as os.Getenv does.
func CurrentHolder(operation, version string, env func(string) string) LockInfo {
	return LockInfo{
		Operation: operation, Version: version, Who: who(env), PID: os.Getpid(),
		Job:    job(env),
		Commit: firstSet(env, "GITHUB_SHA", "CI_COMMIT_SHA", "CIRCLE_SHA1", "BUILDKITE_COMMIT", "BUILD_SOURCEVERSION", "BITBUCKET_COMMIT", "DRONE_COMMIT_SHA", "TRAVIS_COMMIT", "GIT_COMMIT"),
	}
}

func who(env func(string) string) string {
	name := firstSet(env, "USER", "LOGNAME", "USERNAME")
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	return name + "@" + host
}

func firstSet(env func(string) string, names ...string) string {
	for _, name := range names {
		if v := env(name); v != "" {
			return v
		}
	}
	return ""
}

// jobs are the ways in which CI systems give their job's URL, each with the variables that it is made of. The
// first system whose variables are all set counts.
var jobs = []struct {
	format string
	names  []string
}{
	{"%s/%s/actions/runs/%s/attempts/%s", []string{"GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT"}},
	{"%s/%s/actions/runs/%s", []string{"GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID"}},
	{"%s", []string{"CI_JOB_URL"}}, // GitLab
	{"%s", []string{"CIRCLE_BUILD_URL"}},
	{"%s#%s", []string{"BUILDKITE_BUILD_URL", "BUILDKITE_JOB_ID"}},
	{"%s%s/_build/results?buildId=%s", []string{"SYSTEM_COLLECTIONURI", "SYSTEM_TEAMPROJECT", "BUILD_BUILDID"}}, // Azure
	{"%s/pipelines/results/%s", []string{"BITBUCKET_GIT_HTTP_ORIGIN", "BITBUCKET_BUILD_NUMBER"}},
	{"%s", []string{"DRONE_BUILD_LINK"}},
	{"%s", []string{"TRAVIS_JOB_WEB_URL"}},
	{"%s", []string{"BUILD_URL"}}, // Jenkins and others
}

// job returns the URL of the CI job, "" outside CI. Credentials in it are left out.
func job(env func(string) string) string {
	for _, j := range jobs {
		values := make([]any, 0, len(j.names))
		for _, name := range j.names {
			if v := env(name); v != "" {
				values = append(values, v)
			}
		}
		if len(values) < len(j.names) {
			continue
		}
		u, err := url.Parse(fmt.Sprintf(j.format, values...))
		if err != nil {
			return "" // whatever it is, it may hold a password
		}
		u.User = nil
		return u.String()
	}
	return ""
}
