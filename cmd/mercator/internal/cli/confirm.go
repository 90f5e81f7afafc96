package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/fatih/color"

	"mercator/plan"
)

// human is somebody at a terminal who answers questions.
type human struct {
	screen
	in *bufio.Reader
}

func newHuman(in io.Reader, s screen) *human { return &human{s, bufio.NewReader(in)} }

// confirm asks whether a plan is to be carried out: by "yes", and for everything that would be lost for good, or
// may lock the tool out, by its name (R30, R23).
func (h *human) confirm(ctx context.Context, p *plan.Plan) (bool, error) {
	h.printf("\n")
	h.line("%s", h.paint("Carry this out?", color.Bold))
	answer, err := h.ask(ctx, `Only "yes" is taken for yes: `)
	if err != nil {
		return false, err
	}
	if answer != "yes" {
		h.line("\nNothing was done.")
		return false, nil
	}
	for _, c := range losses(p) {
		name := nameOf(c)
		h.printf("\n")
		what, does := "this cannot be undone", string(c.Action)
		if c.LocksOutOnly() {
			what = "this may lock Mercator out"
		}
		if c.Overwrites != "" {
			does = "overwrite " + c.Overwrites
		}
		h.line("%s", h.paint(fmt.Sprintf("%s: %s (%s).", visible(string(c.Address)), what, visible(does)), color.FgRed, color.Bold))
		answer, err := h.ask(ctx, fmt.Sprintf("Type its name, %s, to confirm: ", visible(name)))
		if err != nil {
			return false, err
		}
		if answer != name {
			h.line("\nThat is not its name. Nothing was done.")
			return false, nil
		}
	}
	h.printf("\n")
	return true, nil
}

// losses are the changes that need a confirmation of their own: those that a flag would have to allow where no
// human answers.
func losses(p *plan.Plan) []*plan.Change {
	var out []*plan.Change
	for i := range p.Changes {
		c := &p.Changes[i]
		if c.NeedsAllow != "allow-destroy" || c.GoesWith != "" {
			continue
		}
		alone := plan.Plan{Changes: []plan.Change{*c}, AllowDestroy: p.AllowDestroy}
		if alone.Refusals().HasErrors() {
			out = append(out, c)
		}
	}
	return out
}

// nameOf is what a loss is called: the natural key of what is overwritten, or else of the resource, or its label, or for
// a singleton its kind.
func nameOf(c *plan.Change) string {
	switch {
	case c.Overwrites != "":
		return c.Overwrites
	case c.Key != "":
		return c.Key
	}
	last := c.Address.Last()
	if last.Label == "" {
		return last.Kind
	}
	return last.Label
}

// ask prints a question and returns the line that is typed, without spaces around it. It gives up when ctx ends.
func (h *human) ask(ctx context.Context, question string) (string, error) {
	type line struct {
		text string
		err  error
	}
	h.printf("%s", question)
	typed := make(chan line, 1)
	go func() {
		text, err := h.in.ReadString('\n')
		typed <- line{text, err}
	}()
	select {
	case <-ctx.Done():
		h.printf("\n")
		return "", ctx.Err()
	case l := <-typed:
		if l.err != nil && (!errors.Is(l.err, io.EOF) || strings.TrimSpace(l.text) == "") {
			h.printf("\n")
			return "", errNoAnswer
		}
		return strings.TrimSpace(l.text), nil
	}
}
