package backup

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"io"
	"time"

	"accord/crypto/keys"
	"accord/crypto/seal"
	"accord/crypto/strictjson"
	"accord/exchange"
)

// Format is the version of the file.
const Format = "accord-backup/1"

const (
	magic       = Format + "\n"
	maxManifest = 256 << 10
	// maxRecipients bounds who a backup is sealed to.
	maxRecipients = 16
	keyContent    = "accord-backup-key"
)

// Manifest is what anybody may read of a backup. It holds nothing private.
type Manifest struct {
	Format     string            `json:"format"`
	Federation string            `json:"federation"`
	Charter    string            `json:"charter"` // digest
	Member     exchange.MemberID `json:"member"`
	Node       string            `json:"node"`
	Version    string            `json:"version"` // of the program that wrote it
	Created    time.Time         `json:"created"`
	Offline    bool              `json:"offline"` // of a node that was stopped
	WithKeys   bool              `json:"with_keys"`
	Ledger     Position          `json:"ledger"`
	Records    int64             `json:"records"`
	Audit      int64             `json:"audit_lines"`
	Files      int               `json:"files"`
	Bytes      int64             `json:"bytes"` // of all files, before compression
	Signer     keys.Public       `json:"signer"`
	Recipients []Recipient       `json:"recipients"`
}

// Position is where the ledger in a backup stands.
type Position struct {
	Index  uint64    `json:"index"`
	Size   int64     `json:"size"`
	Root   string    `json:"root"`   // hex
	Digest string    `json:"digest"` // of the state, hex
	Time   time.Time `json:"time"`
	// Confirmed is the size up to which the node knew that its federation had
	// agreed. It is less than Size only in the backup of a stopped node, whose
	// last entries may never have been.
	Confirmed int64 `json:"confirmed"`
}

// Recipient holds the stream's key for one who may open it.
type Recipient struct {
	KID string `json:"kid"`
	Key string `json:"key"` // JWE to the recipient's seal key
}

// KIDs names who can open the backup.
func (m *Manifest) KIDs() []string {
	var all []string
	for _, r := range m.Recipients {
		all = append(all, r.KID)
	}
	return all
}

// address draws the stream's key and encrypts it to every recipient.
func (m *Manifest) address(to []keys.Public) (key []byte, err error) {
	if len(to) == 0 || len(to) > maxRecipients {
		return nil, ErrRecipient.With("why", "there must be 1 to 16")
	}
	key = make([]byte, seal.KeySize)
	if _, err := rand.Read(key); err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, r := range to {
		wrapped, err := seal.Encrypt(r, keyContent, key)
		if err != nil || seen[r.KID()] {
			return nil, ErrRecipient.Wrap(err, "why", "not a key to seal to, or named twice")
		}
		seen[r.KID()] = true
		m.Recipients = append(m.Recipients, Recipient{r.KID(), wrapped})
	}
	return key, nil
}

// unwrap gets the stream's key out with a recipient's private key.
func (m *Manifest) unwrap(k keys.Private) ([]byte, error) {
	for _, r := range m.Recipients {
		if r.KID != k.KID() {
			continue
		}
		if key, err := seal.Decrypt(k, keyContent, r.Key); err == nil && len(key) == seal.KeySize {
			return key, nil
		}
	}
	return nil, ErrKey.With("kids", m.KIDs())
}

// front is the file's beginning: magic, length, manifest.
func (m *Manifest) front() ([]byte, error) {
	raw, err := strictjson.Marshal(m)
	if err != nil {
		return nil, err
	}
	return append(binary.BigEndian.AppendUint32([]byte(magic), uint32(len(raw))), raw...), nil
}

// readFront reads the file's beginning and gives its bytes, too.
func readFront(r io.Reader) (m Manifest, front []byte, err error) {
	front = make([]byte, len(magic)+4)
	if _, err := io.ReadFull(r, front); err != nil || string(front[:len(magic)]) != magic {
		return m, nil, ErrFormat.With("file", "it")
	}
	n := binary.BigEndian.Uint32(front[len(magic):])
	if n > maxManifest {
		return m, nil, ErrDamaged.With("why", "manifest")
	}
	raw := make([]byte, n)
	if _, err := io.ReadFull(r, raw); err != nil {
		return m, nil, ErrDamaged.With("why", "it ends in the manifest")
	}
	if err := strictjson.Unmarshal(raw, &m); err != nil || m.Format != Format || m.Signer.Use() != keys.Command ||
		len(m.Recipients) == 0 || len(m.Recipients) > maxRecipients || !exchange.ValidName(m.Federation) || !exchange.ValidName(string(m.Member)) {
		return Manifest{}, nil, ErrDamaged.With("why", "manifest")
	}
	return m, append(front, raw...), nil
}

// contextOf binds the sealed stream to the manifest it goes with.
func contextOf(front []byte) string {
	sum := sha256.Sum256(front)
	return Format + " " + hex.EncodeToString(sum[:])
}
