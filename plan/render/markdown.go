package render

import (
	"fmt"
	"io"
	"strings"

	"mercator/plan"
)

// MarkdownLimit is how many bytes, and so at most how many characters, the Markdown of a plan has. A comment of a pull
// request holds 65,536 characters; the rest is for what a job writes around the plan.
const MarkdownLimit = 65_000

// Markdown returns the renderer for comments of pull requests: what has to be decided first, details folded, never
// longer than MarkdownLimit. What came from users or from Atlas stands in code only, in spans or fenced blocks, where
// nothing is markup, nobody is mentioned and no issue is referred to.
func Markdown(o Options) Renderer { return markdown{newReviewer(o, markdownWidth)} }

// markdownWidth is about what a comment shows without scrolling.
const markdownWidth = 100

type markdown struct{ reviewer reviewer }

// Plan implements Renderer.
func (m markdown) Plan(w io.Writer, p *plan.Plan) error {
	return comment{m.reviewer.ofPlan(p)}.write(w)
}

// Drift implements Renderer.
func (m markdown) Drift(w io.Writer, p *plan.Plan) error {
	return comment{m.reviewer.ofDrift(p)}.write(w)
}

// comment is a review in Markdown.
type comment struct{ *review }

// write writes the comment, shortened as far as necessary.
func (d comment) write(w io.Writer) error {
	room := MarkdownLimit - len(d.head(true))
	sizes, frames := make([]int, len(d.sections)), make([]int, len(d.sections))
	for i := range d.sections {
		s := &d.sections[i]
		sizes[i], frames[i] = s.size(), len(s.markdown(s.least(), true))
	}
	level := share(sizes, room-sum(frames))
	var body strings.Builder
	whole := true
	unfolded := d.unfolded()
	for i := range d.sections {
		x := d.sections[i].fit(level)
		whole = whole && x.whole()
		body.WriteString(d.sections[i].markdown(x, unfolded[i]))
	}
	_, err := io.WriteString(w, d.head(!whole)+body.String())
	return err
}

// head is what stands before the sections.
func (d comment) head(shortened bool) string {
	var b strings.Builder
	b.WriteString("### " + d.heading + "\n")
	if len(d.strong) > 0 {
		b.WriteString("\n**" + strings.Join(d.strong, " ") + "**\n")
	}
	if d.conditions != "" {
		b.WriteString("\n" + d.conditions + "\n")
	}
	if shortened {
		b.WriteString("\nThis is shortened to fit into a comment, and says where. The formats text and json have all of it.\n")
	}
	if len(d.roles) > 0 {
		b.WriteString("\n**Atlas roles needed:** " + d.rolesText() + "\n")
	}
	return b.String()
}

// rolesText names the roles, most of them if there are very many.
func (d comment) rolesText() string {
	var texts []string
	for _, role := range d.roles[:min(len(d.roles), listed)] {
		texts = append(texts, fmt.Sprintf("%s (%s)", codeSpan(role), count(d.roleCounts[role], "change")))
	}
	if more := len(d.roles) - len(texts); more > 0 {
		texts = append(texts, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(texts, ", ")
}

// markdown writes the section. A fence is longer than what looks like one in it.
func (s *section) markdown(x excerpt, unfolded bool) string {
	var b strings.Builder
	switch title := fmt.Sprintf("<summary>%s (%d)</summary>", s.title, len(s.entries)); {
	case !s.folds:
		b.WriteString("\n**" + s.title + "**\n\n")
	case unfolded:
		b.WriteString("\n<details open>\n" + title + "\n\n")
	default:
		b.WriteString("\n<details>\n" + title + "\n\n")
	}
	if note := s.note(x); note != "" {
		b.WriteString("**" + note + "**\n\n")
	}
	fence := strings.Repeat("`", s.fence())
	b.WriteString(fence + s.syntax + "\n" + s.lead)
	for i, text := range x.texts {
		if i > 0 {
			b.WriteString(s.sep + "\n")
			if strings.Contains(text, "\n") || strings.Contains(x.texts[i-1], "\n") {
				b.WriteByte('\n')
			}
		}
		b.WriteString(text)
	}
	b.WriteString("\n" + fence + "\n")
	if s.folds {
		b.WriteString("\n</details>\n")
	}
	return b.String()
}

// fence is how many backticks open and close the section's code.
func (s *section) fence() int {
	longest := backticks(s.lead)
	for i := range s.entries {
		for _, line := range s.entries[i].lines {
			longest = max(longest, backticks(line))
		}
	}
	return max(3, longest+1)
}

// backticks returns the length of the longest run of backticks.
func backticks(text string) int {
	longest, run := 0, 0
	for i := range len(text) {
		if text[i] != '`' {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}

// codeSpan writes text so that it shows as it is.
func codeSpan(text string) string {
	text = visible(text)
	fence := strings.Repeat("`", backticks(text)+1)
	if strings.HasPrefix(text, "`") || strings.HasSuffix(text, "`") || strings.HasPrefix(text, " ") || text == "" {
		text = " " + text + " "
	}
	return fence + text + fence
}
