package state

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"

	"mercator/schema"
)

// New returns a state that remembers nothing.
func New() *State {
	return &State{
		Connections: map[string]Connection{},
		Resources:   map[schema.Address]*schema.Bound{},
		Outputs:     map[string]Output{},
	}
}

// Clone returns a copy that can be changed without changing s. What is remembered of a resource is shared: it
// is replaced, never changed.
func (s *State) Clone() *State {
	c := New()
	c.Lineage, c.Serial = s.Lineage, s.Serial
	maps.Copy(c.Connections, s.Connections)
	maps.Copy(c.Resources, s.Resources)
	maps.Copy(c.Outputs, s.Outputs)
	c.Intents = slices.Clone(s.Intents)
	return c
}

// Base says which version of which state something builds on. The zero Base is that of a state never written.
type Base struct {
	Lineage string `json:"lineage,omitempty"`
	Serial  uint64 `json:"serial"`
}

// Base returns the state's own.
func (s *State) Base() Base { return Base{s.Lineage, s.Serial} }

// Encode returns the JSON form of a state: the same bytes for the same state, nulls left out. A sensitive or
// unknown value in it, and a kind that the catalog lacks, is an error that names where.
func Encode(catalog *schema.Catalog, s *State) ([]byte, error) {
	c := codec{catalog}
	j := stateJSON{
		Version: FormatVersion, Lineage: s.Lineage, Serial: s.Serial, Connections: s.Connections,
		Resources: make(map[schema.Address]boundJSON, len(s.Resources)),
	}
	for address, b := range s.Resources {
		out, err := c.boundOut(b)
		if err != nil {
			return nil, err
		}
		if b.Address != address {
			return nil, fmt.Errorf("%s is kept under the address %s", b.Address, address)
		}
		out.Address = ""
		j.Resources[address] = out
	}
	var err error
	if j.Outputs, err = outputsOut(s.Outputs); err != nil {
		return nil, err
	}
	if j.Intents, err = c.intentsOut(s.Intents); err != nil {
		return nil, err
	}
	return marshal(j, "  ")
}

// marshal writes JSON as people read it, with < and > as they are, and a newline at the end.
func marshal(j any, indent string) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	err := enc.Encode(j)
	return buf.Bytes(), err
}

// unmarshal reads exactly one JSON value and refuses fields that the target lacks.
func unmarshal(data []byte, target any) error {
	return decodeAll(data, func(dec *json.Decoder) error { return damaged(dec.Decode(target)) })
}

// decodeAll has read decode exactly one JSON value, in which fields are refused that its target lacks.
func decodeAll(data []byte, read func(*json.Decoder) error) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	dec.DisallowUnknownFields()
	if err := read(dec); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("it is damaged: something follows its end at byte %d", dec.InputOffset())
	}
	return nil
}

func damaged(err error) error {
	if err != nil {
		err = fmt.Errorf("it is damaged: %w", err)
	}
	return err
}

// eachField calls read for each field of the JSON object that comes next, to decode its value. Null has no fields.
func eachField(dec *json.Decoder, read func(name string) error) error {
	start, err := dec.Token()
	if err != nil || start == nil {
		return damaged(err)
	}
	if start != json.Delim('{') {
		return fmt.Errorf("it is damaged: no object ends at byte %d", dec.InputOffset())
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return damaged(err)
		}
		if err := read(name.(string)); err != nil {
			return err
		}
	}
	_, err = dec.Token()
	return damaged(err)
}

// Decode reads what [Encode] wrote, in this or an earlier version of the format. The error says what is wrong:
// not a state, damaged, written by a newer Mercator, or of a kind that the catalog lacks.
func Decode(catalog *schema.Catalog, data []byte) (*State, error) {
	s, err := codec{catalog}.stateIn(data)
	if err != nil {
		if _, other := Peek(data); other != nil { // which says what else it is
			return nil, other
		}
		return nil, fmt.Errorf("the state cannot be read: %w", err)
	}
	return s, nil
}

// stateIn reads a state. There may be many resources, so each is turned into what is remembered of it before the next
// one is read.
func (c codec) stateIn(data []byte) (*State, error) {
	s, others := New(), map[string]json.RawMessage{}
	err := decodeAll(data, func(dec *json.Decoder) error {
		return eachField(dec, func(name string) error {
			if strings.EqualFold(name, "resources") {
				return eachField(dec, func(address string) error { return c.resourceIn(s, schema.Address(address), dec) })
			}
			var value json.RawMessage
			err := dec.Decode(&value)
			others[name] = value
			return damaged(err)
		})
	})
	if err != nil {
		return nil, err
	}
	return s, c.othersIn(s, others)
}

func (c codec) resourceIn(s *State, address schema.Address, dec *json.Decoder) error {
	var j boundJSON
	if err := dec.Decode(&j); err != nil {
		return fmt.Errorf("%s: %w", address, damaged(err))
	}
	if j.Address != "" {
		return fmt.Errorf("%s: it is damaged: an address within an address", address)
	}
	bound, err := c.boundIn(address, j)
	s.Resources[address] = bound
	return err
}

// othersIn reads everything that is no resource.
func (c codec) othersIn(s *State, fields map[string]json.RawMessage) error {
	data, err := json.Marshal(fields)
	if err != nil {
		return damaged(err)
	}
	var j stateJSON
	if err := unmarshal(data, &j); err != nil {
		return err
	}
	if err := checkVersion(j.Version); err != nil {
		return err
	}
	s.Lineage, s.Serial = j.Lineage, j.Serial
	maps.Copy(s.Connections, j.Connections)
	if s.Outputs, err = outputsIn(j.Outputs); err != nil {
		return err
	}
	if len(j.Intents) > 0 {
		s.Intents, err = c.intentsIn(j.Intents)
	}
	return err
}

func outputsOut(outputs map[string]Output) (map[string]outputJSON, error) {
	out := make(map[string]outputJSON, len(outputs))
	for name, o := range outputs {
		j, err := outputOut(o)
		if err != nil {
			return nil, fmt.Errorf("output %q: %w", name, err)
		}
		out[name] = j
	}
	return out, nil
}

func outputsIn(js map[string]outputJSON) (map[string]Output, error) {
	out := make(map[string]Output, len(js))
	for name, j := range js {
		o, err := outputIn(j)
		if err != nil {
			return nil, fmt.Errorf("output %q: %w", name, err)
		}
		out[name] = o
	}
	return out, nil
}

// Peek returns the lineage and serial of an encoded state, without looking at the rest. It returns Decode's
// error where the data is no state or a newer one.
func Peek(data []byte) (Base, error) {
	var head struct {
		Version   int `json:"version"`
		Terraform any `json:"terraform_version"`
		Base
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return Base{}, fmt.Errorf("the state cannot be read: it is damaged: %w", err)
	}
	if head.Terraform != nil {
		return Base{}, errors.New("this is a state of Terraform, not one of Mercator; give Mercator a place of its own")
	}
	if err := checkVersion(head.Version); err != nil {
		return Base{}, err
	}
	return head.Base, nil
}

func checkVersion(version int) error {
	switch {
	case version < 1:
		return errors.New("this is not a state of Mercator: it has no version")
	case version > FormatVersion:
		return fmt.Errorf("the state was written by a newer Mercator: its format is version %d and this one "+
			"reads up to %d; use a Mercator at least as new as the one that wrote it", version, FormatVersion)
	}
	return nil
}

// Successor is what a store is to put in the place of an encoded state.
type Successor struct {
	Base Base
	// Data is the new encoded state, nil where nothing changed and nothing is to be written.
	Data []byte
}

// Succeed decides what a store's Write does, so that all stores keep lineage and serial by the same rules.
// stored is what is there, empty where nothing was ever written. A state that was read at another serial than
// the stored one, or that has another lineage, is refused: writing it would undo what others recorded.
func Succeed(catalog *schema.Catalog, stored []byte, s *State) (Successor, error) {
	var base Base
	var err error
	if len(stored) > 0 {
		if base, err = Peek(stored); err != nil {
			return Successor{}, err
		}
	} else if stored, err = Encode(catalog, New()); err != nil {
		return Successor{}, err
	}
	if base != s.Base() {
		return Successor{}, fmt.Errorf("the state to be written builds on serial %d of lineage %q, but the stored one "+
			"is serial %d of %q; read it again and repeat the change", s.Serial, s.Lineage, base.Serial, base.Lineage)
	}
	data, err := Encode(catalog, s)
	if err != nil || bytes.Equal(data, stored) {
		return Successor{Base: base}, err
	}
	next := *s
	next.Serial++
	if next.Lineage == "" {
		next.Lineage = uuid.NewString()
	}
	data, err = Encode(catalog, &next)
	return Successor{next.Base(), data}, err
}
