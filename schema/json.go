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
