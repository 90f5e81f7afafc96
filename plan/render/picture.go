package render

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"mercator/plan"
	"mercator/schema"
)

// picturePage is a drawing of what depends on what: boxes in columns, what others need on the left. It is laid out here,
// because the page that shows it has no script and needs no program to draw it.
type picturePage struct {
	Note          string
	Width, Height int
	Nodes         []*pictureNode
	Edges         []pictureEdge
}

// pictureNode is a box: a resource, or several of one block or kind where there are too many to draw.
type pictureNode struct {
	Title, Label, Small, Class  string
	X, Y, W, H                  int
	TextX, TextY, SmallY        int
	name                        string
	actions                     map[plan.Action]int
	needs                       map[*pictureNode]bool
	column                      int
	visiting, placed, isChanged bool
}

type pictureEdge struct{ Path string }

// mostNodes is how many boxes a picture has at most: more cannot be taken in.
const mostNodes = 40

// Sizes of a picture, in pixels. A character of its font is about seven wide.
const (
	boxWidth   = 250
	boxHeight  = 42
	columnGap  = 70
	rowGap     = 14
	margin     = 20
	labelWidth = 32
)

// grains are how coarse a picture can be: each resource a box, each block, each kind.
var grains = []struct {
	name func(schema.Address) string
	note string
}{
	{func(a schema.Address) string { return string(a) }, ""},
	{func(a schema.Address) string { return string(a.Block()) }, "One box for each block: there are too many resources to draw each."},
	{func(a schema.Address) string { return a.Kind() }, "One box for each kind: there are too many resources to draw each."},
}

// pictureOf draws the changes of a plan with what they need, in the finest grain that can be taken in; nil if nothing
// changes.
func pictureOf(p *plan.Plan) *picturePage {
	for i, grain := range grains {
		nodes := pictureNodes(p, grain.name)
		if len(nodes) == 0 {
			return nil
		}
		if len(nodes) <= mostNodes || i == len(grains)-1 {
			picture := &picturePage{Note: grain.note, Nodes: nodes}
			picture.layOut()
			return picture
		}
	}
	return nil
}

// pictureNodes returns the boxes: what changes, and what that needs.
func pictureNodes(p *plan.Plan, name func(schema.Address) string) []*pictureNode {
	changes := make(map[schema.Address]*plan.Change, len(p.Changes))
	for i := range p.Changes {
		changes[p.Changes[i].Address] = &p.Changes[i]
	}
	byName := map[string]*pictureNode{}
	box := func(a schema.Address) *pictureNode {
		n := byName[name(a)]
		if n == nil {
			n = &pictureNode{name: name(a), actions: map[plan.Action]int{}, needs: map[*pictureNode]bool{}}
			byName[n.name] = n
		}
		return n
	}
	for i := range p.Changes {
		c := &p.Changes[i]
		if !shown(c) {
			continue
		}
		n := box(c.Address)
		n.isChanged = true
		n.actions[c.Action]++
		for _, needed := range append([]schema.Address{c.Parent}, c.Depends...) {
			other := changes[needed]
			if other == nil {
				continue
			}
			to := box(needed)
			if !shown(other) && !to.isChanged {
				to.actions[plan.NoOp] = 1
			}
			if to != n {
				n.needs[to] = true
			}
		}
	}
	out := make([]*pictureNode, 0, len(byName))
	for _, n := range byName {
		n.describe()
		out = append(out, n)
	}
	slices.SortFunc(out, func(a, b *pictureNode) int { return cmp.Compare(a.name, b.name) })
	return out
}

// pictureActions are the actions in the order in which they decide a box's colour.
var pictureActions = []plan.Action{plan.Delete, plan.Replace, plan.Create, plan.Adopt, plan.Update, plan.Forget, plan.NoOp}

// describe sets the texts of a box.
func (n *pictureNode) describe() {
	var words []string
	total := 0
	for _, action := range pictureActions {
		k := n.actions[action]
		if total += k; k == 0 || action == plan.NoOp && n.isChanged {
			continue
		}
		if n.Class == "" {
			n.Class = string(action)
		}
		word := string(action)
		if action == plan.NoOp {
			word = "stays"
		}
		words = append(words, fmt.Sprintf("%s %d", word, k))
	}
	n.Small = strings.Join(words, ", ")
	if total == 1 {
		n.Small = strings.TrimSuffix(n.Small, " 1")
	}
	n.Title = visible(n.name)
	n.Label = shortLabel(n.Title)
}

// shortLabel keeps the end of a long name, which tells it from others.
func shortLabel(name string) string {
	if runes := []rune(name); utf8.RuneCountInString(name) > labelWidth {
		return "…" + string(runes[len(runes)-labelWidth+1:])
	}
	return name
}

// layOut gives every box its place: the column behind all that it needs, and the row nearest to these.
func (p *picturePage) layOut() {
	columns := [][]*pictureNode{}
	for _, n := range p.Nodes {
		n.findColumn()
		for len(columns) <= n.column {
			columns = append(columns, nil)
		}
		columns[n.column] = append(columns[n.column], n)
	}
	for x, column := range columns {
		slices.SortStableFunc(column, func(a, b *pictureNode) int { return cmp.Compare(a.height(), b.height()) })
		y := margin
		for _, n := range column {
			y = max(y, n.height())
			n.X, n.Y, n.W, n.H = margin+x*(boxWidth+columnGap), y, boxWidth, boxHeight
			y += boxHeight + rowGap
			n.TextX, n.TextY, n.SmallY = n.X+10, n.Y+18, n.Y+34
			p.Width, p.Height = max(p.Width, n.X+n.W+margin), max(p.Height, n.Y+n.H+margin)
		}
	}
	for _, n := range p.Nodes {
		for _, to := range n.needed() {
			if !n.needsThroughOthers(to) {
				p.Edges = append(p.Edges, pictureEdge{curve(n, to)})
			}
		}
	}
}

// findColumn sets the column of a box. Boxes of several resources may need each other; such a circle is cut where it was
// entered.
func (n *pictureNode) findColumn() int {
	if n.placed || n.visiting {
		return n.column
	}
	n.visiting = true
	for _, to := range n.needed() {
		if !to.visiting {
			n.column = max(n.column, to.findColumn()+1)
		}
	}
	n.visiting, n.placed = false, true
	return n.column
}

// needed returns the boxes that a box needs, by name.
func (n *pictureNode) needed() []*pictureNode {
	out := make([]*pictureNode, 0, len(n.needs))
	for to := range n.needs {
		out = append(out, to)
	}
	slices.SortFunc(out, func(a, b *pictureNode) int { return cmp.Compare(a.name, b.name) })
	return out
}

// needsThroughOthers reports whether a box needs another one anyway, because something else that it needs does: an arrow
// would say nothing new. Arrows that lead back, in circles, are all kept.
func (n *pictureNode) needsThroughOthers(to *pictureNode) bool {
	for other := range n.needs {
		if other != to && other.column < n.column && to.column < other.column && (other.needs[to] || other.needsThroughOthers(to)) {
			return true
		}
	}
	return false
}

// height is where the box would best be: beside what it needs in the column before its own.
func (n *pictureNode) height() int {
	total, k := 0, 0
	for to := range n.needs {
		if to.column == n.column-1 {
			total += to.Y
			k++
		}
	}
	if k == 0 {
		return 0
	}
	return total / k
}

// curve returns the path of an arrow from a box to one that it needs.
func curve(from, to *pictureNode) string {
	x1, y1, x2, y2 := from.X, from.Y+from.H/2, to.X+to.W, to.Y+to.H/2
	bend := columnGap / 2
	return fmt.Sprintf("M%d %dC%d %d %d %d %d %d", x1, y1, x1-bend, y1, x2+bend, y2, x2, y2)
}
