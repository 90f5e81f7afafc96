package cli

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/peterh/liner"

	"mercator/schema/config"
)

// interactive reads expressions from a terminal until the user ends it.
func (r *repl) interactive(ctx context.Context) error {
	line := liner.NewLiner()
	defer line.Close() //nolint:errcheck // the terminal is as before, or gone
	line.SetCtrlCAborts(true)
	line.SetTabCompletionStyle(liner.TabPrints)
	line.SetWordCompleter(r.complete)
	kept := openHistory()
	for _, text := range kept.lines {
		line.AppendHistory(text)
	}
	r.line(`Expressions, one a line, or several while a bracket is open. Tab completes, "exit" ends.`)
	for {
		lines, err := readExpression(ctx, line)
		text := strings.Join(lines, "\n") + "\n" // which the end of a heredoc needs
		switch word := strings.TrimSpace(text); {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, liner.ErrPromptAborted):
			continue
		case errors.Is(err, io.EOF):
			r.printf("\n")
			return nil
		case err != nil:
			return err
		case word == "exit":
			return nil
		case word == "":
			continue
		}
		v, ok := r.eval(text)
		if ok && !v.ContainsMarked() && !r.config.Confides(text) && !strings.HasPrefix(lines[0], " ") {
			kept.add(lines)
		}
	}
}

// readExpression reads the lines of one expression, each of which the arrows find again.
func readExpression(ctx context.Context, line *liner.State) (lines []string, err error) {
	prompt := "> "
	for {
		text, err := ask(ctx, line, prompt)
		if err != nil {
			return nil, err
		}
		lines = append(lines, text)
		if strings.TrimSpace(text) != "" {
			line.AppendHistory(text)
		}
		if !config.Incomplete(strings.Join(lines, "\n")) {
			return lines, nil
		}
		prompt = ". "
	}
}

// ask reads one line. When ctx ends it leaves the reading alone, which ends with the process.
func ask(ctx context.Context, line *liner.State, prompt string) (string, error) {
	type answer struct {
		text string
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		text, err := line.Prompt(prompt)
		answers <- answer{text, err}
	}()
	select {
	case a := <-answers:
		return a.text, a.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// complete implements liner.WordCompleter; the cursor stands behind so many characters of the line.
func (r *repl) complete(line string, cursor int) (head string, candidates []string, tail string) {
	all := []rune(line)
	before := string(all[:cursor])
	start, candidates := r.evaluation.Complete(before, r.known)
	return before[:start], candidates, string(all[cursor:])
}
