package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// folder is where a sandbox keeps its data: sandbox.json, a file per project below groups, and one per organization
// below orgs. A project is written whole after each call that changes it, aside and then renamed, so that a file is
// never half of one state. No secret is ever written, as none is kept; of an API key's, what checks that somebody has
// it.
type folder struct {
	dir  string
	lock *flock.Flock
}

// ErrFolderBusy says that another Server, in this process or another, has the folder open.
var ErrFolderBusy = errors.New("the sandbox folder is in use by another process")

// header is the content of sandbox.json.
type header struct {
	Format     int           `json:"format"`
	Generation int           `json:"generation"` // how often the folder was opened; keeps ids from coming again
	Offset     time.Duration `json:"offset"`     // how far time was advanced
}

const folderFormat = 1

func (f *folder) header() string           { return filepath.Join(f.dir, "sandbox.json") }
func (f *folder) project(id string) string { return filepath.Join(f.dir, "groups", id+".json") }

// load opens a folder, which need not exist.
func (s *Server) load(dir string) error {
	if err := os.MkdirAll(filepath.Join(dir, "groups"), 0o700); err != nil {
		return fmt.Errorf("sandbox folder: %w", err)
	}
	f := &folder{dir: dir, lock: flock.New(filepath.Join(dir, "sandbox.lock"))}
	switch locked, err := f.lock.TryLock(); {
	case err != nil:
		return fmt.Errorf("sandbox folder: %w", err)
	case !locked:
		return fmt.Errorf("%s: %w", dir, ErrFolderBusy)
	}
	if err := s.read(f); err != nil {
		return errors.Join(fmt.Errorf("sandbox folder: %w", err), f.lock.Unlock())
	}
	return nil
}

// read reads what a folder holds.
func (s *Server) read(f *folder) error {
	h := header{Format: folderFormat}
	if raw, err := os.ReadFile(f.header()); err == nil {
		if err := json.Unmarshal(raw, &h); err != nil {
			return fmt.Errorf("%s is not a sandbox's: %w", f.header(), err)
		}
		if h.Format != folderFormat {
			return fmt.Errorf("%s has format %d, this program reads %d: remove the folder to start anew", f.dir, h.Format, folderFormat)
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	entries, err := os.ReadDir(filepath.Join(f.dir, "groups"))
	if err != nil {
		return err
	}
	for _, e := range entries {
		id, isProject := strings.CutSuffix(e.Name(), ".json")
		if !isProject || !hexID.MatchString(id) {
			continue // left over from a write that was interrupted
		}
		if err := s.loadProject(f.project(id)); err != nil {
			return err
		}
	}
	if err := s.loadHoldings(f); err != nil {
		return err
	}
	h.Generation++
	s.files, s.offset, s.generation = f, h.Offset, strconv.Itoa(h.Generation)
	return s.writeHeader()
}

func (s *Server) loadProject(path string) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	p := &project{}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(p); err != nil {
		return fmt.Errorf("%s is not a project of a sandbox; remove it: %w", path, err)
	}
	if p.id()+".json" != filepath.Base(path) {
		return fmt.Errorf("%s holds the project %q; remove it", path, p.id())
	}
	if p.Limits == nil {
		p.Limits = map[string]int64{}
	}
	if p.Kinds == nil {
		p.Kinds = map[Kind]*index[*item]{}
	}
	if p.Singles == nil {
		p.Singles = map[Kind]object{}
	}
	if p.Settings == nil {
		p.Settings = defaultSettings()
	}
	p.fill(s.opts.Seed)
	s.projects.put(p.id(), p)
	return nil
}

func (s *Server) writeHeader() error {
	generation, _ := strconv.Atoi(s.generation)
	raw, err := json.Marshal(header{folderFormat, generation, s.offset})
	if err != nil {
		return err
	}
	return replaceFile(s.files.header(), raw)
}

// flush writes the projects that have changed, and what organizations have beside them.
func (s *Server) flush() error {
	problems := []error{s.flushHoldings()}
	for id := range s.dirty {
		delete(s.dirty, id)
		if s.files == nil {
			continue
		}
		p, exists := s.projects.get(id)
		if !exists {
			if err := os.Remove(s.files.project(id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				problems = append(problems, err)
			}
			continue
		}
		raw, err := json.Marshal(p)
		if err == nil {
			err = replaceFile(s.files.project(id), raw)
		}
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

// replaceFile writes a file aside and renames it. Unlike renameio it does not wait for the disk: what a
// sandbox holds has to survive the end of a process, not that of the machine.
func replaceFile(path string, content []byte) error {
	aside, err := os.CreateTemp(filepath.Dir(path), ".aside-*")
	if err != nil {
		return err
	}
	_, err = aside.Write(content)
	if err = errors.Join(err, aside.Close()); err == nil {
		err = os.Rename(aside.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(aside.Name()))
	}
	return nil
}
