package render

import (
	"strconv"
	"strings"

	"mercator/schema"
)

// step is one step of a path: an attribute, an entry of a map, or an element of a list.
type step struct {
	name  string // of an attribute or an entry
	index int    // of an element
	kind  stepKind
	end   int // where the step ends in the path's text
}

type stepKind int

const (
	attributeStep stepKind = iota
	entryStep
	elementStep
)

// parsePath reads a path as plans write it: replication_specs[0].region_configs[1].priority, tags["team"].
// Names of attributes may hold dots, so attrs decide where one ends; what they do not know ends at the next dot
// or bracket. The attribute at the path's end, or around it, is returned besides; nil where attrs know none.
func parsePath(attrs []schema.Attribute, path string) (steps []step, last *schema.Attribute) {
	secret := false
	for at := 0; at < len(path); {
		if path[at] == '[' {
			s := bracket(path, at)
			steps = append(steps, s)
			at = s.end
			continue
		}
		if path[at] == '.' {
			at++
		}
		name, a := attributeAt(attrs, path[at:])
		at += len(name)
		steps = append(steps, step{name: name, end: at})
		if name == "" { // two dots in a row; only a foreign path has them
			at++
		}
		last = a
		if a != nil {
			attrs = a.Nested
			secret = secret || a.WriteOnly || a.OnceShown
		} else {
			attrs = nil
		}
	}
	if secret && last != nil && !last.WriteOnly {
		inside := *last
		inside.WriteOnly = true
		last = &inside
	}
	return steps, last
}

// attributeAt returns the name that rest begins with: the longest that attrs know, else up to a dot or bracket.
func attributeAt(attrs []schema.Attribute, rest string) (string, *schema.Attribute) {
	var found *schema.Attribute
	for i := range attrs {
		a := &attrs[i]
		if after, ok := strings.CutPrefix(rest, a.Name); ok && (after == "" || after[0] == '.' || after[0] == '[') &&
			(found == nil || len(a.Name) > len(found.Name)) {
			found = a
		}
	}
	if found != nil {
		return found.Name, found
	}
	if i := strings.IndexAny(rest, ".["); i >= 0 {
		rest = rest[:i]
	}
	return rest, nil
}

// bracket reads [0] or ["key"] at the given position.
func bracket(path string, at int) step {
	rest := path[at+1:]
	if quoted, err := strconv.QuotedPrefix(rest); err == nil {
		if key, err := strconv.Unquote(quoted); err == nil {
			return step{name: key, kind: entryStep, end: min(at+len(quoted)+2, len(path))}
		}
	}
	text, _, closed := strings.Cut(rest, "]")
	end := at + 1 + len(text)
	if closed {
		end++
	}
	if n, err := strconv.Atoi(text); err == nil && n >= 0 {
		return step{index: n, kind: elementStep, end: end}
	}
	return step{name: text, kind: entryStep, end: end}
}
