package client

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"time"

	"accord/crypto/bundle"
	"accord/crypto/tlog"
	"accord/exchange"
	"accord/exchange/lists"
	"accord/node/wire"
)

// ErrLists is given when the lists that a node shows are not those its members signed.
var ErrLists = exchange.Define(exchange.KindUnverified, "NET-006",
	exchange.Text{Zh: "节点 {where} 所示名单与其成员单位签署的不符：{why}", En: "the lists that the node at {where} shows are not those its members signed: {why}"},
	exchange.Text{Zh: "不要采用；向该联合体的另一成员节点查询，并保留取得的文件", En: "do not use them; ask another member's node of that federation, and keep the files"})

// PublicLists are a federation's lists as a stranger gets them: every entry with its
// evidence, and the members' word that there is no other.
type PublicLists struct {
	Federation string
	Position   int64                       // leaves of its ledger that they stand on
	At         time.Time                   // whose standing is meant
	Entries    []wire.Entry                // list, subject, name, ground, measures and By are proven; the rest, as dates, is the node's word
	Files      map[exchange.EntryID][]byte // evidence file of each
	Proof      []byte                      // evidence file of the members' word
}

// listPage is how many entries a page has, and maxListPages how many pages another
// federation's node may go on for.
const (
	listPage     = 500
	maxListPages = 2000
)

// listTries is how often lists are read anew from which an entry went while they were
// read.
const listTries = 4

// PublicLists gets the lists of the federation of a charter and verifies them down to
// it: each entry was put on its list by a statement under a checkpoint that members
// cosigned, and a quorum signed exactly this set of subjects. held, if not nil, gives
// the evidence file of an entry from before, which is verified and not fetched again.
func (c *Client) PublicLists(ctx context.Context, charter bundle.Digest, held func(exchange.EntryID) []byte) (*PublicLists, error) {
	l := listing{Client: c, charter: charter, files: map[exchange.EntryID][]byte{}, held: held}
	for try := 1; ; try++ {
		word, err := l.word(ctx)
		if err != nil {
			return nil, err
		}
		shown, err := l.standing(ctx)
		if err != nil {
			return nil, err
		}
		out, again, err := l.prove(ctx, word, shown)
		if !again || try == listTries {
			return out, err
		}
	}
}

// listing is one reading of another federation's lists.
type listing struct {
	*Client
	charter bundle.Digest
	files   map[exchange.EntryID][]byte // evidence that is here
	held    func(exchange.EntryID) []byte
}

func (l *listing) bad(why string) error { return ErrLists.With("where", l.where, "why", why) }

// patiently asks again, up to a minute, where a node answers that strangers ask too much:
// there is a request for each entry.
func patiently(ctx context.Context, ask func() error) error {
	for wait := 0; ; wait++ {
		err := ask()
		if err == nil || wait == 60 || exchange.AsError(err).Code != tooMany {
			return err
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return err
		}
	}
}

// tooMany is the code by which a node says so.
const tooMany = "API-040"

// word is the members' word on the lists as the ledger stands now. Entries are looked at
// after it, so that those which come meanwhile can be told by their position.
func (l *listing) word(ctx context.Context) (proof *bundle.Bundle, err error) {
	var size int64
	var raw []byte
	err = patiently(ctx, func() error {
		ledger, err := l.Ledger(ctx, false)
		if size = ledger.Size; err == nil {
			raw, err = l.Raw(ctx, "/api/v1/lists/proof?size="+strconv.FormatInt(size, 10))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	report := bundle.Verify(raw, bundle.Options{Trust: &l.charter})
	if proof, err = bundle.Parse(raw); err != nil || !report.OK || !report.Anchored || proof.Lists == nil {
		return nil, l.bad("the members' word does not verify")
	}
	if proof.Lists.Position < size {
		return nil, l.bad("the members' word is an old one")
	}
	l.files[""] = raw
	return proof, nil
}

// standing are the entries that the node shows the public.
func (l *listing) standing(ctx context.Context) (all []wire.Entry, err error) {
	cursor := ""
	for range maxListPages {
		var page wire.Entries
		err := patiently(ctx, func() (err error) {
			page, err = l.FindEntries(ctx, url.Values{}, cursor, listPage, false)
			return err
		})
		if err != nil {
			return nil, err
		}
		all = append(all, page.Entries...)
		if cursor = page.Next; cursor == "" {
			return all, nil
		}
	}
	return nil, l.bad("there is no end of them")
}

// evidence is an entry's file, from before or from the node. One from before that does
// not verify is no fault of the node's: it is fetched again.
func (l *listing) evidence(ctx context.Context, id exchange.EntryID) ([]byte, error) {
	if l.files[id] == nil && l.held != nil {
		if file := l.held(id); file != nil {
			if _, _, ok := entryProven(file, l.charter, id); ok {
				l.files[id] = file
			}
		}
	}
	if l.files[id] != nil {
		return l.files[id], nil
	}
	err := patiently(ctx, func() (err error) {
		l.files[id], err = l.Raw(ctx, "/api/v1/entries/"+seg(string(id))+"/bundle")
		return err
	})
	return l.files[id], err
}

// prove holds entries against the members' word. again says that they may have changed in
// between.
func (l *listing) prove(ctx context.Context, proof *bundle.Bundle, shown []wire.Entry) (out *PublicLists, again bool, err error) {
	word, _, err := tlog.Read([]byte(proof.Lists.Note))
	if err != nil {
		return nil, false, l.bad("the members' word does not verify")
	}
	out = &PublicLists{Federation: proof.Federation, Position: proof.Lists.Position, At: exchange.Millis(proof.Lists.At).Time(),
		Files: map[exchange.EntryID][]byte{}, Proof: l.files[""]}
	var keys []bundle.ListKey
	for _, e := range shown {
		if e.Seq >= out.Position || !e.ListedUntil.After(out.At) || e.NominatedAt.After(out.At) {
			continue // not yet, or no more, when the members signed
		}
		keys = append(keys, bundle.ListKeyOf(proof.Federation, e.List, string(e.Subject)))
		out.Entries = append(out.Entries, e)
	}
	if tree := bundle.NewListTree(keys).Checkpoint(proof.Federation, proof.Lists.Position, proof.Lists.At); tree.Size != word.Size || tree.Root != word.Root {
		return nil, true, l.bad("somebody is missing, or was added")
	}
	for _, e := range out.Entries {
		if !exchange.ValidID(string(e.ID)) {
			return nil, false, l.bad("an entry without an id")
		}
		file, err := l.evidence(ctx, e.ID)
		if err != nil {
			return nil, true, err
		}
		claims, seq, ok := entryProven(file, l.charter, e.ID)
		if !ok || seq != e.Seq || claims.Issuer != e.By || claims.List != e.List || claims.Subject != e.Subject ||
			claims.Name != e.Name || claims.Ground != e.Ground || !slices.Equal(claims.Measures, e.Measures) {
			return nil, false, l.bad("entry " + string(e.ID))
		}
		out.Files[e.ID] = file
	}
	return out, false, nil
}

// entryProven is what an evidence file says of an entry, if it verifies under a charter,
// and the statement that put it on its list.
func entryProven(file []byte, charter bundle.Digest, id exchange.EntryID) (claims *lists.Claims, seq int64, ok bool) {
	b, err := bundle.Parse(file)
	if report := bundle.Verify(file, bundle.Options{Trust: &charter}); err != nil || !report.OK || !report.Anchored {
		return nil, 0, false
	}
	for _, d := range b.Documents {
		if d.Kind != bundle.KindEntry || d.RestsOn == nil {
			continue
		}
		_, doc, err := lists.ReadDocument(d.SDJWT)
		if err == nil && doc.ID == id {
			return doc, *d.RestsOn, true
		}
	}
	return nil, 0, false
}
