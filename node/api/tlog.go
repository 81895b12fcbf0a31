package api

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"

	"accord/crypto/bundle"
	"accord/crypto/keys"
	"accord/crypto/tlog"
	"accord/exchange"
	"accord/exchange/machine"
	"accord/exchange/members"
	"accord/node/witness"
)

// This file serves the ledger to anybody's transparency-log tools, in C2SP's
// forms under the prefix /ledger: checkpoint, tile/<L>/<N>, tile/entries/<N>,
// and policy, which names whose signatures to look for. Nothing here is
// private: an entry is bundle.Leaf, a random id, a hash and an outcome.

// ErrTile is given for a tile this ledger does not fill.
var ErrTile = exchange.Define(exchange.KindNotFound, "LEDGER-026",
	exchange.Text{Zh: "账本没有这个切片", En: "this ledger has no such tile"},
	exchange.Text{Zh: "按检查点的条数计算切片", En: "compute tiles from the checkpoint's size"})

// served is the newest cosigned note with this node's own signature as a mirror
// of the log in front. C2SP tlog-checkpoint wants every checkpoint signed under
// the log's own name, and strict tools look for that line before anything else;
// a federation has no log key that somebody could hold, so each member signs
// what it serves under that name with its cosigning key. Policy lists all of
// them as the log's. The line says "this member serves this", and is worth
// nothing without the quorum of cosignatures below it.
func (s *Server) served() ([]byte, error) {
	newest, ok := s.Witness.Newest()
	if !ok {
		return nil, witness.ErrNoCheckpoint.With()
	}
	return s.withLogLine([]byte(newest.Note))
}

// withLogLine puts this node's signature under the log's name in front.
func (s *Server) withLogLine(note []byte) ([]byte, error) {
	c, sigs, err := tlog.Read(note)
	if err != nil {
		return nil, err
	}
	key, err := s.Agency.Keys.Key(keys.Cosign)
	if err != nil {
		return nil, err
	}
	signer, err := tlog.NewLogSigner(s.Agency.Federation, key)
	if err != nil {
		return nil, err
	}
	own, err := signer.Sign(c, 0)
	if err != nil {
		return nil, err
	}
	return tlog.Format(c, append([]tlog.Signature{own}, sigs...)...)
}

func (s *Server) tlogCheckpoint(w http.ResponseWriter, r *http.Request) error {
	if _, err := queryOf(r); err != nil {
		return err
	}
	note, err := s.served()
	if err != nil {
		return err
	}
	return tagged(w, r, "text/plain; charset=utf-8", "no-cache", note)
}

// tlogPolicy is the C2SP tlog-policy: each member's key as a witness, and as a
// log for the line it puts under what it serves, with the charter's quorum.
func (s *Server) tlogPolicy(w http.ResponseWriter, r *http.Request) error {
	if _, err := queryOf(r); err != nil {
		return err
	}
	policy, err := policyOf(s.view(), exchange.MillisOf(s.Clock()))
	if err != nil {
		return err
	}
	return tagged(w, r, "text/plain; charset=utf-8", "no-cache", []byte(policy.String()))
}

// policyOf lists the active members' cosigning keys.
func policyOf(view *machine.View, at exchange.Millis) (*tlog.Policy, error) {
	fed := view.Federation()
	var logs, witnesses []tlog.Key
	for _, m := range view.Members() {
		public, ok := m.Key(keys.Cosign, max(at, view.Time()))
		if m.Status != members.Active || !ok {
			continue
		}
		log, err := tlog.LogKey(fed.ID, public)
		if err != nil {
			return nil, err
		}
		cosigner, err := tlog.CosignerKey(fed.ID, string(m.ID), public)
		if err != nil {
			return nil, err
		}
		logs, witnesses = append(logs, log), append(witnesses, cosigner)
	}
	return tlog.NewLogPolicy(fed.CosignQuorum, logs, witnesses)
}

func (s *Server) tlogTile(w http.ResponseWriter, r *http.Request) error {
	if _, err := queryOf(r); err != nil {
		return err
	}
	tile, err := tlog.ParseTilePath("tile/" + r.PathValue("path"))
	if err != nil {
		return ErrTile.Wrap(err)
	}
	data, err := tileOf(s.view(), tile)
	if err != nil {
		return ErrTile.Wrap(err)
	}
	// What a tile of this width holds never changes, but a partial one is not
	// worth keeping for ever: the full one takes its place.
	cache := "public, max-age=31536000, immutable"
	if tile.Width < tlog.TileWidth {
		cache = "public, max-age=60"
	}
	return tagged(w, r, "application/octet-stream", cache, data)
}

func tileOf(view *machine.View, tile tlog.Tile) ([]byte, error) {
	if tile.Level != tlog.EntriesLevel {
		return view.Tree().TileData(tile)
	}
	first := tile.Index * tlog.TileWidth
	if tile.Width < 1 || tile.Width > tlog.TileWidth || first < 0 || first+int64(tile.Width) > view.Size() {
		return nil, tlog.ErrRange
	}
	entries := make([][]byte, 0, tile.Width)
	if first == 0 {
		entries = append(entries, bundle.CharterLeaf([]byte(view.Federation().Charter)))
	}
	for st := range view.Statements(max(first-1, 0)) {
		if len(entries) == tile.Width {
			break
		}
		entries = append(entries, bundle.Leaf(string(st.ID), []byte(st.JWS), st.Recorded()))
	}
	return tlog.EntryBundle(entries)
}

// tagged answers with a body that a cache may keep as said, or with 304 when
// the caller has it.
func tagged(w http.ResponseWriter, r *http.Request, contentType, cache string, body []byte) error {
	sum := sha256.Sum256(body)
	tag := `"` + hex.EncodeToString(sum[:16]) + `"`
	h := w.Header()
	h.Set("Cache-Control", cache)
	h.Set("ETag", tag)
	for known := range strings.SplitSeq(r.Header.Get("If-None-Match"), ",") {
		if strings.TrimSpace(known) == tag {
			w.WriteHeader(http.StatusNotModified)
			return nil
		}
	}
	return raw(w, contentType, body)
}
