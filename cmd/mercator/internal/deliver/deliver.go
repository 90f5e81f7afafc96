// Package deliver hands the secrets that Atlas shows once to where their blocks say: into a file, or to a command
// on its standard input (R33). In the sandbox no command runs, and all files lie in a folder of the sandbox's.
package deliver

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"time"

	"mercator/apply"
	"mercator/plan"
)

// CommandLimit is how long a command may take.
const CommandLimit = time.Minute

// Deliverer implements [apply.Deliverer].
type Deliverer struct {
	// Dir is the configuration's folder, in which relative paths begin and commands run.
	Dir string
	// Sandbox is the folder for every delivery of a sandbox; "" outside of one.
	Sandbox string
}

// document is what is delivered, as one JSON object.
type document map[string]string

func newDocument(d apply.Delivery) document {
	doc := document{"address": string(d.Address), "kind": d.Kind, "id": d.ID}
	if d.Secret != "" {
		doc["secret_id"] = d.Secret
	}
	maps.Copy(doc, d.Fields)
	return doc
}

var unsafe = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// path returns the file of a delivery, "" where a command takes it.
func (r Deliverer) path(file string, d apply.Delivery) string {
	switch {
	case r.Sandbox != "" && file == "":
		return filepath.Join(r.Sandbox, unsafe.ReplaceAllString(string(d.Address), "_")+".json")
	case r.Sandbox != "":
		return filepath.Join(r.Sandbox, unsafe.ReplaceAllString(filepath.ToSlash(filepath.Clean(file)), "_"))
	case file == "" || filepath.IsAbs(file):
		return file
	}
	return filepath.Join(r.Dir, file)
}

// Held says whose secret a file holds, nobody's where it holds something else, and whether there is such a file.
func (r Deliverer) Held(file string) (whose plan.HeldSecret, there bool) {
	return held(r.path(file, apply.Delivery{}))
}

func held(path string) (whose plan.HeldSecret, there bool) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return plan.HeldSecret{}, false
	}
	var doc document
	if err != nil || json.Unmarshal(data, &doc) != nil {
		return plan.HeldSecret{}, true
	}
	return plan.HeldSecret{ID: doc["id"], Secret: doc["secret_id"]}, true
}

// Ready implements [apply.Deliverer]: it makes the file's folder and sees whether a file can be made in it, or looks
// for the command's program.
func (r Deliverer) Ready(d apply.Delivery) error {
	path := r.path(d.File, d)
	if path == "" {
		_, err := r.program(d)
		return err
	}
	if err := free(path, d); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	probe, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}

// free returns an error where the path is that of a file which may not be replaced.
func free(path string, d apply.Delivery) error {
	whose, there := held(path)
	if !there || d.Ours != nil && d.Ours(whose.ID) {
		return nil
	}
	return fmt.Errorf("%s exists and does not hold the secret of a credential that this state knows; move it away, or name another file", path)
}

func (r Deliverer) program(d apply.Delivery) (string, error) {
	if len(d.Command) == 0 {
		return "", errors.New("the block says neither a file nor a command")
	}
	program, err := exec.LookPath(d.Command[0])
	if err != nil {
		return "", fmt.Errorf("the command %q cannot be run: %w", d.Command[0], err)
	}
	return program, nil
}

// Deliver implements [apply.Deliverer].
func (r Deliverer) Deliver(ctx context.Context, d apply.Delivery) error {
	text, err := json.MarshalIndent(newDocument(d), "", "  ")
	if err != nil {
		return err
	}
	text = append(text, '\n')
	if path := r.path(d.File, d); path != "" {
		if err := free(path, d); err != nil {
			return err
		}
		return replace(path, text)
	}
	return r.run(ctx, d, text)
}

// Withdraw implements [apply.Deliverer].
func (r Deliverer) Withdraw(d apply.Delivery) error {
	path := r.path(d.File, d)
	if path == "" {
		return nil
	}
	if whose, there := held(path); !there || whose.ID == "" || whose.ID != d.ID {
		return nil
	}
	return os.Remove(path)
}

// replace writes a file aside, durably, and renames it: whoever reads it finds the old secret or the new one, whole.
func replace(path string, text []byte) (err error) {
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	aside, err := os.CreateTemp(folder, "."+filepath.Base(path)+".*") // which only its owner may read
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(aside.Name())
		}
	}()
	_, err = aside.Write(text)
	if err = errors.Join(err, aside.Sync(), aside.Close()); err != nil {
		return err
	}
	if err = os.Rename(aside.Name(), path); err != nil {
		return err
	}
	if dir, err := os.Open(folder); err == nil { // not every system lets folders be synced
		_ = dir.Sync()
		_ = dir.Close()
	}
	return nil
}

// run gives a command the secret. What it prints may hold it, so that nobody is shown that.
func (r Deliverer) run(ctx context.Context, d apply.Delivery, text []byte) error {
	program, err := r.program(d)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, CommandLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, d.Command[1:]...)
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = r.Dir, bytes.NewReader(text), io.Discard, io.Discard
	cmd.WaitDelay = time.Second
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = fmt.Errorf("it took longer than %s", CommandLimit)
		}
		return fmt.Errorf("the command %q did not take the secret: %w; what it printed is not shown, because the secret may be in it", d.Command[0], err)
	}
	return nil
}
