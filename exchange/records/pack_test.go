package records

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"accord/crypto/keys"
	"accord/crypto/sdjwt"
	"accord/crypto/seal"
	"accord/crypto/strictjson"
	"accord/crypto/tlog"
	"accord/exchange"
	"accord/exchange/feed"
	"accord/exchange/records/postgrestest"
)

// lexicon is words without a store.
type lexicon struct{ words }

func (l *lexicon) give(word []byte) (uint64, error) {
	if l.number(word) == 0 {
		l.learn(l.size(), []string{string(word)})
	}
	return l.number(word), nil
}

// signedPart is one as the agency makes it, with so many hidden fields.
func signedPart(t testing.TB, n, hidden int) (jwt string, digests []string) {
	t.Helper()
	key, err := keys.Generate(keys.Attest, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	claims := fmt.Sprintf(`{"cat":1,"cat_digest":"sha256:%064x","cnf":{"jwk":%s},"fed":"demo","iat":1795765212,"iss":"association","jti":"%s","public":{"complaint_number":"例投诉〔2026〕%d","due_on":"2026-04-05","channel":"hotline"},"sub":"person:h1.%s","subject_kind":"enterprise","vct":"record/complaint"}`,
		7, key.Public().JWK(), rand.Text()[:22], n, base64.RawURLEncoding.EncodeToString(bytes.Repeat([]byte{byte(n)}, 32)))
	var private []sdjwt.Claim
	for i := range hidden {
		private = append(private, sdjwt.Claim{Name: fmt.Sprintf("field_%d", i), Value: "secret"})
	}
	jwt, disclosures, err := sdjwt.Issue(key, "accord-record+sd-jwt", []byte(claims), private, 0, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range disclosures {
		digests = append(digests, d.Digest())
	}
	return jwt, digests
}

// rowOf is what of a signed part stands in its row.
func rowOf(t *testing.T, jwt string) beside {
	t.Helper()
	var claims struct {
		ID      string `json:"jti"`
		Subject string `json:"sub"`
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(jwt, ".")[1])
	if err == nil {
		err = json.Unmarshal(payload, &claims)
	}
	if err != nil || claims.ID == "" || claims.Subject == "" {
		t.Fatal(err, claims)
	}
	return beside{claims.ID, claims.Subject}
}

// What a member signed is stored packed and given back byte for byte.
func TestSignedPartsComeBackAsTheyWere(t *testing.T) {
	l := &lexicon{}
	ours, _ := signedPart(t, 1, 4)
	row := rowOf(t, ours)
	if _, _, err := packJWT(ours, row, l.give, l.spell); err != nil {
		t.Fatal(err)
	}
	packed, payload, err := packJWT(ours, row, l.give, l.spell)
	if err != nil || packed[0] != packedJWS || len(packed) > 2*len(ours)/5 || !bytes.HasPrefix(payload, []byte(`{"_sd":[`)) {
		t.Errorf("%d bytes of %d, %v", len(packed), len(ours), err)
	}
	if alone, _, err := packJWT(ours, beside{}, l.give, l.spell); err != nil || len(alone) < len(packed)+50 {
		t.Errorf("%d bytes beside its row, %d without: %v", len(packed), len(alone), err)
	}
	if other, _, err := unpackJWT(packed, beside{"another", row.subject}, l.spell); err == nil && other == ours {
		t.Error("the id is not the row's")
	}
	head, rest, _ := strings.Cut(ours, ".")
	body, signature, _ := strings.Cut(rest, ".")
	encode := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	for _, jwt := range []string{ours, "", ".", "..", "a.b.c", "header.payload-1.signature", head + "." + body, ours + ".x", ours + "=", ours + "\n",
		head + "." + encode("\x01\x02\x03\x04") + "." + signature, head + "." + encode(`{"a":"","a_b":1,"cnf":{"x"`) + "." + signature,
		head + "." + encode(`{"cat":`) + "." + signature, head + "." + encode(`{"iss":"`) + "." + signature, head + "." + encode(`"a":`) + "." + signature,
		head + "." + encode(`{"_sd":["`+strings.Repeat("A", 43)+`","`+strings.Repeat("_", 43)+`"]}`) + "." + signature,
		encode(strings.Repeat("x", maxWord+1)) + "." + body + "." + signature} {
		packed, _, err := packJWT(jwt, row, l.give, l.spell)
		if err != nil {
			t.Fatal(err)
		}
		if back, _, err := unpackJWT(packed, row, l.spell); err != nil || back != jwt {
			t.Errorf("%q came back as %q (%v)", jwt, back, err)
		}
	}
	if _, _, err := unpackJWT(packed, row, new(words).spell); !errors.Is(err, errPacked) {
		t.Errorf("without its words: %v", err)
	}
}

// Words of one record never stand among those that all records share.
func TestWordsAreOfNoRecord(t *testing.T) {
	l := &lexicon{}
	jwt, digests := signedPart(t, 770_077_001, 3)
	row := rowOf(t, jwt)
	if _, _, err := packJWT(jwt, row, l.give, l.spell); err != nil {
		t.Fatal(err)
	}
	all := strings.Join(l.texts, "\n")
	for _, own := range append(digests, "770077001", "例投诉", "hotline", "2026-04-05", "h1.") {
		if strings.Contains(all, own) {
			t.Errorf("%s is in the words:\n%s", own, all)
		}
	}
	if !strings.Contains(all, "complaint_number") {
		t.Error("the test looks in the wrong place")
	}
}

func testFields(t *testing.T, digests []string) (fields []SealedField) {
	sealer, err := seal.NewSealer(bytes.Repeat([]byte{7}, seal.KeySize), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for i, digest := range digests {
		name := fmt.Sprintf("field_%d", i)
		box, err := sealer.Seal(seal.Binding{Record: "r", Field: name, Digest: digest}, []byte("639900199000000000"))
		if err != nil {
			t.Fatal(err)
		}
		fields = append(fields, SealedField{Field: name, Digest: digest, Sealed: box})
	}
	return fields
}

func TestBoxesComeBackAsTheyWere(t *testing.T) {
	l := &lexicon{}
	jwt, digests := signedPart(t, 1, 3)
	row := rowOf(t, jwt)
	_, payload, _ := packJWT(jwt, row, l.give, l.spell)
	fields := append(testFields(t, append(digests, "digest-elsewhere")), SealedField{Field: "gone", Digest: digests[0], Erased: true})
	for _, apart := range []bool{false, true} {
		for name, number := range map[string]numbering{"words": l.give, "no words": func([]byte) (uint64, error) { return 0, nil }} {
			data, err := encodeBoxes(fields, apart, payload, number)
			if err != nil {
				t.Fatal(err)
			}
			got, err := decodeBoxes(data, payload, l.spell)
			if err != nil || len(got) != len(fields) {
				t.Fatalf("%d fields, %v", len(got), err)
			}
			for i := range got {
				if apart {
					got[i].Sealed.Key = fields[i].Sealed.Key
				}
				if !reflect.DeepEqual(got[i], fields[i]) {
					t.Errorf("apart %v, %s: %+v instead of %+v", apart, name, got[i], fields[i])
				}
			}
			for cut := range len(data) {
				if some, err := decodeBoxes(data[:cut], payload, l.spell); err == nil && len(some) >= len(fields) {
					t.Errorf("cut at %d it is whole", cut)
				}
			}
		}
	}
	if _, err := encodeBoxes([]SealedField{{Field: "a", Digest: "d"}}, true, nil, l.give); err == nil {
		t.Error("a field without anything sealed was stored")
	}
}

func TestEntriesComeBackAsTheyWere(t *testing.T) {
	var all []feed.Entry
	var data []byte
	for i, id := range []string{"AAAAAAAAAAAAAAAAAAAAAA", "record-000000000000001", strings.Repeat("x", 64), "AAAAAAAAAAAAAAAAAAAAAB"} {
		e := feed.EntryOf(entryKinds[i], id, id)
		all = append(all, e)
		data = append(data, packEntry(e)...)
		served, err := tlog.EntryBundle([][]byte{e.Encode()}) // as it was stored before
		if err != nil {
			t.Fatal(err)
		}
		all, data = append(all, e), append(data, served...)
	}
	if got, err := unpackEntries(data); err != nil || !slices.Equal(got, all) {
		t.Errorf("%v %v", got, err)
	}
	for _, bad := range [][]byte{nil, {5}, {1}, {0, 1}, {1, 0, 1}, data[:len(data)-1]} {
		if got, err := unpackEntries(bad); err == nil {
			t.Errorf("%x: %v", bad, got)
		}
	}
}

func FuzzPacked(f *testing.F) {
	l := &lexicon{}
	jwt, _ := signedPart(f, 1, 2)
	row := beside{"x", "person:h1.y"}
	packed, payload, _ := packJWT(jwt, row, l.give, l.spell)
	f.Add(packed, payload)
	f.Add(packEntry(feed.EntryOf(feed.Record, "AAAAAAAAAAAAAAAAAAAAAA", "x")), []byte(`{"_sd":["`))
	f.Add(fieldKeys{{"a", []byte{1}}}.encode(), []byte(`"cat":1,"iss":"a.`))
	f.Fuzz(func(t *testing.T, data, text []byte) {
		_, _, _ = unpackJWT(data, row, l.spell)
		_, _ = decodeBoxes(data, text, l.spell)
		_, _ = unpackEntries(data)
		_, _ = decodeKeys(data)
		jwt := "e30." + base64.RawURLEncoding.EncodeToString(text) + ".e30"
		packed, _, err := packJWT(jwt, row, l.give, l.spell)
		if err != nil {
			t.Fatal(err)
		}
		if back, _, err := unpackJWT(packed, row, l.spell); err != nil || back != jwt {
			t.Fatalf("%q came back as %q (%v)", jwt, back, err)
		}
	})
}

// oldRow is a record with its sealed fields as schema 5 had it.
func oldRow(t *testing.T, n int, apart bool) (r Record, row []any) {
	jwt, digests := signedPart(t, n, 2)
	fields := testFields(t, digests)
	fields[1] = SealedField{Field: fields[1].Field, Digest: fields[1].Digest, Erased: true}
	r = Record{Position: int64(n), ID: exchange.RecordID(fmt.Sprintf("record-%016d", n)), Category: "complaint", Author: "association", Operator: "li",
		Subject: "org:91639900M00000000L", SubjectKind: "enterprise", CatalogueVersion: 1, CatalogueDigest: fmt.Sprintf("sha256:%064x", 7), IssuedAt: 5,
		JWT: jwt, Digest: DigestOf(jwt), Sealed: fields, RowKey: DigestOf(fmt.Sprint(n)), RowDigest: "not a digest", Source: "s", Trust: "A",
		Status: Active, Area: 639900, Numbers: []string{"例1"}, KnownAt: 6, FeedIndex: int64(n - 1)}
	if n == 2 {
		r.RowKey = ""
	}
	old := make([]sealedJSON, len(fields))
	for i := range fields {
		old[i] = sealedJSON{Field: fields[i].Field, Digest: fields[i].Digest}
		if !fields[i].Erased && apart {
			old[i].Box = fields[i].Sealed.Box
		} else if !fields[i].Erased {
			old[i].Sealed = &fields[i].Sealed
		}
	}
	text, err := strictjson.Marshal(old)
	if err != nil {
		t.Fatal(err)
	}
	return r, []any{r.Position, string(r.ID), r.Category, string(r.Author), string(r.Operator), string(r.Subject), r.SubjectKind, r.CatalogueVersion,
		r.CatalogueDigest, 5, r.JWT, r.Digest, string(text), r.RowKey, r.RowDigest, r.Source, r.Trust, "[]", "active", "", r.FeedIndex, 6, r.Area, `["例1"]`}
}

const insertOld = `INSERT INTO records (position, id, category, author, operator, subject, subject_kind, catalogue_version, catalogue_digest, issued_at,
	jwt, digest, sealed, row_key, row_digest, source, trust, flags, status, reason, feed_index, known_at, area, numbers)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

// Records written before schema 6 are what they were, on both engines, and a row that
// was imported then is known.
func TestOldRecordsArePacked(t *testing.T) {
	file := filepath.Join(t.TempDir(), "records.db")
	t.Run("sqlite", func(t *testing.T) {
		testOldRecords(t, func() (*sqlStore, Store, error) { s, err := OpenSQLite(t.Context(), file); return &s.sqlStore, s, err })
	})
	t.Run("postgres", func(t *testing.T) {
		server := postgrestest.Shared(t)
		d := Database{URL: server.URL(server.Schema(t), 0), Password: server.Password, Owner: Owner{"demo", "association", "node-1"}, Keys: file + ".keys"}
		testOldRecords(t, func() (*sqlStore, Store, error) {
			s, err := OpenPostgres(t.Context(), d)
			return &s.sqlStore, s, err
		})
	})
}

func testOldRecords(t *testing.T, open func() (*sqlStore, Store, error)) {
	ctx, now := context.Background(), migrations
	migrations = now[:packedSchema-1]
	defer func() { migrations = now }()
	raw, s, err := open()
	if err != nil {
		t.Fatal(err)
	}
	var want []Record
	for n := 1; n <= 600; n++ {
		r, row := oldRow(t, n, raw.keys != nil)
		want = append(want, r)
		if _, err := raw.writer.ExecContext(ctx, raw.engine.bind(insertOld), row...); err != nil {
			t.Fatal(err)
		}
		if raw.keys != nil {
			text := fmt.Sprintf(`{"field_0":%q,"field_1":""}`, base64.RawStdEncoding.EncodeToString(r.Sealed[0].Sealed.Key))
			if _, err := raw.keys.writer.ExecContext(ctx, `PRAGMA user_version = 0`); err != nil {
				t.Fatal(err)
			}
			if _, err := raw.keys.writer.ExecContext(ctx, `INSERT INTO field_keys (id, keys) VALUES (?, ?)`, string(r.ID), text); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	migrations = now
	if _, s, err = open(); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, w := range want {
		if got, err := s.Get(ctx, w.ID); err != nil || !reflect.DeepEqual(got, w) {
			t.Fatalf("%#v (%v), want %#v", got, err, w)
		}
	}
	refs, err := s.ByRowKeys(ctx, "association", "complaint", []string{want[0].RowKey, want[2].RowKey, "unknown"})
	if err != nil || len(refs) != 2 || refs[want[0].RowKey] != (RowRef{want[0].ID, "not a digest"}) {
		t.Errorf("%v, %v", refs, err)
	}
	again, _ := oldRow(t, 601, false)
	again.RowKey, again.Status = want[0].RowKey, ""
	if err := s.InsertBatch(ctx, []Record{again}); !errors.Is(err, ErrDuplicate) {
		t.Errorf("a row that is known was stored again: %v", err)
	}
}
