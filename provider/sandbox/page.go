package sandbox

import (
	"net/url"
	"strconv"
	"strings"
)

const (
	defaultItemsPerPage = 100
	maxItemsPerPage     = 500
)

// page is the part of a list that a request asks for.
type page struct {
	number, size int
	count        bool
	own          []string // query parameters of the operation itself, as "name=value"
}

// readPage reads pageNum, itemsPerPage and includeCount. own names further parameters that links echo,
// each with its default after "=", or without one if it is echoed only when given.
func readPage(query url.Values, own ...string) (page, *apiError) {
	p := page{number: 1, size: defaultItemsPerPage, count: true}
	var err *apiError
	if p.number, err = readInt(query, "pageNum", 1, 1<<31-1); err != nil {
		return p, err
	}
	if p.size, err = readInt(query, "itemsPerPage", defaultItemsPerPage, maxItemsPerPage); err != nil {
		return p, err
	}
	switch query.Get("includeCount") {
	case "", "true":
	case "false":
		p.count = false
	default:
		return p, fail("INVALID_QUERY_PARAMETER", "includeCount")
	}
	for _, name := range own {
		name, value, has := strings.Cut(name, "=")
		if query.Has(name) {
			value, has = query.Get(name), true
		}
		if has {
			p.own = append(p.own, name+"="+url.QueryEscape(value))
		}
	}
	return p, nil
}

func readInt(query url.Values, name string, fallback, max int) (int, *apiError) {
	if !query.Has(name) {
		return fallback, nil
	}
	n, err := strconv.Atoi(query.Get(name))
	if err != nil || n < 1 || n > max {
		return 0, fail("INVALID_QUERY_PARAMETER", name)
	}
	return n, nil
}

// bounds returns the first and the last-but-one index of the page in a list of n elements.
func (p page) bounds(n int) (int, int) {
	if p.number-1 > n/p.size {
		return n, n
	}
	first := min((p.number-1)*p.size, n)
	return first, min(first+p.size, n)
}

// envelope wraps the results of one page. total is the number of elements in the whole list; surplus is
// added to the count that the answer shows. The order of parameters in links is the recorded one.
func (p page) envelope(path string, results []any, total, surplus int) object {
	count := strconv.FormatBool(p.count)
	self := strings.Join(append(append([]string{"includeCount=" + count}, p.own...),
		"pageNum="+strconv.Itoa(p.number), "itemsPerPage="+strconv.Itoa(p.size)), "&")
	links := []any{object{"href": path + "?" + self, "rel": "self"}}
	if p.number*p.size < total {
		next := strings.Join(append([]string{"includeCount=" + count, "itemsPerPage=" + strconv.Itoa(p.size),
			"pageNum=" + strconv.Itoa(p.number+1)}, p.own...), "&")
		links = append(links, object{"href": path + "?" + next, "rel": "next"})
	}
	if results == nil {
		results = []any{}
	}
	doc := object{"links": links, "results": results}
	if p.count {
		doc["totalCount"] = total + surplus
	}
	return doc
}
