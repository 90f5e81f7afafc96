// Package canary makes secrets for tests that can be found wherever they leak to. Every canary begins with Prefix, so
// that one search over all that a test suite has written finds the leak of any; and each holds characters that every
// encoding spells otherwise, so that a leak in an encoded form is told from none.
package canary

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Prefix begins every canary.
const Prefix = "c4n4ry-of-"

// awkward are characters that JSON, URLs, HTML, HCL or a shell write otherwise.
const awkward = ` "<&>'+%/\é$`

// New returns the canary of a purpose.
func New(purpose string) string { return Prefix + purpose + awkward }

// Plain returns a canary for places that take letters, digits and hyphens only, such as an HTTP header.
func Plain(purpose string) string { return Prefix + purpose }

// forms are the spellings of a secret by which it could be read: as it is, escaped as in JSON, Go, HTML or a URL, in
// hexadecimal, and inside base64 of a longer text, where it begins at one of three alignments.
func forms(secret string) map[string]string {
	out := map[string]string{
		"plain":          secret,
		"in a query":     url.QueryEscape(secret),
		"in a path":      url.PathEscape(secret),
		"in HTML":        html.EscapeString(secret),
		"quoted":         strings.Trim(strconv.Quote(secret), `"`),
		"quoted (ASCII)": strings.Trim(strconv.QuoteToASCII(secret), `"`),
		"hexadecimal":    hex.EncodeToString([]byte(secret)),
	}
	if text, err := json.Marshal(secret); err == nil {
		out["in JSON"] = string(text[1 : len(text)-1])
	}
	var b strings.Builder
	plain := json.NewEncoder(&b)
	plain.SetEscapeHTML(false)
	if plain.Encode(secret) == nil {
		out["in plain JSON"] = strings.Trim(strings.TrimSpace(b.String()), `"`)
	}
	for shift := range 3 {
		padded := append(make([]byte, shift), secret...)
		from, to := (shift*8+5)/6, len(padded)*8/6 // the characters at the edges hold bits of the neighbours
		out[fmt.Sprintf("base64 at %d", shift)] = base64.RawStdEncoding.EncodeToString(padded)[from:to]
		out[fmt.Sprintf("URL base64 at %d", shift)] = base64.RawURLEncoding.EncodeToString(padded)[from:to]
	}
	for name, text := range maps.Clone(out) {
		if strings.Contains(text, "%") {
			out[name+", lower case"] = strings.ToLower(text)
		}
	}
	return out
}

// Find says in which spelling a text holds one of the secrets, "" if in none. Where the text as a whole is JSON or
// base64 it need not be decoded first: the spellings cover that.
func Find(text string, secrets ...string) string {
	lower := strings.ToLower(text)
	for _, secret := range secrets {
		for form, spelt := range forms(secret) {
			where := text
			if strings.HasSuffix(form, ", lower case") {
				where = lower
			}
			if strings.Contains(where, spelt) {
				return fmt.Sprintf("%q %s", secret, form)
			}
		}
	}
	return ""
}

// FindInFolder looks through the names and contents of all files in a folder, but those for which skip says so, and
// returns a line for each that holds one of the secrets.
func FindInFolder(dir string, skip func(path string) bool, secrets ...string) ([]string, error) {
	var found []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || skip != nil && skip(path) || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if leak := Find(path+"\n"+string(text), secrets...); leak != "" {
			found = append(found, path+" holds "+leak)
		}
		return nil
	})
	return found, err
}
