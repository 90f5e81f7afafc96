package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/fatih/color"
	"github.com/mitchellh/go-wordwrap"
	"golang.org/x/term"
)

// screen is an output stream and what it can show.
type screen struct {
	w io.Writer
	// width is the number of columns that texts keep to.
	width int
	// color says that colours are wanted, terminal that lines can be changed after they were written.
	color, terminal bool
}

// plainWidth is the width where there is no terminal: what logs and mails show without breaking lines.
const plainWidth = 80

func newScreen(w *World, g *globals, out io.Writer) screen {
	s := screen{w: out, width: plainWidth}
	if fd, ok := terminalOf(out); ok {
		s.terminal = w.getenv("TERM") != "dumb"
		s.color = s.terminal && !g.noColor && w.getenv("NO_COLOR") == ""
		if width, _, err := term.GetSize(fd); err == nil && width > 0 {
			s.width = width
		}
	}
	return s
}

// terminalOf returns the file descriptor of a stream that is a terminal.
func terminalOf(stream any) (int, bool) {
	f, ok := stream.(*os.File)
	if !ok {
		return 0, false
	}
	fd := int(f.Fd())
	return fd, term.IsTerminal(fd)
}

// printf writes text as it is. Errors of the stream are not reported: there is nowhere to tell them.
func (s screen) printf(format string, args ...any) { _, _ = fmt.Fprintf(s.w, format, args...) }

// line writes one sentence, folded to the width.
func (s screen) line(format string, args ...any) {
	s.printf("%s\n", fold(fmt.Sprintf(format, args...), s.width))
}

// paint colours text where colours are wanted.
func (s screen) paint(text string, attributes ...color.Attribute) string {
	c := color.New(attributes...)
	if s.color {
		c.EnableColor()
	} else {
		c.DisableColor()
	}
	return c.Sprint(text)
}

// fold breaks text at spaces into lines of at most width columns; words are never broken, so that addresses and
// commands can be copied.
func fold(text string, width int) string {
	return strings.TrimRight(wordwrap.WrapString(text, uint(max(width, 20))), " \n")
}

// indent folds text and puts each line behind the lead.
func indent(text, lead string, width int) string {
	lines := strings.Split(fold(text, width-utf8.RuneCountInString(lead)), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(lead+l, " ")
	}
	return strings.Join(lines, "\n")
}

// visible makes control characters visible, so that a name cannot change what a terminal shows.
func visible(text string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) {
			return '\uFFFD'
		}
		return r
	}, text)
}

// count returns "1 change" or "3 changes".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// reason returns what is wrong with a file without the name of the system call and without the path.
func reason(err error) string {
	var pathErr *fs.PathError
	var linkErr *os.LinkError
	switch {
	case errors.As(err, &pathErr):
		return pathErr.Err.Error()
	case errors.As(err, &linkErr):
		return linkErr.Err.Error()
	}
	return err.Error()
}
