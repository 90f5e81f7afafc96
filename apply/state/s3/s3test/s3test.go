// Package s3test runs a store that speaks S3's protocol for tests: versitygw, a program of its own that keeps
// buckets in a folder and honours conditional writes. It is built once with the go command, in one fixed version, and
// kept in the user's cache folder.
package s3test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"mercator/apply/state"
)

// What is built, and the variable that names a program built already.
const (
	Module          = "github.com/versity/versitygw/cmd/versitygw"
	Version         = "v1.8.0"
	ProgramVariable = "MERCATOR_TEST_VERSITYGW"
)

// The credentials that a server accepts, and its region.
const (
	AccessKey = "mercator-test"
	SecretKey = "mercator-test-secret"
	Region    = "us-east-1"
)

// Server is a server under way.
type Server struct {
	// Endpoint is its URL, and Bucket an empty bucket in it.
	Endpoint, Bucket string
	// Dir is the folder in which the buckets are, an object a file.
	Dir string
}

// Credentials are those that the server accepts.
func (s *Server) Credentials() aws.CredentialsProvider {
	return credentials.NewStaticCredentialsProvider(AccessKey, SecretKey, "")
}

// Start starts a server and ends it with the test. Where the program can't be had the test is skipped, loudly; where
// CI=true says that nothing may be skipped it fails.
func Start(t testing.TB) *Server {
	t.Helper()
	return start(t)
}

// StartVersioned starts a server whose bucket keeps earlier versions of its objects.
func StartVersioned(t testing.TB) *Server {
	t.Helper()
	s := start(t, "--versioning-dir", t.TempDir())
	_, err := s.client().PutBucketVersioning(context.Background(), &s3.PutBucketVersioningInput{
		Bucket: &s.Bucket, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *Server) client() *s3.Client {
	return s3.New(s3.Options{BaseEndpoint: &s.Endpoint, Region: Region, Credentials: s.Credentials(), UsePathStyle: true})
}

func start(t testing.TB, flags ...string) *Server {
	t.Helper()
	program, err := program()
	if err != nil {
		text := fmt.Sprintf("NOT TESTED against a real S3 server: %s@%s can't be had: %v", Module, Version, err)
		if os.Getenv("CI") == "true" {
			t.Fatal(text)
		}
		t.Skip(text)
	}
	s := &Server{Bucket: "states", Dir: t.TempDir()}
	for n := 1; ; n++ {
		err := s.run(t, program, flags)
		if err == nil {
			break
		}
		if n == 3 { // somebody else may have got the port
			t.Fatal(err)
		}
	}
	if _, err := s.client().CreateBucket(context.Background(), &s3.CreateBucketInput{Bucket: &s.Bucket}); err != nil {
		t.Fatal(err)
	}
	return s
}

// run starts the program on a free port and returns when it answers.
func (s *Server) run(t testing.TB, program string, flags []string) error {
	t.Helper()
	address, err := freeAddress()
	if err != nil {
		return err
	}
	command := exec.Command(program, arguments(address, s.Dir, flags)...)
	if runtime.GOOS != "windows" {
		// The shell ends it when this process is gone, however that came.
		const guard = `"$@" & p=$!; cat >/dev/null; kill $p; wait $p`
		command = exec.Command("sh", append([]string{"-c", guard, "sh", program}, command.Args[1:]...)...)
	}
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	alive, err := command.StdinPipe()
	if err != nil {
		return err
	}
	if err := command.Start(); err != nil {
		return err
	}
	stop := sync.OnceFunc(func() {
		_ = alive.Close()
		if runtime.GOOS == "windows" {
			_ = command.Process.Kill()
		}
		_ = command.Wait() // it was told to end
	})
	s.Endpoint = "http://" + address
	if err := s.await(); err != nil {
		stop()
		return fmt.Errorf("%s does not answer: %w\n%s", program, err, out.String())
	}
	t.Cleanup(stop)
	return nil
}

// arguments has the server keep what it knows of objects in their extended attributes: kept in files beside them, an
// object and its ETag would not change at the same moment.
func arguments(address, data string, flags []string) []string {
	return slices.Concat([]string{"--port", address, "--access", AccessKey, "--secret", SecretKey, "--region", Region, "--quiet", "posix"},
		flags, []string{data})
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// await returns when the server answers, whatever it answers.
func (s *Server) await() error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	clock := state.SystemClock()
	for {
		answer, err := http.Get(s.Endpoint) //nolint:noctx // it is on this machine
		if err == nil {
			return answer.Body.Close()
		}
		if over := clock.Sleep(ctx, 20*time.Millisecond); over != nil {
			return err
		}
	}
}

// program returns the path of the server's program, which it builds if need be.
var program = sync.OnceValues(func() (string, error) {
	if path := os.Getenv(ProgramVariable); path != "" {
		return path, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	name := "versitygw"
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	folder := filepath.Join(cache, "mercator-test", "versitygw-"+Version)
	path := filepath.Join(folder, name)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", err
	}
	aside, err := os.MkdirTemp(folder, "build") // several tests may build it at the same time
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(aside) }()
	ctx, cancel := context.WithTimeout(context.Background(), 8*time.Minute)
	defer cancel()
	install := exec.CommandContext(ctx, "go", "install", Module+"@"+Version)
	install.Dir = os.TempDir() // its dependencies are none of ours
	install.Env = append(os.Environ(), "GOBIN="+aside, "GOFLAGS=", "CGO_ENABLED=0")
	if out, err := install.CombinedOutput(); err != nil {
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		return "", fmt.Errorf("go install: %w: %s", err, lines[len(lines)-1])
	}
	return path, os.Rename(filepath.Join(aside, name), path)
})
