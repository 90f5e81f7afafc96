package planfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/google/renameio/v2"
)

const (
	// magic is the first field of every saved plan.
	magic = "mercator-plan"
	// FormatVersion is the version of the file's form. A file with a higher one is refused.
	FormatVersion = 1
	// maxSize bounds what Read takes: far more than the largest plan, far less than what would hurt.
	maxSize = 512 << 20
)

// Write saves the plan at path: the whole file or nothing, readable by its owner alone, also where a file with
// other permissions stood before. Marked values are written as placeholders.
func (f *File) Write(path string) error {
	text, err := f.encode()
	if err != nil {
		return fmt.Errorf("the plan cannot be saved: %w", err)
	}
	if err := replace(path, text); err != nil {
		return fmt.Errorf("the plan cannot be saved: %w", err)
	}
	return nil
}

// replace puts a private file in the place of what is at path, whose permissions do not count.
func replace(path string, text []byte) error {
	file, err := renameio.NewPendingFile(path, renameio.WithStaticPermissions(0o600))
	if err != nil {
		return err
	}
	// After the replacement there is nothing left to clean up.
	defer func() { _ = file.Cleanup() }()
	if _, err := file.Write(text); err != nil {
		return err
	}
	return file.CloseAtomicallyReplace()
}

func (f *File) encode() ([]byte, error) {
	inside, err := encodeContent(f)
	if err != nil {
		return nil, err
	}
	// Marshal compacts what is in a RawMessage and escapes it as it is already, so the digest stays right.
	text, err := json.Marshal(head{magic, FormatVersion, f.Mercator, Digest(inside), inside})
	if err != nil {
		return nil, err
	}
	return append(text, '\n'), nil
}

// Read reads a saved plan. Sensitive values in it are unknown and marked, to be resolved again before use. The
// error says whether the file is none of Mercator's, newer than this version, or damaged.
func Read(path string) (*File, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("the plan cannot be read: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxSize+1))
	if err != nil {
		return nil, fmt.Errorf("the plan cannot be read: %w", err)
	}
	if len(text) > maxSize {
		return nil, fmt.Errorf("%s is larger than %d MiB, which no saved plan is", path, maxSize>>20)
	}
	f, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s %w", path, err)
	}
	return f, nil
}

// errAgain ends messages about files of which nothing can be used.
var errAgain = errors.New("make it again with mercator plan --out")

// parse reads a file's text. Its errors go on where a sentence began with the file's name.
func parse(text []byte) (*File, error) {
	var h head
	if err := json.Unmarshal(text, &h); err != nil {
		if bytes.Contains(text[:min(len(text), 64)], []byte(magic)) {
			return nil, fmt.Errorf("is damaged, or was cut short (%v); %w", err, errAgain)
		}
		return nil, fmt.Errorf("is no saved plan; %w", errAgain)
	}
	switch {
	case h.Magic != magic:
		return nil, fmt.Errorf("is no saved plan; %w", errAgain)
	case h.Version > FormatVersion:
		return nil, fmt.Errorf("was made by a newer Mercator (%s, format %d); this one reads format %d. Update Mercator, or %w",
			h.Mercator, h.Version, FormatVersion, errAgain)
	case h.Version < 1:
		return nil, fmt.Errorf("is damaged: it has the format version %d; %w", h.Version, errAgain)
	case Digest(h.Content) != h.Digest:
		return nil, fmt.Errorf("is damaged, or was changed after it was made: its digest does not fit its content; %w", errAgain)
	}
	f := &File{Mercator: h.Mercator}
	if err := decodeContent(h.Content, f); err != nil {
		return nil, fmt.Errorf("cannot be understood (made by Mercator %s): %v; %w", h.Mercator, err, errAgain)
	}
	return f, nil
}
