package cli

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"
	"github.com/peterh/liner"
)

// history is what was typed into consoles before, in a file of the user's cache folder that nobody else can read. Its
// zero value keeps nothing, which is how a file that cannot be read or written is taken.
type history struct {
	file  string
	lines []string
}

// openHistory returns the history of earlier consoles, the oldest line first.
func openHistory() history {
	dir, err := os.UserCacheDir()
	if err != nil {
		return history{}
	}
	return historyIn(filepath.Join(dir, "mercator"))
}

func historyIn(dir string) history {
	h := history{file: filepath.Join(dir, "console_history")}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return history{}
	}
	info, err := os.Lstat(h.file)
	switch {
	case os.IsNotExist(err):
		return h
	case err != nil || !info.Mode().IsRegular():
		return history{}
	}
	text, err := os.ReadFile(h.file)
	if err != nil || os.Chmod(h.file, 0o600) != nil {
		return history{}
	}
	h.lines = strings.FieldsFunc(string(text), func(r rune) bool { return r == '\n' })
	if surplus := len(h.lines) - liner.HistoryLimit; surplus > 0 {
		h.lines = h.lines[surplus:]
	}
	if len(h.lines) == liner.HistoryLimit { // so that the file does not grow for ever
		_ = renameio.WriteFile(h.file, []byte(strings.Join(h.lines, "\n")+"\n"), 0o600)
	}
	return h
}

// add keeps the lines of an expression. Consoles that run beside this one add theirs; what cannot be kept is not.
func (h *history) add(lines []string) {
	if h.file == "" {
		return
	}
	file, err := os.OpenFile(h.file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return
	}
	_, _ = file.WriteString(strings.Join(lines, "\n") + "\n")
	_ = file.Close()
}
