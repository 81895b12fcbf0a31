package intake

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"accord/exchange/catalogue"

	"github.com/xuri/excelize/v2"
)

// Every category has a template that reads as itself, with another reader too.
func TestTemplates(t *testing.T) {
	_, doc := catalogue.Default()
	for _, c := range doc.Categories {
		var b bytes.Buffer
		if err := WriteTemplate(&b, doc, c.ID); err != nil {
			t.Errorf("%s: %v", c.ID, err)
			continue
		}
		of, err := TemplateOf(bytes.NewReader(b.Bytes()), int64(b.Len()))
		if of != c.ID || err != nil {
			t.Errorf("%s: a template of %q, %v", c.ID, of, err)
		}
		m, err := TemplateMapping(doc, c.ID)
		must(t, err)
		_, rows, err := Read(context.Background(), bytes.NewReader(b.Bytes()), int64(b.Len()), m, doc, Options{AsOf: sampleDay})
		if err != nil {
			t.Errorf("%s: %v", c.ID, err)
			continue
		}
		for row, err := range rows {
			t.Errorf("%s: empty, but a row %+v %v", c.ID, row, err)
		}
		f, err := excelize.OpenReader(bytes.NewReader(b.Bytes()))
		if err != nil {
			t.Errorf("%s: %v", c.ID, err)
			continue
		}
		rules, err := f.GetDataValidations(templateData)
		must(t, err)
		lists := 0
		for i := range c.Fields {
			if len(choicesOf(&c.Fields[i])) > 0 {
				lists++
			}
		}
		if len(rules) != lists {
			t.Errorf("%s: %d lists, want %d", c.ID, len(rules), lists)
		}
		f.Close()
	}
	if _, err := TemplateMapping(doc, "none"); !errors.Is(err, ErrTemplate) {
		t.Error(err)
	}
	sample, err := Sample("discipline-sample.xlsx")
	must(t, err)
	if of, err := TemplateOf(bytes.NewReader(sample), int64(len(sample))); of != "" || err != nil {
		t.Errorf("a workbook of others: %q %v", of, err)
	}
}

// A clerk fills a template in with another program, and the row is read.
func TestAFilledTemplate(t *testing.T) {
	_, doc := catalogue.Default()
	var b bytes.Buffer
	must(t, WriteTemplate(&b, doc, "discipline-practitioner"))
	f, err := excelize.OpenReader(&b)
	must(t, err)
	defer f.Close()
	id := newSampleMaker().resident(true)
	row := []any{"马例川", id, "0063990080000501", "青海例滩保险代理有限公司", "通报批评", "青例保协惩〔2026〕1号", "未回访", "自律公约", "2026-05-01", "2027年5月1日", ""}
	must(t, f.SetSheetRow(templateData, "A2", &row))
	var filled bytes.Buffer
	must(t, f.Write(&filled))
	m, err := TemplateMapping(doc, "discipline-practitioner")
	must(t, err)
	_, rows, err := Read(context.Background(), bytes.NewReader(filled.Bytes()), int64(filled.Len()), m, doc, Options{AsOf: sampleDay})
	must(t, err)
	n := 0
	for row, err := range rows {
		must(t, err)
		if n++; row.Verdict != Accept || row.Values.Text("degree") != "criticism" || row.Values.Text("resident_id") != id {
			t.Errorf("%v", row.Issues)
		}
	}
	if n != 1 {
		t.Errorf("%d rows", n)
	}
}

func TestHostileWorkbooks(t *testing.T) {
	m, err := Builtin("discipline")
	must(t, err)
	_, doc := catalogue.Default()
	for name, content := range map[string]string{
		"xl/vbaProject.bin": "x", "xl/externalLinks/externalLink1.xml": "<x/>", "xl/embeddings/oleObject1.bin": "x",
		"xl/media/zeros.xml": strings.Repeat("0", 64<<20),
	} {
		data := withPart(t, name, content)
		_, rows, err := Read(context.Background(), bytes.NewReader(data), int64(len(data)), m, doc, Options{AsOf: sampleDay})
		must(t, err)
		err = nil
		for _, e := range rows {
			err = e
		}
		if !errors.Is(err, ErrHostile) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
