package witness

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/machine"
	"accord/node/failpoint"
	"accord/node/founding"
	"accord/node/wire"
)

// The errors of complaints.
var (
	ErrComplaint = exchange.Define(exchange.KindUnverified, "LEDGER-023",
		exchange.Text{Zh: "申诉不成立：{why}", En: "the complaint does not hold: {why}"},
		exchange.Text{Zh: "由申诉单位的节点重新签发", En: "let the complaining member's node sign it anew"})
	ErrComplaintsFull = exchange.Define(exchange.KindUnavailable, "LEDGER-024",
		exchange.Text{Zh: "本节点保存的 {member} 的未决申诉已满", En: "this node keeps no more open complaints of {member}"},
		exchange.Text{Zh: "待已有申诉处理后再试", En: "try again when some are resolved"})
)

// claims is what a member signs to complain.
type claims struct {
	Federation string              `json:"fed"`
	Issuer     exchange.MemberID   `json:"iss"`
	At         exchange.Millis     `json:"iat"`
	ID         exchange.CommandID  `json:"id"`                // of the statement
	Digest     string              `json:"digest"`            // of the statement as signed
	Since      exchange.Millis     `json:"since"`             // first tried
	Leaders    []exchange.MemberID `json:"leaders,omitempty"` // whose nodes led when it was tried
	Statement  string              `json:"statement"`         // as signed, so that anybody can bring it
}

// The bounds of complaints, for each member.
const (
	maxComplaint      = 2 * exchange.MaxCommand // bytes of one
	maxComplaints     = 32
	maxComplaintBytes = 4 << 20
	maxLeaders        = 16
)

// What became of a complaint.
const (
	ComplaintOpen     = "open"
	ComplaintIncluded = "included"
	// ComplaintLapsed: an honest leader could not take the statement any more,
	// because its time is too far back. It stays as evidence.
	ComplaintLapsed = "lapsed"
)

// lapse is when no honest leader takes a statement any more: twice the minute
// around its clock within which it does.
const lapse = 2 * time.Minute

// complaint is one that this node keeps.
type complaint struct {
	claims
	jws    string
	at     exchange.Millis // the statement's own time
	status string
	seq    int64
	told   map[exchange.MemberID]bool // who has it, as far as this node knows
	tried  time.Time                  // when this node last proposed the statement
}

// complaints is the book of them.
type complaints struct {
	mu   sync.Mutex
	byID map[exchange.CommandID]*complaint // guarded by mu
}

// complaintPaper is a file of the folder.
type complaintPaper struct {
	Format string `json:"format"`
	JWS    string `json:"jws"`
	Status string `json:"status"`
	Seq    int64  `json:"seq,omitempty"`
}

const complaintFormat = "accord-complaint/1"

func (w *Witness) readComplaints() error {
	w.book.byID = map[exchange.CommandID]*complaint{}
	files, err := filepath.Glob(filepath.Join(w.Dir, complaintDir, "*.json"))
	if err != nil {
		return err
	}
	for _, path := range files {
		raw, err := os.ReadFile(path)
		var p complaintPaper
		if err == nil {
			err = strictjson.Unmarshal(raw, &p)
		}
		if err == nil && p.Format != complaintFormat {
			err = errors.New("unknown format")
		}
		var c *complaint
		if err == nil {
			c, err = readClaims(p.JWS)
		}
		if err != nil {
			return ErrFolder.Wrap(err, "file", path)
		}
		c.status, c.seq = p.Status, p.Seq
		w.book.byID[c.ID] = c
	}
	return nil
}

// readClaims reads a complaint's form. Nothing is verified.
func readClaims(token string) (*complaint, error) {
	if len(token) > maxComplaint {
		return nil, errors.New("it is too long")
	}
	t, err := jws.Parse(token)
	if err != nil {
		return nil, err
	}
	c := &complaint{jws: token, status: ComplaintOpen, told: map[exchange.MemberID]bool{}}
	if err := strictjson.Unmarshal(t.Payload, &c.claims); err != nil {
		return nil, err
	}
	st, err := jws.Parse(c.Statement)
	if err != nil {
		return nil, err
	}
	cmd, err := exchange.DecodeCommand(st.Payload)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(c.Statement))
	switch {
	case cmd.ID != c.ID, c.Digest != "sha256:"+hex.EncodeToString(sum[:]), cmd.Issuer != c.Issuer:
		return nil, errors.New("it names another statement than it holds")
	case len(c.Leaders) > maxLeaders, c.Since > c.At, c.At <= 0:
		return nil, errors.New("its times or leaders contradict each other")
	}
	c.at = cmd.At
	return c, nil
}

// verifyComplaint judges a complaint of somebody else's making.
func (w *Witness) verifyComplaint(token string) (*complaint, error) {
	c, err := readClaims(token)
	if err != nil {
		return nil, ErrComplaint.Wrap(err, "why", "form")
	}
	if c.Federation != w.Federation {
		return nil, ErrComplaint.With("why", "another federation's")
	}
	view := w.Ledger.View()
	_, err = jws.Verify(token, jws.TypComplaint, func(kid string) (keys.Public, error) {
		m, key, ok := view.KeyAt(kid, c.At)
		if !ok || m.ID != c.Issuer {
			return keys.Public{}, jws.ErrKey
		}
		return key, nil
	})
	if err != nil {
		return nil, ErrComplaint.Wrap(err, "why", "its signature")
	}
	if err := w.Check([]byte(c.Statement)); err != nil {
		return nil, ErrComplaint.Wrap(err, "why", "its statement would be refused by everybody")
	}
	return c, nil
}

// Hear takes a complaint from a peer: verified, kept, shown, passed on and
// helped. from already has it.
func (w *Witness) Hear(token string, from exchange.MemberID) (wire.Complaint, error) {
	c, err := w.verifyComplaint(token)
	if err != nil {
		return wire.Complaint{}, err
	}
	kept, err := w.enter(c)
	if err != nil {
		return wire.Complaint{}, err
	}
	w.book.mu.Lock()
	defer w.book.mu.Unlock()
	kept.told[from] = true
	return kept.shown(), nil
}

// enter puts a verified complaint into the book, unless it is there. Each
// member has a share of the book, from which its resolved ones go first.
func (w *Witness) enter(c *complaint) (*complaint, error) {
	w.book.mu.Lock()
	defer w.book.mu.Unlock()
	if have := w.book.byID[c.ID]; have != nil {
		return have, nil
	}
	if !w.book.room(c, func(old *complaint) { os.Remove(w.complaintPath(old.ID)) }) {
		return nil, ErrComplaintsFull.With("member", c.Issuer)
	}
	c.resolve(w.Ledger.View(), w.Clock())
	if err := w.storeComplaint(c); err != nil {
		return nil, err
	}
	w.book.byID[c.ID] = c
	w.Log.Warn("a member complains that its statement is not taken", "member", c.Issuer, "statement", c.ID, "digest", c.Digest,
		"leaders", c.Leaders, "since", c.Since.Time(), "status", c.status)
	return c, nil
}

// room makes place for one more complaint of its member; the caller holds mu.
func (b *complaints) room(c *complaint, drop func(*complaint)) bool {
	var same []*complaint
	bytes := len(c.jws)
	for _, x := range b.byID {
		if x.Issuer == c.Issuer {
			same, bytes = append(same, x), bytes+len(x.jws)
		}
	}
	slices.SortFunc(same, func(a, b *complaint) int { return int(a.At - b.At) })
	for _, x := range same {
		if len(same) < maxComplaints && bytes <= maxComplaintBytes {
			break
		}
		if x.status == ComplaintOpen {
			continue
		}
		bytes -= len(x.jws)
		same = slices.DeleteFunc(slices.Clone(same), func(y *complaint) bool { return y == x })
		delete(b.byID, x.ID)
		drop(x)
	}
	return len(same) < maxComplaints && bytes <= maxComplaintBytes
}

func (w *Witness) complaintPath(id exchange.CommandID) string {
	return filepath.Join(w.Dir, complaintDir, string(id)+".json")
}

func (w *Witness) storeComplaint(c *complaint) error {
	raw, err := strictjson.Marshal(complaintPaper{complaintFormat, c.jws, c.status, c.seq})
	failpoint.Hit("witness.complaint.before")
	if err == nil {
		err = founding.WriteFile(w.complaintPath(c.ID), raw)
	}
	failpoint.Hit("witness.complaint.after")
	if err != nil {
		return ErrKeep.Wrap(err, "file", string(c.ID)+".json")
	}
	return nil
}

// resolve says what has become of the statement; true if that is news.
func (c *complaint) resolve(view *machine.View, now time.Time) bool {
	was := c.status
	if st, ok := view.FindStatement(c.ID); ok && st.JWS == c.Statement {
		c.status, c.seq = ComplaintIncluded, st.Seq
	} else if c.status == ComplaintOpen && now.Sub(c.at.Time()) > lapse {
		c.status = ComplaintLapsed
	}
	return c.status != was
}

func (c *complaint) shown() wire.Complaint {
	return wire.Complaint{ID: c.ID, Digest: c.Digest, Member: c.Issuer, Since: c.Since.Time(), At: c.At.Time(),
		Leaders: c.Leaders, Status: c.status, Seq: c.seq}
}

// Complaints is every complaint kept, oldest first.
func (w *Witness) Complaints() []wire.Complaint {
	w.book.mu.Lock()
	defer w.book.mu.Unlock()
	out := make([]wire.Complaint, 0, len(w.book.byID))
	for _, c := range w.book.byID {
		out = append(out, c.shown())
	}
	slices.SortFunc(out, func(a, b wire.Complaint) int {
		if d := a.At.Compare(b.At); d != 0 {
			return d
		}
		return strings.Compare(string(a.ID), string(b.ID))
	})
	return out
}

// OpenComplaints counts those whose statement is not on the ledger.
func (w *Witness) OpenComplaints() (n int) {
	for _, c := range w.Complaints() {
		if c.Status == ComplaintOpen {
			n++
		}
	}
	return n
}
