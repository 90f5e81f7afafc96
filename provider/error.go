package provider

import (
	"fmt"
	"strings"
)

// Error says what failed, what Atlas answered, and what to do, on one line.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Call)
	switch {
	case e.Status != 0:
		fmt.Fprintf(&b, ": Atlas answered %d", e.Status)
		if e.Code != "" {
			b.WriteString(" " + e.Code)
		}
		if e.Detail != "" {
			b.WriteString(": " + e.Detail)
		}
	case e.Err != nil:
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	return b.String() + e.aside()
}

// aside is the remedy as it ends an error's text.
func (e *Error) aside() string {
	if e.Remedy == "" {
		return ""
	}
	return " (" + e.Remedy + ")"
}
