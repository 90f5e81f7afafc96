package httpstate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"mercator/apply/state"
)

// description is who locks, in the words of the protocol: the keys are Terraform's. All of them are always sent,
// since GitLab asks for each.
type description struct {
	ID        string `json:"ID"`
	Operation string `json:"Operation"`
	Info      string `json:"Info"`
	Who       string `json:"Who"`
	Version   string `json:"Version"`
	Created   string `json:"Created"`
	Path      string `json:"Path"`
}

// more is what Mercator says in Info, for which the protocol has no key. GitLab answers a request for a lock that
// is held with that request's own Info, so ID says whose it is.
type more struct {
	ID     string `json:"id"`
	PID    int    `json:"pid"`
	Job    string `json:"job,omitempty"`
	Commit string `json:"commit,omitempty"`
}

func (c *client) describe(info state.LockInfo) ([]byte, error) {
	rest, err := json.Marshal(more{ID: info.ID, PID: info.PID, Job: info.Job, Commit: info.Commit})
	if err != nil {
		return nil, err
	}
	return json.Marshal(description{ID: info.ID, Operation: info.Operation, Info: string(rest), Who: info.Who,
		Version: "mercator " + info.Version, Created: info.Since.Format(time.RFC3339), Path: c.shown(c.address)})
}

// holderOf reads whose lock is in the way. A server that does not say so leaves everything empty but Who.
func holderOf(body []byte) state.LockInfo {
	var d description
	if json.Unmarshal(body, &d) != nil || d.ID == "" {
		return state.LockInfo{Who: "somebody whom the server does not name"}
	}
	info := state.LockInfo{ID: d.ID, Operation: d.Operation, Who: d.Who, Version: d.Version}
	if since, err := time.Parse(time.RFC3339, d.Created); err == nil {
		info.Since = since.UTC()
	}
	var rest more
	if json.Unmarshal([]byte(d.Info), &rest) == nil && rest.ID == d.ID {
		info.PID, info.Job, info.Commit = rest.PID, rest.Job, rest.Commit
	} else if rest.ID != "" {
		info.Operation, info.Version = "", "" // the request's own, too
	}
	return info
}

// lock takes the lock, or returns a *state.LockedError. A lock that is in the way and has our id is ours: the answer
// that gave it was lost.
func (c *client) lock(ctx context.Context, info state.LockInfo) error {
	body, err := c.describe(info)
	if err != nil {
		return err
	}
	r := request{aim: "lock the state", method: c.lockMethod, url: c.lockAddress, body: body}
	a, err := c.do(ctx, r)
	if err == nil && a.ok() {
		return nil
	}
	if err == nil && locked(a.status) {
		holder := holderOf(a.body)
		if holder.ID == info.ID {
			return nil
		}
		return &state.LockedError{Holder: holder}
	}
	if err == nil {
		err = c.refused(r, a)
	}
	if a.unsure && c.undo(ctx, info.ID) != nil {
		err = fmt.Errorf("%w; should it have been locked all the same, its id is %s: mercator state unlock %s", err, info.ID, info.ID)
	}
	return err
}

// undo ends a lock that may have been given without an answer.
func (c *client) undo(ctx context.Context, id string) error {
	r, err := c.unlocking(id)
	if err != nil {
		return err
	}
	a, err := c.once(ctx, r)
	if err == nil && !a.ok() && !locked(a.status) {
		err = c.refused(r, a)
	}
	return err
}

// unlock ends the lock with that id, and reports whether it did. That there is no such lock, any more or at all, is
// no error: after an answer that was lost a server may say so in any way.
func (c *client) unlock(ctx context.Context, id string) (ended bool, err error) {
	r, err := c.unlocking(id)
	if err != nil {
		return false, err
	}
	a, err := c.do(ctx, r)
	switch {
	case err != nil:
	case a.ok(), a.unsure && gone(a.status):
		return true, nil
	case locked(a.status) && holderOf(a.body).ID != id:
		return a.unsure, nil
	default:
		err = c.refused(r, a)
	}
	return false, fmt.Errorf("%w; the state stays locked until this works: mercator state unlock %s", err, id)
}

// gone reports whether a status can mean that there is no lock to be ended.
func gone(status int) bool {
	return status == http.StatusBadRequest || status == http.StatusNotFound || status == http.StatusGone
}

func (c *client) unlocking(id string) (request, error) {
	body, err := json.Marshal(description{ID: id})
	return request{aim: "unlock the state", method: c.unlockMethod, url: c.unlockAddress, body: body}, err
}

// holder returns who holds the lock, nil if nobody does. The protocol has no question for that: the lock is asked
// for, and given back at once where nobody has it.
func (c *client) holder(ctx context.Context, probe state.LockInfo) (*state.LockInfo, error) {
	err := c.lock(ctx, probe)
	var held *state.LockedError
	if errors.As(err, &held) {
		return &held.Holder, nil
	}
	if err != nil {
		return nil, err
	}
	_, err = c.unlock(context.WithoutCancel(ctx), probe.ID)
	return nil, err
}
