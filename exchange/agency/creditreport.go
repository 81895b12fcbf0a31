package agency

import (
	"context"

	"accord/crypto/bundle"
	"accord/exchange"
	"accord/exchange/records"
)

// maxReported is how many records a report holds.
const maxReported = 1000

// ErrReported is given when there are more records on a subject than a report holds.
var ErrReported = exchange.Define(exchange.KindRefused, "CHECK-002",
	exchange.Text{Zh: "该主体的有效记录超过一份报告可容纳的 {records} 条", En: "there are more records on this subject than the {records} that a report holds"},
	exchange.Text{Zh: "改用 accord check 核查，或用 accord record find 分页查询", En: "use accord check, or page through them with accord record find"})

// ErrPurpose is given for a purpose that the catalogue does not have.
var ErrPurpose = exchange.Define(exchange.KindInvalid, "CHECK-003",
	exchange.Text{Zh: "目录中没有用途 {purpose}", En: "the catalogue has no purpose {purpose}"},
	exchange.Text{Zh: "用 accord catalogue show 查看现行用途", En: "see the purposes in accord catalogue show"})

// ReportOrder says what a report is for.
type ReportOrder struct {
	Purpose  string // id in the catalogue
	Days     int    // it is valid, from 1
	Replaces []string
}

// CreditReport is a credit check with the records themselves, as their authors signed
// them: those this node holds, which are those the catalogue lets it hold. No private
// field is disclosed.
func (a *Agency) CreditReport(ctx context.Context, subject exchange.SubjectID, order ReportOrder, word ListsWord, feeds []bundle.CheckFeed) (*bundle.Bundle, *bundle.CreditReport, error) {
	if a.Ledger.View().Catalogue().Purpose(order.Purpose) == nil {
		return nil, nil, ErrPurpose.With("purpose", order.Purpose)
	}
	documents := []bundle.ReportRecord{}
	b, c, err := a.lookedUp(ctx, subject, word, feeds, func(r *records.Record) error {
		if len(documents) == maxReported {
			return ErrReported.With("records", maxReported)
		}
		documents = append(documents, bundle.ReportRecord{Record: string(r.ID), Category: r.Category, Author: string(r.Author),
			IssuedAt: int64(r.IssuedAt), Digest: records.DigestOf(r.JWT)})
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	out := &bundle.CreditReport{CreditCheck: *c, Purpose: order.Purpose, ValidUntil: c.IssuedAt + int64(order.Days)*86400,
		Documents: documents, Replaces: order.Replaces}
	token, key, err := a.attest(bundle.ReportKind, out)
	if err != nil {
		return nil, nil, err
	}
	code, err := bundle.SignPaper(key, out, token)
	if err != nil {
		return nil, nil, err
	}
	b.Documents = append(b.Documents, bundle.Document{Kind: bundle.KindReport, SDJWT: token, Paper: code})
	return b, out, nil
}
