package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// object is a JSON object as the API shows it.
type object = map[string]any

// shape is what a request body may hold, as data: the fields of one JSON object and a rule for each.
type shape map[string]rule

// rule says what one JSON value must be.
type rule struct {
	kind     valueKind
	required bool
	readOnly bool // accepted and dropped
	nullable bool // null is kept; elsewhere null means absent
	secret   bool // recorded in the store of received secrets
	enum     []string
	pattern  *regexp.Regexp
	min, max int // length of text and lists, or value of integers; max 0 means no limit
	fields   shape
	element  *rule
}

type valueKind int

const (
	kindText valueKind = iota
	kindBool
	kindInteger
	kindNumber
	kindDate
	kindObject
	kindList
	kindAny
)

var (
	text    = rule{kind: kindText}
	boolean = rule{kind: kindBool}
	integer = rule{kind: kindInteger, min: math.MinInt}
	number  = rule{kind: kindNumber}
	date    = rule{kind: kindDate}
	// owned is a field that the server owns: it is ignored in a request, whatever it holds.
	owned = rule{kind: kindAny, readOnly: true}
)

func enum(values ...string) rule { return rule{kind: kindText, enum: values} }
func of(fields shape) rule       { return rule{kind: kindObject, fields: fields} }
func list(element rule) rule     { return rule{kind: kindList, element: &element} }

func (r rule) need() rule                { r.required = true; return r }
func (r rule) orNull() rule              { r.nullable = true; return r }
func (r rule) hidden() rule              { r.secret = true; return r }
func (r rule) between(min, max int) rule { r.min, r.max = min, max; return r }
func (r rule) like(pattern string) rule  { r.pattern = regexp.MustCompile(pattern); return r }

// decodeBody reads one JSON document; numbers stay as they were written.
func decodeBody(body []byte) (any, *apiError) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var value any
	if err := dec.Decode(&value); err != nil {
		return nil, fail("MALFORMED_JSON")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, fail("MALFORMED_JSON")
	}
	return value, nil
}

// checker walks a request body beside its rule.
type checker struct {
	secret func(string) // told of every secret value
}

// check returns the value as the store keeps it: without read-only fields and nulls, with enumeration
// values in the spelling of the specification.
func (c checker) check(path string, value any, r rule) (any, *apiError) {
	switch r.kind {
	case kindAny:
		return value, nil
	case kindObject:
		return c.object(path, value, r)
	case kindList:
		return c.list(path, value, r)
	case kindText, kindDate:
		return c.text(path, value, r)
	case kindBool:
		if _, ok := value.(bool); !ok {
			return nil, fail("INVALID_JSON_ATTRIBUTE", path)
		}
		return value, nil
	default:
		return c.number(path, value, r)
	}
}

func (c checker) object(path string, value any, r rule) (any, *apiError) {
	in, ok := value.(object)
	if !ok {
		if path == "" {
			return nil, fail("INVALID_JSON")
		}
		return nil, fail("INVALID_JSON_ATTRIBUTE", path)
	}
	out := make(object, len(in))
	for _, name := range sortedKeys(in) {
		field, known := r.fields[name]
		switch full := join(path, name); {
		case !known:
			return nil, fail("INVALID_ATTRIBUTE", full)
		case field.readOnly:
		case in[name] == nil && !field.nullable:
		case in[name] == nil:
			out[name] = nil
		default:
			checked, err := c.check(full, in[name], field)
			if err != nil {
				return nil, err
			}
			out[name] = checked
		}
	}
	for _, name := range sortedKeys(r.fields) {
		if _, given := out[name]; r.fields[name].required && !given {
			return nil, fail("MISSING_ATTRIBUTE", join(path, name))
		}
	}
	return out, nil
}

func (c checker) list(path string, value any, r rule) (any, *apiError) {
	in, ok := value.([]any)
	if !ok {
		if path == "" {
			return nil, fail("INVALID_JSON")
		}
		return nil, fail("INVALID_JSON_ATTRIBUTE", path)
	}
	out := make([]any, len(in))
	for i, element := range in {
		checked, err := c.check(fmt.Sprintf("%s[%d]", path, i), element, *r.element)
		if err != nil {
			return nil, err
		}
		out[i] = checked
	}
	return out, r.length(path, len(in))
}

func (c checker) text(path string, value any, r rule) (any, *apiError) {
	s, ok := value.(string)
	if !ok {
		return nil, fail("INVALID_JSON_ATTRIBUTE", path)
	}
	if r.secret && c.secret != nil {
		c.secret(s)
	}
	if r.kind == kindDate {
		when, err := time.Parse(time.RFC3339, s)
		if err != nil {
			return nil, fail("INVALID_JSON_ATTRIBUTE", path)
		}
		return stamp(when), nil
	}
	if len(r.enum) > 0 {
		i := slices.IndexFunc(r.enum, func(e string) bool { return strings.EqualFold(e, s) })
		if i < 0 {
			return nil, fail("INVALID_ENUM_VALUE", s)
		}
		return r.enum[i], nil
	}
	if r.pattern != nil && !r.pattern.MatchString(s) {
		return nil, invalid(path, "must match \""+r.pattern.String()+"\"")
	}
	return s, r.length(path, utf8.RuneCountInString(s))
}

func (c checker) number(path string, value any, r rule) (any, *apiError) {
	n, ok := value.(json.Number)
	if !ok {
		return nil, fail("INVALID_JSON_ATTRIBUTE", path)
	}
	if r.kind == kindNumber {
		if _, err := n.Float64(); err != nil {
			return nil, fail("INVALID_JSON_ATTRIBUTE", path)
		}
		return n, nil
	}
	whole, err := wholeNumber(n)
	if err != nil {
		return nil, fail("INVALID_JSON_ATTRIBUTE", path)
	}
	if whole < int64(r.min) || r.max > 0 && whole > int64(r.max) {
		return nil, invalid(path, fmt.Sprintf("must be %s", bounds(r.min, r.max)))
	}
	return json.Number(strconv.FormatInt(whole, 10)), nil
}

// wholeNumber takes 10, 10.0 and 1e1 for the same integer.
func wholeNumber(n json.Number) (int64, error) {
	if i, err := n.Int64(); err == nil {
		return i, nil
	}
	if len(n) > 40 {
		return 0, fmt.Errorf("%.40s... is too long for an integer", n.String())
	}
	f, _, err := big.ParseFloat(n.String(), 10, 128, big.ToNearestEven)
	if err != nil {
		return 0, err
	}
	i, accuracy := f.Int64()
	if accuracy != big.Exact {
		return 0, fmt.Errorf("%s is not an integer", n)
	}
	return i, nil
}

func (r rule) length(path string, n int) *apiError {
	if n < r.min || r.max > 0 && n > r.max {
		return invalid(path, "size must be "+bounds(r.min, r.max))
	}
	return nil
}

func bounds(min, max int) string {
	if max == 0 {
		return fmt.Sprintf("at least %d", min)
	}
	return fmt.Sprintf("between %d and %d", min, max)
}

// invalid is a VALIDATION_ERROR with its badRequestDetail.
func invalid(field, description string) *apiError {
	e := fail("VALIDATION_ERROR", field+" "+description)
	e.fields = []fieldError{{Field: field, Description: description}}
	return e
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
