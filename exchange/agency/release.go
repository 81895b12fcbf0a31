package agency

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"

	"accord/crypto/keys"
	"accord/crypto/sdjwt"
	"accord/crypto/seal"
	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/lists"
	"accord/exchange/machine"
	"accord/exchange/members"
	"accord/exchange/records"
	"accord/exchange/release"
)

// The errors of delivering and opening.
var (
	ErrNoRelease = exchange.Define(exchange.KindNotFound, "OPEN-001",
		exchange.Text{Zh: "没有授权开放 {release}", En: "there is no release {release}"},
		exchange.Text{Zh: "用 accord release list 查看", En: "see accord release list"})
	ErrNotGranted = exchange.Define(exchange.KindRefused, "OPEN-002",
		exchange.Text{Zh: "授权开放 {release} 的状态是 {status}，不能交付", En: "release {release} is {status}, so nothing is delivered"},
		exchange.Text{Zh: "须先准予；待批准的还缺什么见 accord release show，已失效的须重新申请", En: "it has to be granted; accord release show says what a pending one needs, and what has lapsed must be asked anew"})
	ErrNotParty = exchange.Define(exchange.KindForbidden, "OPEN-003",
		exchange.Text{Zh: "授权开放 {release} 不属于该成员单位", En: "release {release} is not this member's"},
		exchange.Text{Zh: "只有申请单位可以领取，只有作者单位可以交付", En: "only the requester collects it and only the author delivers it"})
	ErrMismatch = exchange.Define(exchange.KindUnverified, "OPEN-004",
		exchange.Text{Zh: "记录与授权开放 {release} 所述不符（{what}）", En: "the record is not what release {release} says ({what})"},
		exchange.Text{Zh: "核对记录编号、摘要与类别后重新申请", En: "check the record's id, digest and category and ask again"})
	ErrDelivery = exchange.Define(exchange.KindUnverified, "OPEN-005",
		exchange.Text{Zh: "收到的交付未通过验证（{what}）", En: "the delivery does not verify ({what})"},
		exchange.Text{Zh: "不要采用其内容；向作者单位查询，回执已在账本", En: "do not use it; ask the author, the receipt is on the ledger"})
	ErrRetracted = exchange.Define(exchange.KindRefused, "OPEN-010",
		exchange.Text{Zh: "作者单位已撤回该记录，不再开放", En: "its author has retracted the record, so nothing of it is opened"},
		exchange.Text{Zh: "向作者单位查询撤回理由；有更正记录时对更正后的记录申请", En: "ask the author why; where a corrected record exists, ask for that one"})
	ErrDeliveredOnce = exchange.Define(exchange.KindConflict, "OPEN-015",
		exchange.Text{Zh: "授权开放 {release} 此前交付的内容已无法原样重做，不再发送", En: "what was delivered under release {release} cannot be made again as it was; it is not sent any more"},
		exchange.Text{Zh: "重新申请", En: "ask anew"})
	ErrNoHolder = exchange.Define(exchange.KindUnavailable, "OPEN-016",
		exchange.Text{Zh: "作者节点缺少记录 {record} 所确认的开放密钥 {key}，无法交付", En: "the author's node lacks the release key {key} that record {record} confirms, so nothing is delivered"},
		exchange.Text{Zh: "从备份恢复该密钥；类别有托管单位的，用 --custodians 开放", En: "restore that key from a backup; where the category has custodians, open with --custodians"})
	ErrErased = exchange.Define(exchange.KindNotFound, "OPEN-006",
		exchange.Text{Zh: "信息项 {field} 已被删除，无法开放", En: "field {field} has been erased and cannot be opened"},
		exchange.Text{Zh: "该记录的其他信息项不受影响", En: "other fields of the record are not affected"})
	ErrSealed = exchange.Define(exchange.KindUnverified, "OPEN-008",
		exchange.Text{Zh: "信息项 {field} 的密封件无法打开", En: "the sealed field {field} does not open"},
		exchange.Text{Zh: "作者单位的记录库已损坏，或与密钥库不是同一套；从同一备份恢复两者", En: "the author's record store is damaged or not the keystore's; restore both from one backup"})
)

// envelopeType is the content type inside the JWE.
const envelopeType = "accord-release"

// AskRelease asks the ledger to open fields of another member's record.
func (a *Agency) AskRelease(ctx context.Context, op exchange.OperatorID, b release.RequestBody) (exchange.ReleaseID, error) {
	res, err := a.Act(ctx, op, exchange.VerbReleaseRequest, b)
	return exchange.ReleaseID(res.ID), err
}

// Deliver is the author's side of a granted release: it looks the decision up
// in its own copy of the ledger, takes exactly the granted disclosures of the
// record, binds them to this requester and release, leaves their digest on the
// ledger, and only then lets them out of the house, encrypted to the requester's
// key. Asked again, while the grant lasts, for a delivery that was not opened, it makes
// the same presentation again: nothing in it is random, so nothing has to be kept.
func (a *Agency) Deliver(ctx context.Context, op exchange.OperatorID, requester exchange.MemberID, id exchange.ReleaseID) (string, error) {
	view := a.Ledger.View()
	rel, ok := view.Release(id)
	if !ok {
		return "", ErrNoRelease.With("release", id)
	}
	if rel.Requester != requester || rel.Record.Author != a.Self {
		return "", ErrNotParty.With("release", id)
	}
	if err := a.mayReceive(view, &rel); err != nil {
		return "", err
	}
	status, err := a.deliverable(view, &rel)
	if err != nil {
		return "", err
	}
	envelope, digest, err := a.envelope(ctx, view, &rel)
	if err != nil {
		return "", err
	}
	if status == release.Granted {
		a.hit("agency.deliver.before")
		_, err := a.Act(ctx, op, exchange.VerbReleaseDeliver, release.ReceiptBody{Release: id, Digest: digest})
		a.hit("agency.deliver.after")
		if err == nil {
			return envelope, nil
		}
		// Another try, at once or whose answer was lost, may be the one that counted.
		if rel, _ = a.Ledger.View().Release(id); rel.Delivered == nil {
			return "", err
		}
	}
	if rel.Delivered.Digest != digest {
		return "", ErrDeliveredOnce.With("release", id)
	}
	return envelope, nil
}

// envelope is what the requester gets, and the digest for its receipt. The record must
// allow it now, also where it was delivered before.
func (a *Agency) envelope(ctx context.Context, view *machine.View, rel *release.Release) (envelope, digest string, err error) {
	content, err := a.bindAll(ctx, view, rel)
	if err != nil {
		return "", "", err
	}
	to, ok := view.Member(rel.Requester)
	if !ok || !to.Takes() {
		return "", "", ErrNotParty.With("release", rel.ID)
	}
	sealKey, ok := to.Key(keys.Seal, a.instant(view))
	if !ok {
		return "", "", ErrNotParty.With("release", rel.ID)
	}
	envelope, err = seal.Encrypt(sealKey, envelopeType, content)
	return envelope, receiptDigest(view, envelope, content), err
}

// receiptDigest is what receipts name: the presentation, which is the same whenever it is
// made. Nodes of before machine version 4 know receipts of the envelope only, which no
// second try makes again.
func receiptDigest(view *machine.View, envelope string, content []byte) string {
	if view.Federation().MachineVersion < members.MachineMeeting {
		return digestOf(envelope)
	}
	return digestOf(string(content))
}

// bindAll is what an envelope holds: the presentation of the one record, or of several
// a JSON array of them in the order of the request.
func (a *Agency) bindAll(ctx context.Context, view *machine.View, rel *release.Release) ([]byte, error) {
	var all []string
	since := rel.GrantedAt(a.instant(view))
	for _, ref := range rel.Refs() {
		bound, err := a.bind(ctx, rel, ref, since)
		if err != nil {
			return nil, err
		}
		all = append(all, bound)
	}
	if len(all) == 1 {
		return []byte(all[0]), nil
	}
	return strictjson.Marshal(all)
}

// bind opens the granted disclosures of a record and binds them to the release, as of the
// time at which it was granted.
func (a *Agency) bind(ctx context.Context, rel *release.Release, ref lists.RecordRef, at exchange.Millis) (string, error) {
	rec, err := a.Records.Get(ctx, ref.ID)
	if err != nil {
		return "", err
	}
	what := ""
	switch {
	case rec.Digest != ref.Digest:
		what = "digest"
	case rec.Category != ref.Category:
		what = "category"
	case rec.Author != a.Self:
		what = "author"
	case rec.Status == records.Retracted:
		return "", ErrRetracted.With()
	case rel.Consent != nil && rel.Consent.Subject != release.SubjectOf(rel.Consent.ID, rec.Subject):
		return "", release.ErrConsent.With("why", "it is another subject's")
	}
	if what != "" {
		return "", ErrMismatch.With("release", rel.ID, "what", what)
	}
	var disclosures []sdjwt.Disclosure
	for _, field := range rel.Fields {
		d, err := a.openField(rec, rel.ID, field)
		if err != nil {
			return "", err
		}
		disclosures = append(disclosures, d)
	}
	holder, err := a.holderOf(rec)
	if err != nil {
		return "", err
	}
	return sdjwt.Bind(rec.JWT, disclosures, holder, string(rel.Requester), string(rel.ID), int64(at)/1000)
}

// holderOf is the release key that an own record confirms: the one that this member had
// when it wrote the record.
func (a *Agency) holderOf(rec records.Record) (keys.Private, error) {
	confirmed, err := sdjwt.Confirmed(rec.JWT)
	if err != nil {
		return keys.Private{}, err
	}
	key, err := a.Keys.Key(keys.Release)
	if err != nil || key.KID() == confirmed.KID() || a.Former == nil {
		return key, err
	}
	if key, err = a.Former(confirmed.KID()); err != nil {
		return keys.Private{}, ErrNoHolder.Wrap(err, "record", rec.ID, "key", confirmed.KID())
	}
	return key, nil
}

// openField opens one sealed field of an own record.
func (a *Agency) openField(rec records.Record, id exchange.ReleaseID, field string) (sdjwt.Disclosure, error) {
	for _, f := range rec.Sealed {
		if f.Field != field {
			continue
		}
		if f.Erased {
			return sdjwt.Disclosure{}, ErrErased.With("field", field)
		}
		plain, err := a.sealer.Open(seal.Binding{Record: string(rec.ID), Field: field, Digest: f.Digest}, f.Sealed)
		if err != nil {
			return sdjwt.Disclosure{}, ErrSealed.Wrap(err, "field", field)
		}
		return sdjwt.ParseDisclosure(string(plain))
	}
	return sdjwt.Disclosure{}, ErrMismatch.With("release", id, "what", "field "+field)
}

// Opened is a delivery that verified.
type Opened struct {
	Fields  map[string]json.RawMessage // of the one record; empty where there are several
	Bound   string                     // its SD-JWT+KB, for evidence
	Records []OpenedRecord             // all of them, in the order of the request
}

// OpenedRecord is what was granted of one record.
type OpenedRecord struct {
	Record exchange.RecordID
	Fields map[string]json.RawMessage
	Bound  string // the SD-JWT+KB, for evidence
}

// Open is the requester's side: it decrypts the envelope and accepts it only if
// it is the author's signed records, bound by the author to exactly this member
// and release, with exactly the granted fields. The receipt is on the ledger
// before the fields are returned.
func (a *Agency) Open(ctx context.Context, op exchange.OperatorID, id exchange.ReleaseID, envelope string) (Opened, error) {
	view := a.Ledger.View()
	rel, ok := view.Release(id)
	if !ok {
		return Opened{}, ErrNoRelease.With("release", id)
	}
	if rel.Requester != a.Self {
		return Opened{}, ErrNotParty.With("release", id)
	}
	sealKey, err := a.sealKeyFor(envelope)
	if err != nil {
		return Opened{}, err
	}
	content, err := seal.Decrypt(sealKey, envelopeType, envelope)
	if err != nil {
		return Opened{}, ErrDelivery.With("what", "encryption")
	}
	out, err := a.openAll(&rel, content)
	if err != nil {
		return Opened{}, err
	}
	digest := receiptDigest(view, envelope, content)
	if d := rel.Delivered; d != nil && d.Digest == digestOf(envelope) {
		digest = d.Digest // delivered before all nodes were of machine version 4
	}
	a.hit("agency.open.before")
	_, err = a.Act(ctx, op, exchange.VerbReleaseOpen, release.ReceiptBody{Release: id, Digest: digest})
	a.hit("agency.open.after")
	return out, err
}

// openAll verifies what an envelope holds, record by record.
func (a *Agency) openAll(rel *release.Release, content []byte) (out Opened, err error) {
	refs, bound := rel.Refs(), []string{string(content)}
	if len(refs) > 1 {
		if err := strictjson.Unmarshal(content, &bound); err != nil || len(bound) != len(refs) {
			return Opened{}, ErrDelivery.With("what", "record")
		}
	}
	for i, ref := range refs {
		verified, _, err := sdjwt.VerifyBound(bound[i], TypRecord, a.attestKeyOf(ref.Author), string(a.Self), string(rel.ID), recordVisible...)
		if err != nil {
			return Opened{}, ErrDelivery.Wrap(err, "what", "signature")
		}
		if what := matches(verified, ref, rel.Fields); what != "" {
			return Opened{}, ErrDelivery.With("what", what)
		}
		one := OpenedRecord{Record: ref.ID, Fields: map[string]json.RawMessage{}, Bound: bound[i]}
		for _, d := range verified.Disclosed {
			one.Fields[d.Name()] = d.Value()
		}
		out.Records = append(out.Records, one)
	}
	if len(refs) == 1 {
		out.Fields, out.Bound = out.Records[0].Fields, bound[0]
	}
	return out, nil
}

// matches says in what a verified presentation differs from the record and the fields
// that were granted, "" when in nothing.
func matches(v *sdjwt.Verified, ref lists.RecordRef, fields []string) string {
	if records.DigestOf(v.JWT) != ref.Digest {
		return "record"
	}
	var claims RecordClaims
	if err := strictjson.UnmarshalLoose(v.Clear, &claims); err != nil || claims.ID != ref.ID ||
		claims.Issuer != ref.Author || claims.Type != "record/"+ref.Category {
		return "claims"
	}
	granted := map[string]bool{}
	for _, f := range fields {
		granted[f] = true
	}
	for _, d := range v.Disclosed {
		if !granted[d.Name()] {
			return "a field that was not granted"
		}
		delete(granted, d.Name())
	}
	if len(granted) > 0 {
		return "a granted field is missing"
	}
	return ""
}

// attestKeyOf finds an author's key for documents in the ledger.
func (a *Agency) attestKeyOf(author exchange.MemberID) func(kid string) (keys.Public, error) {
	view := a.Ledger.View()
	return func(kid string) (keys.Public, error) {
		m, ok := view.Member(author)
		if ok {
			for _, k := range m.Keys {
				if k.Public.KID() == kid && k.Public.Use() == keys.Attest {
					return k.Public, nil
				}
			}
		}
		return keys.Public{}, ErrDelivery.With("what", "key")
	}
}

// VerifyRecord checks a record's signed part, as a peer serves it, against its
// author's key and returns its claims.
func (a *Agency) VerifyRecord(author exchange.MemberID, jwt string) (RecordClaims, []string, error) {
	v, err := sdjwt.Verify(jwt+"~", TypRecord, a.attestKeyOf(author), recordVisible...)
	if err != nil {
		return RecordClaims{}, nil, ErrDelivery.Wrap(err, "what", "signature")
	}
	return a.recordClaims(author, v.Clear)
}

// recordClaims reads the payload of a record strictly.
func (a *Agency) recordClaims(author exchange.MemberID, payload []byte) (RecordClaims, []string, error) {
	var claims struct {
		RecordClaims
		SD    []string `json:"_sd"`
		SDAlg string   `json:"_sd_alg"`
	}
	if err := strictjson.Unmarshal(payload, &claims); err != nil || claims.Issuer != author || claims.Federation != a.Federation {
		return RecordClaims{}, nil, ErrDelivery.With("what", "claims")
	}
	return claims.RecordClaims, claims.SD, nil
}

// ReferenceTo names a record for an entry or a request.
func ReferenceTo(author exchange.MemberID, claims RecordClaims, jwt string) lists.RecordRef {
	return lists.RecordRef{ID: claims.ID, Digest: records.DigestOf(jwt), Author: author,
		Category: strings.TrimPrefix(claims.Type, "record/")}
}

func digestOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}
