package backup

import (
	"bytes"
	"time"

	"accord/crypto/keys"
	"accord/crypto/keystore"
	"accord/crypto/strictjson"
	"accord/exchange"
)

// recipient is the public half of a recipient's pair, as a file.
type recipient struct {
	Format string      `json:"format"`
	Key    keys.Public `json:"key"`
}

const (
	recipientFormat = "accord-backup-recipient/1"
	maxRecipient    = 16 << 10
)

// Keygen makes a recipient's pair: the private half in a new keystore in dir,
// under the passphrase, the public half as a file's content. The private half
// belongs on no node: it is for the safe.
func Keygen(dir string, passphrase []byte, now time.Time) (public []byte, kid string, err error) {
	store, err := keystore.Create(dir, passphrase, keystore.DefaultParams())
	if err != nil {
		return nil, "", named(err)
	}
	defer store.Close()
	k, err := store.GenerateAt(keys.Seal, now)
	if err != nil {
		return nil, "", named(err)
	}
	public, err = strictjson.Marshal(recipient{recipientFormat, k})
	return append(public, '\n'), k.KID(), err
}

// ReadRecipient reads the public half.
func ReadRecipient(file []byte) (keys.Public, error) {
	var r recipient
	file = bytes.TrimSpace(file)
	if len(file) > maxRecipient || strictjson.Unmarshal(file, &r) != nil || r.Format != recipientFormat || r.Key.Use() != keys.Seal {
		return keys.Public{}, ErrRecipient.With("why", "not a recipient's file")
	}
	return r.Key, nil
}

// OpenIdentity opens the private half.
func OpenIdentity(dir string, passphrase []byte) (keys.Private, error) {
	store, err := keystore.Open(dir, passphrase)
	if err != nil {
		return keys.Private{}, ErrIdentity.Wrap(err, "dir", dir)
	}
	defer store.Close()
	k, err := store.Key(keys.Seal)
	if err != nil {
		return keys.Private{}, ErrIdentity.Wrap(err, "dir", dir)
	}
	return k, nil
}

// ErrIdentity is given when a recipient's keystore does not open.
var ErrIdentity = exchange.Define(exchange.KindInvalid, "BACKUP-010",
	exchange.Text{Zh: "接收方的密钥库 {dir} 打不开", En: "the recipient's keystore {dir} does not open"},
	exchange.Text{Zh: "检查目录和口令文件（0600）", En: "check the folder and the passphrase file (0600)"})
