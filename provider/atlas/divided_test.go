package atlas

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"mercator/provider"
	"mercator/schema"
)

// sides are kinds whose lists are asked for with a value: one in the query, one in the path, and one that is read by
// the names that its parent's answer holds.
func sides(t *testing.T) *schema.Catalog {
	t.Helper()
	side := schema.Attribute{Name: "side", Type: schema.TypeString, Required: true, Immutable: true, Enum: []string{"LEFT", "RIGHT"}}
	id := schema.Attribute{Name: "id", Type: schema.TypeString, Owner: schema.Server}
	name := schema.Attribute{Name: "name", Type: schema.TypeString, Required: true}
	socks := endpoint("listSocks", "GET", "/groups/{groupId}/socks")
	socks.Per = &schema.Per{Attribute: "side", Param: "whichSide"}
	shoes := endpoint("listShoes", "GET", "/groups/{groupId}/{whichSide}/shoes")
	shoes.Per, shoes.BareArray = socks.Per, true
	laces := endpoint("getShoeForLaces", "GET", "/groups/{groupId}/{whichSide}/shoes/{shoeId}")
	laces.Names = []string{"longLaces", "shortLaces"}
	c, err := schema.NewCatalog(
		schema.Kind{Name: "sock", Identity: schema.Identity{Binds: schema.ByKey, ID: "id", Key: []string{"side", "name"}}, Attributes: []schema.Attribute{id, side, name},
			Endpoints: schema.Endpoints{List: socks, Get: endpoint("getSock", "GET", "/groups/{groupId}/socks/{sockId}")}},
		schema.Kind{Name: "shoe", Identity: schema.Identity{Binds: schema.ByKey, ID: "id", Key: []string{"side", "name"}}, Attributes: []schema.Attribute{id, side, name},
			Endpoints: schema.Endpoints{List: shoes, Get: endpoint("getShoe", "GET", "/groups/{groupId}/{whichSide}/shoes/{shoeId}")}},
		schema.Kind{Name: "lace", Parent: "shoe", Identity: schema.Identity{Binds: schema.ByKey, Key: []string{"name"}}, Attributes: []schema.Attribute{name},
			Endpoints: schema.Endpoints{List: laces, Get: endpoint("getLace", "GET", "/groups/{groupId}/{whichSide}/shoes/{shoeId}/laces/{name}")}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestDividedLists(t *testing.T) {
	var mu sync.Mutex
	var asked []string
	l := serve(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		query := r.URL.Query()
		asked = append(asked, strings.TrimPrefix(r.URL.EscapedPath(), "/api/atlas/v2/groups/g1")+" "+query.Get("whichSide"))
		mu.Unlock()
		switch path := r.URL.Path; {
		case strings.HasSuffix(path, "/socks"):
			answerJSON(w, 200, `{"results":[{"id":"1","name":"a"},{"id":"2","name":"b"}],"totalCount":2,"links":[]}`)
		case strings.HasSuffix(path, "/shoes"):
			answerJSON(w, 200, `[{"id":"3","name":"c","side":"RIGHT"}]`)
		case strings.HasSuffix(path, "/shoes/3"):
			answerJSON(w, 200, `{"id":"3","longLaces":["x/y","gone"],"shortLaces":["z"],"other":["w"]}`)
		case strings.HasSuffix(path, "/gone"):
			answerJSON(w, 404, apiErrorBody(404, "LACE_NOT_FOUND", "gone"))
		default:
			answerJSON(w, 200, `{"name":"`+path[strings.LastIndex(path, "/laces/")+len("/laces/"):]+`"}`)
		}
	})
	c := sides(t)
	left, right := place.With("whichSide", "LEFT"), place.With("whichSide", "RIGHT")
	sweep, err := l.List(context.Background(), c.Kind("sock"), left)
	if err != nil || len(sweep.Objects) != 2 || sweep.Objects[0].Key != "LEFT/a" || sweep.Objects[0].Place != left {
		t.Errorf("socks: %+v, %v", sweep.Objects, err)
	}
	o, err := l.Get(context.Background(), provider.Ref{Kind: c.Kind("sock"), Place: left, Key: map[string]string{"side": "left", "name": "b"}})
	if err != nil || o.ID != "2" {
		t.Errorf("by its name: %+v, %v", o, err)
	}
	if sweep, err = l.List(context.Background(), c.Kind("shoe"), right); err != nil || len(sweep.Objects) != 1 || sweep.Objects[0].Key != "RIGHT/c" {
		t.Errorf("shoes: %+v, %v", sweep.Objects, err)
	}
	if sweep, err = l.List(context.Background(), c.Kind("lace"), right.With("shoeId", "3")); err != nil || len(sweep.Objects) != 2 {
		t.Errorf("laces: %+v, %v", sweep.Objects, err)
	}
	slices.Sort(asked)
	want := []string{"/RIGHT/shoes ", "/RIGHT/shoes/3 ", "/RIGHT/shoes/3/laces/gone ", "/RIGHT/shoes/3/laces/x%2Fy ", "/RIGHT/shoes/3/laces/z ", "/socks LEFT", "/socks LEFT"}
	if !slices.Equal(asked, want) {
		t.Errorf("asked %q, want %q", asked, want)
	}
}

// A list by names fails where one of the objects cannot be read, or what they live in is not there (R7).
func TestListsByNamesFail(t *testing.T) {
	l := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/laces/") {
			answerJSON(w, 403, apiErrorBody(403, "USER_UNAUTHORIZED", "no"))
			return
		}
		if strings.HasSuffix(r.URL.Path, "3") {
			answerJSON(w, 404, apiErrorBody(404, "SHOE_NOT_FOUND", "gone"))
			return
		}
		answerJSON(w, 200, `{"longLaces":["x"]}`)
	})
	k := sides(t).Kind("lace")
	_, err := l.List(context.Background(), k, place.With("whichSide", "LEFT").With("shoeId", "3"))
	wantClass(t, err, provider.NotFound)
	_, err = l.List(context.Background(), k, place.With("whichSide", "LEFT").With("shoeId", "4"))
	wantClass(t, err, provider.Denied)
}
