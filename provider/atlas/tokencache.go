package atlas

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// CacheDir returns the folder for tokens in the user's cache folder, for [Config].
func CacheDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no cache folder for tokens: %w", err)
	}
	return filepath.Join(dir, "mercator", "tokens"), nil
}

// tokenCache keeps one credential's token in a file of its own, readable by its owner alone. Its name is a hash
// over address, id and secret, so that a token is never used for another credential or sent to another host. The
// zero value keeps nothing.
type tokenCache struct{ path string }

func newTokenCache(dir, base string, cred Credentials) tokenCache {
	if dir == "" {
		return tokenCache{}
	}
	h := sha256.Sum256([]byte(strings.Join([]string{"mercator token 1", base, cred.ClientID, cred.ClientSecret}, "\x00")))
	return tokenCache{filepath.Join(dir, hex.EncodeToString(h[:])+".json")}
}

// lockPatience bounds the wait for another process: longer than one token request. After it both ask, which costs
// a request and no more.
const lockPatience = 35 * time.Second

// lock takes the cache for this process and returns what gives it back. It never fails: a cache that cannot be
// locked is used unlocked.
func (c tokenCache) lock(ctx context.Context) func() {
	if c.path == "" || os.MkdirAll(filepath.Dir(c.path), 0o700) != nil {
		return func() {}
	}
	ctx, cancel := context.WithTimeout(ctx, lockPatience)
	defer cancel()
	f := flock.New(c.path+".lock", flock.SetPermissions(0o600))
	if ok, err := f.TryLockContext(ctx, 50*time.Millisecond); !ok || err != nil {
		_ = f.Close()
		return func() {}
	}
	return func() { _ = f.Unlock() }
}

// load returns the token that was kept, if there is one that makes sense and only its owner can read.
func (c tokenCache) load() (token, bool) {
	if c.path == "" {
		return token{}, false
	}
	info, err := os.Lstat(c.path)
	if err != nil || !info.Mode().IsRegular() || info.Size() > 1<<20 {
		return token{}, false
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return token{}, false
	}
	text, err := os.ReadFile(c.path)
	if err != nil {
		return token{}, false
	}
	var t token
	if json.Unmarshal(text, &t) != nil || t.Text == "" || strings.ContainsAny(t.Text, " \r\n") {
		return token{}, false
	}
	return t, true
}

// store replaces the file whole, so that no reader sees half of it.
func (c tokenCache) store(t token) (err error) {
	if c.path == "" {
		return nil
	}
	text, err := json.Marshal(t)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(c.path), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(c.path), "token-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	if _, err = f.Write(text); err != nil {
		_ = f.Close()
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), c.path)
}
