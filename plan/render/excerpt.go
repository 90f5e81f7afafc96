package render

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// section is a section of a text that must not grow without bounds: entries under a title, which shorten until they fit
// into a number of bytes. The details of the longest entries go first, then the details of all, then whole entries,
// those of least weight first; and what is gone is counted.
type section struct {
	// title is in our words alone: what comes from users stands in entries.
	title string
	// syntax is what the entries are written in, for colours: "diff", "sh" or "text".
	syntax string
	// lead is the line before the first entry, sep what ends the line before the next one; either may be "".
	lead, sep string
	entries   []entry
	// folds says that the section holds details, which readers unfold.
	folds bool
}

// entry is one change, finding or object.
type entry struct {
	// lines say it; the first one names it.
	lines []string
	// weight is larger for what must rather be seen.
	weight int
	// group is what it is counted under where it is left out ("to create"), or "".
	group string
}

// longestLine is how many characters of a line are shown. Only names of thousands of characters reach it.
const longestLine = 1000

func newEntry(lines []string) entry {
	e := entry{lines: make([]string, len(lines))}
	for i, line := range lines {
		line = strings.TrimRight(line, " ")
		if n := utf8.RuneCountInString(line); n > longestLine {
			line = fmt.Sprintf("%s … %d characters more", string([]rune(line)[:longestLine]), n-longestLine)
		}
		e.lines[i] = line
	}
	return e
}

// cutMark stands behind the name of an entry whose details are left out.
const cutMark = " …"

// size is how many bytes an entry takes, with the line break behind it and an empty line.
func (e *entry) size() int {
	n := 1
	for _, line := range e.lines {
		n += len(line) + 1
	}
	return n
}

// head is how many bytes its name alone takes.
func (e *entry) head() int {
	if len(e.lines) == 1 {
		return e.size()
	}
	return len(e.lines[0]) + len(cutMark) + 2
}

// details is how many bytes the entry takes beyond its name.
func (e *entry) details() int { return max(0, e.size()-e.head()) }

// cut returns the entry with at most room bytes of details, and whether some are gone.
func (e *entry) cut(room int) (lines []string, short bool) {
	if e.details() <= room {
		return e.lines, false
	}
	left := room - len(leftLines(len(e.lines))) - 1
	n := 1
	for ; n < len(e.lines) && left >= len(e.lines[n])+1; n++ {
		left -= len(e.lines[n]) + 1
	}
	if n == 1 {
		return []string{e.lines[0] + cutMark}, true
	}
	return append(slices.Clone(e.lines[:n]), leftLines(len(e.lines)-n)), true
}

func leftLines(n int) string { return fmt.Sprintf("      … %s left out", count(n, "line")) }

// share returns the largest level at which sizes that are cut down to it fit into room, or a level that cuts none.
func share(sizes []int, room int) int {
	sorted := slices.Sorted(slices.Values(sizes))
	for i, size := range sorted {
		if rest := len(sorted) - i; size*rest > room {
			return max(0, room/rest)
		}
		room -= size
	}
	return room + sum(sizes)
}

func sum(sizes []int) int {
	total := 0
	for _, n := range sizes {
		total += n
	}
	return total
}

// size is how many bytes the entries take in full.
func (s *section) size() int {
	n := len(s.lead)
	for i := range s.entries {
		n += s.entries[i].size() + len(s.sep)
	}
	return n
}

// groups counts the entries that are not kept, by what they are.
func (s *section) groups(kept []bool) map[string]int {
	out := map[string]int{}
	for i := range s.entries {
		if kept == nil || !kept[i] {
			out[s.entries[i].group]++
		}
	}
	return out
}

// excerpt is as much of a section as fits.
type excerpt struct {
	texts []string
	// shortened is how many entries have lost details, left how many are left out, by group.
	shortened int
	left      map[string]int
}

func (x *excerpt) whole() bool { return x.shortened == 0 && len(x.left) == 0 }

// least is the excerpt of which the note is longest.
func (s *section) least() excerpt { return excerpt{shortened: len(s.entries), left: s.groups(nil)} }

// fit returns as much of the entries as room bytes hold.
func (s *section) fit(room int) excerpt {
	room -= len(s.lead)
	heads, details := make([]int, len(s.entries)), make([]int, len(s.entries))
	for i := range s.entries {
		heads[i] = s.entries[i].head() + len(s.sep)
		details[i] = s.entries[i].details()
	}
	level, kept := 0, []bool(nil)
	if names := sum(heads); names <= room {
		level = share(details, room-names)
	} else {
		kept = s.heaviest(heads, room)
	}
	var x excerpt
	for i := range s.entries {
		if kept != nil && !kept[i] {
			continue
		}
		lines, short := s.entries[i].cut(level)
		x.texts = append(x.texts, strings.Join(lines, "\n"))
		if short {
			x.shortened++
		}
	}
	if kept != nil {
		x.left = s.groups(kept)
	}
	return x
}

// heaviest marks the entries whose names fit into room, those of more weight first.
func (s *section) heaviest(heads []int, room int) []bool {
	order := make([]int, len(s.entries))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(s.entries[b].weight, s.entries[a].weight) })
	kept := make([]bool, len(s.entries))
	for _, i := range order {
		if heads[i] <= room {
			room -= heads[i]
			kept[i] = true
		}
	}
	return kept
}

// note says what of the section is not shown, "" where all is.
func (s *section) note(x excerpt) string {
	if x.whole() {
		return ""
	}
	gone, groups := 0, []string{}
	for _, group := range slices.Sorted(maps.Keys(x.left)) {
		gone += x.left[group]
		if group != "" {
			groups = append(groups, fmt.Sprintf("%d %s", x.left[group], group))
		}
	}
	var texts []string
	if gone > 0 {
		text := fmt.Sprintf("%d of these %d are left out", gone, len(s.entries))
		if len(groups) > 0 {
			text += " (" + strings.Join(groups, ", ") + ")"
		}
		texts = append(texts, text)
	}
	if x.shortened > 0 {
		texts = append(texts, fmt.Sprintf("details of %d, marked …, are left out", x.shortened))
	}
	return "Shortened: " + strings.Join(texts, "; ") + "."
}
