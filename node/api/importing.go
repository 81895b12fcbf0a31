package api

import (
	"context"
	"io"
	"mime"
	"net/http"
	"os"
	"path"
	"strings"
	"time"

	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/agency"
	"accord/exchange/catalogue"
	"accord/exchange/intake"
	"accord/node/audit"
	"accord/node/wire"
)

// The errors of importing.
var (
	ErrImporting = exchange.Define(exchange.KindUnavailable, "API-010",
		exchange.Text{Zh: "另一个文件正在导入", En: "another file is being imported"},
		exchange.Text{Zh: "等它完成后再试", En: "try again when it is done"})
	ErrAuto = exchange.Define(exchange.KindInvalid, "API-011",
		exchange.Text{Zh: "不能由文件名判断映射", En: "the mapping cannot be told from the file's name"},
		exchange.Text{Zh: "用 --mapping 指明内置映射或映射文件", En: "name a built-in mapping or a mapping file with --mapping"})
	ErrSpool = exchange.Define(exchange.KindUnavailable, "API-012",
		exchange.Text{Zh: "无法暂存上传的文件", En: "the uploaded file cannot be kept while it is read"},
		exchange.Text{Zh: "检查数据文件夹所在磁盘的空间与权限", En: "check space and permissions of the data folder"})
)

// importQuery says how an uploaded file is read.
type importQuery struct {
	cat     *catalogue.Catalogue // in force when the reading began
	file    string               // name, for the report and for "auto"
	mapping string
	dry     bool
	asOf    time.Time
	plan    *wire.ImportPlan // nil: none is to be kept to
}

// maxMapping is the longest mapping a query carries, in bytes.
const maxMapping = 12 << 10

func (s *Server) importQuery(r *http.Request) (importQuery, error) {
	q, err := queryOf(r, "file", "mapping", "dry_run", "as_of", "plan")
	if err != nil {
		return importQuery{}, err
	}
	in := importQuery{
		file:    q.text("file", func(v string) bool { return exchange.PlainText(v, maxName) }),
		mapping: q.text("mapping", func(v string) bool { return len(v) <= maxMapping }),
		dry:     q.flag("dry_run"), asOf: q.day("as_of")}
	if in.asOf.IsZero() {
		in.asOf = s.Clock()
	}
	in.file = path.Base(strings.ReplaceAll(in.file, `\`, "/"))
	if text := q.text("plan", func(v string) bool { return len(v) <= maxPlan }); text != "" && q.err() == nil {
		if in.plan, err = readPlan(text); err != nil {
			return in, err
		}
	}
	return in, q.err()
}

// mappingOf finds the mapping that a query means: a built-in one by name, the
// one that a file's name begins with ("auto"), or a document of its own.
func mappingOf(in importQuery) (*intake.Mapping, error) {
	if strings.ContainsAny(in.mapping, ":\n") {
		return intake.ParseMapping([]byte(in.mapping))
	}
	if in.mapping != "" && in.mapping != "auto" {
		if !exchange.ValidName(in.mapping) {
			return nil, ErrQuery.With("name", "mapping")
		}
		return intake.Builtin(in.mapping)
	}
	name := strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(in.file))
	for _, known := range intake.Builtins() {
		if strings.HasPrefix(name, known) {
			return intake.Builtin(known)
		}
	}
	return nil, ErrAuto.With()
}

// maxMappingPart is the longest mapping that comes before the file, in bytes.
const maxMappingPart = 256 << 10

// partsOf takes a form of two parts apart, mapping and file in this order: a mapping
// too long for a query comes so. A body of another type is the file.
func partsOf(r *http.Request, in *importQuery) error {
	if t, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); t != "multipart/form-data" {
		return nil
	}
	parts, err := r.MultipartReader()
	if err != nil || in.mapping != "" {
		return ErrQuery.With("name", "mapping")
	}
	part, err := parts.NextPart()
	if err != nil || part.FormName() != "mapping" {
		return ErrQuery.With("name", "mapping")
	}
	text, err := io.ReadAll(io.LimitReader(part, maxMappingPart+1))
	if err != nil {
		return bodyError(err)
	}
	if len(text) > maxMappingPart {
		return ErrTooLarge.With("limit", maxMappingPart)
	}
	in.mapping = string(text)
	if part, err = parts.NextPart(); err != nil || part.FormName() != "file" {
		return ErrQuery.With("name", "file")
	}
	r.Body = part
	return nil
}

// importFile takes a file in: the good rows become records, every other row is
// reported with its place and reason and never with a value.
func (s *Server) importFile(w http.ResponseWriter, r *http.Request) error {
	in, err := s.importQuery(r)
	if err == nil {
		err = partsOf(r, &in)
	}
	if err != nil {
		return err
	}
	m, err := mappingOf(in)
	if err == nil {
		err = s.mayImport(m)
	}
	if err != nil && !in.perhapsTemplate() {
		return err
	}
	if !s.importing.TryLock() {
		return ErrImporting.With()
	}
	defer s.importing.Unlock()
	file, size, err := s.spool(r.Body)
	if err != nil {
		return err
	}
	defer file.Close()
	in.cat = s.view().Catalogue()
	if in.perhapsTemplate() {
		category, unread := intake.TemplateOf(file, size)
		switch {
		case category != "":
			if m, err = intake.TemplateMapping(in.cat.Document(), category); err == nil {
				err = s.mayImport(m)
			}
		case m == nil && unread != nil:
			err = unread
		}
		if err != nil {
			return err
		}
	}
	reader, err := intake.Open(file, size, m, in.cat.Document(), intake.Options{
		AsOf: in.asOf, KeyHash: s.Agency.KeyHash, Register: s.Agency.Register(in.cat)})
	if err != nil {
		return err
	}
	return s.runImport(r.Context(), &eventStream{w: w, last: time.Now()}, r, in, m, reader)
}

// importRows reads the file and does with each row what is to be done, twice
// when a plan has to hold: first without storing anything.
func (s *Server) importRows(ctx context.Context, out *eventStream, r *http.Request, in importQuery, m *intake.Mapping, reader *intake.Reader) (*tally, error) {
	plan, err := s.planFor(ctx, in, m, reader)
	if err != nil {
		return nil, err
	}
	run := func(dry bool) (*tally, error) {
		t := newTally(in, m)
		err := s.Agency.ImportRows(ctx, callerOf(r).Operator.Name, in.cat, m, reader.Rows(ctx), dry, func(done agency.Imported) error {
			t.add(done)
			return out.progress(t.report.Rows, reader.Expected())
		})
		return t, err
	}
	if in.plan != nil {
		t, err := run(true)
		if err != nil {
			return t, err
		}
		if what := moved(*in.plan, t.plan(plan)); what != "" {
			return t, ErrPlanMoved.With("what", what)
		}
	}
	t, err := run(in.dry)
	if err == nil && in.dry {
		found := t.plan(plan)
		t.report.Plan = &found
	}
	return t, err
}

// perhapsTemplate says whether the upload may be a template that was filled in,
// which only its content can tell.
func (in importQuery) perhapsTemplate() bool {
	return (in.mapping == "" || in.mapping == "auto") && strings.HasSuffix(strings.ToLower(in.file), ".xlsx")
}

// mayImport says whether this member may author all that a mapping fills.
func (s *Server) mayImport(m *intake.Mapping) error {
	for i := range m.Tables {
		if err := s.Agency.MayAuthor(m.Tables[i].Category); err != nil {
			return err
		}
	}
	return nil
}

// spool keeps the upload in a file without a name: only this process can read
// it, and it is gone with it.
func (s *Server) spool(body io.Reader) (*os.File, int64, error) {
	f, err := os.CreateTemp(s.Config.Dir, ".import-*") // mode 0600
	if err != nil {
		return nil, 0, ErrSpool.Wrap(err)
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return nil, 0, ErrSpool.Wrap(err)
	}
	size, err := io.Copy(spoolWriter{f}, body)
	if err == nil {
		return f, size, nil
	}
	f.Close()
	if full, ok := err.(*spoolError); ok {
		return nil, 0, ErrSpool.Wrap(full)
	}
	return nil, 0, bodyError(err)
}

// spoolWriter tells a disk that is full from a body that broke off.
type spoolWriter struct{ f *os.File }

type spoolError struct{ error }

func (w spoolWriter) Write(p []byte) (int, error) {
	n, err := w.f.Write(p)
	if err != nil {
		err = &spoolError{err}
	}
	return n, err
}

// runImport does the import between two audit lines and streams what becomes
// of it. An error before the first byte is a problem document like any other;
// after it, the last event.
func (s *Server) runImport(ctx context.Context, out *eventStream, r *http.Request, in importQuery, m *intake.Mapping, reader *intake.Reader) error {
	var t *tally
	err := s.act(r, audit.Event{Act: "record.import", Category: m.Tables[0].Category}, func(*audit.Event) (err error) {
		t, err = s.importRows(ctx, out, r, in, m, reader)
		return err
	})
	if err == nil {
		return out.send(wire.ImportEvent{Report: &t.report})
	}
	if out.begun {
		p := ProblemOf(ended(err), langOf(r))
		_ = out.send(wire.ImportEvent{Problem: &p}) // the reader may be gone; err says why
	}
	return err
}

// eventStream writes NDJSON lines, one at a time and at once.
type eventStream struct {
	w     http.ResponseWriter
	begun bool
	last  time.Time
}

// progressEvery is the shortest time between two lines of progress.
const progressEvery = 200 * time.Millisecond

// eventPatience is how long a line may take to be written, the next one
// included: a large file takes longer than any other request.
const eventPatience = 10 * time.Minute

func (e *eventStream) progress(done, total int) error {
	if time.Since(e.last) < progressEvery {
		return nil
	}
	return e.send(wire.ImportEvent{Done: done, Total: total})
}

func (e *eventStream) send(event wire.ImportEvent) error {
	line, err := strictjson.Marshal(event)
	if err != nil {
		return err
	}
	if !e.begun {
		e.w.Header().Set("Content-Type", "application/x-ndjson")
		e.begun = true
	}
	e.last = time.Now()
	conn := http.NewResponseController(e.w)
	_ = conn.SetWriteDeadline(e.last.Add(eventPatience)) // where there is none to set, none will strike
	if _, err := e.w.Write(append(line, '\n')); err != nil {
		return ErrEnded.Wrap(err)
	}
	// A writer that cannot flush delivers later; that is no reason to stop.
	_ = conn.Flush()
	return nil
}
