package render

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/diff"

	"mercator/plan"
)

// row is one argument, element or entry, as it was and as it will be. A row with rows of its own is a heading
// over them.
type row struct {
	op    plan.DiffOp // "" where nothing is compared, as in a creation
	name  string
	label string // the identity of an element
	old   typed
	new   typed
	note  string
	rows  []row
}

// valueRows returns what an object sets, as rows without comparison.
func valueRows(t typed) []row {
	var out []row
	for _, p := range t.parts() {
		if !p.isNull() {
			out = append(out, row{name: keyText(p.name), new: p.typed})
		}
	}
	return out
}

// flat reports whether the row has no list, map or object to lay out.
func (r row) flat() bool { return r.old.flat() && r.new.flat() }

func (t typed) flat() bool { return !t.exists() || t.opaque() || !t.isComposite() }

// rowsOf writes rows, their names aligned, the symbols of changes before them.
func (s *sheet) rowsOf(rows []row, indent int) {
	const widest = 32
	wide, gutter := 0, 0
	for i := range rows {
		rows[i].name = visible(rows[i].name)
		if rows[i].op != "" && !s.hoist {
			gutter = 2
		}
	}
	for i := range rows {
		if n := utf8.RuneCountInString(rows[i].name); n > wide && n <= widest {
			if _, ok := rows[i].line(s.room(indent, gutter, n)); ok {
				wide = n
			}
		}
	}
	for i := range rows {
		s.row(&rows[i], indent, gutter, wide)
	}
}

// room is how many characters are left for a value behind a name.
func (s *sheet) room(indent, gutter, name int) int {
	return s.width - indent - gutter - name - len(" = ")
}

func (s *sheet) row(r *row, indent, gutter, wide int) {
	if s.hoist && (r.op == plan.DiffAdd || r.op == plan.DiffRemove) {
		defer func(before string) { s.within = before }(s.within)
		s.within = symbolOf(r.op)
	}
	if r.rows != nil {
		s.heading(r, indent, gutter)
		s.rowsOf(r.rows, indent+gutter+2)
		return
	}
	room := s.room(indent, gutter, max(wide, utf8.RuneCountInString(r.name)))
	if text, ok := r.line(room); ok {
		s.leaf(r, text, indent, gutter, wide, room)
		return
	}
	s.tall(r, indent, gutter)
}

// line returns what stands behind the row's name, and false where that needs more than room characters or lines
// of its own.
func (r *row) line(room int) (string, bool) {
	if r.rows != nil {
		return "", false
	}
	old, oldFits := r.side(r.old, room)
	next, newFits := r.side(r.new, room)
	text := old + next
	if r.old.exists() && r.new.exists() {
		text = old + " -> " + next
	}
	return text, oldFits && newFits && utf8.RuneCountInString(text) <= room
}

// side returns one side of a row on one line, "" for a side that is not there. Of two sides a list or an
// object is not put on one line, so that what differs inside it is seen.
func (r *row) side(t typed, room int) (string, bool) {
	if !t.exists() {
		return "", true
	}
	if r.old.exists() && r.new.exists() && !r.old.opaque() && !r.new.opaque() && t.isComposite() {
		return "", false
	}
	return t.inline(room)
}

// lead returns what stands before a row's name.
func (s *sheet) lead(r *row, indent, gutter int) string {
	if s.hoist {
		return pad(s.within, indent)
	}
	lead := strings.Repeat(" ", indent)
	switch {
	case gutter == 0:
		return lead
	case r.op == "":
		return lead + "  "
	}
	return lead + s.paint.of(r.op)(symbolOf(r.op)) + " "
}

func symbolOf(op plan.DiffOp) string {
	switch op {
	case plan.DiffAdd:
		return "+"
	case plan.DiffRemove:
		return "-"
	default:
		return "~"
	}
}

// leaf writes a row that fits on one line; its note goes below it where it does not fit too.
func (s *sheet) leaf(r *row, text string, indent, gutter, wide, room int) {
	if s.hoist && r.op == plan.DiffChange {
		s.sides(r, indent, gutter, wide, room)
		return
	}
	line := s.lead(r, indent, gutter) + pad(r.name, wide) + " = " + text
	if r.note != "" && utf8.RuneCountInString(text)+len("  # ")+utf8.RuneCountInString(r.note) <= room {
		s.add(line + "  " + s.paint.faint("# "+r.note))
		return
	}
	s.add(line)
	s.comment(r, indent+gutter+2)
}

// sides writes a change that fits on one line as what goes and what comes. What cannot be shown is marked instead.
func (s *sheet) sides(r *row, indent, gutter, wide, room int) {
	before := s.within
	defer func() { s.within = before }()
	sides := []struct {
		sign, note string
		value      typed
	}{{"-", "", r.old}, {"+", r.note, r.new}}
	if r.new.exists() && !r.old.exists() {
		sides[1].sign = "!"
	}
	for _, side := range sides {
		if side.value.exists() {
			text, _ := side.value.inline(room)
			s.within = side.sign
			s.leaf(&row{name: r.name, note: side.note}, text, indent, gutter, wide, room)
		}
	}
}

func (s *sheet) comment(r *row, indent int) {
	if r.note != "" {
		s.prose(indent, "# ", r.note, s.paint.faint)
	}
}

// heading writes the name of a row whose inside follows.
func (s *sheet) heading(r *row, indent, gutter int) {
	room := s.width - indent - gutter
	name := fold(r.name, room)
	last := len(name) - 1
	for _, line := range name[:last] {
		s.add(s.lead(r, indent, gutter) + line)
	}
	label := visible(r.label)
	if label != "" && utf8.RuneCountInString(name[last])+2+utf8.RuneCountInString(label) <= room {
		s.add(s.lead(r, indent, gutter) + name[last] + "  " + s.paint.strong(label))
	} else {
		s.add(s.lead(r, indent, gutter) + name[last])
		if label != "" {
			s.prose(indent+gutter+2, "", label, s.paint.strong)
		}
	}
	s.comment(r, indent+gutter+2)
}

// tall writes a row that does not fit on one line.
func (s *sheet) tall(r *row, indent, gutter int) {
	inner := indent + gutter + 2
	both := r.old.exists() && r.new.exists()
	one := r.new
	if !r.new.exists() {
		one = r.old
	}
	switch {
	case both && !r.old.opaque() && !r.new.opaque() && (r.old.isComposite() || r.new.isComposite()):
		s.heading(r, indent, gutter)
		s.rowsOf(compare(r.old, r.new), inner)
	case both:
		s.heading(r, indent, gutter)
		if !s.lineDiff(r, inner) {
			s.block("- ", r.old, inner, s.paint.remove)
			s.block("+ ", r.new, inner, s.paint.add)
		}
	case one.isObject():
		s.heading(r, indent, gutter)
		s.rowsOf(valueRows(one), inner)
	case one.isList() && slices.ContainsFunc(one.parts(), func(p part) bool { return !p.opaque() && p.isComposite() }):
		s.elements(r, one, indent, gutter)
	default:
		s.heading(r, indent, gutter)
		s.block("", one, inner, nil)
	}
}

// elements writes each element of a list as a row of its own.
func (s *sheet) elements(r *row, list typed, indent, gutter int) {
	var rows []row
	for i, p := range list.parts() {
		rows = append(rows, row{op: r.op, name: r.name + "[" + strconv.Itoa(i) + "]", new: p.typed})
	}
	for i := range rows {
		s.row(&rows[i], indent, gutter, 0)
	}
	s.comment(r, indent+gutter+2)
}

// block writes a long value on lines of its own.
func (s *sheet) block(sign string, t typed, indent int, ink func(...any) string) {
	if !t.opaque() && t.isText() {
		if lines := laidOut(t.value.AsString()); strings.Contains(lines, "\n") {
			for line := range strings.SplitSeq(strings.TrimSuffix(lines, "\n"), "\n") {
				s.prose(indent, sign+"| ", line, ink)
			}
			return
		}
	}
	text, _ := t.inline(1 << 30)
	s.prose(indent, sign, text, ink)
}

// lineDiff writes the differing lines of two texts, with some lines around them, and reports whether it could:
// both must be texts of several lines, or JSON, which is laid out for that.
func (s *sheet) lineDiff(r *row, indent int) bool {
	if r.old.opaque() || r.new.opaque() || !r.old.isText() || !r.new.isText() {
		return false
	}
	old, next := laidOut(r.old.value.AsString()), laidOut(r.new.value.AsString())
	if !strings.Contains(old, "\n") && !strings.Contains(next, "\n") {
		return false
	}
	changed := diff.Diff("old", endLine(old), "new", endLine(next))
	_, hunks, found := bytes.Cut(changed, []byte("\n@@"))
	if !found { // they differ in the last line break, or in the spaces of JSON
		return false
	}
	for i, line := range strings.Split(strings.TrimSuffix(string(hunks), "\n"), "\n") {
		switch {
		case i == 0: // the rest of the first @@ line
		case strings.HasPrefix(line, "@@"):
			s.prose(indent, "", "...", s.paint.faint)
		case strings.HasPrefix(line, "+"):
			s.prose(indent, "+ ", line[1:], s.paint.add)
		case strings.HasPrefix(line, "-"):
			s.prose(indent, "- ", line[1:], s.paint.remove)
		default:
			s.prose(indent, "  ", strings.TrimPrefix(line, " "), nil)
		}
	}
	return true
}

func endLine(text string) []byte {
	if strings.HasSuffix(text, "\n") {
		return []byte(text)
	}
	return []byte(text + "\n")
}

// laidOut gives a JSON object or array on one line a line per member.
func laidOut(text string) string {
	if !strings.HasPrefix(text, "{") && !strings.HasPrefix(text, "[") || strings.Contains(text, "\n") {
		return text
	}
	var b bytes.Buffer
	if json.Indent(&b, []byte(text), "", "  ") != nil {
		return text
	}
	return b.String()
}
