package agency

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"accord/crypto/blind"
	"accord/exchange"
	"accord/exchange/intake"
)

// ErrSubject is given when a subject cannot be named in the wanted namespace.
var ErrSubject = exchange.Define(exchange.KindInvalid, "SUBJ-001",
	exchange.Text{Zh: "信用主体标识无效：{why}", En: "the subject's identifier is not valid: {why}"},
	exchange.Text{Zh: "机构请用统一社会信用代码，自然人请用证件号码", En: "name organisations by their unified social credit code, persons by their document number"})

// SubjectID names a subject for shared data: an organisation's code in clear,
// everything else blinded. key is plaintext and stays here.
func (a *Agency) SubjectID(ctx context.Context, namespace, key string) (exchange.SubjectID, error) {
	if key == "" {
		return "", ErrSubject.With("why", "empty")
	}
	switch namespace {
	case exchange.SubjectOrg:
		id := exchange.SubjectID(namespace + ":" + key)
		if !id.Valid() {
			return "", ErrSubject.With("why", "not a unified social credit code")
		}
		return id, nil
	case exchange.SubjectPerson, exchange.SubjectName:
		if namespace == exchange.SubjectName {
			key = nameKey(key)
		}
		blinded, err := a.Blinder.Blind(ctx, namespace, key)
		if err != nil {
			return "", err
		}
		return exchange.SubjectID(namespace + ":" + blinded), nil
	}
	return "", ErrSubject.With("why", "unknown namespace")
}

// SubjectIDs are all ids by which a subject may be known, the newest first: of persons one
// for every key that the federation has had. key is plaintext and stays here.
func (a *Agency) SubjectIDs(ctx context.Context, namespace, key string) ([]exchange.SubjectID, error) {
	many, ok := a.Blinder.(interface {
		BlindAll(ctx context.Context, namespace, id string) ([]string, error)
	})
	if !ok || namespace == exchange.SubjectOrg || key == "" {
		id, err := a.SubjectID(ctx, namespace, key)
		return []exchange.SubjectID{id}, err
	}
	if namespace == exchange.SubjectName {
		key = nameKey(key)
	}
	blinded, err := many.BlindAll(ctx, namespace, key)
	if err != nil {
		return nil, err
	}
	all := make([]exchange.SubjectID, len(blinded))
	for i, b := range blinded {
		all[i] = exchange.SubjectID(namespace + ":" + b)
	}
	return all, nil
}

// prepare has the ids of a batch of rows at hand, where the holders of the blinding
// key are best asked for many at once.
func (a *Agency) prepare(ctx context.Context, rows []*intake.Row) error {
	many, ok := a.Blinder.(blind.Batcher)
	if !ok {
		return nil
	}
	var numbers []blind.Number
	for _, row := range rows {
		key := row.SubjectKey.Reveal()
		if row.Verdict == intake.Refuse || row.Verdict == intake.Same || row.Subject != "" || key == "" {
			continue
		}
		switch row.SubjectNamespace {
		case exchange.SubjectName:
			numbers = append(numbers, blind.Number{Namespace: row.SubjectNamespace, ID: nameKey(key)})
		case exchange.SubjectPerson:
			numbers = append(numbers, blind.Number{Namespace: row.SubjectNamespace, ID: key})
		}
	}
	return many.Prepare(ctx, numbers)
}

// nameKey is what is blinded of a name: names have blanks and no fixed length,
// so it is a digest of the name with case and blanks made equal.
func nameKey(name string) string {
	sum := sha256.Sum256([]byte(strings.ToLower(strings.Join(strings.Fields(name), " "))))
	return hex.EncodeToString(sum[:])
}

// KeyHash is the keyed digest under which the store knows a source row's key.
func (a *Agency) KeyHash(framed []byte) string {
	mac := hmac.New(sha256.New, a.rowKey)
	mac.Write(framed)
	return hex.EncodeToString(mac.Sum(nil))
}

// derive makes a sub-key for one use from the storage key.
func derive(key []byte, use string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(use))
	return mac.Sum(nil)
}
