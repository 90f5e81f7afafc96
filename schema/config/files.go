package config

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	hcljson "github.com/hashicorp/hcl/v2/json"

	"mercator/schema/diag"
)

// loader is a Config in the making.
type loader struct {
	*Config
	diags diag.List
	// module is the one whose files are being declared.
	module *module
	// folders are those whose files were parsed; modules counts the calls.
	folders map[string]*folder
	modules int
	pending []*expr // whose references are resolved once everything is declared
	// declared are settings and connections until they are evaluated.
	declared struct {
		seen        bool
		state       map[string]*expr
		connections []*connectionDecl
	}
	// broken says that a file could not be parsed as a whole, so that a name may be declared in what was lost.
	broken bool
}

func newLoader(dir string, options Options) *loader {
	root := newModule(nil, ".")
	return &loader{
		Config:  &Config{dir: dir, options: options, files: map[string][]byte{}, root: root, most: MaxInstances},
		module:  root,
		folders: map[string]*folder{},
	}
}

func (l *loader) add(ds ...diag.Diagnostic) { l.diags.Add(ds...) }

// offerFunctions sets up the functions.
func (l *loader) offerFunctions() {
	l.funcs = newFunctions(l.dir, l.options)
	l.base = &hcl.EvalContext{Functions: l.funcs.table}
}

// readFiles parses the configuration's files in the order of their names.
func (l *loader) readFiles() []hcl.Body {
	names, err := configurationFiles(l.dir)
	if err != nil {
		l.add(diag.Errorf(codeUnreadable, "The configuration's folder cannot be read", "%s.", reason(err)))
		return nil
	}
	if len(names) == 0 {
		l.add(diag.Errorf(codeNoFiles, "There is no configuration here",
			"The folder %q holds no file whose name ends in .hcl or .hcl.json.", l.dir))
	}
	var bodies []hcl.Body
	for _, name := range names {
		if body := l.parse(openFile(filepath.Join(l.dir, name))); body != nil {
			bodies = append(bodies, body)
		}
	}
	return bodies
}

// openFile returns a path and how its file is opened.
func openFile(path string) (string, func() (fs.File, error)) {
	return path, func() (fs.File, error) { return os.Open(path) }
}

func configurationFiles(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	return configurationNames(entries), err
}

// namesIn lists the configuration's files of a folder inside of root.
func namesIn(root *os.Root, dir string) ([]string, error) {
	entries, err := fs.ReadDir(root.FS(), dir)
	return configurationNames(entries), err
}

func configurationNames(entries []fs.DirEntry) []string {
	var names []string
	for _, e := range entries {
		if name := e.Name(); !e.IsDir() && isConfiguration(name) {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	return names
}

func isConfiguration(name string) bool {
	if strings.HasPrefix(name, ".") || isVariables(name) {
		return false
	}
	return strings.HasSuffix(name, ".hcl") || strings.HasSuffix(name, ".hcl.json")
}

func isVariables(name string) bool {
	return strings.HasSuffix(name, ".vars.hcl") || strings.HasSuffix(name, ".vars.hcl.json")
}

// parse reads one file, which open opens, and returns its body, nil where nothing can be made of it.
func (l *loader) parse(path string, open func() (fs.File, error)) hcl.Body {
	src, ok := l.read(path, open)
	if !ok {
		l.broken = true
		return nil
	}
	var file *hcl.File
	var hd hcl.Diagnostics
	if strings.HasSuffix(path, ".json") {
		if d := guardJSON(src, path); d != nil {
			l.add(*d)
			l.broken = true
			return nil
		}
		if file, hd = hcljson.Parse(src, path); hd.HasErrors() {
			file = nil // what is left of broken JSON would only be misunderstood
		}
	} else {
		if d := guardNative(src, path, hclsyntax.LexConfig); d != nil {
			l.add(*d)
			l.broken = true
			return nil
		}
		file, hd = hclsyntax.ParseConfig(src, path, hcl.InitialPos)
	}
	l.broken = l.broken || hd.HasErrors()
	for _, d := range hd {
		l.add(syntaxError(d))
	}
	if file == nil {
		return nil
	}
	return file.Body
}

// read reads a file within the limit of size and keeps it for excerpts and digests.
func (l *loader) read(path string, open func() (fs.File, error)) ([]byte, bool) {
	src, err := readAll(open)
	if err != nil {
		l.add(diag.Errorf(codeUnreadable, "A file cannot be read", "%s: %s.", path, reason(err)))
		return nil, false
	}
	if len(src) > MaxFile {
		l.add(diag.Errorf(codeTooLarge, "The file is too large",
			"%s has more than %d bytes, of which no more are read. Divide it into several files.", path, MaxFile).
			At(diag.Range{File: path}))
		return nil, false
	}
	l.files[path] = src
	return src, true
}

// readAll reads a file up to the limit and one byte more.
func readAll(open func() (fs.File, error)) ([]byte, error) {
	file, err := open()
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // it was only read
	return io.ReadAll(io.LimitReader(file, MaxFile+1))
}

// reason returns what is wrong with a file without the name of the system call and without repeating the path.
func reason(err error) string {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err.Error()
	}
	return err.Error()
}
