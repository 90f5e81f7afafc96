package local

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"mercator/apply/state"
)

// WithHistory has the store keep that many states before the present one, each in a file of the folder
// mercator.state.json.history that has its serial as name.
func WithHistory(keep int) Option { return func(s *Store) { s.keep = keep } }

func (s *Store) historyPath() string { return s.path + ".history" }

func (s *Store) versionPath(serial uint64) string {
	return filepath.Join(s.historyPath(), strconv.FormatUint(serial, 10)+".json")
}

// remember keeps the stored state, which is about to be replaced, and forgets the oldest ones. It is done under the
// mutex, and twice without harm.
func (s *Store) remember(stored []byte) error {
	if s.keep == 0 || len(stored) == 0 {
		return nil
	}
	base, err := state.Peek(stored)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(s.historyPath(), 0o700); err != nil {
		return err
	}
	path := s.versionPath(base.Serial)
	if err := s.disk.replace(path, stored); err != nil {
		return err
	}
	if info, err := os.Stat(s.path); err == nil { // else the time of the copy has to do
		_ = os.Chtimes(path, info.ModTime(), info.ModTime())
	}
	serials, err := s.kept()
	if err != nil {
		return err
	}
	for _, old := range serials[min(s.keep, len(serials)):] {
		if err := s.disk.remove(s.versionPath(old)); err != nil {
			return err
		}
	}
	return nil
}

// kept returns the serials of the states that are kept, the newest first.
func (s *Store) kept() ([]uint64, error) {
	entries, err := os.ReadDir(s.historyPath())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var serials []uint64
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".json")
		if serial, err := strconv.ParseUint(name, 10, 64); ok && err == nil {
			serials = append(serials, serial)
		}
	}
	slices.SortFunc(serials, func(a, b uint64) int { return cmp.Compare(b, a) })
	return serials, nil
}

// History implements [state.Historian]. Times are those of the files; nobody is known to have written them.
func (s *Store) History(ctx context.Context) ([]state.Version, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	serials, err := s.kept()
	if err != nil {
		return nil, err
	}
	present, ok, err := s.version(s.path)
	if err != nil || !ok {
		return nil, err
	}
	versions := []state.Version{present}
	for _, serial := range serials {
		v, ok, err := s.version(s.versionPath(serial))
		if err != nil {
			return nil, err
		}
		if ok && v.Serial < present.Serial { // else it was about to be replaced when its writer died
			versions = append(versions, v)
		}
	}
	return versions, nil
}

// version describes the state in a file; ok says that there is one.
func (s *Store) version(path string) (v state.Version, ok bool, err error) {
	data, err := s.disk.read(path)
	if err != nil || data == nil {
		return v, false, err
	}
	base, err := state.Peek(data)
	if err != nil {
		return v, false, fmt.Errorf("%s: %w", path, err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return v, false, err
	}
	return state.Version{Serial: base.Serial, Lineage: base.Lineage, At: info.ModTime().UTC(), Size: int64(len(data))}, true, nil
}

// Version implements [state.Historian].
func (s *Store) Version(ctx context.Context, serial uint64) (*state.State, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for _, path := range []string{s.path, s.versionPath(serial)} {
		data, err := s.disk.read(path)
		if err != nil {
			return nil, err
		}
		if data == nil {
			continue
		}
		st, err := state.Decode(s.catalog, data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if st.Serial == serial {
			return st, nil
		}
	}
	return nil, &state.NotKeptError{Serial: serial}
}
