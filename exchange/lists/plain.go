package lists

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"

	"accord/crypto/strictjson"
	"accord/exchange"
)

// plainBody reads the body of list.nominate in its usual spelling, or gives
// nil. FuzzPlain holds it, and plainClaims, against the general way.
func plainBody(text string) []Document {
	p := strictjson.NewPlain(text)
	p.Skip(`{"entries":[`)
	var docs []Document
	for more := true; more; more = p.Next(",") {
		p.Skip(`{"doc":`)
		docs = append(docs, Document{Doc: p.String()})
		p.Skip("}")
	}
	p.Skip("]}")
	if !p.Done() {
		return nil
	}
	return docs
}

// places says where the documents of a plain body stand in the statement that it
// is the body of. The body is the last member of the payload.
func (b *NominateBody) places(token string, body int) []Place {
	all := make([]Place, len(b.Entries))
	from, to := strings.IndexByte(token, '.')+1, strings.LastIndexByte(token, '.')
	at := base64.RawURLEncoding.DecodedLen(to-from) - body - len("}")
	if !b.plain || to <= from || at < 0 {
		return all
	}
	at += len(`{"entries":[`)
	var doc []byte // memory for one after the other
	for i, d := range b.Entries {
		at += len(`{"doc":"`)
		doc = append(doc[:0], d.Doc...)
		all[i] = Place{Payload: from, At: at, Len: len(d.Doc), Digest: sha256.Sum256(doc)}
		at += len(d.Doc) + len(`"},`)
	}
	return all
}

// plainClaims reads the claims of a document in the usual spelling, members in
// any order, or gives nil.
func plainClaims(text string) *Claims {
	p := strictjson.NewPlain(text)
	c := new(Claims)
	seen := uint32(0)
	p.Skip("{")
	for more := true; more; more = p.Next(",") {
		name := p.String()
		p.Skip(":")
		bit := c.plain(name, &p)
		if bit == 0 || seen&bit != 0 {
			return nil
		}
		seen |= bit
	}
	p.Skip("}")
	if !p.Done() {
		return nil
	}
	return c
}

// plain reads one claim and gives a bit of its own, 0 for one it does not know.
func (c *Claims) plain(name string, p *strictjson.Plain) uint32 {
	switch name {
	case "iss":
		c.Issuer = exchange.MemberID(p.String())
		return 1
	case "sub":
		c.Subject = exchange.SubjectID(p.String())
		return 1 << 1
	case "jti":
		c.ID = exchange.EntryID(p.String())
		return 1 << 2
	case "iat":
		c.IssuedAt = p.Int()
		return 1 << 3
	case "vct":
		c.Type = p.String()
		return 1 << 4
	case "fed":
		c.Federation = p.String()
		return 1 << 5
	case "cat":
		c.Catalogue = int(p.Int())
		return 1 << 6
	case "list":
		c.List = p.String()
		return 1 << 7
	case "subject_kind":
		c.SubjectKind = p.String()
		return 1 << 8
	case "name":
		c.Name = p.String()
		return 1 << 9
	case "ground":
		c.Ground = p.String()
		return 1 << 10
	case "term_days":
		c.TermDays = int(p.Int())
		return 1 << 11
	case "_sd_alg":
		c.SDAlg = p.String()
		return 1 << 12
	case "_sd":
		c.SD = p.Strings()
		return 1 << 13
	case "measures":
		c.Measures = p.Strings()
		return 1 << 14
	}
	return c.plainPart(name, p)
}

// plainPart reads the claims that have parts.
func (c *Claims) plainPart(name string, p *strictjson.Plain) uint32 {
	switch name {
	case "cnf":
		p.Skip(`{"jwk":`)
		c.Cnf.JWK = json.RawMessage(p.Value())
		p.Skip("}")
		return 1 << 15
	case "records":
		p.Skip("[")
		for more := true; more; more = p.Next(",") {
			c.Records = append(c.Records, plainRecord(p))
		}
		p.Skip("]")
		return 1 << 16
	case "decision":
		c.Decision = plainDecision(p)
		return 1 << 17
	}
	return 0
}

func plainRecord(p *strictjson.Plain) (r RecordRef) {
	p.Skip(`{"id":`)
	r.ID = exchange.RecordID(p.String())
	p.Skip(`,"digest":`)
	r.Digest = p.String()
	p.Skip(`,"author":`)
	r.Author = exchange.MemberID(p.String())
	p.Skip(`,"category":`)
	r.Category = p.String()
	p.Skip("}")
	return r
}

func plainDecision(p *strictjson.Plain) *DecisionRef {
	d := new(DecisionRef)
	p.Skip(`{"number":`)
	d.Number = p.String()
	p.Skip(`,"authority":`)
	d.Authority = p.String()
	if p.Next(`,"date":`) {
		d.Date = p.String()
	}
	p.Skip("}")
	return d
}
