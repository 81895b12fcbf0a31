package agency

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"sync"

	"accord/exchange"
	"accord/exchange/intake"
	"accord/exchange/records"
)

// importBatch is how many rows are signed and stored in one transaction.
const importBatch = 256

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
// row, in order. With dry nothing is signed or stored.
func (a *Agency) ImportRows(ctx context.Context, op exchange.OperatorID, m *intake.Mapping,
	rows iter.Seq2[*intake.Row, error], dry bool, each func(Imported) error) error {
	is, err := a.issuer()
	if err != nil {
		return err
	}
	for _, table := range m.Tables {
		if err := a.mayAuthor(is.cat, table.Category); err != nil {
			return err
		}
	}
	batch := make([]*intake.Row, 0, importBatch)
	flush := func() error {
		out, err := is.importBatch(ctx, op, m, batch, dry)
		if err != nil {
			return err
		}
		for _, done := range out {
			if err := each(done); err != nil {
				return err
			}
		}
		batch = batch[:0]
		return nil
	}
	for row, err := range rows {
		if err != nil {
			return err
		}
		if batch = append(batch, row); len(batch) == importBatch {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

// importBatch handles up to importBatch rows: look up what is known, sign the
// new ones on all cores, store them in one transaction.
func (is *issuer) importBatch(ctx context.Context, op exchange.OperatorID, m *intake.Mapping, rows []*intake.Row, dry bool) ([]Imported, error) {
	out := make([]Imported, len(rows))
	drafts, at, err := is.drafts(ctx, op, m, rows, out)
	if err != nil || dry || len(drafts) == 0 {
		return out, err
	}
	made := make([]records.Record, len(drafts))
	errs := make([]error, len(drafts))
	var wg sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		wg.Go(func() {
			for i := w; i < len(drafts); i += workers {
				made[i], errs[i] = is.issue(drafts[i])
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	if err := is.agency.Records.InsertBatch(ctx, made); err != nil {
		return nil, err
	}
	for i, r := range made {
		out[at[i]].Record = r.ID
	}
	return out, nil
}

// drafts makes a draft of every row that is to become a record and says which
// row each came from.
func (is *issuer) drafts(ctx context.Context, op exchange.OperatorID, m *intake.Mapping, rows []*intake.Row, out []Imported) ([]Draft, []int, error) {
	known, err := is.known(ctx, rows)
	if err != nil {
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
		if ref, ok := known[row.Category+"\x00"+row.RowKey]; ok {
			out[i].Known, out[i].Clash = ref.RowDigest == row.RowDigest, ref.RowDigest != row.RowDigest
			continue
		}
		subject, err := is.agency.SubjectID(ctx, row.SubjectNamespace, row.SubjectKey.Reveal())
		if err != nil {
			return nil, nil, fmt.Errorf("row %d: %w", row.Number, err)
		}
		drafts = append(drafts, Draft{Category: row.Category, SubjectKind: row.SubjectKind, Subject: subject,
			Values: records.Values(row.Values), Operator: op, RowKey: row.RowKey, RowDigest: row.RowDigest,
			Source: m.Name, Trust: string(m.Source.Grade), Flags: flagsOf(row)})
		at = append(at, i)
	}
	return drafts, at, nil
}

// known looks the rows' keys up in the store, by category.
func (is *issuer) known(ctx context.Context, rows []*intake.Row) (map[string]records.RowRef, error) {
	byCategory := map[string][]string{}
	for _, row := range rows {
		if row.RowKey != "" {
			byCategory[row.Category] = append(byCategory[row.Category], row.RowKey)
		}
	}
	all := map[string]records.RowRef{}
	for category, rowKeys := range byCategory {
		found, err := is.agency.Records.ByRowKeys(ctx, is.agency.Self, category, rowKeys)
		if err != nil {
			return nil, err
		}
		for k, ref := range found {
			all[category+"\x00"+k] = ref
		}
	}
	return all, nil
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
