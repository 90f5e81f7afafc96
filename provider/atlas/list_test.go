package atlas

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"mercator/provider"
	"mercator/schema"
)

// shelf serves a list of boxes in pages; each read of the first page may see another state of it.
type shelf struct {
	mu      sync.Mutex
	states  []func(*shelfState)
	state   shelfState
	asked   []int // page numbers, in the order of their arrival
	queries []string
}

type shelfState struct {
	ids     []string
	surplus int
	// midway changes the state once the first page was read.
	midway func(*shelfState)
}

func ids(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("b%05d", i)
	}
	return out
}

func (s *shelf) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	num, _ := strconv.Atoi(r.URL.Query().Get("pageNum"))
	size, _ := strconv.Atoi(r.URL.Query().Get("itemsPerPage"))
	s.asked = append(s.asked, num)
	s.queries = append(s.queries, r.URL.RawQuery)
	if num == 1 && len(s.states) > 0 {
		s.states[0](&s.state)
		s.states = s.states[1:]
	}
	st := s.state
	from, to := min((num-1)*size, len(st.ids)), min(num*size, len(st.ids))
	results := make([]map[string]any, 0, to-from)
	for _, id := range st.ids[from:to] {
		results = append(results, map[string]any{"id": id, "name": "n" + id, "links": []any{}})
	}
	links := []map[string]any{{"rel": "self", "href": "x"}}
	if to < len(st.ids) {
		links = append(links, map[string]any{"rel": "next", "href": "x"})
	}
	text, _ := json.Marshal(map[string]any{"results": results, "links": links, "totalCount": len(st.ids) + st.surplus})
	answerJSON(w, 200, string(text))
	if num == 1 && st.midway != nil {
		st.midway(&s.state)
		s.state.midway = nil
	}
}

// TestRule_R07_Sweeps reads lists that hold still, change, count more than they show, or never come to rest.
func TestRule_R07_Sweeps(t *testing.T) {
	box := toys(t).Kind("box")
	holds := func(n int) func(*shelfState) { return func(s *shelfState) { *s = shelfState{ids: ids(n)} } }
	surplus := func(n, more int) func(*shelfState) {
		return func(s *shelfState) { *s = shelfState{ids: ids(n), surplus: more} }
	}
	// grows adds an item while the pages are read, so that totalCount changes.
	grows := func(n int) func(*shelfState) {
		return func(s *shelfState) {
			*s = shelfState{ids: ids(n), midway: func(s *shelfState) { s.ids = append([]string{"new"}, s.ids...) }}
		}
	}
	// shifts swaps an item for another one, so that totalCount stays and an item is seen twice.
	shifts := func(n int) func(*shelfState) {
		return func(s *shelfState) {
			*s = shelfState{ids: ids(n), midway: func(s *shelfState) { s.ids = append([]string{"new"}, s.ids[:n-1]...) }}
		}
	}
	for _, tc := range []struct {
		name           string
		states         []func(*shelfState)
		want           int // objects; -1 for an error
		pages, seconds int
	}{
		{"empty", []func(*shelfState){holds(0)}, 0, 1, 0},
		{"one page", []func(*shelfState){holds(500)}, 500, 1, 0},
		{"two pages", []func(*shelfState){holds(501)}, 501, 2, 0},
		{"eleven pages", []func(*shelfState){holds(5001)}, 5001, 11, 0},
		{"surplus on one page", []func(*shelfState){surplus(3, 4)}, 3, 2, 1},
		{"surplus on two pages", []func(*shelfState){surplus(700, 4)}, 700, 4, 2},
		{"surplus, then other ids, then rest", []func(*shelfState){surplus(3, 4), surplus(4, 4), surplus(4, 4)}, 4, 3, 2},
		{"grows once", []func(*shelfState){grows(700), holds(701)}, 701, 4, 2},
		{"shifts once", []func(*shelfState){shifts(700), holds(700)}, 700, 4, 2},
		{"grows thrice", []func(*shelfState){grows(700), grows(700), grows(700), holds(702)}, 702, 8, 6},
		{"never rests", []func(*shelfState){grows(700), grows(700), grows(700), grows(700), holds(700)}, -1, 8, 6},
		{"shrinks to one page", []func(*shelfState){func(s *shelfState) {
			*s = shelfState{ids: ids(700), midway: func(s *shelfState) { s.ids = s.ids[:100] }}
		}, holds(100)}, 100, 3, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := &shelf{states: tc.states}
			l := serve(t, s.ServeHTTP, func(c *Config) { c.Logger = nil })
			sweep, err := l.List(context.Background(), box, place)
			if tc.want < 0 {
				wantClass(t, err, provider.Transient, "changed each time", "totalCount")
			} else if err != nil || len(sweep.Objects) != tc.want {
				t.Fatalf("%d objects, %v; want %d", len(sweep.Objects), err, tc.want)
			}
			stats := l.Stats()
			if len(s.asked) != tc.pages || stats.Total() != tc.pages || stats.SecondReads != tc.seconds {
				t.Errorf("%d pages asked for, counted %d with %d second reads; want %d and %d",
					len(s.asked), stats.Total(), stats.SecondReads, tc.pages, tc.seconds)
			}
			seen := map[string]bool{}
			for _, o := range sweep.Objects {
				if seen[o.ID] || o.Place != place || o.Kind != "box" {
					t.Fatalf("object %+v is wrong or twice there", o)
				}
				seen[o.ID] = true
			}
			if want := "itemsPerPage=500&pageNum=1"; s.queries[0] != want {
				t.Errorf("asked with %q, want %q", s.queries[0], want)
			}
		})
	}
}

func TestListWithoutCount(t *testing.T) {
	box := toys(t).Kind("box")
	s := &script{steps: []http.HandlerFunc{
		says(200, `{"results":[{"id":"a"}],"links":[{"rel":"next"}]}`),
		says(200, `{"results":[{"id":"b"}],"links":[{"rel":"next"}]}`),
		says(200, `{"results":[{"id":"c"}],"links":[]}`),
	}}
	l := serve(t, s.ServeHTTP)
	sweep, err := l.List(context.Background(), box, place)
	if err != nil || len(sweep.Objects) != 3 {
		t.Fatalf("%d objects, %v; want 3", len(sweep.Objects), err)
	}
}

func TestListForms(t *testing.T) {
	catalog := toys(t)
	for _, tc := range []struct {
		name, kind string
		step       http.HandlerFunc
		want       []string
		class      provider.Class
	}{
		{"bare array", "label", says(200, `[{"shelf":"a/b","text":"x"},{"shelf":"c","text":"y"}]`), []string{"a%2Fb/x", "c/y"}, 0},
		{"empty bare array", "label", says(200, `[]`), nil, 0},
		{"several arrays", "pen", says(200, `{"pens":[{"penId":"1","madeBy":"A"}],"pencils":[{"_id":"2"}],"chalk":[{"penId":"3"}]}`), []string{"1", "2"}, 0},
		{"several empty arrays", "pen", says(200, `{"pens":[],"pencils":[]}`), nil, 0},
		{"one array too few", "pen", says(200, `{"pens":[]}`), nil, provider.Unknown},
		{"nothing for an array", "pen", says(200, `{"pens":[],"pencils":null}`), nil, provider.Unknown},
		{"an object for an array", "label", says(200, `{"results":[]}`), nil, provider.Unknown},
		{"an array for a page", "box", says(200, `[]`), nil, provider.Unknown},
		{"missing place", "box", says(404, apiErrorBody(404, "GROUP_NOT_FOUND", "No group with ID g1 exists.", "g1")), nil, provider.NotFound},
		{"forbidden", "box", says(403, apiErrorBody(403, "IP_ADDRESS_NOT_ON_ACCESS_LIST", "IP address 203.0.113.9 is not allowed to access this resource.", "203.0.113.9")), nil, provider.Denied},
		{"a singleton", "policy", says(200, `{"strict":true}`), []string{""}, 0},
		{"a singleton that is not there", "policy", says(404, apiErrorBody(404, "POLICY_NOT_FOUND", "No policy.")), nil, 0},
		{"a singleton in nothing", "policy", says(404, apiErrorBody(404, "GROUP_NOT_FOUND", "No group.")), nil, provider.NotFound},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := serve(t, (&script{steps: []http.HandlerFunc{tc.step}}).ServeHTTP)
			sweep, err := l.List(context.Background(), catalog.Kind(tc.kind), place)
			if unlike := strings.Contains(tc.name, " for a") || strings.HasSuffix(tc.name, "too few"); (err != nil) != (tc.class != 0 || unlike) {
				t.Fatalf("error %v", err)
			}
			if err != nil && provider.ClassOf(err) != tc.class {
				t.Fatalf("class %d of %v, want %d", provider.ClassOf(err), err, tc.class)
			}
			var keys []string
			for _, o := range sweep.Objects {
				keys = append(keys, cmp.Or(o.Key, o.ID))
			}
			if !slices.Equal(keys, tc.want) {
				t.Errorf("keys %q, want %q", keys, tc.want)
			}
		})
	}
}

func TestGetFromList(t *testing.T) {
	label := toys(t).Kind("label")
	body := says(200, `[{"shelf":"a","text":"x","note":"n"}]`)
	l := serve(t, (&script{steps: []http.HandlerFunc{body, body}}).ServeHTTP)
	o, err := l.Get(context.Background(), provider.Ref{Kind: label, Place: place, Key: map[string]string{"shelf": "a", "text": "x"}})
	if err != nil || o.Value.GetAttr("note").AsString() != "n" {
		t.Fatalf("%+v, %v", o, err)
	}
	_, err = l.Get(context.Background(), provider.Ref{Kind: label, Place: place, Key: map[string]string{"shelf": "a", "text": "z"}})
	wantClass(t, err, provider.NotFound, "a/z")
}

// BenchmarkSweep reads 5,000 objects and reports how many requests that takes.
func BenchmarkSweep(b *testing.B) {
	box := toys(b).Kind("box")
	s := &shelf{state: shelfState{ids: ids(5000)}}
	l := serve(b, s.ServeHTTP, func(c *Config) { c.Logger = nil })
	b.ReportAllocs()
	for b.Loop() {
		sweep, err := l.List(context.Background(), box, schema.Place("groupId=g1"))
		if err != nil || len(sweep.Objects) != 5000 {
			b.Fatal(len(sweep.Objects), err)
		}
	}
	b.ReportMetric(float64(l.Stats().Total())/float64(b.N), "requests/op")
}

// TestEveryPageHasWhatIsAlwaysAsked makes sure that the parameters of a list stand in the query of each of its pages.
func TestEveryPageHasWhatIsAlwaysAsked(t *testing.T) {
	box := *toys(t).Kind("box")
	list := *box.Endpoints.List
	list.Always = map[string]string{"status": "OPEN"}
	box.Endpoints.List = &list
	s := &shelf{state: shelfState{ids: ids(700)}}
	l := serve(t, s.ServeHTTP)
	sweep, err := l.List(context.Background(), &box, schema.Place("").With("groupId", "g"))
	if err != nil || len(sweep.Objects) != 700 {
		t.Fatalf("%d objects, %v", len(sweep.Objects), err)
	}
	if want := []string{"itemsPerPage=500&pageNum=1&status=OPEN", "itemsPerPage=500&pageNum=2&status=OPEN"}; !slices.Equal(s.queries, want) {
		t.Errorf("asked with %q, want %q", s.queries, want)
	}
}
