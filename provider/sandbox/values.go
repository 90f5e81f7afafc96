package sandbox

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
	"time"
)

// sortedKeys returns the keys of a map in order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// stamp writes a time as the API does: UTC, whole seconds.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// clone copies a JSON value deeply.
func clone[T any](value T) T { return cloneAny(value).(T) }

func cloneAny(value any) any {
	switch v := value.(type) {
	case object:
		out := make(object, len(v))
		for k, e := range v {
			out[k] = cloneAny(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = cloneAny(e)
		}
		return out
	}
	return value
}

// textOf returns a string field, or "".
func textOf(doc object, name string) string {
	s, _ := doc[name].(string)
	return s
}

// boolOf returns a boolean field, or false.
func boolOf(doc object, name string) bool {
	b, _ := doc[name].(bool)
	return b
}

// objectOf returns an object field, or nil.
func objectOf(doc object, name string) object {
	o, _ := doc[name].(object)
	return o
}

// listOf returns a list field, or nil.
func listOf(doc object, name string) []any {
	l, _ := doc[name].([]any)
	return l
}

// objectsOf returns the objects of a list field.
func objectsOf(doc object, name string) []object {
	var out []object
	for _, e := range listOf(doc, name) {
		if o, ok := e.(object); ok {
			out = append(out, o)
		}
	}
	return out
}

// intOf returns a number field, whichever Go type holds it.
func intOf(doc object, name string) int64 {
	switch n := doc[name].(type) {
	case json.Number:
		i, _ := wholeNumber(n)
		return i
	case float64:
		return int64(n)
	case int:
		return int64(n)
	case int64:
		return n
	}
	return 0
}

// setDefault fills a field that is absent.
func setDefault(doc object, name string, value any) {
	if _, ok := doc[name]; !ok {
		doc[name] = value
	}
}

// hash64 is a stable hash of some strings, the same in every run.
func hash64(seed uint64, parts ...string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(strconv.FormatUint(seed, 16)))
	for _, p := range parts {
		h.Write([]byte{0})
		h.Write([]byte(p))
	}
	// A round of mixing: the low bits of FNV differ little between similar keys.
	x := h.Sum64()
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	return x
}

// canonical returns a JSON text in which equal values are equal, whatever the order of keys.
func canonical(value any) string {
	b, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// objectID makes an id of 24 hexadecimal digits out of some strings.
func objectID(parts ...string) string {
	return fmt.Sprintf("%016x%08x", hash64(1, parts...), uint32(hash64(2, parts...)))
}
