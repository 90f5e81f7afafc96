package schema

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// Address names one resource as a user writes it:
//
//	project.payments["prod"].cluster.orders
//	project.payments.access_list.office["10.20.0.0/16"]
//	module.team["a"].project.main
//
// It is a sequence of steps KIND.LABEL[KEY]…, each inside the one before it; a singleton's last step has no
// label, and a step "module" stands for a module call. The text is canonical, so addresses compare with ==.
type Address string

// Step is one KIND.LABEL[KEY]… of an address. Keys are as written between the brackets, unquoted; Quoted says
// of each whether it was a string.
type Step struct {
	Kind, Label string
	Keys        []StepKey
}

// StepKey is an instance key: a string of for_each or of an entry, or a number of count.
type StepKey struct {
	Text   string
	Number bool
}

// Child returns the address of a block inside a; label is "" for a singleton.
func (a Address) Child(kind, label string) Address {
	text := kind
	if label != "" {
		text += "." + label
	}
	if a == "" {
		return Address(text)
	}
	return a + "." + Address(text)
}

// Key returns the instance of a for_each or the entry with a string key.
func (a Address) Key(key string) Address {
	return a + Address("["+quote(key)+"]")
}

// Index returns the instance of a count.
func (a Address) Index(n int) Address {
	return a + Address("["+strconv.Itoa(n)+"]")
}

func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '"', '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case '\n':
			b.WriteString(`\n`)
		case '\t':
			b.WriteString(`\t`)
		case '\r':
			b.WriteString(`\r`)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// ParseAddress reads an address as a user types it. Errors say what is wrong at which character.
func ParseAddress(text string) (Address, error) {
	steps, err := parseSteps(text)
	if err != nil {
		return "", fmt.Errorf("%q is not an address: %w; write it like project.payments[\"prod\"].cluster.orders", text, err)
	}
	var a strings.Builder
	for i, s := range steps {
		if i > 0 {
			a.WriteByte('.')
		}
		a.WriteString(s.Kind)
		if s.Label != "" {
			a.WriteString("." + s.Label)
		}
		for _, k := range s.Keys {
			a.WriteString(k.bracket())
		}
	}
	return Address(a.String()), nil
}

func (k StepKey) bracket() string {
	if k.Number {
		return "[" + k.Text + "]"
	}
	return "[" + quote(k.Text) + "]"
}

// Steps returns the steps of the address.
func (a Address) Steps() []Step {
	steps, err := parseSteps(string(a))
	if err != nil {
		return nil
	}
	return steps
}

func parseSteps(text string) ([]Step, error) {
	if text == "" {
		return nil, fmt.Errorf("it is empty")
	}
	p := addressParser{text: text}
	var steps []Step
	for {
		kind, err := p.name()
		if err != nil {
			return nil, err
		}
		step := Step{Kind: kind}
		if p.take('.') {
			if step.Label, err = p.name(); err != nil {
				return nil, err
			}
		}
		for p.take('[') {
			key, err := p.key()
			if err != nil {
				return nil, err
			}
			step.Keys = append(step.Keys, key)
		}
		steps = append(steps, step)
		if p.at == len(text) {
			return steps, nil
		}
		if !p.take('.') {
			return nil, fmt.Errorf("unexpected %q at character %d", text[p.at], p.at+1)
		}
	}
}

type addressParser struct {
	text string
	at   int
}

func (p *addressParser) take(c byte) bool {
	if p.at < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

func (p *addressParser) name() (string, error) {
	start := p.at
	for p.at < len(p.text) {
		c := rune(p.text[p.at])
		if c != '_' && c != '-' && c < unicode.MaxASCII && !unicode.IsLetter(c) && !unicode.IsDigit(c) {
			break
		}
		p.at++
	}
	if p.at == start {
		return "", fmt.Errorf("a name is missing at character %d", start+1)
	}
	return p.text[start:p.at], nil
}

func (p *addressParser) key() (StepKey, error) {
	start := p.at
	if !p.take('"') {
		end := strings.IndexByte(p.text[p.at:], ']')
		if end < 0 {
			return StepKey{}, fmt.Errorf("the bracket at character %d is not closed", start)
		}
		text := p.text[p.at : p.at+end]
		if n, err := strconv.Atoi(text); err != nil || n < 0 || strconv.Itoa(n) != text {
			return StepKey{}, fmt.Errorf("the key %q at character %d is neither a number nor in double quotes", text, start+1)
		}
		p.at += end + 1
		return StepKey{Text: text, Number: true}, nil
	}
	if end := strings.IndexAny(p.text[p.at:], `"\`); end >= 0 && strings.HasPrefix(p.text[p.at+end:], `"]`) {
		text := p.text[p.at : p.at+end] // most keys have nothing escaped in them
		p.at += end + len(`"]`)
		return StepKey{Text: text}, nil
	}
	var b strings.Builder
	for p.at < len(p.text) {
		c := p.text[p.at]
		p.at++
		switch {
		case c == '"':
			if !p.take(']') {
				return StepKey{}, fmt.Errorf("a bracket is missing at character %d", p.at+1)
			}
			return StepKey{Text: b.String()}, nil
		case c == '\\' && p.at < len(p.text):
			e := p.text[p.at]
			p.at++
			switch e {
			case 'n':
				e = '\n'
			case 't':
				e = '\t'
			case 'r':
				e = '\r'
			}
			b.WriteByte(e)
		default:
			b.WriteByte(c)
		}
	}
	return StepKey{}, fmt.Errorf("the string at character %d is not closed", start+1)
}

// Last returns the last step.
func (a Address) Last() Step {
	steps := a.Steps()
	if len(steps) == 0 {
		return Step{}
	}
	return steps[len(steps)-1]
}

// Kind returns the kind of the resource that the address names.
func (a Address) Kind() string { return a.Last().Kind }

// Parent returns the address of the enclosing instance, "" for the outermost.
func (a Address) Parent() Address {
	dot, _, _ := a.seams()
	return a[:dot]
}

// seams returns where the last step's dot stands, 0 if there is one step only, where that step's label ends, and where
// its last key begins: at the end of the address if it has none.
func (a Address) seams() (dot, label, key int) {
	p := addressParser{text: string(a)}
	for {
		if _, err := p.name(); err != nil {
			return 0, len(a), len(a)
		}
		if p.take('.') {
			if _, err := p.name(); err != nil {
				return 0, len(a), len(a)
			}
		}
		label, key = p.at, len(a)
		for at := p.at; p.take('['); at = p.at {
			if _, err := p.key(); err != nil {
				return 0, len(a), len(a)
			}
			key = at
		}
		if p.at == len(p.text) {
			return dot, label, key
		}
		dot = p.at
		p.at++
	}
}

// Block returns the address without the last step's keys: what the file's block is called.
func (a Address) Block() Address {
	_, label, _ := a.seams()
	return a[:label]
}

// Unkeyed returns the address without the last step's last key, and whether there is one: the block of an instance,
// the instance of an entry.
func (a Address) Unkeyed() (Address, bool) {
	_, _, key := a.seams()
	return a[:key], key < len(a)
}

// Covers reports whether a names b: itself, or one of its block's instances or entries. It never covers what
// lives inside b.
func (a Address) Covers(b Address) bool {
	if a == b {
		return true
	}
	if !strings.HasPrefix(string(b), string(a)+"[") {
		return false
	}
	dot, label, _ := b.seams()
	return len(a) > dot && len(a) >= label
}

// Contains reports whether b is a, one of its instances, or lives inside one of those.
func (a Address) Contains(b Address) bool {
	if a == b {
		return true
	}
	rest, ok := strings.CutPrefix(string(b), string(a))
	return ok && (rest[0] == '[' || rest[0] == '.')
}
