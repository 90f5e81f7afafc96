// Package badinput_test shows what a newcomer sees who gets something wrong that needs more than the files to be
// noticed: a plan, a live Atlas, a state, credentials, an apply. Each story under testdata is one mistake, and its
// golden is what the program says about it: where, what was found, what was expected, what to do.
package badinput_test

import (
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"mercator/apply/state/http/httptestserver"
	"mercator/provider/sandbox"
	"mercator/schema/config"
)

var update = flag.Bool("update", false, "rewrite what the stories expect")

// TestStories tells every story. The lines before its files set the scene and are done one after the other; what
// the last command says, and the earlier ones after "show", is held against the golden. Lines that begin with #
// are for people.
//
//	sandbox JSON                        the options of the embedded Atlas; must come first
//	use FOLDER                          the files of that folder are the configuration
//	make FILE TEXT COUNT TEXT           a file of a text, and of another one COUNT times
//	env NAME=VALUE                      an environment variable; without = it is unset
//	know VARIABLE PROJECT               the variable is the id of a project
//	same VARIABLE                       the variable is the address of the same Atlas
//	portal                              something else than Atlas answers every request
//	put KIND PROJECT JSON               somebody makes an object in Atlas by hand, "-" for no project, "org" for
//	                                    the organization
//	change KIND PROJECT KEY JSON        ... changes one
//	delete KIND PROJECT KEY             ... deletes one
//	fault JSON                          a fault of Atlas, beside the earlier ones; "fault none" ends all
//	before METHOD PATH NTH LINE         does the line before the nth such request is carried out
//	after METHOD PATH NTH LINE          ... or after it, before it is answered; several lines are joined by &&
//	lost METHOD PATH NTH LINE           ... and it is never answered
//	advance DURATION                    time passes
//	link NAME                           a link that leads nowhere
//	states                              a server of states; its address is in the environment
//	lock, unlock                        somebody holds the state's lock; somebody takes it away
//	fill                                no more can be written beside the state
//	cancel                              Ctrl-C
//	apply FLAGS                         an apply that must succeed, everything allowed
//	try                                 an apply that may fail
//	show open|plan|apply|drift FLAGS    what is said by opening the configuration, by a plan, by an apply
//	cli ARGUMENTS                       what the program prints on standard error
func TestStories(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			s := newStory(t, archive)
			for line := range strings.SplitSeq(string(archive.Comment), "\n") {
				if line != "" && !strings.HasPrefix(line, "#") {
					s.do(line)
				}
			}
			s.compare(path)
		})
	}
}

// story is a story being told.
type story struct {
	*rig
	archive *txtar.Archive
	faults  []sandbox.Fault
	said    strings.Builder
}

func newStory(t *testing.T, archive *txtar.Archive) *story {
	options := sandbox.Options{}
	if line, _, _ := strings.Cut(string(archive.Comment), "\n"); strings.HasPrefix(line, "sandbox ") {
		if err := json.Unmarshal([]byte(strings.TrimPrefix(line, "sandbox ")), &options); err != nil {
			t.Fatal(err)
		}
	}
	s := &story{rig: newRig(t, options), archive: archive}
	s.use("")
	return s
}

// use makes the files of a folder of the archive the configuration.
func (s *story) use(folder string) {
	old, _ := filepath.Glob(filepath.Join(s.dir, "*.hcl*"))
	for _, path := range old {
		s.check(os.RemoveAll(path))
	}
	for _, f := range s.archive.Files {
		dir, name := filepath.Split(f.Name)
		if f.Name == "want" || strings.TrimSuffix(dir, "/") != folder {
			continue
		}
		s.check(os.WriteFile(filepath.Join(s.dir, name), f.Data, 0o600))
	}
}

// do does one line.
func (s *story) do(line string) {
	s.t.Helper()
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "sandbox": // newStory has read it
	case "use":
		s.use(rest)
	case "make":
		f := fields(rest, 4)
		n, err := strconv.Atoi(f[2])
		s.check(err)
		s.check(os.WriteFile(filepath.Join(s.dir, f[0]), []byte(f[1]+strings.Repeat(f[3], n)), 0o600))
	case "env":
		if name, value, set := strings.Cut(rest, "="); set {
			s.env[name] = value
		} else {
			delete(s.env, name)
		}
	case "know":
		f := fields(rest, 2)
		id, ok := s.box.ProjectID(f[1])
		if !ok {
			s.t.Fatalf("there is no project %q", f[1])
		}
		s.env["MERCATOR_VAR_"+f[0]] = id
	case "same":
		s.env[rest] = s.url
	case "portal":
		s.portal()
	case "put", "change", "delete":
		s.byHand(word, rest)
	case "fault":
		s.fault(rest)
	case "before", "after", "lost":
		s.meanwhile(word, rest)
	case "advance":
		d, err := time.ParseDuration(rest)
		s.check(err)
		s.clock.advance(d)
	case "states":
		server := httptestserver.New(httptestserver.GitLab)
		s.t.Cleanup(server.Close)
		s.env["MERCATOR_STATE_HTTP_ADDRESS"] = server.URL + httptestserver.Path
	case "lock":
		s.lock()
	case "unlock":
		s.unlock()
	case "fill":
		s.full.Store(true)
	case "cancel":
		s.cancel()
	case "apply":
		s.converge(strings.Fields(rest))
	case "try":
		s.attempt()
	case "link":
		s.check(os.Symlink("nowhere", filepath.Join(s.dir, rest)))
	case "show":
		command, flags, _ := strings.Cut(rest, " ")
		s.show(command, strings.Fields(flags))
	case "cli":
		s.said.WriteString(s.cli(strings.Fields(rest)))
	default:
		s.t.Fatalf("there is no line like %q", line)
	}
}

// fields divides a line at its first spaces.
func fields(line string, n int) []string {
	f := strings.SplitN(line, " ", n)
	for len(f) < n {
		f = append(f, "")
	}
	return f
}

func (s *story) check(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// byHand does what somebody does in the Atlas console.
func (s *story) byHand(word, rest string) {
	s.t.Helper()
	f := fields(rest, 3)
	kind := sandbox.Kind(f[0])
	id := ""
	if f[1] == "org" {
		id = sandbox.DefaultOrgID
	} else if f[1] != "-" {
		var ok bool
		if id, ok = s.box.ProjectID(f[1]); !ok {
			s.t.Fatalf("there is no project %q", f[1])
		}
	}
	key, text, _ := strings.Cut(f[2], " ")
	if word == "put" {
		text = f[2]
	}
	if key == "-" {
		key = ""
	}
	var doc map[string]any
	if word != "delete" {
		s.check(json.Unmarshal([]byte(text), &doc))
	}
	switch word {
	case "put":
		s.check(s.box.Put(kind, id, doc))
	case "change":
		if field := keyless[kind]; field != "" {
			key = s.idOf(kind, id, field, key)
		}
		s.check(s.box.Change(kind, id, key, doc))
	default:
		s.check(s.box.Delete(kind, id, key))
	}
}

// keyless are the fields by which stories know what has no name.
var keyless = map[sandbox.Kind]string{sandbox.AlertConfig: "eventTypeName", sandbox.BackupSnapshot: "description"}

// idOf returns the id of the project's object with a text in a field.
func (s *story) idOf(kind sandbox.Kind, project, field, text string) string {
	s.t.Helper()
	for _, doc := range s.box.List(kind, project) {
		if doc[field] == text {
			return doc["id"].(string)
		}
	}
	s.t.Fatalf("there is no %s whose %s is %s", kind, field, text)
	return ""
}

// fault lets requests go wrong.
func (s *story) fault(text string) {
	s.t.Helper()
	if text == "none" {
		s.faults = nil
	} else {
		var f sandbox.Fault
		s.check(json.Unmarshal([]byte(text), &f))
		s.faults = append(s.faults, f)
	}
	s.check(s.box.SetFaults(s.faults...))
}

// meanwhile does a line while a request is under way.
func (s *story) meanwhile(when, rest string) {
	s.t.Helper()
	f := fields(rest, 4)
	nth, err := strconv.Atoi(f[2])
	s.check(err)
	fault := sandbox.Fault{Method: f[0], Path: f[1], Nth: nth}
	hook := func(*http.Request) {
		for line := range strings.SplitSeq(f[3], " && ") {
			s.do(line)
		}
	}
	switch when {
	case "before":
		fault.Before = hook
	case "lost":
		fault.Action = sandbox.Lost
		fallthrough
	default:
		fault.After = hook
	}
	s.faults = append(s.faults, fault)
	s.check(s.box.SetFaults(s.faults...))
}

// Texts that are others in every run.
var (
	uuid   = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
	since  = regexp.MustCompile(`((since|renewed)\s+)[0-9TZ:-]+`)
	random = regexp.MustCompile(`(unlock )[A-Za-z0-9-]+`)
	broken = regexp.MustCompile(`(broke off: )[a-z :]+`) // the end of a connection shows in several ways
)

// compare holds what was said against the golden, or with -update writes it there.
func (s *story) compare(path string) {
	s.t.Helper()
	got := strings.ReplaceAll(s.said.String(), s.dir+string(filepath.Separator), "") // what the program printed has whole names
	got = since.ReplaceAllString(got, "${1}TIME")
	got = broken.ReplaceAllString(got, "${1}EOF")
	got = random.ReplaceAllString(uuid.ReplaceAllString(got, "ID"), "${1}ID")
	if got == "" {
		s.t.Fatal("nothing was said")
	}
	at := -1
	for i, f := range s.archive.Files {
		if f.Name == "want" {
			at = i
		}
	}
	switch {
	case at >= 0 && string(s.archive.Files[at].Data) == got:
		return
	case !*update && at < 0:
		s.t.Fatalf("%s has no golden (-update writes it):\n%s", path, got)
	case !*update:
		s.t.Fatalf("%s differs (-update accepts it):\n%s", path, config.Diff("want", s.archive.Files[at].Data, []byte(got)))
	case at < 0:
		s.archive.Files = append(s.archive.Files, txtar.File{Name: "want"})
		at = len(s.archive.Files) - 1
	}
	s.archive.Files[at].Data = []byte(got)
	s.check(os.WriteFile(path, txtar.Format(s.archive), 0o600))
}
