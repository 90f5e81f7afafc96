package atlas

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"golang.org/x/sync/errgroup"

	"mercator/provider"
)

// pageSize is the largest that Atlas takes.
const pageSize = 500

// maxOrdered is how often a list that changes under the reader is read again in order.
const maxOrdered = 3

// page is one page of a list.
type page struct {
	items []any
	next  bool // the answer links to a further page
	total int  // totalCount; -1 where the answer has none
}

// parse turns an item of a list into what the caller wants, and says what tells it from its siblings; "" where
// nothing does.
type parse[T any] func(item any) (value T, id string)

// sweep reads a whole list and verifies it (R7). The first page tells how many there are; the others are read at
// once. A read is sound if only its last page lacks a next one, no item occurs twice, and all pages tell the same
// totalCount; an unsound one is made again page after page, up to three times. Where totalCount exceeds the items,
// which Atlas does with projects that one may not see, a second sound read must show the same items.
func sweep[T any](ctx context.Context, c *Client, r request, read parse[T]) ([]T, error) {
	var before []string // the ids of a sound read that had a surplus
	var why string
	ordered := 0
	for round := 1; ; round++ {
		r.second = round > 1
		var pages []page
		var err error
		if why == "" {
			pages, err = c.readTogether(ctx, r)
		} else {
			ordered++
			pages, err = c.readInOrder(ctx, r, 1, nil)
		}
		if err != nil {
			return nil, err
		}
		items, ids := join(pages, read)
		if why = unsound(pages, ids); why == "" {
			if pages[0].total <= len(items) {
				return items, nil
			}
			slices.Sort(ids)
			if before != nil && slices.Equal(before, ids) {
				return items, nil
			}
			if before != nil {
				why = fmt.Sprintf("it counts %d, shows %d, and showed others the time before", pages[0].total, len(items))
			}
			before = ids
		}
		if why != "" && ordered == maxOrdered {
			return nil, &provider.Error{
				Class: provider.Transient, Call: r.call(), Operation: r.endpoint.Operation,
				Err:    errors.New("the list changed each time it was read: " + why),
				Remedy: "run it again when nothing else changes the organization",
			}
		}
	}
}

func join[T any](pages []page, read parse[T]) (items []T, ids []string) {
	for _, p := range pages {
		for _, item := range p.items {
			value, id := read(item)
			items, ids = append(items, value), append(ids, id)
		}
	}
	return items, ids
}

// unsound says what is wrong with a read, or "".
func unsound(pages []page, ids []string) string {
	for i, p := range pages {
		switch last := i == len(pages)-1; {
		case last && p.next:
			return fmt.Sprintf("page %d, the last one by its totalCount, has a next one", i+1)
		case !last && !p.next:
			return fmt.Sprintf("page %d has no next one, but there are %d", i+1, len(pages))
		case p.total != pages[0].total:
			return fmt.Sprintf("its totalCount went from %d to %d", pages[0].total, p.total)
		}
	}
	seen := make(map[string]bool, len(ids))
	for _, id := range ids {
		if id != "" && seen[id] {
			return fmt.Sprintf("%s stands in it twice", id)
		}
		seen[id] = true
	}
	return ""
}

// readTogether reads the first page and then all others at once. A list that does not tell how many there are is
// read in order.
func (c *Client) readTogether(ctx context.Context, r request) ([]page, error) {
	first, err := c.readPage(ctx, r, 1)
	if err != nil {
		return nil, err
	}
	count := (first.total + pageSize - 1) / pageSize
	switch {
	case !first.next:
		return []page{first}, nil
	case count < 2:
		return c.readInOrder(ctx, r, 2, []page{first})
	}
	pages := make([]page, count)
	pages[0] = first
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(cap(c.slots))
	for i := 1; i < count; i++ {
		group.Go(func() (err error) {
			pages[i], err = c.readPage(ctx, r, i+1)
			return err
		})
	}
	return pages, group.Wait()
}

// maxPages bounds a list that never ends.
const maxPages = 10_000

func (c *Client) readInOrder(ctx context.Context, r request, from int, pages []page) ([]page, error) {
	for n := from; n <= maxPages; n++ {
		p, err := c.readPage(ctx, r, n)
		if err != nil {
			return nil, err
		}
		pages = append(pages, p)
		if !p.next {
			return pages, nil
		}
	}
	return nil, c.plainError(&r, fmt.Errorf("the list has more than %d pages", maxPages))
}

func (c *Client) readPage(ctx context.Context, r request, n int) (page, error) {
	query := url.Values{"itemsPerPage": {strconv.Itoa(pageSize)}, "pageNum": {strconv.Itoa(n)}}
	for name, values := range r.query {
		query[name] = values
	}
	r.query = query
	j, err := c.do(ctx, &r)
	if err != nil {
		return page{}, err
	}
	m, _ := j.(map[string]any)
	items, ok := m["results"].([]any)
	if !ok {
		return page{}, c.plainError(&r, errors.New("the answer is no page of a list: it has no results"))
	}
	p := page{items: items, total: -1}
	if n, ok := m["totalCount"].(fmt.Stringer); ok {
		if total, err := strconv.Atoi(n.String()); err == nil && total >= 0 {
			p.total = total
		}
	}
	links, _ := m["links"].([]any)
	for _, l := range links {
		if l, _ := l.(map[string]any); l["rel"] == "next" {
			p.next = true
		}
	}
	return p, nil
}

// list reads a list of an endpoint, whichever form it has. One without pages is verified by its status and its JSON
// being whole.
func list[T any](ctx context.Context, c *Client, r request, read parse[T]) ([]T, error) {
	if !r.endpoint.BareArray && r.endpoint.Arrays == nil {
		return sweep(ctx, c, r, read)
	}
	j, err := c.do(ctx, &r)
	if err != nil {
		return nil, err
	}
	items, ok := j.([]any)
	if r.endpoint.Arrays != nil {
		items, ok = arrays(j, r.endpoint.Arrays)
	}
	if !ok {
		return nil, c.plainError(&r, errors.New("the answer is not the list that it should be"))
	}
	values, _ := join([]page{{items: items}}, read)
	return values, nil
}

// arrays joins the arrays that an answer holds under the given names. An answer that lacks one of them is not taken for
// an empty list (R7).
func arrays(j any, names []string) (items []any, ok bool) {
	m, _ := j.(map[string]any)
	for _, name := range names {
		list, there := m[name].([]any)
		if !there {
			return nil, false
		}
		items = append(items, list...)
	}
	return items, true
}

// absent reports whether a 404 says that the object itself is missing, and not what it lives in.
func absent(err error) bool {
	var e *provider.Error
	return errors.As(err, &e) && e.Class == provider.NotFound && e.Status == http.StatusNotFound && !byCode[e.Code].parent
}
