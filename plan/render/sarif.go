package render

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"mercator/plan"
	"mercator/schema"
	"mercator/schema/diag"
)

// SARIF returns the renderer for code scanning: the Static Analysis Results Interchange Format, version 2.1.0 (OASIS).
// The findings of a plan, and for the drift command what changed outside, are results at their source lines, each with
// a rule of its stable code and a fingerprint that outlives moved lines.
func SARIF(o Options) Renderer { return sarifFormat{o} }

type sarifFormat struct{ options Options }

// Plan implements Renderer.
func (f sarifFormat) Plan(w io.Writer, p *plan.Plan) error {
	return f.write(w, resultsOf(p.Diagnostics))
}

// Drift implements Renderer.
func (f sarifFormat) Drift(w io.Writer, p *plan.Plan) error {
	return f.write(w, append(f.drifted(p), resultsOf(p.Diagnostics)...))
}

// sarifResult is what becomes a result.
type sarifResult struct {
	level, code, address, argument string
	summary, detail                string
	at                             diag.Range
}

func resultsOf(list diag.List) []sarifResult {
	out := make([]sarifResult, 0, len(list))
	for _, d := range list {
		out = append(out, sarifResult{d.Severity.String(), d.Code, d.Address, d.Argument, d.Summary, d.Detail, d.Range})
	}
	return out
}

// driftMeanings are the rules of what the drift command finds, which is no diagnostic.
var driftMeanings = map[string]string{
	"drift_changed":   "A resource was changed outside of Mercator",
	"drift_deleted":   "A resource was deleted outside of Mercator",
	"drift_unmanaged": "Something is live that nobody declared",
}

// drifted are what counts as drift (R35), at the blocks that declare it.
func (f sarifFormat) drifted(p *plan.Plan) []sarifResult {
	at := map[schema.Address]diag.Range{}
	for i := range p.Changes {
		at[p.Changes[i].Address] = p.Changes[i].Range
	}
	var out []sarifResult
	add := func(code string, address schema.Address, summary, detail string) {
		out = append(out, sarifResult{"warning", code, string(address), "", summary, detail, at[address]})
	}
	r := driftOf(p)
	for _, d := range r.changed {
		var paths []string
		for i := range d.Diffs {
			paths = append(paths, d.Diffs[i].Path)
		}
		add("drift_changed", d.Address, string(d.Address)+" was changed outside of Mercator",
			diag.Stop(strings.TrimSpace(diag.Stop("What differs: "+strings.Join(paths, ", "))+" "+d.Note)))
	}
	for _, d := range r.deleted {
		add("drift_deleted", d.Address, string(d.Address)+" was deleted outside of Mercator", d.Note)
	}
	for _, c := range r.exclusive {
		add("drift_unmanaged", c.Address, string(c.Address)+" is live, and nobody declared it", "Its kind is exclusive where it lives, so an apply deletes it.")
	}
	for _, g := range r.unmanaged {
		if f.options.Unmanaged {
			add("drift_unmanaged", schema.Address(g.Parent), fmt.Sprintf("%s: %d %s live and not managed", g.Parent, g.Count, g.Kind), "")
		}
	}
	return out
}

// sourceRoot is the name under which results speak of the folder that their files are relative to.
const sourceRoot = "%SRCROOT%"

func (f sarifFormat) write(w io.Writer, results []sarifResult) error {
	run := sarif.NewRun().WithColumnKind("unicodeCodePoints").
		WithOriginalUriBaseIds(map[string]sarif.ArtifactLocation{sourceRoot: *sarif.NewArtifactLocation().
			WithDescription(sarif.NewTextMessage("The folder in which Mercator ran."))})
	driver := sarif.NewToolComponent().WithName("Mercator").WithRules(f.rules(results))
	run.WithTool(sarif.NewTool().WithDriver(driver))
	seen := map[string]int{}
	for _, r := range results {
		text := diag.Stop(r.summary)
		if r.detail != "" {
			text += "\n\n" + r.detail
		}
		result := sarif.NewRuleResult(r.code).WithLevel(r.level).WithMessage(sarif.NewTextMessage(text)).
			WithRuleIndex(slices.IndexFunc(driver.Rules, func(d *sarif.ReportingDescriptor) bool { return *d.ID == r.code }))
		if location := f.location(r); location != nil {
			result.AddLocation(location)
		}
		id := f.identity(r)
		seen[id]++
		sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%d", id, seen[id]))
		result.WithPartialFingerprints(map[string]string{"mercatorFinding/v1": hex.EncodeToString(sum[:16])})
		run.AddResult(result)
	}
	return sarif.NewReport().AddRun(run).PrettyWrite(w)
}

// identity is what of a result stays when lines move: whom it is about. What concerns no resource is known by its
// source line.
func (f sarifFormat) identity(r sarifResult) string {
	about := r.address + "\x00" + r.argument
	if r.address == "" {
		snippet := diag.Diagnostic{Range: r.at}.JSON(f.options.Sources).Snippet
		if about = r.summary; snippet != nil {
			about = strings.TrimSpace(snippet.Code)
		}
	}
	return strings.Join([]string{r.code, f.uri(r.at.File), about}, "\x00")
}

// location is where a result is in the files, and in the configuration; nil where it is in neither.
func (f sarifFormat) location(r sarifResult) *sarif.Location {
	if r.at.IsZero() && r.address == "" {
		return nil
	}
	location := sarif.NewLocation()
	if r.address != "" {
		location.AddLogicalLocation(sarif.NewLogicalLocation().WithFullyQualifiedName(r.address).WithKind("resource"))
	}
	if r.at.IsZero() {
		return location
	}
	file := sarif.NewSimpleArtifactLocation(f.uri(r.at.File))
	if !strings.HasPrefix(*file.URI, "file:") {
		file.WithURIBaseID(sourceRoot)
	}
	place := sarif.NewPhysicalLocation().WithArtifactLocation(file)
	if start, end := r.at.Start, r.at.End; start.Line > 0 {
		region := sarif.NewSimpleRegion(start.Line, max(start.Line, end.Line)).WithStartColumn(max(1, start.Column))
		if end.Line > 0 {
			region.WithEndColumn(max(1, end.Column))
		}
		place.WithRegion(region)
	}
	return location.WithPhysicalLocation(place)
}

// uri names a file relative to the source root, or where it is outside of that by itself.
func (f sarifFormat) uri(file string) string {
	if file == "" {
		return ""
	}
	if filepath.IsAbs(file) && f.options.Root != "" {
		if rel, err := filepath.Rel(f.options.Root, file); err == nil && filepath.IsLocal(rel) {
			file = rel
		}
	}
	u := url.URL{Path: filepath.ToSlash(filepath.Clean(file))}
	if filepath.IsAbs(file) {
		u.Scheme = "file"
	}
	return u.String()
}

// rules describe the codes of the results, in alphabetical order.
func (f sarifFormat) rules(results []sarifResult) []*sarif.ReportingDescriptor {
	var advice []schema.AdviceOf
	if f.options.Catalog != nil {
		advice = f.options.Catalog.Advice()
	}
	out := []*sarif.ReportingDescriptor{}
	results = slices.Clone(results)
	slices.SortStableFunc(results, func(a, b sarifResult) int { return cmp.Compare(a.code, b.code) })
	for i, r := range results {
		if i > 0 && results[i-1].code == r.code {
			continue
		}
		short := cmp.Or(f.options.Meanings[r.code], driftMeanings[r.code], strings.ReplaceAll(r.code, "_", " "))
		help := "The message of each result says what was found, what would be right, and how to mend it."
		if at := slices.IndexFunc(advice, func(a schema.AdviceOf) bool { return a.Code == r.code }); at >= 0 {
			short, help = advice[at].Sentence(), advice[at].Why+"\n\n"+advice[at].Mend
		}
		out = append(out, sarif.NewRule(r.code).WithDescription(diag.Stop(strings.ToUpper(short[:1])+short[1:])).
			WithDefaultConfiguration(sarif.NewReportingConfiguration().WithLevel(r.level)).
			WithHelp(sarif.NewMultiformatMessageString().WithText(help)))
	}
	return out
}
