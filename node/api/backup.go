package api

import (
	"errors"
	"io"
	"net/http"
	"time"

	"accord/crypto/keys"
	"accord/exchange"
	"accord/node/audit"
	"accord/node/backup"
	"accord/node/wire"
)

// ErrBackingUp is given while another backup is being written.
var ErrBackingUp = exchange.Define(exchange.KindUnavailable, "API-025",
	exchange.Text{Zh: "正在备份", En: "a backup is being written"},
	exchange.Text{Zh: "等它完成后再试", En: "wait until it is done"})

// backup streams a sealed backup of this node. What goes wrong after the first
// byte breaks the stream off: a backup without its end is none.
func (s *Server) backup(w http.ResponseWriter, r *http.Request) error {
	var in wire.Backup
	if err := body(r, &in); err != nil {
		return err
	}
	var to []keys.Public
	for _, text := range in.To {
		k, err := backup.ReadRecipient([]byte(text))
		if err != nil {
			return err
		}
		to = append(to, k)
	}
	if len(to) == 0 {
		return ErrMember.With("member", "to").At("to")
	}
	if !s.backingUp.TryLock() {
		return ErrBackingUp.With()
	}
	defer s.backingUp.Unlock()
	if err := http.NewResponseController(w).SetWriteDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	out := &first{w: w}
	err := s.act(r, audit.Event{Act: "node.backup"}, func(*audit.Event) error { return s.Node.Backup(r.Context(), out, to, in.WithKeys) })
	if err != nil && out.wrote {
		panic(http.ErrAbortHandler)
	}
	return err
}

// first remembers whether anything was written.
type first struct {
	w     io.Writer
	wrote bool
}

func (f *first) Write(b []byte) (int, error) {
	f.wrote = true
	return f.w.Write(b)
}
