package provider_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"mercator/provider"
	"mercator/schema"
	"mercator/schema/diag"
)

func kind(t *testing.T) *schema.Kind {
	t.Helper()
	e := &schema.Endpoint{Operation: "x", Method: "GET", Path: "/api/atlas/v2/boxes/{name}", Version: "2024-08-05", Role: "Keeper"}
	c, err := schema.NewCatalog(schema.Kind{
		Name: "box", Identity: schema.Identity{Binds: schema.ByKey, Key: []string{"name"}},
		Attributes: []schema.Attribute{{Name: "name", Type: schema.TypeString}, {Name: "lid", Type: schema.TypeString}},
		Endpoints:  schema.Endpoints{Get: e}, Parts: []schema.Part{{Attribute: "lid", Read: e, Write: e}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c.Kind("box")
}

// store is a reader that answers from functions and counts.
type store struct {
	mu      sync.Mutex
	lists   map[schema.Place]int
	running int
	most    int
	list    func(ctx context.Context, place schema.Place) error
	part    func() error
}

func (s *store) List(ctx context.Context, k *schema.Kind, place schema.Place) (provider.Sweep, error) {
	s.mu.Lock()
	s.lists[place]++
	s.running++
	s.most = max(s.most, s.running)
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.running--
		s.mu.Unlock()
	}()
	if s.list != nil {
		if err := s.list(ctx, place); err != nil {
			return provider.Sweep{}, err
		}
	}
	var objects []schema.Object
	for _, name := range []string{"b", "a"} {
		v := cty.ObjectVal(map[string]cty.Value{"name": cty.StringVal(name), "lid": cty.NullVal(cty.String)})
		objects = append(objects, schema.Object{Kind: k.Name, Place: place, Key: name, Value: v})
	}
	return provider.Sweep{Objects: objects}, nil
}

func (s *store) Get(context.Context, provider.Ref) (schema.Object, error) {
	return schema.Object{}, &provider.Error{Class: provider.NotFound}
}

func (s *store) Part(context.Context, provider.Ref, *schema.Part) (cty.Value, error) {
	if s.part != nil {
		return cty.NilVal, s.part()
	}
	return cty.StringVal("red"), nil
}

func newStore() *store { return &store{lists: map[schema.Place]int{}} }

func place(n int) schema.Place { return schema.Place("").With("groupId", fmt.Sprint(n)) }

func TestObserve(t *testing.T) {
	k := kind(t)
	s := newStore()
	var wants []provider.Want
	for i := range 30 {
		wants = append(wants, provider.Want{Kind: k, Place: place(i % 20)})
	}
	wants = append(wants, provider.Want{Connection: "emea", Kind: k, Place: place(0)})
	emea := newStore()
	parts := []provider.WantPart{{Ref: provider.Ref{Kind: k, Place: place(3), Key: map[string]string{"name": "a"}}, Part: &k.Parts[0]}}
	live, err := provider.Observe(context.Background(), map[string]provider.Reader{"": s, "emea": emea}, wants, parts, 4)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.lists) != 20 || s.lists[place(3)] != 1 || emea.lists[place(0)] != 1 {
		t.Errorf("lists read: %v and %v, want each once", s.lists, emea.lists)
	}
	if s.most > 4 {
		t.Errorf("%d reads at a time, want 4 at most", s.most)
	}
	objects, ok := live.Sweep("", "box", place(3))
	if !ok || len(objects) != 2 || objects[0].Key != "a" || !objects[0].Parts["lid"] || objects[0].Value.GetAttr("lid").AsString() != "red" {
		t.Errorf("objects %+v", objects)
	}
	if _, ok := live.Sweep("emea", "box", place(3)); ok {
		t.Error("a list that was not wanted counts as read")
	}
}

func TestObserveErrors(t *testing.T) {
	k := kind(t)
	wants := make([]provider.Want, 12)
	for i := range wants {
		wants[i] = provider.Want{Kind: k, Place: place(i)}
	}
	failing := func(failures map[schema.Place]provider.Class) *store {
		s := newStore()
		s.list = func(ctx context.Context, p schema.Place) error {
			if class, ok := failures[p]; ok {
				return &provider.Error{Class: class, Call: "GET " + string(p), Err: errors.New("broken")}
			}
			return ctx.Err()
		}
		return s
	}
	// Whatever fails first in time, the first in order is reported.
	for range 20 {
		s := failing(map[schema.Place]provider.Class{place(9): provider.Transient, place(2): provider.Denied, place(5): provider.Transient})
		_, err := provider.Observe(context.Background(), map[string]provider.Reader{"": s}, wants, nil, 12)
		if provider.ClassOf(err) != provider.Denied || !strings.Contains(err.Error(), "reading every box in group 2") {
			t.Fatalf("got %v, want the failure of the third want", err)
		}
	}
	_, err := provider.Observe(context.Background(), map[string]provider.Reader{"": failing(map[schema.Place]provider.Class{place(1): provider.NotFound})}, wants, nil, 0)
	if !provider.IsNotFound(err) || !strings.Contains(err.Error(), "was deleted while the plan was made") {
		t.Errorf("a place that is gone: %v", err)
	}
	_, err = provider.Observe(context.Background(), nil, wants, nil, 1)
	if err == nil || !strings.Contains(err.Error(), "no connection") {
		t.Errorf("without a reader: %v", err)
	}
	s := newStore()
	s.part = func() error { return &provider.Error{Class: provider.Denied, Err: errors.New("no")} }
	_, err = provider.Observe(context.Background(), map[string]provider.Reader{"": s}, nil,
		[]provider.WantPart{{Ref: provider.Ref{Kind: k, Place: place(0), Key: map[string]string{"name": "a"}}, Part: &k.Parts[0]}}, 1)
	if err == nil || !strings.Contains(err.Error(), "reading lid of box a in group 0") {
		t.Errorf("a part that cannot be read: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := provider.Observe(ctx, map[string]provider.Reader{"": failing(nil)}, wants, nil, 3); !errors.Is(err, context.Canceled) {
		t.Errorf("after a cancellation: %v", err)
	}
}

func TestReadOnly(t *testing.T) {
	p := provider.ReadOnly(newStore())
	if sweep, err := p.List(context.Background(), kind(t), place(0)); err != nil || len(sweep.Objects) != 2 {
		t.Errorf("a read: %v", err)
	}
	_, err := p.Write(context.Background(), provider.Write{Endpoint: &schema.Endpoint{Method: "DELETE", Path: "/x", Operation: "deleteX"}})
	if !errors.Is(err, provider.ErrReadOnly) || !strings.Contains(err.Error(), "DELETE /x") {
		t.Errorf("a write: %v", err)
	}
}

func TestGuard(t *testing.T) {
	if provider.Guard(context.Background()) != nil {
		t.Error("a context without a guard has one")
	}
	want := errors.New("lost")
	ctx := provider.WithGuard(context.Background(), func(context.Context) error { return want })
	if got := provider.Guard(ctx)(ctx); !errors.Is(got, want) {
		t.Errorf("got %v", got)
	}
}

func TestDiagnostic(t *testing.T) {
	seen := map[string]bool{}
	for class := provider.Unknown; class <= provider.Uncertain; class++ {
		d := provider.Diagnostic(fmt.Errorf("reading: %w", &provider.Error{Class: class, Status: 400, Call: "GET /x", Remedy: "do this"}))
		if !strings.HasPrefix(d.Code, "atlas_") || seen[d.Code] || d.Severity != diag.Error || !strings.HasSuffix(d.Detail, "\n\nDo this.") {
			t.Errorf("class %d gives %+v", class, d)
		}
		seen[d.Code] = true
	}
	own := diag.Errorf("own", "Own", "detail")
	if d := provider.Diagnostic(fmt.Errorf("x: %w", own)); d.Code != "own" {
		t.Errorf("a diagnostic is replaced by %+v", d)
	}
	if d := provider.Diagnostic(errors.New("100 %d")); d.Code != "atlas_error" || !strings.HasPrefix(d.Detail, "100 %d.\n\n") {
		t.Errorf("another error gives %+v", d)
	}
}

func TestErrorText(t *testing.T) {
	for _, tc := range []struct {
		err  provider.Error
		want string
	}{
		{provider.Error{Call: "GET /x", Status: 404, Code: "GONE", Detail: "No x.", Remedy: "look"}, "GET /x: Atlas answered 404 GONE: No x. (look)"},
		{provider.Error{Call: "GET /x", Status: 500}, "GET /x: Atlas answered 500"},
		{provider.Error{Call: "GET /x", Err: errors.New("EOF")}, "GET /x: EOF"},
	} {
		if got := tc.err.Error(); got != tc.want {
			t.Errorf("got %q, want %q", got, tc.want)
		}
	}
}
