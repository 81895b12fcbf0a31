package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"

	"accord/crypto/keys"
	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/node/wire"
)

// Federation describes the federation and its members.
func (c *Client) Federation(ctx context.Context) (wire.Federation, error) {
	var out wire.Federation
	return out, c.get(ctx, "/api/v1/federation", nil, &out)
}

// Rosters are the papers of the membership after a version.
func (c *Client) Rosters(ctx context.Context, after int) (wire.Rosters, error) {
	var out wire.Rosters
	return out, c.get(ctx, "/api/v1/members/rosters", map[string]string{"after": num(after)}, &out)
}

// Recoveries are the plans by which the ledger went on after a quorum was lost.
func (c *Client) Recoveries(ctx context.Context) (wire.Recoveries, error) {
	var out wire.Recoveries
	return out, c.get(ctx, "/api/v1/members/recoveries", nil, &out)
}

// Membership is where the nodes stand on the way to the roster in force.
func (c *Client) Membership(ctx context.Context) (wire.Membership, error) {
	var out wire.Membership
	return out, c.get(ctx, "/api/v1/members/status", nil, &out)
}

// EndorseRoster signs a proposed roster with this member's key.
func (c *Client) EndorseRoster(ctx context.Context, in wire.SignedRoster) (wire.Endorsement, error) {
	var out wire.Endorsement
	return out, c.call(ctx, http.MethodPost, "/api/v1/members/endorse", in, &out)
}

// EnactRoster puts a roster endorsed by enough seats in force.
func (c *Client) EnactRoster(ctx context.Context, in wire.SignedRoster) (wire.Done, error) {
	var out wire.Done
	return out, c.call(ctx, http.MethodPost, "/api/v1/members/enact", in, &out)
}

// NewKeys has the node make keys for these uses.
func (c *Client) NewKeys(ctx context.Context, uses []keys.Use) (wire.Introduction, error) {
	var out wire.Introduction
	return out, c.call(ctx, http.MethodPost, "/api/v1/members/keys", wire.NewKeys{Uses: uses}, &out)
}

// Status is the node's own state.
func (c *Client) Status(ctx context.Context) (wire.NodeStatus, error) {
	var out wire.NodeStatus
	return out, c.get(ctx, "/api/v1/node/status", nil, &out)
}

// Check is what the node sees when it looks at itself and its peers.
func (c *Client) Check(ctx context.Context) (wire.NodeCheck, error) {
	var out wire.NodeCheck
	return out, c.get(ctx, "/api/v1/node/check", nil, &out)
}

// AskPeer asks another member's node how it sees this one.
func (c *Client) AskPeer(ctx context.Context) (wire.PeerAnswer, error) {
	var out wire.PeerAnswer
	return out, c.call(ctx, http.MethodPost, "/api/v1/peers/check", struct{}{}, &out)
}

// Backup copies a sealed backup of the node to out.
func (c *Client) Backup(ctx context.Context, in wire.Backup, out io.Writer) error {
	raw, err := strictjson.Marshal(in)
	if err != nil {
		return err
	}
	resp, err := c.send(ctx, http.MethodPost, "/api/v1/node/backup", "application/json", bytes.NewReader(raw))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(out, resp.Body); err != nil {
		return c.failed(ctx, http.MethodGet, err) // whatever arrived, nothing was changed there
	}
	return nil
}

// Ledger is the node's ledger position. With barrier it first waits for
// everything committed by now.
func (c *Client) Ledger(ctx context.Context, barrier bool) (wire.Ledger, error) {
	var out wire.Ledger
	return out, c.get(ctx, "/api/v1/ledger", c.reading(map[string]string{}, barrier), &out)
}

// Statements pages through the ledger after the sequence number.
func (c *Client) Statements(ctx context.Context, after int64, limit int) (wire.Statements, error) {
	var out wire.Statements
	return out, c.get(ctx, "/api/v1/ledger/statements", c.reading(map[string]string{"after": strconv.FormatInt(after, 10), "limit": num(limit)}, false), &out)
}

// Checkpoint is the node's signed note over the ledger of the given size; 0
// asks for its current size.
func (c *Client) Checkpoint(ctx context.Context, size int64) (wire.Checkpoint, error) {
	var out wire.Checkpoint
	q := map[string]string{}
	if size > 0 {
		q["size"] = strconv.FormatInt(size, 10)
	}
	return out, c.get(ctx, "/api/v1/ledger/checkpoint", q, &out)
}

// Bundle is the evidence file over everything this node can show.
func (c *Client) Bundle(ctx context.Context) ([]byte, error) {
	return c.Raw(ctx, "/api/v1/ledger/bundle")
}

// EntryBundle is the evidence file of one list entry.
func (c *Client) EntryBundle(ctx context.Context, id exchange.EntryID) ([]byte, error) {
	return c.Raw(ctx, "/api/v1/entries/"+seg(string(id))+"/bundle")
}

// Catalogue is the document in force, as the exact bytes its members signed.
func (c *Client) Catalogue(ctx context.Context) ([]byte, error) {
	return c.Raw(ctx, "/api/v1/catalogue")
}

// Endorse signs a compiled catalogue document with this member's key.
func (c *Client) Endorse(ctx context.Context, document string) (wire.Endorsement, error) {
	var out wire.Endorsement
	return out, c.call(ctx, http.MethodPost, "/api/v1/catalogue/endorse", wire.AdoptCatalogue{Document: document}, &out)
}

// AdoptCatalogue puts a version endorsed by enough seats in force.
func (c *Client) AdoptCatalogue(ctx context.Context, in wire.AdoptCatalogue) (wire.Done, error) {
	var out wire.Done
	return out, c.call(ctx, http.MethodPost, "/api/v1/catalogue/adopt", in, &out)
}

// EntryQuery selects list entries.
type EntryQuery struct {
	Subject string // subject id, or a unified social credit code
	Status  string
	At      string // RFC 3339; empty: now
	Cursor  string
	Limit   int
	Linear  bool // wait for everything committed by now
}

// Entries pages through a list.
func (c *Client) Entries(ctx context.Context, list string, q EntryQuery) (wire.Entries, error) {
	var out wire.Entries
	query := map[string]string{"subject": q.Subject, "status": q.Status, "at": q.At, "cursor": q.Cursor, "limit": num(q.Limit)}
	return out, c.get(ctx, "/api/v1/lists/"+seg(list)+"/entries", c.reading(query, q.Linear), &out)
}

// Entry is one list entry.
func (c *Client) Entry(ctx context.Context, id exchange.EntryID) (wire.Entry, error) {
	var out wire.Entry
	return out, c.get(ctx, "/api/v1/entries/"+seg(string(id)), c.reading(map[string]string{}, false), &out)
}

// Nominate puts a subject forward for a list.
func (c *Client) Nominate(ctx context.Context, list string, in wire.Nominate) (wire.Entry, error) {
	var out wire.Entry
	return out, c.call(ctx, http.MethodPost, "/api/v1/lists/"+seg(list)+"/entries", in, &out)
}

// Withdraw ends an entry during its notice period.
func (c *Client) Withdraw(ctx context.Context, id exchange.EntryID, in wire.EndEntry) (wire.Entry, error) {
	var out wire.Entry
	return out, c.call(ctx, http.MethodPost, "/api/v1/entries/"+seg(string(id))+"/withdraw", in, &out)
}

// Remove ends a listed entry.
func (c *Client) Remove(ctx context.Context, id exchange.EntryID, in wire.EndEntry) (wire.Entry, error) {
	var out wire.Entry
	return out, c.call(ctx, http.MethodPost, "/api/v1/entries/"+seg(string(id))+"/remove", in, &out)
}

// RecordQuery selects records by what most callers ask for; see Find for all of it.
type RecordQuery struct {
	Category, Subject, Kind, Author, Status, Cursor string
	Limit                                           int
}

// Records pages through the records the node holds.
func (c *Client) Records(ctx context.Context, q RecordQuery) (wire.Records, error) {
	var out wire.Records
	return out, c.get(ctx, "/api/v1/records", map[string]string{"category": q.Category, "subject": q.Subject, "kind": q.Kind, "author": q.Author,
		"status": q.Status, "cursor": q.Cursor, "limit": num(q.Limit)}, &out)
}

// Record is one record's signed part; author "" means this member, any other
// is fetched from the author's node and verified.
func (c *Client) Record(ctx context.Context, id exchange.RecordID, author exchange.MemberID) (wire.Record, error) {
	var out wire.Record
	return out, c.get(ctx, "/api/v1/records/"+seg(string(id)), map[string]string{"author": string(author)}, &out)
}

// AddRecord enters one record by hand.
func (c *Client) AddRecord(ctx context.Context, in wire.AddRecord) (wire.Record, error) {
	var out wire.Record
	return out, c.call(ctx, http.MethodPost, "/api/v1/records", in, &out)
}

// CorrectRecord replaces a record by one with other values.
func (c *Client) CorrectRecord(ctx context.Context, id exchange.RecordID, in wire.CorrectRecord) (wire.Record, error) {
	var out wire.Record
	return out, c.call(ctx, http.MethodPost, "/api/v1/records/"+seg(string(id))+"/correct", in, &out)
}

// RetractRecord takes a record back.
func (c *Client) RetractRecord(ctx context.Context, id exchange.RecordID, in wire.CorrectRecord) (wire.Record, error) {
	var out wire.Record
	return out, c.call(ctx, http.MethodPost, "/api/v1/records/"+seg(string(id))+"/retract", in, &out)
}

// ImportQuery says how a file is read.
type ImportQuery struct {
	File    string // name, for the report and for choosing a reader
	Mapping string // name of a shipped mapping, or the text of one
	DryRun  bool
	AsOf    string           // day on which "future" and retention are judged, 2006-01-02; empty: today
	Plan    *wire.ImportPlan // what a dry run found: nothing is stored unless it still holds
}

// Import sends a file and reports progress while the node works.
func (c *Client) Import(ctx context.Context, q ImportQuery, file io.Reader, progress func(done, total int)) (wire.ImportReport, error) {
	v := url.Values{"file": {q.File}}
	contentType := "application/octet-stream"
	if len(q.Mapping) > mappingInQuery {
		file, contentType = withMapping(q.Mapping, file)
	} else {
		v.Set("mapping", q.Mapping)
	}
	if q.DryRun {
		v.Set("dry_run", "true")
	}
	if q.AsOf != "" {
		v.Set("as_of", q.AsOf)
	}
	if q.Plan != nil {
		plan, err := strictjson.Marshal(q.Plan)
		if err != nil {
			return wire.ImportReport{}, exchange.ErrInternal.Wrap(err)
		}
		v.Set("plan", string(plan))
	}
	resp, err := c.send(ctx, http.MethodPost, "/api/v1/records/import?"+v.Encode(), contentType, file)
	if err != nil {
		return wire.ImportReport{}, err
	}
	var report *wire.ImportReport
	err = c.events(ctx, resp, func(line json.RawMessage) error {
		var e wire.ImportEvent
		if err := strictjson.UnmarshalLoose(line, &e); err != nil {
			return ErrAnswer.Wrap(err, "where", c.where)
		}
		switch {
		case e.Problem != nil:
			return c.refusal(*e.Problem)
		case e.Report != nil:
			report = e.Report
		case progress != nil:
			progress(e.Done, e.Total)
		}
		return nil
	})
	if err != nil {
		return wire.ImportReport{}, err
	}
	if report == nil { // the stream broke off between two lines
		return wire.ImportReport{}, ErrLost.With("where", c.where)
	}
	return *report, nil
}

// mappingInQuery is the longest mapping that goes into the query, where a Chinese
// character takes nine bytes, in bytes.
const mappingInQuery = 1 << 10

// withMapping is a form of the mapping and the file, as one stream.
func withMapping(mapping string, file io.Reader) (io.Reader, string) {
	var head, tail bytes.Buffer
	form := multipart.NewWriter(&head)
	_ = form.WriteField("mapping", mapping) // a buffer takes everything
	_, _ = form.CreateFormFile("file", "file")
	_, _ = fmt.Fprintf(&tail, "\r\n--%s--\r\n", form.Boundary())
	return io.MultiReader(&head, file, &tail), form.FormDataContentType()
}

// AskRelease asks the federation to open private fields.
func (c *Client) AskRelease(ctx context.Context, in wire.AskRelease) (wire.Release, error) {
	var out wire.Release
	return out, c.call(ctx, http.MethodPost, "/api/v1/releases", in, &out)
}

// Release is one receipt.
func (c *Client) Release(ctx context.Context, id exchange.ReleaseID) (wire.Release, error) {
	var out wire.Release
	return out, c.get(ctx, "/api/v1/releases/"+seg(string(id)), nil, &out)
}

// Releases pages through receipts.
func (c *Client) Releases(ctx context.Context, status, cursor string, limit int) (wire.Releases, error) {
	var out wire.Releases
	return out, c.get(ctx, "/api/v1/releases", map[string]string{"status": status, "cursor": cursor, "limit": num(limit)}, &out)
}

// Approve gives the author's consent to a pending release.
func (c *Client) Approve(ctx context.Context, id exchange.ReleaseID, note string) (wire.Release, error) {
	var out wire.Release
	return out, c.call(ctx, http.MethodPost, "/api/v1/releases/"+seg(string(id))+"/approve", wire.Judge{Note: note}, &out)
}

// Deny refuses it.
func (c *Client) Deny(ctx context.Context, id exchange.ReleaseID, note string) (wire.Release, error) {
	var out wire.Release
	return out, c.call(ctx, http.MethodPost, "/api/v1/releases/"+seg(string(id))+"/deny", wire.Judge{Note: note}, &out)
}

// Open fetches a granted release from the author, verifies it and shows the
// fields.
func (c *Client) Open(ctx context.Context, id exchange.ReleaseID) (wire.Opened, error) {
	var out wire.Opened
	return out, c.call(ctx, http.MethodPost, "/api/v1/releases/"+seg(string(id))+"/open", struct{}{}, &out)
}

// Deliver is what a requester's node asks of the author's: the envelope of a
// granted release.
func (c *Client) Deliver(ctx context.Context, id exchange.ReleaseID) (wire.Delivery, error) {
	var out wire.Delivery
	return out, c.call(ctx, http.MethodPost, "/api/v1/releases/"+seg(string(id))+"/deliver", struct{}{}, &out)
}
