package workflow

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"mercator/apply/state"
	"mercator/schema"
	"mercator/schema/diag"
)

// recoveryName begins the names of the files in which states wait that no store took.
const recoveryName = "mercator.recovery"

// stateSuffix ends the names of states that are kept beside a configuration.
const stateSuffix = ".state.json"

// Keep writes a state to a new file of a folder that only its owner may read, and returns the file's name. Nothing is
// overwritten: a number is added to a name that is taken.
func Keep(catalog *schema.Catalog, dir, name string, st *state.State) (string, error) {
	data, err := state.Encode(catalog, st)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	path := filepath.Join(dir, name+stateSuffix)
	for n := 2; ; n++ {
		err := writeNew(path, data)
		if !errors.Is(err, fs.ErrExist) {
			return path, err
		}
		path = filepath.Join(dir, fmt.Sprintf("%s-%d%s", name, n, stateSuffix))
	}
}

// writeNew writes a file that must not exist, and leaves none that is not whole.
func writeNew(path string, data []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

// recoveryDir is where states wait that no store took.
func (o *Options) recoveryDir() string {
	if o.RecoveryDir != "" {
		return o.RecoveryDir
	}
	return o.Dir
}

// push is the command line that brings a state back from a file. Another folder's would push it into another state.
func (o *Options) push(path string) string {
	file, err := filepath.Rel(o.Dir, path)
	if err != nil || o.PushCommand == nil {
		return "mercator state push " + path
	}
	return o.PushCommand(file)
}

// recovered keeps a state that its store did not take, and says where it is and how it gets into the store. With the
// next serial, it is newer than what is stored.
func (s *Session) recovered(unsaved *state.State, why error) diag.Diagnostic {
	next := *unsaved
	next.Serial++
	path, err := Keep(s.Catalog, s.recoveryDir(), recoveryName, &next)
	if err != nil {
		return diag.Errorf("state_not_saved", "The state could not be saved, nor kept in a file",
			"The file beside the configuration cannot be written: %s. The next apply takes over what this one made, by what the store knows of what it meant to make.", err)
	}
	push := s.push(path)
	var lost *state.LostError
	if errors.As(why, &lost) {
		return diag.Errorf("state_not_saved", "The state could not be saved, and is kept in a file",
			"What this run knew is in %s. Somebody else may have changed the stored state since, so make a plan first. Only if something is missing in it: %s", path, push)
	}
	return diag.Errorf("state_not_saved", "The state could not be saved, and is kept in a file",
		"It is in %s. Once the store can be written again, and before the next apply: %s", path, push)
}

// Unrecovered warns of states that wait in files until somebody pushes them.
func (o *Options) Unrecovered() diag.List {
	var list diag.List
	entries, _ := os.ReadDir(o.recoveryDir()) // a folder that cannot be read shows elsewhere
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), recoveryName) || !strings.HasSuffix(e.Name(), stateSuffix) {
			continue
		}
		path := filepath.Join(o.recoveryDir(), e.Name())
		list.Add(diag.Warningf("state_recovery", "A state waits to be saved",
			"%s holds what an earlier run could not save. Before the next apply: %s. If that was done, remove the file.", path, o.push(path)))
	}
	return list
}
