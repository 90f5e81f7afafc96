package httpstate

import (
	"testing"

	"mercator/apply/state"
)

// FuzzHolder reads what servers say of who holds a lock: somebody always, and only of the lock with that id.
func FuzzHolder(f *testing.F) {
	c := &client{}
	c.address = (&settings{values: map[string]string{"address": "https://states.example/shop"}}).address("address")
	whole, err := c.describe(state.LockInfo{ID: "x", Who: "a@host", Operation: "apply", PID: 7, Job: "https://ci.example/1"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add([]byte(`{"ID":"y","Who":"ann","Info":"{\"id\":\"x\",\"pid\":7}","Created":"2024-03-01T12:00:00Z"}`))
	f.Add([]byte(`{"ID":1}`))
	f.Add([]byte(`<html>`))
	f.Fuzz(func(t *testing.T, body []byte) {
		h := holderOf(body)
		if h.ID == "" && (h.Who == "" || h.PID != 0 || h.Job != "") {
			t.Errorf("nobody in particular is %+v", h)
		}
		if locked := (&state.LockedError{Holder: h}); locked.Error() == "" {
			t.Error("no error text")
		}
		_ = c.words(answer{body: body})
	})
}
