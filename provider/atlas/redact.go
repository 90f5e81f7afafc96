package atlas

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// mask stands where a secret stood.
const mask = "********"

// redactor replaces every secret that it was told of, also where it stands percent-encoded, escaped as in JSON,
// or inside base64. Values of fewer than four bytes are not looked for: they would blot out ordinary text, and
// what is a secret by its field is masked by its field.
type redactor struct {
	mu       sync.RWMutex
	known    map[string]bool
	replacer *strings.Replacer // nil until text is masked after an addition
}

func newRedactor() *redactor { return &redactor{known: map[string]bool{}} }

func (r *redactor) add(secrets ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range secrets {
		if len(s) >= 4 && !r.known[s] {
			r.known[s] = true
			r.replacer = nil
		}
	}
}

func (r *redactor) mask(text string) string {
	if text == "" {
		return ""
	}
	r.mu.RLock()
	replacer, none := r.replacer, len(r.known) == 0
	r.mu.RUnlock()
	if none {
		return text
	}
	if replacer == nil {
		replacer = r.build()
	}
	return replacer.Replace(text)
}

func (r *redactor) build() *strings.Replacer {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []string
	for s := range r.known {
		all = append(all, forms(s)...)
	}
	// The longest first, so that no part of a secret is left beside the mask of another.
	slices.SortFunc(all, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) })
	all = slices.Compact(all)
	pairs := make([]string, 0, 2*len(all))
	for _, s := range all {
		pairs = append(pairs, s, mask)
	}
	r.replacer = strings.NewReplacer(pairs...)
	return r.replacer
}

// forms returns the spellings under which a secret may appear.
func forms(s string) []string {
	out := []string{s, url.QueryEscape(s), url.PathEscape(s)}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(s) == nil {
		out = append(out, strings.Trim(strings.TrimSpace(b.String()), `"`))
	}
	if j, err := json.Marshal(s); err == nil {
		out = append(out, string(j[1:len(j)-1]))
	}
	// Inside base64 of a longer text a secret begins at one of three alignments; the characters at its edges
	// also hold bits of its neighbours.
	for before := range 3 {
		padded := string(make([]byte, before)) + s
		from, to := (before*8+5)/6, len(padded)*8/6
		for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			if to-from >= 6 {
				out = append(out, enc.EncodeToString([]byte(padded))[from:to])
			}
		}
	}
	return out
}
