package api

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"accord/crypto/cryptotest"
	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/sdjwt"
	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/agency"
	"accord/exchange/lists"
	"accord/node/client"
	"accord/node/config"
	"accord/node/wire"
)

const statementsPath = "/api/v1/ledger/statements"

// statement is a nomination of a subject by a member, signed outside any node.
func (w *world) statement(by exchange.MemberID, subject exchange.SubjectID) []byte {
	w.t.Helper()
	var raw [16]byte
	rand.Read(raw[:])
	id := base64.RawURLEncoding.EncodeToString(raw[:])
	must := func(b []byte, err error) []byte {
		w.t.Helper()
		if err != nil {
			w.t.Fatal(err)
		}
		return b
	}
	claims := must(strictjson.Marshal(lists.Claims{Issuer: by, Subject: subject, ID: exchange.EntryID(id), IssuedAt: w.clock().Unix(),
		Type: lists.VCT("black"), Federation: "qinghai", Catalogue: 1, List: "black", SubjectKind: "enterprise", Name: "例",
		Ground: "decision", Decision: &lists.DecisionRef{Number: "1", Authority: "例"}, TermDays: 365,
		Cnf: lists.Confirmation{JWK: cryptotest.Key(string(by), keys.Release).Public().JWK()}}))
	doc, _, err := sdjwt.Issue(cryptotest.Key(string(by), keys.Attest), agency.TypEntry, claims, nil, 0, rand.Reader, "list")
	must(nil, err)
	body := must(strictjson.Marshal(lists.NominateBody{Entries: []lists.Document{{Doc: doc + "~"}}}))
	payload := must(exchange.Command{Federation: "qinghai", Issuer: by, Operator: "clerk", At: exchange.MillisOf(w.clock()),
		Catalogue: 1, ID: exchange.CommandID(id), Verb: exchange.VerbNominate, Body: json.RawMessage(body)}.Encode())
	token, err := jws.Sign(cryptotest.Key(string(by), keys.Command), jws.TypCommand, payload)
	must(nil, err)
	return []byte(token)
}

// subject is a made-up organisation.
func subject(n int) exchange.SubjectID {
	return exchange.SubjectID(fmt.Sprintf("org:91639900MA%08d", n))
}

// serve runs a member's node over a real socket, as a caller sees it.
func (w *world) serve(m exchange.MemberID, c caller) *client.Client {
	w.t.Helper()
	srv := httptest.NewUnstartedServer(w.servers[m].Handler())
	srv.Config.ConnContext = func(ctx context.Context, _ net.Conn) context.Context { return c.context(ctx) }
	srv.Start()
	w.t.Cleanup(srv.Close)
	dial := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", srv.Listener.Addr().String())
	}}
	w.t.Cleanup(dial.CloseIdleConnections)
	return client.New(&http.Client{Transport: dial}, string(m), exchange.OperatorID(c.operator), exchange.En)
}

func TestASignedStatementIsPutOnTheLedger(t *testing.T) {
	w := newWorld(t)
	st := w.statement("regulator", subject(1))
	for name, c := range map[string]*client.Client{"operator": w.serve("regulator", as(config.Clerk)),
		"another member, through another's node": w.serve("commission", caller{member: "court"})} {
		res, err := c.Submit(t.Context(), st)
		if err != nil || !res.OK || res.Seq != 1 || res.Repeat != (w.machine.View().Index() > 1) {
			t.Errorf("%s: %+v, %v", name, res, err)
		}
	}
	refused, err := w.serve("regulator", as(config.Clerk)).Submit(t.Context(), w.statement("regulator", subject(1)))
	if err != nil || refused.OK || refused.Error == nil || refused.Seq != 2 {
		t.Errorf("what the ledger refuses is answered %+v, %v", refused, err)
	}
	for text, want := range map[string]int{`"act":"statement.submit"`: 4, `"result":"begun"`: 2, `"result":"allowed"`: 2, `"count":1`: 4} {
		if n, err := w.audited("regulator", text); n != want || err != nil {
			t.Errorf("%s: %d lines, %v", text, n, err)
		}
	}
}

// A stream stays open between statements, answers each before the next is sent,
// and outlives what is wrong with one.
func TestAStreamOfStatementsIsAnsweredLineByLine(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]*client.Client{"operator": w.serve("regulator", as(config.Clerk)),
		"member": w.serve("commission", caller{member: "regulator"})} {
		before := w.machine.View().Seq()
		stream, err := c.Submitting(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for i := range 5 {
			res, err := stream.Submit(w.statement("regulator", subject(100*len(name)+i)))
			if err != nil || !res.OK || res.Seq != before+int64(i)+1 {
				t.Fatalf("%s: statement %d: %+v, %v", name, i, res, err)
			}
			if _, err := stream.Submit([]byte("no statement")); exchange.AsError(err).Kind != exchange.KindInvalid {
				t.Fatalf("%s: nonsense is answered %v", name, err)
			}
		}
		if err := stream.Close(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for text, want := range map[string]int{`"act":"statement.submit"`: 2, `"count":10`: 1} {
		if n, err := w.audited("regulator", text); n != want || err != nil {
			t.Errorf("%s: %d lines, %v", text, n, err)
		}
	}
}

// Shows: B2
func TestHostileStatementsChangeNothing(t *testing.T) {
	w := newWorld(t)
	good := string(w.statement("regulator", subject(1)))
	head, rest, _ := strings.Cut(good, ".")
	payload, sig, _ := strings.Cut(rest, ".")
	for name, body := range map[string]string{
		"nothing":             "",
		"JSON":                `{"unknown":"` + canary + `"}`,
		"two":                 good + "\n" + good,
		"cut":                 good[:len(good)-3],
		"another payload":     head + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"a":"`+canary+`"}`)) + "." + sig,
		"another signature":   head + "." + payload + "." + strings.Repeat("A", 86),
		"no signature":        head + "." + payload + ".",
		"an entry's document": documentIn(t, payload),
		"a blank before":      " " + good,
		"too long":            strings.Repeat("A", exchange.MaxCommand+1),
		"much too long":       strings.Repeat("A", 4*exchange.MaxCommand),
		"binary":              "\x00\xff" + canary,
	} {
		for _, media := range []string{mediaStatement, mediaStatements} {
			got := w.ask("regulator", as(config.Clerk), "POST", statementsPath, body, "Content-Type", media)
			text := got.body
			if media == mediaStatement && (got.status == http.StatusOK || got.status != http.StatusBadRequest && got.status != http.StatusUnprocessableEntity && got.status != http.StatusRequestEntityTooLarge) {
				t.Errorf("%s as one: %d %s", name, got.status, got.code)
			}
			if media == mediaStatements && name != "two" && strings.Contains(text, `"ok":true`) {
				t.Errorf("%s in a stream: %s", name, text)
			}
			if media == mediaStatements && body != "" && strings.Count(text, "\n") < 1 {
				t.Errorf("%s in a stream is not answered: %q", name, text)
			}
			if strings.Contains(text, canary) || strings.Contains(w.log.String(), canary) {
				t.Errorf("%s: the value is repeated", name)
			}
		}
	}
	if seq := w.machine.View().Seq(); seq != 1 { // "two", as a stream: one statement, said twice
		t.Errorf("%d statements on the ledger", seq)
	}
	for _, media := range []string{"", "application/json", "application/jose+json", "text/plain", "application/jose-lines;;"} {
		if got := w.ask("regulator", as(config.Clerk), "POST", statementsPath, good, "Content-Type", media); got.code != ErrStatement.Code {
			t.Errorf("%q: %d %s", media, got.status, got.code)
		}
	}
	if got := w.ask("regulator", as(config.Clerk), "POST", statementsPath+"?x=1", good, "Content-Type", mediaStatement); got.code != ErrQuery.Code {
		t.Errorf("with a query: %d %s", got.status, got.code)
	}
}

// documentIn is the entry's document inside a nomination's payload.
func documentIn(t *testing.T, payload string) string {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		t.Fatal(err)
	}
	cmd, err := exchange.DecodeCommand(raw)
	if err != nil {
		t.Fatal(err)
	}
	var body lists.NominateBody
	if err := exchange.DecodeBody(cmd.Verb, cmd.Body, &body); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(body.Entries[0].Doc, "~")
}

func TestWithoutAuditNoStatementIsTaken(t *testing.T) {
	w := newWorld(t)
	w.servers["regulator"].Audit.Close()
	for _, media := range []string{mediaStatement, mediaStatements} {
		got := w.ask("regulator", as(config.Clerk), "POST", statementsPath, string(w.statement("regulator", subject(1))), "Content-Type", media)
		if got.code != "AUDIT-001" || w.machine.View().Seq() != 0 {
			t.Errorf("%s: %d %s, %d statements", media, got.status, got.code, w.machine.View().Seq())
		}
	}
}

// A line without an end is cut at the longest statement, not kept.
func TestAnEndlessLineEndsTheStream(t *testing.T) {
	w := newWorld(t)
	body := append(w.statement("regulator", subject(1)), '\n')
	body = append(body, bytes.Repeat([]byte("A"), 2*exchange.MaxCommand)...)
	got := w.ask("regulator", as(config.Clerk), "POST", statementsPath, string(body), "Content-Type", mediaStatements)
	lines := strings.Split(strings.TrimSpace(got.body), "\n")
	var last wire.Submitted
	if len(lines) != 2 || !strings.Contains(lines[0], `"ok":true`) || strictjson.Unmarshal([]byte(lines[1]), &last) != nil || last.Problem == nil || last.Problem.Code != "CMD-002" {
		t.Errorf("answered %s", got.body)
	}
	if n, err := w.audited("regulator", `"result":"CMD-002"`); n != 1 || err != nil {
		t.Errorf("%d audit lines, %v", n, err)
	}
}

func TestAMemberHasSoManyStreams(t *testing.T) {
	w := newWorld(t)
	c := w.serve("commission", caller{member: "court"})
	var open []*client.Submission
	for range maxMemberStreams {
		s, err := c.Submitting(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, s)
	}
	if _, err := c.Submitting(t.Context()); code(err) != ErrStreams.Code {
		t.Errorf("one more: %v", err)
	}
	if _, err := w.serve("commission", caller{member: "regulator"}).Submit(t.Context(), w.statement("regulator", subject(1))); err != nil {
		t.Errorf("another member: %v", err)
	}
	for _, s := range open {
		s.Close()
	}
	if _, err := c.Submit(t.Context(), w.statement("court", subject(2))); err != nil {
		t.Errorf("after they are closed: %v", err)
	}
}

func TestAMembersShareIsKept(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	a := &allowance{tokens: memberBurst, at: now}
	if wait := a.owe(memberBurst, now); wait > 0 {
		t.Errorf("the burst waits %s", wait)
	}
	if wait := a.owe(memberRate, now); wait != time.Second {
		t.Errorf("a second's share beyond it waits %s", wait)
	}
	if wait := a.owe(0, now.Add(time.Hour)); wait > 0 || a.tokens != memberBurst {
		t.Errorf("after an hour: %s, %v tokens", wait, a.tokens)
	}
	done, cancel := context.WithCancel(t.Context())
	cancel()
	if a.owe(10*memberBurst, time.Now()); a.take(done, 1) == nil {
		t.Error("a caller that has gone is waited for")
	}
}

// Many streams at once: every statement is answered once and with its own id.
func TestStreamsSideBySide(t *testing.T) {
	w := newWorld(t)
	c := w.serve("regulator", as(config.Clerk))
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			stream, err := c.Submitting(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			defer stream.Close()
			for j := range 10 {
				st := w.statement("regulator", subject(1000*i+j))
				token, _ := jws.Parse(string(st))
				cmd, _ := exchange.DecodeCommand(token.Payload)
				if res, err := stream.Submit(st); err != nil || res.ID != cmd.ID || !res.OK {
					t.Errorf("%+v, %v", res, err)
				}
			}
		})
	}
	wg.Wait()
	if seq := w.machine.View().Seq(); seq != 80 {
		t.Errorf("%d statements", seq)
	}
}
