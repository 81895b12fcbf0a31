package agency

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/intake"
	"accord/exchange/records"
)

// importBatch is how many rows are signed and stored in one transaction.
const importBatch = 2048

// ErrPartial is given when an import broke off after rows were stored.
var ErrPartial = exchange.Define(exchange.KindPartial, "REC-033",
	exchange.Text{Zh: "导入中断（{code}）：此前的 {stored} 行已成为记录，其余未处理", En: "the import broke off ({code}): {stored} rows before became records, the rest did not"},
	exchange.Text{Zh: "查明原因（accord explain {code}）后重新导入整个文件；已入库的行会被识别，不会重复", En: "see to the cause (accord explain {code}) and import the whole file again; rows already stored are recognised"})

// ErrStopped is the cause of an import that its caller gave up.
var ErrStopped = exchange.Define(exchange.KindUnavailable, "REC-034",
	exchange.Text{Zh: "导入在完成之前被取消或连接中断", En: "the import was given up, or its connection ended, before it was done"},
	exchange.Text{Zh: "重新导入整个文件", En: "import the whole file again"})

// Imported is what became of one row beyond the intake's own verdict.
type Imported struct {
	Row    *intake.Row
	Record exchange.RecordID // set when a record was made
	Clash  bool              // the store holds another content under the row's key
	Known  bool              // the store holds this very row
}

// ImportRows signs, seals and stores the good rows of a file, in batches; rows
// the store already holds make no second record, rows whose key it holds with
// other content are refused (they need a correction). each is called for every
// row, in order. cat is the catalogue the rows were read by: they are signed
// under it. With dry nothing is signed or stored. What breaks off the import
// (the file, the context, the store, each) takes nothing back: it is given as
// the cause of ErrPartial when rows were stored before.
func (a *Agency) ImportRows(ctx context.Context, op exchange.OperatorID, cat *catalogue.Catalogue, m *intake.Mapping,
	rows iter.Seq2[*intake.Row, error], dry bool, each func(Imported) error) error {
	is, err := a.issuer()
	if err != nil {
		return err
	}
	is.cat = cat // the rows were judged by it, whatever was adopted meanwhile
	for _, table := range m.Tables {
		if err := a.mayAuthor(is.cat, table.Category); err != nil {
			return err
		}
	}
	if a.Busy != nil {
		defer a.Busy()()
	}
	stored, err := is.importAll(ctx, op, m, rows, dry, each)
	if err != nil && stored > 0 {
		if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
			err = ErrStopped.Wrap(err)
		}
		return ErrPartial.Wrap(err, "stored", stored, "code", exchange.AsError(err).Code)
	}
	return err
}

// inBatches calls do with up to importBatch rows at a time, which are do's to keep.
func inBatches(ctx context.Context, rows iter.Seq2[*intake.Row, error], do func([]*intake.Row) error) error {
	var batch []*intake.Row
	for row, err := range rows {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		if batch = append(batch, row); len(batch) == importBatch {
			if err := do(batch); err != nil {
				return err
			}
			batch = make([]*intake.Row, 0, importBatch)
		}
	}
	return do(batch)
}

// drafts makes a draft of every row that is to become a record and says which
// row each came from.
func (is *issuer) drafts(ctx context.Context, op exchange.OperatorID, m *intake.Mapping, rows []*intake.Row, under *underway, out []Imported) ([]Draft, []int, error) {
	known := under.rows(rows) // before the store is asked: what is not under way any more by then is in it
	err := is.known(ctx, rows, known)
	if err != nil {
		return nil, nil, err
	}
	if err := is.agency.prepare(ctx, rows); err != nil {
		return nil, nil, err
	}
	var (
		drafts []Draft
		at     []int
	)
	for i, row := range rows {
		out[i].Row = row
		if row.Verdict == intake.Refuse || row.Verdict == intake.Same {
			continue
		}
		key := keyOf(row)
		if ref, ok := known[key]; ok {
			out[i].Known, out[i].Clash = ref.RowDigest == row.RowDigest, ref.RowDigest != row.RowDigest
			continue
		}
		subject := row.Subject
		if subject == "" {
			if subject, err = is.agency.SubjectID(ctx, row.SubjectNamespace, row.SubjectKey.Reveal()); err != nil {
				return nil, nil, fmt.Errorf("row %d: %w", row.Number, err)
			}
		}
		drafts = append(drafts, Draft{Category: row.Category, SubjectKind: row.SubjectKind, Subject: subject,
			Values: records.Values(row.Values), Operator: op, RowKey: row.RowKey, RowDigest: row.RowDigest,
			Source: m.Name, Trust: string(m.Source.Grade), Flags: flagsOf(row)})
		at = append(at, i)
		if row.RowKey != "" { // two tables of a file may feed one category
			known[key] = records.RowRef{RowDigest: row.RowDigest}
		}
	}
	return drafts, at, nil
}

// known looks the rows' keys up in the store, by category, and adds what it finds.
func (is *issuer) known(ctx context.Context, rows []*intake.Row, all map[string]records.RowRef) error {
	byCategory := map[string][]string{}
	for _, row := range rows {
		if row.RowKey != "" {
			byCategory[row.Category] = append(byCategory[row.Category], row.RowKey)
		}
	}
	for category, rowKeys := range byCategory {
		found, err := is.agency.Records.ByRowKeys(ctx, is.agency.Self, category, rowKeys)
		if err != nil {
			return err
		}
		for k, ref := range found {
			all[category+"\x00"+k] = ref
		}
	}
	return nil
}

func flagsOf(row *intake.Row) []string {
	var flags []string
	seen := map[string]bool{}
	for _, issue := range row.Issues {
		if issue.Effect == intake.Flag && !seen[issue.Kind] {
			seen[issue.Kind] = true
			flags = append(flags, issue.Kind)
		}
	}
	return flags
}
