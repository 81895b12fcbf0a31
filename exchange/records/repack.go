package records

import (
	"context"

	"accord/crypto/seal"
	"accord/crypto/strictjson"
	"accord/exchange"
)

// packedSchema is the first schema whose records are packed.
const packedSchema = 6

// sealedJSON is a sealed field as stores wrote it before schema 6: sealed, or its box
// alone where the key is kept apart; an erased one has neither.
type sealedJSON struct {
	Field  string       `json:"field"`
	Digest string       `json:"digest"`
	Sealed *seal.Sealed `json:"sealed,omitempty"`
	Box    []byte       `json:"box,omitempty"`
}

func decodeSealed(text []byte) ([]SealedField, error) {
	var rows []sealedJSON
	if err := strictjson.Unmarshal(text, &rows); err != nil {
		return nil, ErrStorage.Wrap(err)
	}
	fields := make([]SealedField, len(rows))
	for i, row := range rows {
		fields[i] = SealedField{Field: row.Field, Digest: row.Digest, Erased: row.Sealed == nil && row.Box == nil}
		if row.Sealed != nil {
			fields[i].Sealed = *row.Sealed
		} else {
			fields[i].Sealed.Box = row.Box
		}
	}
	return fields, nil
}

// unpacked is what packAll reads of a record.
type unpacked struct {
	id, subject string
	position    int64
	jwt, sealed []byte
	catalogue   string
}

// packAll packs the records of a store whose schema was older than 6, in the
// transaction that brings it up to date.
func packAll(ctx context.Context, tx *transaction) error {
	for from := int64(0); ; {
		batch, err := toPack(ctx, tx, from)
		if err != nil || len(batch) == 0 {
			return err
		}
		for i := range batch {
			if err := packOne(ctx, tx, &batch[i]); err != nil {
				return err
			}
		}
		from = batch[len(batch)-1].position
	}
}

func toPack(ctx context.Context, tx *transaction, from int64) (batch []unpacked, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT position, id, subject, jwt, sealed, catalogue_digest FROM records WHERE position > ? ORDER BY position LIMIT 500`, from)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var u unpacked
		if err := rows.Scan(&u.position, &u.id, &u.subject, &u.jwt, &u.sealed, &u.catalogue); err != nil {
			return nil, err
		}
		batch = append(batch, u)
	}
	return batch, rows.Err()
}

func packOne(ctx context.Context, tx *transaction, u *unpacked) error {
	fields, err := decodeSealed(u.sealed)
	if err != nil {
		return err
	}
	r := Record{ID: exchange.RecordID(u.id), Subject: exchange.SubjectID(u.subject), JWT: string(u.jwt), Sealed: fields, CatalogueDigest: u.catalogue}
	p, err := tx.pack(ctx, &r)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE records SET jwt = ?, sealed = ?, catalogue_digest = ? WHERE position = ?`, p.jwt, p.sealed, p.catalogue, u.position)
	return err
}

// packed is what of a record's row is packed.
type packed struct {
	jwt, sealed []byte
	catalogue   string // "" where the signed part names the digest
}

// pack packs a record, giving new words their numbers.
func (t *transaction) pack(ctx context.Context, r *Record) (p packed, err error) {
	number := func(word []byte) (uint64, error) { return t.number(ctx, word) }
	var payload []byte
	if p.jwt, payload, err = packJWT(r.JWT, r.beside(), number, t.spell); err != nil {
		return packed{}, err
	}
	if p.sealed, err = encodeBoxes(r.Sealed, t.keys != nil, payload, number); err != nil {
		return packed{}, err
	}
	if p.catalogue = r.CatalogueDigest; p.catalogue == claimedDigest(payload) {
		p.catalogue = ""
	}
	return p, nil
}
