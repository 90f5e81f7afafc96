package schema

import (
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"strings"
)

// CanonicalJSON returns the one spelling of a JSON document by which documents are compared: without white space, keys
// in order, numbers by their value. The error says where the text is no JSON.
func CanonicalJSON(text string) (string, error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var j any
	if err := d.Decode(&j); err != nil {
		return "", err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return "", errors.New("there is more after the first value")
	}
	canonical, err := json.Marshal(canonicalNumbers(j))
	return string(canonical), err
}

// CanonicalEmbedded is CanonicalJSON for a document that Atlas keeps as JSON: a member of an object that holds nothing
// (null, an empty list, an empty object) is as if it were not there, for Atlas shows such where nothing was written.
func CanonicalEmbedded(text string) (string, error) {
	canonical, err := CanonicalJSON(text)
	if err != nil {
		return "", err
	}
	d := json.NewDecoder(strings.NewReader(canonical))
	d.UseNumber()
	var j any
	if err := d.Decode(&j); err != nil {
		return "", err
	}
	shorter, err := json.Marshal(withoutNothing(j))
	return string(shorter), err
}

// withoutNothing drops the members of objects, at every depth, that hold nothing.
func withoutNothing(j any) any {
	switch j := j.(type) {
	case map[string]any:
		for k, v := range j {
			switch v := withoutNothing(v).(type) {
			case nil:
				delete(j, k)
			case map[string]any:
				if len(v) == 0 {
					delete(j, k)
				}
			case []any:
				if len(v) == 0 {
					delete(j, k)
				}
			}
		}
	case []any:
		for i, v := range j {
			j[i] = withoutNothing(v)
		}
	}
	return j
}

// documentText writes decoded JSON as a text.
func documentText(j any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(j); err != nil {
		return "null" // what was decoded can be encoded
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// canonicalNumbers writes every number in a document in one way. Those that are too large to be written out stay.
func canonicalNumbers(j any) any {
	switch j := j.(type) {
	case map[string]any:
		for k, v := range j {
			j[k] = canonicalNumbers(v)
		}
	case []any:
		for i, v := range j {
			j[i] = canonicalNumbers(v)
		}
	case json.Number:
		if x, _, err := big.ParseFloat(j.String(), 10, 512, big.ToNearestEven); err == nil && x.MantExp(nil) < 512 && x.MantExp(nil) > -512 {
			return json.Number(x.Text('g', 40))
		}
	}
	return j
}
