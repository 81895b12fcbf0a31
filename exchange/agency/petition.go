package agency

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"slices"

	"accord/crypto/bundle"
	"accord/crypto/sdjwt"
	"accord/crypto/seal"
	"accord/crypto/strictjson"
	"accord/crypto/tlog"
	"accord/exchange"
	"accord/exchange/lists"
	"accord/exchange/machine"
	"accord/exchange/records"
	"accord/exchange/subjects"
)

// What subjects complain of and why they are refused is their own. The ledger holds a
// digest of it, salted so that a short text cannot be guessed; the text lies sealed in
// the folder of the member that wrote it down, and goes to the other party only.

// The errors of complaints and applications at a node.
var (
	ErrPetitionStore = exchange.Define(exchange.KindUnavailable, "SUBJ-130",
		exchange.Text{Zh: "无法保存文本，未提交", En: "the text cannot be kept, so nothing was submitted"},
		exchange.Text{Zh: "检查数据文件夹所在磁盘的空间与权限", En: "check space and permissions of the data folder"})
	ErrPetitionText = exchange.Define(exchange.KindUnverified, "SUBJ-131",
		exchange.Text{Zh: "{id} 的文本与账本上的摘要不符", En: "the text of {id} is not the one whose digest is on the ledger"},
		exchange.Text{Zh: "不要采用；向出具单位查询", En: "do not use it; ask the member that wrote it"})
	ErrWithheld = exchange.Define(exchange.KindRefused, "SUBJ-132",
		exchange.Text{Zh: "信息项 {field} 依目录不予提供（或已删除）", En: "the catalogue keeps field {field} from everybody, or it was erased"},
		exchange.Text{Zh: "请以理由答复：accord subject refuse", En: "refuse the application for a reason: accord subject refuse"})
)

// The kinds of texts.
const (
	TextComplaint = "complaint"
	TextAnswer    = "answer"
	TextReasons   = "reasons"
	TextObjection = "objection"
	TextFollowed  = "followed" // the answer after the joint meeting decided otherwise
)

// petitionText is a text as its digest covers it.
type petitionText struct {
	Salt string `json:"salt"`
	Text string `json:"text"`
}

// textDigest is hex SHA-256 of a text as kept.
func textDigest(doc []byte) string {
	sum := sha256.Sum256(doc)
	return hex.EncodeToString(sum[:])
}

func (a *Agency) petitionPath(id exchange.CommandID, kind string) string {
	return filepath.Join(a.Petitions, string(id)+"."+kind)
}

// keepText salts and seals a text under the id of the command that is to name it.
func (a *Agency) keepText(id exchange.CommandID, kind, text string) (digest string, err error) {
	salt, err := a.randomID()
	if err != nil {
		return "", err
	}
	doc, err := strictjson.Marshal(petitionText{salt, text})
	if err != nil {
		return "", err
	}
	digest = textDigest(doc)
	sealed, err := a.sealer.Seal(seal.Binding{Record: string(id), Field: kind, Digest: digest}, doc)
	if err != nil {
		return "", ErrPetitionStore.Wrap(err)
	}
	raw, err := strictjson.Marshal(sealed)
	if err == nil {
		err = os.MkdirAll(a.Petitions, 0o700)
	}
	path := a.petitionPath(id, kind)
	if err == nil {
		err = writeSynced(path+partial, string(raw))
	}
	if err == nil {
		err = os.Rename(path+partial, path)
	}
	if err == nil {
		err = syncFolders(filepath.Dir(a.Petitions), a.Petitions) // the folder may be new
	}
	if err != nil {
		return "", ErrPetitionStore.Wrap(err)
	}
	return digest, nil
}

// PetitionDocument is a text as it was kept here, "" where it was not.
func (a *Agency) PetitionDocument(id exchange.CommandID, kind, digest string) (string, error) {
	raw, err := os.ReadFile(a.petitionPath(id, kind))
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	var sealed seal.Sealed
	if err == nil {
		err = strictjson.Unmarshal(raw, &sealed)
	}
	if err != nil {
		return "", ErrPetitionStore.Wrap(err)
	}
	doc, err := a.sealer.Open(seal.Binding{Record: string(id), Field: kind, Digest: digest}, sealed)
	if err != nil {
		return "", ErrPetitionText.Wrap(err, "id", id)
	}
	return string(doc), nil
}

// ReadPetition is the text of a document that another member sent, if it is the one
// whose digest the ledger holds.
func ReadPetition(id exchange.CommandID, doc, digest string) (string, error) {
	var t petitionText
	if textDigest([]byte(doc)) != digest || strictjson.Unmarshal([]byte(doc), &t) != nil {
		return "", ErrPetitionText.With("id", id)
	}
	return t.Text, nil
}

// Complain puts a subject's complaint about a release on the ledger.
func (a *Agency) Complain(ctx context.Context, op exchange.OperatorID, rel exchange.ReleaseID, text string) (exchange.CommandID, error) {
	raw, err := a.randomID()
	if err != nil {
		return "", err
	}
	id := exchange.CommandID(raw)
	digest, err := a.keepText(id, TextComplaint, text)
	if err != nil {
		return "", err
	}
	_, err = a.act(ctx, id, op, exchange.VerbSubjectComplain, subjects.ComplainBody{Release: rel, Digest: digest})
	return id, err
}

// AnswerComplaint answers a complaint about this member.
func (a *Agency) AnswerComplaint(ctx context.Context, op exchange.OperatorID, id exchange.CommandID, outcome subjects.Status, text string) error {
	c, ok := subjects.GetComplaint(a.Ledger.View().Rows(), id)
	switch {
	case !ok:
		return subjects.ErrComplaint.With("id", id)
	case c.Against != a.Self:
		return subjects.ErrNotAgainst.With("member", c.Against)
	case c.Answer != nil: // the text that was answered with stays
		return subjects.ErrAnswered.With("id", id)
	}
	digest, err := a.keepText(id, TextAnswer, text)
	if err != nil {
		return err
	}
	_, err = a.Act(ctx, op, exchange.VerbSubjectAnswer, subjects.AnswerBody{Complaint: id, Outcome: outcome, Digest: digest})
	return err
}

// Object puts a subject's objection against an entry, or a record, on the ledger.
func (a *Agency) Object(ctx context.Context, op exchange.OperatorID, entry exchange.EntryID, ref *lists.RecordRef, text string) (exchange.CommandID, error) {
	raw, err := a.randomID()
	if err != nil {
		return "", err
	}
	id := exchange.CommandID(raw)
	digest, err := a.keepText(id, TextObjection, text)
	if err != nil {
		return "", err
	}
	_, err = a.act(ctx, id, op, exchange.VerbSubjectObject, subjects.ObjectBody{Entry: entry, Record: ref, Digest: digest})
	return id, err
}

// Settle decides an objection against an entry or a record of this member's.
func (a *Agency) Settle(ctx context.Context, op exchange.OperatorID, id exchange.CommandID, outcome subjects.Status, text string) error {
	view := a.Ledger.View()
	o, ok := subjects.GetObjection(view.Rows(), id)
	switch {
	case !ok:
		return subjects.ErrObjection.With("id", id)
	case o.Against != a.Self:
		return subjects.ErrNotDecider.With("member", o.Against)
	case o.Answer != nil && o.StatusAt(view.Rows(), a.instant(view)) != outcome: // the text that was answered with stays
		return subjects.ErrAnswered.With("id", id)
	}
	kind := TextAnswer
	if o.Answer != nil {
		kind = TextFollowed
	}
	digest, err := a.keepText(id, kind, text)
	if err != nil {
		return err
	}
	_, err = a.Act(ctx, op, exchange.VerbSubjectSettle, subjects.SettleBody{Objection: id, Outcome: outcome, Digest: digest})
	return err
}

// Apply puts a subject's application for sealed fields on the ledger.
func (a *Agency) Apply(ctx context.Context, op exchange.OperatorID, ref lists.RecordRef, fields []string) (exchange.CommandID, error) {
	res, err := a.Act(ctx, op, exchange.VerbSubjectApply, subjects.ApplyBody{Record: ref, Fields: fields})
	return exchange.CommandID(res.ID), err
}

// Refuse answers an application for a record of this member's with reasons.
func (a *Agency) Refuse(ctx context.Context, op exchange.OperatorID, id exchange.CommandID, ground, text string) error {
	p, err := a.application(a.Ledger.View(), id)
	if err != nil {
		return err
	}
	if p.Answer != nil {
		return subjects.ErrAnswered.With("id", id)
	}
	digest, err := a.keepText(id, TextReasons, text)
	if err != nil {
		return err
	}
	_, err = a.Act(ctx, op, exchange.VerbSubjectDecide, subjects.DecideBody{Application: id, Outcome: subjects.Refused, Ground: ground, Digest: digest})
	return err
}

func (a *Agency) application(view *machine.View, id exchange.CommandID) (subjects.Application, error) {
	p, ok := subjects.GetApplication(view.Rows(), id)
	switch {
	case !ok:
		return p, subjects.ErrApplication.With("id", id)
	case p.Record.Author != a.Self:
		return p, subjects.ErrNotAuthor.With("author", p.Record.Author)
	}
	return p, nil
}

// Present answers an application with a presentation for the subject: its record with
// the fields it applied for. The digest is on the ledger before it leaves; asked again
// it is the same. Release puts it there.
func (a *Agency) Present(ctx context.Context, op exchange.OperatorID, id exchange.CommandID) (presentation string, err error) {
	view := a.Ledger.View()
	p, err := a.application(view, id)
	if err != nil {
		return "", err
	}
	rec, err := a.Records.Get(ctx, p.Record.ID)
	if err != nil {
		return "", err
	}
	switch {
	case rec.Author != a.Self || rec.Digest != p.Record.Digest:
		return "", ErrMismatch.With("release", id, "what", "record")
	case rec.Status == records.Retracted:
		return "", ErrRetracted.With()
	}
	var disclosures []sdjwt.Disclosure
	for _, field := range p.Fields {
		sealed := func(f records.SealedField) bool { return f.Field == field && !f.Erased }
		if !slices.ContainsFunc(rec.Sealed, sealed) || a.keptFromAll(view, &rec, field) {
			return "", ErrWithheld.With("field", field)
		}
		d, err := a.openField(rec, "", field)
		if err != nil {
			return "", err
		}
		disclosures = append(disclosures, d)
	}
	presentation = sdjwt.Combine(rec.JWT, disclosures)
	digest := textDigest([]byte(presentation))
	if p.Answer != nil {
		if p.Answer.Outcome != subjects.Released || p.Answer.Digest != digest {
			return "", subjects.ErrAnswered.With("id", id)
		}
		return presentation, nil
	}
	_, err = a.Act(ctx, op, exchange.VerbSubjectDecide, subjects.DecideBody{Application: id, Outcome: subjects.Released, Digest: digest})
	return presentation, err
}

// PresentationBundle is the evidence file for the subject: the presentation, and the
// statements that asked for it and answered.
func (a *Agency) PresentationBundle(id exchange.CommandID, presentation string, checkpoint []byte) (*bundle.Bundle, error) {
	view := a.Ledger.View()
	p, err := a.application(view, id)
	if err != nil {
		return nil, err
	}
	c, _, err := tlog.Read(checkpoint)
	if err != nil {
		return nil, err
	}
	b := bundle.New(a.Federation, a.Genesis.Signatures, checkpoint)
	if err := b.LogCharter(view.Tree(), 0); err != nil {
		return nil, err
	}
	var seqs []int64
	if p.Seq < c.Size {
		seqs = append(seqs, p.Seq)
	}
	if p.Answer != nil && p.Answer.Seq < c.Size {
		seqs = append(seqs, p.Answer.Seq)
	}
	if err := addSeqs(b, view, c.Size, seqs); err != nil {
		return nil, err
	}
	b.AddDocument(bundle.KindRecord, presentation)
	return b, nil
}

// partial ends the name of a file that is still being written; it is taken for nothing.
const partial = ".part"

func writeSynced(path, content string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.WriteString(content)
	return errors.Join(err, file.Sync(), file.Close())
}

// syncFolders makes the names in the folders durable.
func syncFolders(dirs ...string) error {
	for _, dir := range dirs {
		d, err := os.Open(dir)
		if err != nil {
			return err
		}
		if err := errors.Join(d.Sync(), d.Close()); err != nil {
			return err
		}
	}
	return nil
}
