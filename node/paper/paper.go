// Package paper draws a credit report for printing: one HTML page without script or
// anything to fetch, A4, in Chinese or English, with a QR that holds the report's
// code. It draws what a verified file says and nothing else; what scanning the QR
// proves is in bundle.Paper. It owns rsc.io/qr.
package paper

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"

	"accord/crypto/bundle"
	"accord/crypto/jws"
	"accord/exchange"

	"rsc.io/qr"
)

// Titles gives the words for ids where a catalogue is at hand, "" for the id itself.
type Titles struct {
	List     func(list string) string
	Ground   func(list, ground string) string
	Measure  func(list, measure string) string
	Category func(category string) string
	Field    func(category, field string) string
	Value    func(category, field string, value json.RawMessage) string
	Purpose  func(purpose string) string
}

// ErrNoReport is given for a file that holds no verified report.
var ErrNoReport = exchange.Define(exchange.KindUnverified, "PAPER-001",
	exchange.Text{Zh: "文件中没有通过验证的信用报告", En: "the file holds no credit report that verifies"},
	exchange.Text{Zh: "用 accord verify 查看原因；用 accord report issue 出具", En: "accord verify says why; accord report issue makes one"})

//go:embed page.html
var source string

// Write draws the report in a file, which is verified first, at a time by which it
// may have expired.
func Write(w io.Writer, file []byte, lang exchange.Lang, titles Titles, now time.Time) error {
	report := bundle.Verify(file, bundle.Options{Show: true, Now: now.UnixMilli()})
	i := slices.IndexFunc(report.Documents, func(d bundle.DocumentReport) bool { return d.Report != nil })
	if !report.OK || i < 0 {
		return ErrNoReport.With()
	}
	b, err := bundle.Parse(file)
	if err != nil {
		return ErrNoReport.Wrap(err)
	}
	p := page{Report: report.Documents[i].Report, Expired: report.Documents[i].Expired, Charter: report.Charter, Code: b.Documents[i].Paper,
		Lang: lang, Titles: titles, Checkpoint: report.Checkpoint, Cosigners: len(report.Lists.Cosigners)}
	if report.Name != nil {
		p.Federation = report.Name.In(string(lang))
	}
	if p.QR, err = Drawn(p.Code); err != nil {
		return err
	}
	if p.Records, err = p.records(b); err != nil {
		return err
	}
	t, err := template.New("page").Funcs(template.FuncMap{"day": day, "time": instant, "ms": func(v int64) string { return instant(v / 1000) }, "t": p.say}).Parse(source)
	if err != nil {
		return exchange.ErrInternal.Wrap(err)
	}
	return t.Execute(w, &p)
}

// page is what the template draws.
type page struct {
	Report     *bundle.CreditReport
	Expired    bool
	Federation string
	Charter    string
	Checkpoint *bundle.CheckpointReport
	Cosigners  int
	Code       string
	QR         template.HTML
	Lang       exchange.Lang
	Titles     Titles
	Records    []record
}

type record struct {
	bundle.ReportRecord
	Fields []field
}

type field struct{ Title, Value string }

// say picks the language.
func (p *page) say(zh, en string) string { return exchange.Text{Zh: zh, En: en}.In(p.Lang) }

// ListTitle and the like serve the template.
func (p *page) ListTitle(id string) string { return titled(p.Titles.List, id) }

// CategoryTitle is a category in words.
func (p *page) CategoryTitle(id string) string { return titled(p.Titles.Category, id) }

// PurposeTitle is a purpose in words.
func (p *page) PurposeTitle(id string) string { return titled(p.Titles.Purpose, id) }

// GroundTitle is a ground in words.
func (p *page) GroundTitle(list, id string) string { return titledIn(p.Titles.Ground, list, id) }

// MeasureTitle is a measure in words.
func (p *page) MeasureTitle(list, id string) string { return titledIn(p.Titles.Measure, list, id) }

// Status is a list entry's status in words.
func (p *page) Status(id string) string {
	switch id {
	case "nominated":
		return p.say("拟列入（公示期）", "nominated (in notice)")
	case "listed":
		return p.say("列入", "listed")
	}
	return id
}

func titled(title func(string) string, id string) string {
	if title != nil {
		if text := title(id); text != "" {
			return text
		}
	}
	return id
}

func titledIn(title func(string, string) string, in, id string) string {
	if title == nil {
		return id
	}
	return titled(func(id string) string { return title(in, id) }, id)
}

// records are the report's records with their public fields, from the documents as
// their authors signed them.
func (p *page) records(b *bundle.Bundle) (out []record, err error) {
	fields := map[string][]field{}
	for _, d := range b.Documents {
		if d.Kind != bundle.KindRecord {
			continue
		}
		token, _, _ := strings.Cut(d.SDJWT, "~")
		t, err := jws.Parse(token)
		if err != nil {
			return nil, ErrNoReport.Wrap(err)
		}
		var claims struct {
			ID     string                     `json:"jti"`
			Type   string                     `json:"vct"`
			Public map[string]json.RawMessage `json:"public"`
		}
		if err := json.Unmarshal(t.Payload, &claims); err != nil {
			return nil, ErrNoReport.Wrap(err)
		}
		category := strings.TrimPrefix(claims.Type, "record/")
		names := make([]string, 0, len(claims.Public))
		for name := range claims.Public {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			fields[claims.ID] = append(fields[claims.ID], field{titledIn(p.Titles.Field, category, name), p.value(category, name, claims.Public[name])})
		}
	}
	for _, r := range p.Report.Documents {
		out = append(out, record{r, fields[r.Record]})
	}
	return out, nil
}

func (p *page) value(category, name string, value json.RawMessage) string {
	if p.Titles.Value != nil {
		if text := p.Titles.Value(category, name, value); text != "" {
			return text
		}
	}
	var text string
	if json.Unmarshal(value, &text) == nil {
		return text
	}
	return string(value)
}

var beijing = time.FixedZone("UTC+8", 8*60*60)

func day(unix int64) string { return time.Unix(unix, 0).In(beijing).Format(time.DateOnly) }

func instant(unix int64) string {
	return time.Unix(unix, 0).In(beijing).Format("2006-01-02 15:04:05 -07:00")
}

// quiet is the blank edge a QR needs, in modules (ISO/IEC 18004).
const quiet = 4

// Drawn is a code's QR as SVG: one path, one unit a module, level M, so that a paper
// that is folded or stained still reads.
func Drawn(code string) (template.HTML, error) {
	if len(code) != bundle.PaperSize {
		return "", exchange.ErrInternal.Wrap(errors.New("paper: not a report's code"))
	}
	q, err := qr.Encode(code, qr.M)
	if err != nil {
		return "", exchange.ErrInternal.Wrap(err)
	}
	var path strings.Builder
	for y := range q.Size {
		for x := range q.Size {
			if q.Black(x, y) {
				fmt.Fprintf(&path, "M%d %dh1v1h-1z", x+quiet, y+quiet)
			}
		}
	}
	side := q.Size + 2*quiet
	return template.HTML(fmt.Sprintf(`<svg class="qr" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" shape-rendering="crispEdges" role="img" aria-label="QR"><rect width="%d" height="%d" fill="#fff"/><path d="%s" fill="#000"/></svg>`,
		side, side, side, side, path.String())), nil
}
