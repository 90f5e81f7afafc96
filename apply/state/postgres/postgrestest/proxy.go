//go:build unix

package postgrestest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
)

// Action is what happens to one request of a client, a query with its arguments.
type Action int

// The actions.
const (
	// Pass hands the request on, and the answer back.
	Pass Action = iota
	// LoseRequest ends the connection before the server hears of the request.
	LoseRequest
	// LoseAnswer has the server carry the request out, and ends the connection instead of answering.
	LoseAnswer
	// Delay ends the client's connection, and has the server carry the request out when Deliver is called.
	Delay
)

// Proxy stands between a client and a server, and does to requests what networks do.
type Proxy struct {
	// Address is where it listens.
	Address string

	target string
	script func(query string) Action

	asking sync.Mutex // held while the script is asked

	mu   sync.Mutex
	late []delayed
	open map[io.Closer]bool // nil once it died
}

// delayed is a request that is still on its way.
type delayed struct {
	server net.Conn
	text   []byte
}

// Connect is the query of the request for a connection, which is lost unless it passes.
const Connect = "connect"

// NewProxy starts a proxy in front of an address. It asks script for each request, one at a time; the request waits as
// long as script takes.
func NewProxy(t testing.TB, target string, script func(query string) Action) *Proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{Address: listener.Addr().String(), target: target, script: script, open: map[io.Closer]bool{listener: true}}
	t.Cleanup(p.Die)
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go p.serve(client)
		}
	}()
	return p
}

// Die ends all connections and takes no more.
func (p *Proxy) Die() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.open {
		_ = c.Close()
	}
	p.open = nil
}

// Deliver has the server carry out the requests that were delayed, and returns when it has.
func (p *Proxy) Deliver() error {
	p.mu.Lock()
	late := p.late
	p.late = nil
	p.mu.Unlock()
	var errs []error
	for _, d := range late {
		_, err := d.server.Write(d.text)
		if err == nil {
			err = answer(d.server, nil)
		}
		errs = append(errs, err, d.server.Close())
	}
	if len(late) == 0 {
		errs = append(errs, errors.New("no request was delayed"))
	}
	return errors.Join(errs...)
}

// keep has Die close a connection, and reports whether it is not too late for that.
func (p *Proxy) keep(c io.Closer) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open == nil {
		return false
	}
	p.open[c] = true
	return true
}

// serve hands requests and answers on, in turns, as the protocol has it.
func (p *Proxy) serve(client net.Conn) {
	defer client.Close()
	if p.ask(Connect) != Pass {
		return
	}
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		return
	}
	delayed := false
	defer func() {
		if !delayed {
			_ = server.Close()
		}
	}()
	if !p.keep(client) || !p.keep(server) {
		return
	}
	size := make([]byte, 4) // the message that begins a connection has no kind
	if _, err := io.ReadFull(client, size); err != nil {
		return
	}
	first := io.MultiReader(bytes.NewReader(size), io.LimitReader(client, int64(binary.BigEndian.Uint32(size))-4))
	if _, err := io.Copy(server, first); err != nil {
		return
	}
	for back := client; answer(server, back) == nil && back != nil; {
		text, query, err := request(client)
		if err != nil {
			return
		}
		switch p.ask(query) {
		case LoseRequest:
			return
		case Delay:
			delayed = p.delay(server, text)
			return
		case LoseAnswer:
			back = nil
		}
		if _, err := server.Write(text); err != nil {
			return
		}
	}
}

// ask decides what befalls a request.
func (p *Proxy) ask(query string) Action {
	p.asking.Lock()
	defer p.asking.Unlock()
	return p.script(query)
}

// delay keeps a request and its connection for Deliver, and reports whether it is not too late for that.
func (p *Proxy) delay(server net.Conn, text []byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open == nil {
		return false
	}
	p.late = append(p.late, delayed{server, text})
	return true
}

// request reads a client's messages up to the one with which it begins to wait, and the query among them. A goodbye is
// the end of the input.
func request(client net.Conn) (text []byte, query string, err error) {
	for {
		kind, message, err := read(client)
		if err != nil {
			return nil, "", err
		}
		text = append(text, message...)
		body := message[5:]
		switch kind {
		case 'P': // the name of a statement, and the query
			_, body, _ = bytes.Cut(body, []byte{0})
			fallthrough
		case 'Q':
			was, _, _ := bytes.Cut(body, []byte{0})
			query = string(was)
		}
		switch kind {
		case 'Q', 'S':
			return text, query, nil
		case 'X':
			return nil, "", io.EOF
		}
	}
}

// answer reads a server's messages up to the one after which it waits for the next request, and hands them to the
// client, which may be nil. Where the server asks for a proof of identity, the client's is handed on.
func answer(server, client net.Conn) error {
	for {
		kind, message, err := read(server)
		if err != nil {
			return err
		}
		if client != nil {
			if _, err := client.Write(message); err != nil {
				return err
			}
		}
		const proved, finished = 0, 12
		switch {
		case kind == 'Z':
			return nil
		case kind != 'R':
			continue
		}
		if code := binary.BigEndian.Uint32(message[5:]); code == proved || code == finished {
			continue
		}
		if client == nil {
			return errors.New("the server asks who the client is, and there is none")
		}
		_, proof, err := read(client)
		if err == nil {
			_, err = server.Write(proof)
		}
		if err != nil {
			return err
		}
	}
}

// read reads one message: its kind, its length and what that counts.
func read(c net.Conn) (kind byte, text []byte, err error) {
	head := make([]byte, 5)
	if _, err := io.ReadFull(c, head); err != nil {
		return 0, nil, err
	}
	text = make([]byte, 1+binary.BigEndian.Uint32(head[1:]))
	copy(text, head)
	_, err = io.ReadFull(c, text[5:])
	return head[0], text, err
}
