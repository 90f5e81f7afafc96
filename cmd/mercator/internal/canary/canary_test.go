package canary

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"testing"
)

func TestFind(t *testing.T) {
	secret := New("a test")
	inJSON, err := json.Marshal(map[string]string{"x": secret})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"plain": "x" + secret + "x", "JSON": string(inJSON), "query": url.QueryEscape(secret), "path": "/a/" + url.PathEscape(secret),
		"Go":       fmt.Sprintf("%q", secret),
		"base64 0": base64.StdEncoding.EncodeToString([]byte(secret)), "base64 1": base64.URLEncoding.EncodeToString([]byte("x" + secret + "yz")),
		"base64 2": base64.RawStdEncoding.EncodeToString([]byte("id" + secret)),
	} {
		if Find(text, "something else", secret) == "" {
			t.Errorf("%s: not found in %s", name, text)
		}
	}
	if leak := Find("c4n4ry-of-another thing", secret); leak != "" {
		t.Errorf("found %s where there is none", leak)
	}
}

func TestFindInFolder(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"clean": "nothing", "leak": "x " + New("a test"), "allowed": New("a test")} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	found, err := FindInFolder(dir, func(path string) bool { return filepath.Base(path) == "allowed" }, New("a test"))
	if err != nil || len(found) != 1 {
		t.Errorf("found %q, %v; want one leak", found, err)
	}
}
