package feeds

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"strings"

	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/strictjson"
	"accord/crypto/tlog"
	"accord/exchange"
	"accord/exchange/records"
	"accord/node/wire"
)

// A part is a stretch of an author's feed as a file, for a member that its node does
// not reach. It holds what that member would get over the wire, in lines:
//
//	accord-feed-file/1
//	<head>                         JSON, see PartHead
//	<path of a tile> <base64>      as many as the head says: bundles of entries and tiles of hashes
//	<evidence file>                what the ledger says of the feed, or -
//	<document>                     one for each entry, as the wire gives it to this member
//	<signature>                    JWS of the author's attest key over all lines above
//
// The same follower that asks a node asks the part (source).

// MaxPart is the largest part in bytes. A part ends before it has PartTarget bytes
// of documents, or with the document that takes it there.
const (
	MaxPart    = 32 << 20
	PartTarget = 16 << 20

	partTag  = "accord-feed-file/1\n"
	noWord   = "-"
	maxTiles = 1 << 16
	maxWord  = 4 << 20 // bytes of evidence about the ledger that a part carries
)

var partKind = jws.Kind{Typ: "accord-feed-file+jws", Use: keys.Attest}

// The errors of files of a feed.
var (
	ErrPart = exchange.Define(exchange.KindInvalid, "FEED-040",
		exchange.Text{Zh: "不是完整的记录流文件：{why}", En: "not a whole file of a feed: {why}"},
		exchange.Text{Zh: "从介质重新复制，或请记录单位重新导出", En: "copy it from the medium again, or have its author export it anew"})
	ErrPartSigned = exchange.Define(exchange.KindUnverified, "FEED-041",
		exchange.Text{Zh: "记录流文件的签名不成立：不是 {author} 签署的，或途中被改动", En: "the file's signature does not hold: {author} did not sign it, or it was altered on the way"},
		exchange.Text{Zh: "没有导入任何内容；请记录单位重新导出并查明介质经手人", En: "nothing was taken from it; have it exported anew, and find out through whose hands the medium went"})
	ErrPartFor = exchange.Define(exchange.KindRefused, "FEED-042",
		exchange.Text{Zh: "文件是联合体 {federation} 中 {author} 给 {to} 的，不是给本节点的", En: "the file is {author}'s for {to} in the federation {federation}, not for this node"},
		exchange.Text{Zh: "请记录单位以 accord feed export --peer 为本单位导出", En: "have its author export one for this member with accord feed export --peer"})
	ErrPartGap = exchange.Define(exchange.KindConflict, "FEED-043",
		exchange.Text{Zh: "文件从第 {from} 条开始，本节点只有 {author} 的前 {have} 条，中间缺文件", En: "the file begins at entry {from}, and this node holds {have} entries of {author}: a file between them is missing"},
		exchange.Text{Zh: "先导入从第 {have} 条开始的文件；没有时请记录单位以 --since {have} 重新导出", En: "import the file that begins at entry {have} first; if there is none, have it exported with --since {have}"})
	ErrPartLedger = exchange.Define(exchange.KindUnavailable, "FEED-044",
		exchange.Text{Zh: "本节点所知的账本不足以核验该文件：{why}", En: "what this node knows of the ledger does not suffice to verify the file: {why}"},
		exchange.Text{Zh: "请记录单位在有共签检查点时重新导出（文件会带上账本的证明），或让本节点先跟上账本", En: "have it exported anew while checkpoints are cosigned (the file then carries the ledger's proof), or let this node catch up with the ledger first"})
)

// PartHead says what a part is.
type PartHead struct {
	Federation string            `json:"federation"`
	Author     exchange.MemberID `json:"author"`
	To         exchange.MemberID `json:"to"`
	From       int64             `json:"from"`  // first entry
	Until      int64             `json:"until"` // entry behind the last
	Size       int64             `json:"size"`  // entries of the feed when it was made
	MadeAt     int64             `json:"made_at"`
	Catalogue  int               `json:"catalogue"` // version by which the author withholds
	Tiles      int               `json:"tiles"`
	Note       string            `json:"note"` // signed checkpoint of the feed
}

// Part is one, read. It is a Peer that knows this stretch and nothing else.
type Part struct {
	PartHead
	tiles     map[tlog.Tile][]byte
	word      []byte // evidence file about the ledger; nil for none
	documents []wire.FeedDocument
	digest    string
	signature string
}

func (h PartHead) valid() bool {
	return exchange.ValidName(h.Federation) && exchange.ValidName(string(h.Author)) && exchange.ValidName(string(h.To)) && h.Author != h.To &&
		h.From >= 0 && h.From <= h.Until && h.Until <= h.Size && h.Size <= tlog.MaxSize && h.MadeAt > 0 && h.Catalogue > 0 &&
		h.Tiles >= 0 && h.Tiles <= maxTiles && len(h.Note) <= tlog.MaxNote
}

// signed is what the signature is over.
type signed struct {
	Format string `json:"format"`
	Digest string `json:"digest"` // SHA-256 of the lines above, hex
}

// encode writes the part, signed.
func (p *Part) encode(attest keys.Private) ([]byte, error) {
	p.Tiles = len(p.tiles)
	head, err := strictjson.Marshal(p.PartHead)
	if err != nil {
		return nil, err
	}
	b := append(append([]byte(partTag), head...), '\n')
	paths := map[string][]byte{}
	for tile, data := range p.tiles {
		paths[tile.Path()] = data
	}
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		b = append(append(b, path...), ' ')
		b = append(base64.StdEncoding.AppendEncode(b, paths[path]), '\n')
	}
	word := bytes.TrimSpace(p.word)
	if len(word) == 0 || len(word) > maxWord || bytes.ContainsRune(word, '\n') {
		word = []byte(noWord)
	}
	b = append(append(b, word...), '\n')
	for _, d := range p.documents {
		line, err := d.Line()
		if err != nil {
			return nil, err
		}
		b = append(append(b, line...), '\n')
	}
	sum := sha256.Sum256(b)
	payload, err := strictjson.Marshal(signed{strings.TrimSpace(partTag), hex.EncodeToString(sum[:])})
	if err != nil {
		return nil, err
	}
	token, err := jws.SignKind(attest, partKind, payload)
	if err != nil {
		return nil, err
	}
	if b = append(append(b, token...), '\n'); len(b) > MaxPart {
		return nil, ErrPart.With("why", "too long")
	}
	return b, nil
}

// ReadPart reads a part's form and verifies nothing.
func ReadPart(raw []byte) (*Part, error) {
	bad := func(why string) (*Part, error) { return nil, ErrPart.With("why", why) }
	rest, ok := strings.CutPrefix(string(raw), partTag)
	switch {
	case len(raw) > MaxPart:
		return bad("too long")
	case !ok:
		return bad("of another kind or version")
	}
	next := func() (line string) {
		line, rest, ok = strings.Cut(rest, "\n")
		return line
	}
	p := &Part{tiles: map[tlog.Tile][]byte{}}
	if head := next(); !ok || strictjson.Unmarshal([]byte(head), &p.PartHead) != nil || !p.valid() {
		return bad("its head")
	}
	for range p.Tiles {
		path, data, _ := strings.Cut(next(), " ")
		tile, err := tlog.ParseTilePath(path)
		content, berr := base64.StdEncoding.Strict().DecodeString(data)
		if err != nil || berr != nil || !ok || len(content) == 0 || p.tiles[tile] != nil {
			return bad("a tile")
		}
		p.tiles[tile] = content
	}
	if word := next(); word != noWord {
		p.word = []byte(word)
	}
	if !ok || len(p.word) > maxWord {
		return bad("what it says of the ledger")
	}
	for index := p.From; index < p.Until; index++ {
		line := next()
		if !ok {
			return bad("it ends early")
		}
		d, err := wire.ParseFeedDocument([]byte(line))
		if err != nil || d.Index != index {
			return bad("document " + strconv.FormatInt(index, 10))
		}
		p.documents = append(p.documents, d)
	}
	sum := sha256.Sum256(raw[:len(raw)-len(rest)])
	p.digest = hex.EncodeToString(sum[:])
	if p.signature = next(); !ok || rest != "" {
		return bad("it goes on behind its signature, or ends before it")
	}
	return p, nil
}

// verify checks the author's signature over the whole.
func (p *Part) verify(lookup jws.Lookup) error {
	t, err := jws.VerifyKind(p.signature, partKind, lookup)
	var s signed
	if err == nil {
		err = strictjson.Unmarshal(t.Payload, &s)
	}
	if err != nil || s.Digest != p.digest || s.Format != strings.TrimSpace(partTag) {
		return ErrPartSigned.Wrap(err, "author", p.Author)
	}
	return nil
}

// FeedCheckpoint implements Peer.
func (p *Part) FeedCheckpoint(context.Context, exchange.MemberID) ([]byte, error) {
	return []byte(p.Note), nil
}

// FeedTile implements Peer. The lowest hashes are made of the entries, and a narrower
// tile is the beginning of a wider one.
func (p *Part) FeedTile(_ context.Context, _ exchange.MemberID, tile tlog.Tile) ([]byte, error) {
	wide, data := p.widest(tile.Level, tile.Index)
	if tile.Level > 0 || tile.Level == 0 && wide >= tile.Width {
		if wide < tile.Width || len(data) != wide*tlog.HashSize {
			return nil, ErrPart.With("why", "a tile is not in it")
		}
		return data[:tile.Width*tlog.HashSize], nil
	}
	wide, data = p.widest(tlog.EntriesLevel, tile.Index)
	entries, err := tlog.ParseEntryBundle(data, wide)
	if err != nil || wide < tile.Width {
		return nil, ErrPart.Wrap(err, "why", "a tile is not in it")
	}
	if tile.Level == tlog.EntriesLevel {
		return tlog.EntryBundle(entries[:tile.Width])
	}
	var hashes []byte
	for _, e := range entries[:tile.Width] {
		h := tlog.LeafHash(e)
		hashes = append(hashes, h[:]...)
	}
	return hashes, nil
}

// widest is the widest tile in the part at a place.
func (p *Part) widest(level int, index int64) (width int, data []byte) {
	for _, width := range []int{tlog.TileWidth, int(p.Size >> (8 * max(level, 0)) % tlog.TileWidth)} {
		if data := p.tiles[tlog.Tile{Level: level, Index: index, Width: width}]; data != nil {
			return width, data
		}
	}
	return 0, nil
}

// FeedDocuments implements Peer.
func (p *Part) FeedDocuments(_ context.Context, _ exchange.MemberID, ask wire.AskDocuments, each func(wire.FeedDocument) error) error {
	for _, e := range ask.Entries {
		if !p.has(e.Index) {
			return ErrPart.With("why", "document "+strconv.FormatInt(e.Index, 10))
		}
		if err := each(p.documents[e.Index-p.From]); err != nil {
			return err
		}
	}
	return nil
}

// FeedReceipt implements Peer: receipts go back with the acknowledgement.
func (p *Part) FeedReceipt(context.Context, exchange.MemberID, wire.FeedReceipt) error { return nil }

func (p *Part) has(index int64) bool { return index >= p.From && index < p.Until }

// source is where a round gets an author's words from: its node or, by hand, a part.
type source struct {
	Peer
	part *Part // nil: its node
	word *word // what the part brings of the ledger, verified; nil for none
}

// reach is how far a round can get: to the head, or to the end of the part.
func (s source) reach(h head) int64 {
	if s.part == nil {
		return h.Size
	}
	return min(h.Size, s.part.Until)
}

// within are those of the items that the source can give.
func (s source) within(items []records.Item) []records.Item {
	if s.part == nil {
		return items
	}
	return slices.DeleteFunc(slices.Clone(items), func(i records.Item) bool { return !s.part.has(i.Index) })
}
