package state

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"runtime"
	"strings"
	"sync"

	"github.com/zclconf/go-cty/cty"
	"golang.org/x/crypto/argon2"
	"golang.org/x/sync/errgroup"

	"mercator/schema"
)

// The cost of a hash (R20): about 4 ms, so that a thousand secrets cost seconds, and guessing from a stolen
// state costs memory as well as time.
const (
	hashPasses  = 1
	hashMemory  = 4 * 1024 // KiB
	hashThreads = 1
	saltLength  = 16
	hashLength  = 32
)

// Hash returns what the state keeps of a secret: its Argon2id hash (RFC 9106) under a new random salt, in the
// usual text form "$argon2id$v=19$m=4096,t=1,p=1$salt$hash". Two hashes of one secret differ.
func Hash(secret string) string {
	salt := make([]byte, saltLength)
	_, _ = rand.Read(salt) // never fails
	h := hash{memory: hashMemory, passes: hashPasses, threads: hashThreads, salt: salt}
	h.sum = h.of(secret, hashLength)
	return h.String()
}

// Verify reports whether hash is one of secret. It takes the same time whatever the answer. A hash that is
// damaged, or whose cost is beyond reason, is nobody's.
func Verify(hash, secret string) bool {
	h, ok := parseHash(hash)
	return ok && subtle.ConstantTimeCompare(h.sum, h.of(secret, uint32(len(h.sum)))) == 1
}

type hash struct {
	memory, passes uint32
	threads        uint8
	salt, sum      []byte
}

func (h hash) of(secret string, length uint32) []byte {
	return argon2.IDKey([]byte(secret), h.salt, h.passes, h.memory, h.threads, length)
}

// String returns the text form of the Password Hashing Competition's string format.
func (h hash) String() string {
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.memory, h.passes, h.threads, b64(h.salt), b64(h.sum))
}

// parseHash reads a text form, with costs of up to sixteen times today's.
func parseHash(text string) (hash, bool) {
	var h hash
	var version int
	parts := strings.Split(text, "$")
	if len(parts) != 6 {
		return h, false
	}
	b64 := base64.RawStdEncoding.Strict()
	_, err1 := fmt.Sscanf(parts[2]+" "+parts[3], "v=%d m=%d,t=%d,p=%d", &version, &h.memory, &h.passes, &h.threads)
	salt, err2 := b64.DecodeString(parts[4])
	sum, err3 := b64.DecodeString(parts[5])
	h.salt, h.sum = salt, sum
	ok := err1 == nil && err2 == nil && err3 == nil && version == argon2.Version && h.String() == text &&
		h.memory <= 16*hashMemory && h.passes >= 1 && h.passes <= 16*hashPasses && h.threads >= 1 && h.threads <= 16*hashThreads &&
		len(salt) >= 8 && len(salt) <= 64 && len(sum) >= 16 && len(sum) <= 64
	return h, ok
}

// Hasher hashes each secret of a run once, however often it is asked. What it remembers belongs to one secret
// at one place: two secrets that happen to be equal get a salt each, or the state would show that they are.
type Hasher struct {
	mu    sync.Mutex
	known map[digest]string
}

// Hash returns the hash of the secret at a place, such as a resource's address and the secret's path in it.
func (h *Hasher) Hash(address schema.Address, path, secret string) string {
	key := digestOf(string(address), path, secret)
	h.mu.Lock()
	defer h.mu.Unlock()
	if known, ok := h.known[key]; ok {
		return known
	}
	if h.known == nil {
		h.known = map[digest]string{}
	}
	h.known[key] = Hash(secret)
	return h.known[key]
}

// HashAll returns the hashes of a resource's secrets, given and returned by path; nil where it has none.
func (h *Hasher) HashAll(address schema.Address, secrets map[string]string) map[string]string {
	if len(secrets) == 0 {
		return nil
	}
	hashes := make(map[string]string, len(secrets))
	for path, secret := range secrets {
		hashes[path] = h.Hash(address, path, secret)
	}
	return hashes
}

// digest stands for texts, some of them secret, that need not be kept in memory.
type digest [sha256.Size]byte

func digestOf(texts ...string) digest {
	sum := sha256.New()
	for _, text := range texts {
		fmt.Fprintf(sum, "%d:%s", len(text), text)
	}
	return digest(sum.Sum(nil))
}

// Candidate is a secret and the recorded hash that it may be behind.
type Candidate struct{ Hash, Secret string }

// Verifier answers whether a secret is the one behind a hash, each pair computed once. The zero value is ready.
// It is safe for concurrent use.
type Verifier struct {
	mu    sync.Mutex
	known map[digest]bool
}

// Prepare verifies candidates, each distinct one once, on all processors, so that Matches answers at once when
// a plan is built. It returns an error only when the context ends.
func (v *Verifier) Prepare(ctx context.Context, candidates []Candidate) error {
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	begun := make(map[Candidate]bool, len(candidates))
	for _, c := range candidates {
		if ctx.Err() != nil {
			break
		}
		if !begun[c] {
			begun[c] = true
			group.Go(func() error {
				v.Matches(c.Hash, c.Secret)
				return nil
			})
		}
	}
	_ = group.Wait() // none of them fails
	return ctx.Err()
}

// Matches reports whether hash is one of secret. A pair that was not prepared is verified now.
func (v *Verifier) Matches(hash, secret string) bool {
	key := digestOf(hash, secret)
	v.mu.Lock()
	same, ok := v.known[key]
	v.mu.Unlock()
	if ok {
		return same
	}
	same = Verify(hash, secret)
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.known == nil {
		v.known = map[digest]bool{}
	}
	v.known[key] = same
	return same
}

// Mask splits a value of a kind into what the state keeps of it and its secrets. The first has null in the place
// of each write-only argument and of each sensitive value, is unmarked throughout, and holds arguments only, no
// fields that Atlas owns. The second has the secrets' texts ([schema.SecretText]) by path
// ("notifications[1].service_key"), to be hashed. A mark on an object counts for each of its arguments, one on a
// list or map for it as a whole. A secret that is not known yet has no text and is left out.
func Mask(kind *schema.Kind, v cty.Value) (plain cty.Value, secrets map[string]string) {
	m := masker{secrets: map[string]string{}}
	return m.object(kind.Attributes, v, nil), m.secrets
}

type masker struct{ secrets map[string]string }

func (m masker) object(attrs []schema.Attribute, v cty.Value, at cty.Path) cty.Value {
	v, marks := v.Unmark()
	if v.IsNull() || !v.IsKnown() || len(attrs) == 0 {
		return v
	}
	values := make(map[string]cty.Value, len(attrs))
	for i := range attrs {
		a := &attrs[i]
		field := v.GetAttr(a.Name).WithMarks(marks)
		if a.Argument() {
			values[a.Name] = m.value(a, field, append(at, cty.GetAttrStep{Name: a.Name})) //nolint:gocritic // used at once
		} else {
			values[a.Name] = cty.NullVal(a.CtyType())
		}
	}
	return cty.ObjectVal(values)
}

func (m masker) value(a *schema.Attribute, v cty.Value, at cty.Path) cty.Value {
	plain, marks := v.Unmark()
	switch {
	case plain.IsKnown() && plain.IsNull():
		return plain
	case a.Type == schema.TypeObject && !a.WriteOnly && !a.OnceShown:
		return m.object(a.Nested, v, at)
	case a.WriteOnly || a.OnceShown || len(marks) > 0:
		return m.secret(v, at)
	case !plain.IsKnown() || !plain.CanIterateElements() || plain.LengthInt() == 0:
		return plain
	case a.Type == schema.TypeList:
		return cty.ListVal(m.elements(a, plain, at))
	}
	values := plain.AsValueMap()
	for key, el := range values {
		values[key] = m.element(a, el, append(at, cty.IndexStep{Key: cty.StringVal(key)}))
	}
	return cty.MapVal(values)
}

func (m masker) elements(a *schema.Attribute, list cty.Value, at cty.Path) []cty.Value {
	values := list.AsValueSlice()
	for i, el := range values {
		values[i] = m.element(a, el, append(at, cty.IndexStep{Key: cty.NumberIntVal(int64(i))}))
	}
	return values
}

func (m masker) element(a *schema.Attribute, v cty.Value, at cty.Path) cty.Value {
	switch {
	case a.Nested != nil:
		return m.object(a.Nested, v, at)
	case v.IsMarked():
		return m.secret(v, at)
	}
	return v
}

func (m masker) secret(v cty.Value, at cty.Path) cty.Value {
	if plain, _ := v.Unmark(); plain.IsKnown() && plain.IsNull() {
		return plain
	}
	if text, ok := schema.SecretText(v); ok {
		m.secrets[schema.PathString(at)] = text
	}
	return cty.NullVal(v.Type())
}
