package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// Faults is asked before each file operation, by which tests stop a process between any two of them or in the
// middle of a write, or let another process come in between. It is given the operation ("read", "open", "write",
// "sync", "close", "rename" or "remove"), the path and for a write the number of bytes. It returns how many of
// those are written before its error comes about; a file that was opened is closed in any case.
type Faults func(op, path string, size int) (int, error)

// disk does the file operations, one by one.
//
// Files are replaced under a fixed name beside them, since all changes happen under the store's mutex: what a
// killed process left there is overwritten by the next one and never piles up. That, Windows, and a folder that
// is synced after the rename are why this is no library's.
type disk struct {
	fault Faults // nil for none
}

func (d disk) step(op, path string) error {
	_, err := d.partial(op, path, 0)
	return err
}

func (d disk) partial(op, path string, size int) (int, error) {
	if d.fault == nil {
		return size, nil
	}
	return d.fault(op, path, size)
}

// replace puts data in the place of path's contents atomically, and returns when it is durable.
func (d disk) replace(path string, data []byte) error {
	aside := path + ".new"
	if err := d.write(aside, os.O_CREATE|os.O_TRUNC, data); err != nil {
		return err
	}
	if err := d.step("rename", path); err != nil {
		return err
	}
	if err := os.Rename(aside, path); err != nil {
		return err
	}
	return d.syncFolder(filepath.Dir(path))
}

// extend adds data at the end of an existing file, and returns when it is durable.
func (d disk) extend(path string, data []byte) error {
	return d.write(path, os.O_APPEND, data)
}

// write opens a file that only its owner may read, writes, syncs and closes it.
func (d disk) write(path string, flags int, data []byte) (err error) {
	if err := d.step("open", path); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|flags, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close(f)) }()
	n, fault := d.partial("write", path, len(data))
	if _, err := f.Write(data[:n]); err != nil {
		return err
	}
	if fault != nil {
		return fault
	}
	if err := d.step("sync", path); err != nil {
		return err
	}
	return f.Sync()
}

func (d disk) close(f *os.File) error {
	return errors.Join(d.step("close", f.Name()), f.Close())
}

// remove deletes a file if it is there.
func (d disk) remove(path string) error {
	if err := d.step("remove", path); err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// syncFolder makes a rename in a folder durable. Windows has no such call and needs none.
func (d disk) syncFolder(path string) (err error) {
	if err := d.step("sync", path); err != nil {
		return err
	}
	if runtime.GOOS == "windows" {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close(f)) }()
	return f.Sync()
}

// read returns a file's contents, none where it does not exist.
func (d disk) read(path string) ([]byte, error) {
	if err := d.step("read", path); err != nil {
		return nil, err
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("the state's file cannot be read: %w", err)
	}
	return data, nil
}
