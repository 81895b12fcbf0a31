package founding

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/members"
	"accord/node/failpoint"
)

// The errors of founding.
var (
	ErrExists = exchange.Define(exchange.KindConflict, "INIT-001",
		exchange.Text{Zh: "目录 {dir} 已经初始化", En: "{dir} is already initialised"},
		exchange.Text{Zh: "继续用该目录，或换一个空目录；不会覆盖任何密钥", En: "go on with it, or choose an empty folder; no key is ever overwritten"})
	ErrFolder = exchange.Define(exchange.KindInvalid, "INIT-002",
		exchange.Text{Zh: "目录 {dir} 无法使用：{why}", En: "the folder {dir} cannot be used: {why}"},
		exchange.Text{Zh: "按所述原因处理；目录不对时用 --dir 指明，还没有节点时先运行 accord init", En: "mend what is said; name the right folder with --dir, or make a node with accord init first"})
	ErrPaper = exchange.Define(exchange.KindUnverified, "INIT-003",
		exchange.Text{Zh: "{file} 未通过验证：{why}", En: "{file} does not verify: {why}"},
		exchange.Text{Zh: "请向出具方索取原文件，并用电话核对口令词", En: "get the original from whoever made it and compare the words by phone"})
	ErrDraft = exchange.Define(exchange.KindRefused, "INIT-004",
		exchange.Text{Zh: "章程草案不能签署：{why}", En: "the draft charter cannot be signed: {why}"},
		exchange.Text{Zh: "请召集方改正草案后重发", En: "let the convener mend the draft and send it again"})
	ErrNotFounded = exchange.Define(exchange.KindInvalid, "INIT-007",
		exchange.Text{Zh: "目录 {dir} 的节点还不属于任何联合体", En: "the node in {dir} belongs to no federation yet"},
		exchange.Text{Zh: "发起联合体：用章程和全体签名运行 accord charter found；加入已有的：用接纳文件运行 accord member join", En: "to found one, run accord charter found with the charter and everybody's signatures; to join one, accord member join with its welcome"})
	ErrExpired = exchange.Define(exchange.KindRefused, "INIT-008",
		exchange.Text{Zh: "邀请已于 {until} 过期", En: "the invitation expired on {until}"},
		exchange.Text{Zh: "请召集方重新出具邀请（accord member invite）；本机时间不对时先校准", En: "ask the convener for a new one (accord member invite); set this machine's clock first if it is wrong"})
	ErrFounded = exchange.Define(exchange.KindConflict, "INIT-005",
		exchange.Text{Zh: "目录 {dir} 已按另一份章程成立", En: "{dir} was founded under another charter"},
		exchange.Text{Zh: "继续用原章程；加入另一联合体请用另一个空目录重新 accord init", En: "go on under that one; to join another federation run accord init on another empty folder"})
)

// Files of a data folder.
const (
	nodeFile         = "node.json"
	keysFolder       = "keys"
	passphraseFile   = "passphrase"
	IntroductionFile = "introduction.jws"
	invitationFile   = "invitation.jws" // the one this folder answers
	genesisFile      = "genesis.json"
	startedFile      = "started"
)

// Identity is what a data folder is: whose node, under which id. The id is the
// member and a random incarnation; a folder that was wiped gets a new one.
type Identity struct {
	Format string            `json:"format"`
	Member exchange.MemberID `json:"member"`
	Node   string            `json:"node"`
}

const identityFormat = "accord-node/1"

// ReadIdentity reads a data folder's identity.
func ReadIdentity(dir string) (Identity, error) {
	raw, err := readFile(filepath.Join(dir, nodeFile), 1<<16)
	if err != nil {
		return Identity{}, ErrFolder.Wrap(err, "dir", dir, "why", "it holds no node")
	}
	var id Identity
	if err := strictjson.Unmarshal(raw, &id); err != nil || id.Format != identityFormat {
		return Identity{}, ErrFolder.With("dir", dir, "why", nodeFile+" is damaged")
	}
	return id, nil
}

// ReadGenesis reads and verifies the genesis of a data folder.
func ReadGenesis(dir string) (members.Genesis, error) {
	raw, err := readFile(filepath.Join(dir, genesisFile), members.MaxGenesis)
	if errors.Is(err, os.ErrNotExist) {
		return members.Genesis{}, ErrNotFounded.With("dir", dir)
	}
	if err != nil {
		return members.Genesis{}, ErrFolder.Wrap(err, "dir", dir, "why", "genesis.json cannot be read")
	}
	g, err := members.DecodeGenesis(raw)
	if err != nil {
		return members.Genesis{}, err
	}
	return g, g.Verify()
}

// KeysFolder is where a data folder's keystore lies.
func KeysFolder(dir string) string { return filepath.Join(dir, keysFolder) }

// Started gives the digest of the charter under which this node's log was
// founded here (see MarkStarted), "" when it was not yet.
func Started(dir string) (charter string, err error) {
	raw, err := readFile(filepath.Join(dir, startedFile), 1<<10)
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", ErrFolder.Wrap(err, "dir", dir, "why", startedFile+" cannot be read")
	}
	charter = strings.TrimSpace(string(raw))
	if !exchange.ValidDigest(charter) {
		return "", ErrFolder.With("dir", dir, "why", startedFile+" is damaged")
	}
	return charter, nil
}

// MarkStarted records that the log has been founded in this folder under the
// charter of this digest. From then on a missing log is refused: a node that
// lost it has forgotten its votes.
func MarkStarted(dir, charter string) error {
	if err := WriteFile(filepath.Join(dir, startedFile), []byte(charter+"\n")); err != nil {
		return ErrFolder.Wrap(err, "dir", dir, "why", startedFile+" cannot be written")
	}
	return nil
}

// readFile reads a file of at most limit bytes.
func readFile(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(raw)) > limit {
		err = fmt.Errorf("founding: %s is longer than %d bytes", filepath.Base(path), limit)
	}
	return raw, err
}

// WriteFile writes a file of this user only, durably and all at once.
func WriteFile(path string, data []byte) error {
	failpoint.Hit("founding.file.write")
	tmp, err := os.CreateTemp(filepath.Dir(path), ".tmp-")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, werr := tmp.Write(data)
	if err := errors.Join(werr, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	failpoint.Hit("founding.file.rename")
	if err := os.Rename(tmp.Name(), path); err != nil {
		return err
	}
	failpoint.Hit("founding.file.done")
	return SyncFolder(filepath.Dir(path))
}

// SyncFolder makes the names in a folder durable.
func SyncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
