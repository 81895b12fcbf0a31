package intake

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"accord/exchange"
)

// bigBook writes a workbook of one sheet with that many rows of twelve cells,
// the header first.
func bigBook(tb testing.TB, rows int) *os.File {
	tb.Helper()
	f, err := os.Create(filepath.Join(tb.TempDir(), "big.xlsx"))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { f.Close() })
	z := zip.NewWriter(f)
	part := func(name, text string) io.Writer {
		w, err := z.Create(name)
		if err == nil {
			_, err = io.WriteString(w, text)
		}
		if err != nil {
			tb.Fatal(err)
		}
		return w
	}
	part("[Content_Types].xml", templateTypes)
	part("_rels/.rels", templateRels)
	part("xl/workbook.xml", xmlHead+`<workbook `+nsMain+` xmlns:r="`+nsRels+`"><sheets><sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>`)
	part("xl/_rels/workbook.xml.rels", xmlHead+`<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="`+nsRels+`/worksheet" Target="worksheets/sheet1.xml"/></Relationships>`)
	w := part("xl/worksheets/sheet1.xml", xmlHead+`<worksheet `+nsMain+`><sheetData>`)
	for r := 1; r <= rows+1; r++ {
		var b strings.Builder
		fmt.Fprintf(&b, `<row r="%d">`, r)
		for c := 1; c <= 12; c++ {
			text := fmt.Sprintf("第%d行的第%d个值-%d", r, c, r*7919%100003)
			if r == 1 {
				text = fmt.Sprintf("列%d", c)
			}
			fmt.Fprintf(&b, `<c r="%s" t="inlineStr"><is><t>%s</t></is></c>`, place{r, c}, text)
		}
		b.WriteString("</row>")
		if _, err := io.WriteString(w, b.String()); err != nil {
			tb.Fatal(err)
		}
	}
	if _, err := io.WriteString(w, `</sheetData></worksheet>`); err != nil {
		tb.Fatal(err)
	}
	if err := z.Close(); err != nil {
		tb.Fatal(err)
	}
	return f
}

func fileSize(tb testing.TB, f *os.File) int64 {
	tb.Helper()
	info, err := f.Stat()
	if err != nil {
		tb.Fatal(err)
	}
	return info.Size()
}

var bigTable = &Table{Sheet: "S", HeaderRow: 1, HeaderRows: 1}

func withLimits(t *testing.T, l childLimits) {
	t.Helper()
	before := limitsOfChild
	limitsOfChild = l
	t.Cleanup(func() { limitsOfChild = before })
}

// A workbook of 100,000 rows goes through the child under its limits, row by
// row as it goes without one.
func TestChildReadsAHundredThousandRows(t *testing.T) {
	rows := 100_000
	if raceDetector {
		rows = 5_000 // the detector multiplies what a row costs
	}
	// Memory is what is tested; how long it takes is the machine's affair.
	withLimits(t, childLimits{memory: childMemory, cpu: 3600, patience: time.Hour})
	f := bigBook(t, rows)
	s, err := openChildSheet(t.Context(), f, fileSize(t, f), bigTable)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	if s.total != rows+1 || len(s.names) != 12 {
		t.Errorf("%d rows of %d columns", s.total, len(s.names))
	}
	count := 0
	for {
		row, err := s.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if count++; len(row.cells) != 12 || row.excelRow != count+1 || row.cells[3].at != (place{count + 1, 4}) {
			t.Fatalf("row %d is %+v", count, row)
		}
	}
	if count != rows {
		t.Errorf("%d rows", count)
	}
	usage, ok := s.child.cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		t.Fatal("no usage")
	}
	peak := usage.Maxrss << 10
	t.Logf("peak of the child %d MiB, processor time %v", peak>>20, s.child.cmd.ProcessState.UserTime()+s.child.cmd.ProcessState.SystemTime())
	if peak > childMemory && !raceDetector {
		t.Errorf("the child took %d MiB", peak>>20)
	}
}

// What the child says is what reading in this process says.
func TestChildAgreesWithThisProcess(t *testing.T) {
	f := bigBook(t, 300)
	size := fileSize(t, f)
	here, err := openSheet(t.Context(), f, size, bigTable)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := here.header(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	there, err := openChildSheet(t.Context(), bytes.NewReader(data), size, bigTable) // no file: it is copied to one
	if err != nil {
		t.Fatal(err)
	}
	defer there.close()
	for {
		a, errA := here.next()
		b, errB := there.next()
		if errA != errB {
			t.Fatalf("%v and %v", errA, errB)
		}
		if errA == io.EOF {
			break
		}
		if a.excelRow != b.excelRow || !slices.EqualFunc(a.cells, b.cells, func(x, y cell) bool {
			return x.kind == y.kind && x.text == y.text && x.day == y.day && x.at == y.at
		}) {
			t.Fatalf("%+v and %+v", a, b)
		}
	}
}

// This process goes on when its child runs out of memory or time, is killed,
// stops answering, or is no longer wanted.
func TestParentSurvivesItsChild(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs linux: other systems have no limits to test")
	}
	f := bigBook(t, 20_000)
	size := fileSize(t, f)
	drain := func(s *childRows) error {
		defer s.close()
		for {
			if _, err := s.next(); err != nil {
				return err
			}
		}
	}
	t.Run("memory", func(t *testing.T) {
		for _, memory := range []int64{0, 128 << 10, 512 << 10, 1 << 20} { // each place to fail another form
			withLimits(t, childLimits{memory: memory, cpu: childCPU, patience: childPatience})
			s, err := openChildSheet(t.Context(), f, size, bigTable)
			if err == nil {
				err = drain(s)
			}
			if !errors.Is(err, ErrChild) || !strings.Contains(err.Error(), "memory") {
				t.Errorf("out of memory at %d: %v", memory, err)
			}
		}
	})
	t.Run("processor", func(t *testing.T) {
		withLimits(t, childLimits{memory: childMemory, cpu: 0, patience: childPatience})
		s, err := openChildSheet(t.Context(), f, size, bigTable)
		if err == nil {
			err = drain(s)
		}
		if !errors.Is(err, ErrChild) || !strings.Contains(err.Error(), "processor time") {
			t.Errorf("out of time: %v", err)
		}
	})
	t.Run("stopped", func(t *testing.T) {
		withLimits(t, childLimits{memory: childMemory, cpu: childCPU, patience: 3 * time.Second})
		s, err := openChildSheet(t.Context(), f, size, bigTable)
		if err == nil {
			if err := s.child.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
				t.Fatal(err)
			}
			err = drain(s)
		}
		if !errors.Is(err, ErrChild) || !strings.Contains(err.Error(), "in time") {
			t.Errorf("no answer: %v", err)
		}
	})
	t.Run("killed", func(t *testing.T) {
		s, err := openChildSheet(t.Context(), f, size, bigTable)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.child.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := drain(s); !errors.Is(err, ErrChild) {
			t.Errorf("killed: %v", err)
		}
	})
	t.Run("given up", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s, err := openChildSheet(ctx, f, size, bigTable)
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		if err := drain(s); !errors.Is(err, context.Canceled) {
			t.Errorf("given up: %v", err)
		}
		if s.child.cmd.ProcessState == nil {
			t.Error("the child goes on")
		}
	})
}

// A child that is refused memory dies in many forms; which of them is up to the
// moment. Seen with Go 1.26 at limits between 0 and 10 MiB, with cgo and without,
// but for the two of the race detector, which are its sources'.
func TestLastWords(t *testing.T) {
	for _, c := range []struct {
		said string
		want childEnd
	}{
		{"fatal error: runtime: out of memory\n\nruntime stack:\nruntime.throw({0x8e71a5?, 0x0?})\n", endMemory},
		{"runtime: out of memory: cannot allocate 4194304-byte block (8093696 in use)\nfatal error: out of memory\n", endMemory},
		{"fatal error: runtime: cannot allocate memory\n\nruntime stack:\n", endMemory},
		{"fatal error: runtime: cannot allocate memory\nfatal error: runtime: cannot allocate memory\n", endMemory},
		{"fatal error: failed to allocate aligned heap memory; too many retries\n", endMemory},
		{"ThreadSanitizer: CHECK failed: sanitizer_common.cpp:52 \"((0 && \"unable to mmap\")) != (0)\" (0x0, 0x0) (tid=1)\n", endMemory},
		{"FATAL: ThreadSanitizer: internal allocator is out of memory trying to allocate 0x1000 bytes\n", endMemory},
		{"runtime: failed to create new OS thread (have 5 already; errno=12)\nfatal error: newosproc\n", endLikelyMemory},
		{"runtime/cgo: pthread_create failed: Resource temporarily unavailable\nSIGABRT: abort\nPC=0x7f m=0 sigcode=18446744073709551610\n", endLikelyMemory},
		{"SIGSEGV: segmentation violation\nPC=0x43961d m=4 sigcode=1 addr=0x0\n\ngoroutine 0 gp=0x18307bdcb2c0 m=4 mp=0x18307be17808 [idle]:\nruntime.(*spanQueue).tryDrain(0x18307bdcb2c0)\n", endLikelyMemory},
		{"SIGBUS: bus error\nPC=0x43961d m=4 sigcode=2 addr=0x7f0000\n", endLikelyMemory},
		{"fatal error: unexpected signal during runtime execution\n[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x43961d]\n", endLikelyMemory},
		{"panic: runtime error: invalid memory address or nil pointer dereference\n[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x6a]\n", endUnknown},
		{"panic: out of memory\n", endUnknown},
		{"fatal error: all goroutines are asleep - deadlock!\n", endUnknown},
		{"", endUnknown},
	} {
		if got := endOf(c.said); got != c.want {
			t.Errorf("%q is %d, want %d", c.said, got, c.want)
		}
	}
}

// What a child quotes of its file stays out of the log.
func TestLastWordsQuoteNothing(t *testing.T) {
	const canary = "雷例湟葵639913196802123517"
	for _, said := range []string{"panic: strconv.Atoi: parsing \"" + canary + "\": invalid syntax\n", canary + "\nfatal error: x\n"} {
		if got := firstLine(said); strings.Contains(got, canary) {
			t.Errorf("it says %q", got)
		}
	}
	if got := firstLine("fatal error: all goroutines are asleep - deadlock!\n\ngoroutine 1\n"); !strings.HasSuffix(got, "deadlock!") {
		t.Errorf("it says %q", got)
	}
}

// A workbook that is refused says why across the pipe.
func TestChildSaysWhatIsWrong(t *testing.T) {
	f := bigBook(t, 1)
	_, err := openChildSheet(t.Context(), f, fileSize(t, f), &Table{Sheet: "不存在", HeaderRow: 1, HeaderRows: 1})
	if !errors.Is(err, ErrSheet) || !strings.Contains(exchange.AsError(err).What(exchange.Zh), "不存在") {
		t.Errorf("another sheet: %v", err)
	}
	_, err = openChildSheet(t.Context(), strings.NewReader("no archive"), 10, bigTable)
	if !errors.Is(err, ErrDamaged) {
		t.Errorf("no archive: %v", err)
	}
}

// The parent believes nothing that does not follow the framing.
func TestFramingIsStrict(t *testing.T) {
	frame := func(kind byte, payload string) string {
		var b bytes.Buffer
		if err := (&frameWriter{w: &b}).send(kind, []byte(payload)); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	row := string(appendRow(nil, &rawRow{excelRow: 2, cells: []cell{{kind: cellText, text: "甲", at: place{2, 1}}}}))
	end := frame(frameEnd, "\x00\x00\x00\x00\x00\x00\x00\x01")
	read := func(text string) error {
		f := frameReader{r: strings.NewReader(text)}
		for {
			if _, err := f.row(); err != nil {
				return err
			}
		}
	}
	if err := read(frame(frameRows, row) + end); err != io.EOF {
		t.Errorf("a sound stream: %v", err)
	}
	for name, text := range map[string]string{
		"no end":            frame(frameRows, row),
		"cut frame":         frame(frameRows, row)[:7],
		"wrong count":       frame(frameRows, row) + frame(frameEnd, "\x00\x00\x00\x00\x00\x00\x00\x02"),
		"short count":       frame(frameRows, row) + frame(frameEnd, "\x01"),
		"unknown kind":      frame('X', row) + end,
		"empty rows":        frame(frameRows, "") + end,
		"rows backwards":    frame(frameRows, row+row) + end,
		"row zero":          frame(frameRows, "\x00\x00") + end,
		"unknown cell":      frame(frameRows, "\x02\x01\x63\x02\x01\x00\x00") + end,
		"text too long":     frame(frameRows, "\x02\x01\x01\x02\x01\x7f\x00") + end,
		"claims 4 GiB":      "R\xff\xff\xff\xff" + row,
		"error of others":   frame(frameError, `{"code":"REC-001","args":[]}`),
		"error of none":     frame(frameError, `{"code":"INTAKE-999","args":[]}`),
		"error with more":   frame(frameError, `{"code":"INTAKE-008","args":[],"x":1}`),
		"header in between": frame(frameHeader, `{}`) + end,
	} {
		if err := read(text); err == nil || err == io.EOF || errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := read(frame(frameError, `{"code":"INTAKE-008","args":[{"name":"where","value":"a\nb"}]}`)); !errors.Is(err, ErrDamaged) || strings.Contains(err.Error(), "\n") {
		t.Errorf("the child's own error: %v", err)
	}
}

func FuzzFrames(f *testing.F) {
	f.Add(appendRow(nil, &rawRow{excelRow: 2, cells: []cell{{kind: cellText, text: "甲", at: place{2, 1}}, {kind: cellNumber, text: "1", day: "2024-01-01"}}}))
	f.Fuzz(func(t *testing.T, data []byte) {
		row, rest, ok := parseRow(data)
		if !ok {
			return
		}
		if again, _, ok := parseRow(appendRow(nil, &row)); !ok || len(again.cells) != len(row.cells) || len(rest) > len(data) {
			t.Errorf("%+v became %+v", row, again)
		}
	})
}

// A package variable is set before init runs, and so before a child begins.
var _ = func() bool {
	childProbe = func() error {
		var got []string
		if _, err := os.Open("/etc/passwd"); err == nil {
			got = append(got, "open")
		}
		if fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0); err == nil {
			_ = syscall.Close(fd)
			got = append(got, "socket")
		}
		if err := syscall.Exec("/proc/self/exe", []string{"x"}, nil); err == nil {
			got = append(got, "exec")
		}
		if _, err := os.Create("/tmp/accord-probe"); err == nil {
			got = append(got, "create")
		}
		return ErrDamaged.With("where", "["+strings.Join(got, " ")+"]")
	}
	return true
}()

// A child whose parser is taken over reads no other file, reaches no network and
// starts no program.
func TestChildIsConfined(t *testing.T) {
	if runtime.GOOS != "linux" || seccompSets[runtime.GOARCH].audit == 0 {
		t.Skip("needs linux on amd64 or arm64: elsewhere nothing is taken away")
	}
	f := bigBook(t, 1)
	c, err := startChild(t.Context(), f, fileSize(t, f), childRequest{Op: "probe"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	var none childHeader
	if err := c.frames.want(frameHeader, &none); err == nil || !strings.Contains(err.Error(), "[]") {
		t.Errorf("the child could: %v", err)
	}
}
