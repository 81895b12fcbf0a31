package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"accord/crypto/keys"
	"accord/crypto/keystore"
	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/node"
	"accord/node/backup"
	"accord/node/config"
	"accord/node/founding"
	"accord/node/wire"

	"github.com/urfave/cli/v2"
)

// backupCommand makes, checks and restores sealed backups.
func backupCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:     "backup",
		Category: e.t("节点", "node"),
		Usage:    e.t("备份、检查和恢复", "back up, check and restore"),
		Subcommands: []*cli.Command{{
			Name:  "keygen",
			Usage: e.t("建立备份接收方的密钥对；私钥离线保管", "make a recipient's key pair; the private half is kept offline"),
			Description: e.t("私钥写入新目录，由口令保护，应存放在节点之外（如保险柜中的存储介质）；\n公钥文件交给各节点，备份只能由私钥打开。",
				"The private half goes into a new folder under a passphrase and belongs off every\nnode, on a medium in a safe; the public half is given to the nodes. Only the private\nhalf opens their backups."),
			Flags: []cli.Flag{
				&cli.StringFlag{Name: "identity", Required: true, Usage: e.t("存放私钥的新目录 `DIR`", "new folder `DIR` for the private half")},
				backupPassphrase(e, true),
				e.outFlag(""),
			},
			Action: func(c *cli.Context) error { return e.backupKeygen(c) },
		}, {
			Name:  "create",
			Usage: e.t("备份本节点为一个密封文件，运行中或已停止均可", "back this node up as one sealed file, running or stopped"),
			Description: e.t("写完后整个读回核对，才算完成。不含私钥和口令；加 --with-keys 时含密钥库的加密文件，\n打开仍需口令。",
				"Done only after the file was read back whole. It holds no private key and no\npassphrase; with --with-keys the keystore's encrypted files, which still need theirs."),
			Flags: []cli.Flag{
				&cli.StringSliceFlag{Name: "to", Required: true, Usage: e.t("接收方公钥文件 `FILE`，可多次", "recipient's public key `FILE`; may be given again")},
				&cli.StringFlag{Name: "out", Usage: e.t("写入新文件 `FILE`，不覆盖；默认以成员和时间命名", "write to the new `FILE`, never over another; default named by member and time")},
				&cli.BoolFlag{Name: "with-keys", Usage: e.t("包含密钥库的加密文件", "with the keystore's encrypted files")},
			},
			Action: func(c *cli.Context) error { return e.backupCreate(c) },
		}, {
			Name:      "show",
			Usage:     e.t("查看备份的说明；不作验证", "show what a backup says of itself; proves nothing"),
			ArgsUsage: "FILE",
			Action:    func(c *cli.Context) error { return e.backupShow(c.Args().First()) },
		}, {
			Name:      "verify",
			Usage:     e.t("验证备份：无密钥验结构、摘要和签名，有密钥验全部", "verify a backup: structure, digest and signature; with a key all of it"),
			ArgsUsage: "FILE",
			Flags:     []cli.Flag{identityFlag(e, false), backupPassphrase(e, false)},
			Action:    func(c *cli.Context) error { return e.backupVerify(c) },
		}, {
			Name:      "test",
			Usage:     e.t("演练恢复：恢复到临时目录，重放账本，验证记录，与运行中的节点比较，然后删除", "rehearse a restore: into a scratch folder, replay, verify, compare with the running node, delete"),
			ArgsUsage: "FILE",
			Flags: []cli.Flag{identityFlag(e, true), backupPassphrase(e, true),
				&cli.StringFlag{Name: "scratch", Usage: e.t("临时目录建在 `DIR` 下，默认为系统临时目录", "make the scratch folder under `DIR`; default the system's place")}},
			Action: func(c *cli.Context) error { return e.backupTest(c) },
		}, {
			Name:      "restore",
			Usage:     e.t("恢复到新目录（由 --dir 指明），节点获得新的编号", "restore into the new folder named by --dir, under a new node id"),
			ArgsUsage: "FILE",
			Description: e.t("备份不含账本日志和投票，因此恢复的节点不能以原编号回来；须由联合体以新编号替换旧节点。",
				"A backup holds no log and no vote, so the node cannot come back under its old id;\nits federation has to take the new one in its place."),
			Flags: []cli.Flag{identityFlag(e, true), backupPassphrase(e, true),
				&cli.StringFlag{Name: "keys", Usage: e.t("备份不含密钥时，密钥库所在目录 `DIR`", "keystore folder `DIR`, for a backup without keys")},
				&cli.StringFlag{Name: "charter", Usage: e.t("只接受章程摘要为 `DIGEST` 的备份", "take only a backup of the charter with this `DIGEST`")}},
			Action: func(c *cli.Context) error { return e.backupRestore(c) },
		}},
	}
}

func identityFlag(e *env, required bool) cli.Flag {
	return &cli.StringFlag{Name: "identity", Required: required, Usage: e.t("接收方私钥目录 `DIR`", "folder `DIR` with a recipient's private half")}
}

func backupPassphrase(e *env, required bool) cli.Flag {
	return &cli.StringFlag{Name: "passphrase-file", Required: required, Usage: e.t("接收方口令所在 `FILE`（0600）", "`FILE` (0600) with the recipient's passphrase")}
}

// passphraseOf reads a passphrase file named on the line.
func passphraseOf(path string) ([]byte, error) {
	pass, err := keystore.PassphraseFile(path)
	if err != nil {
		return nil, errPassphrase.Wrap(err, "path", path)
	}
	return pass, nil
}

// identity is the recipient's private key, the zero key when none is named.
func (e *env) identity(c *cli.Context) (keys.Private, error) {
	dir, file := c.String("identity"), c.String("passphrase-file")
	switch {
	case dir == "" && file == "":
		return keys.Private{}, nil
	case dir == "":
		return keys.Private{}, errFlagMissing.With("flag", "--identity", "example", "DIR")
	case file == "":
		return keys.Private{}, errFlagMissing.With("flag", "--passphrase-file", "example", "FILE")
	}
	pass, err := passphraseOf(file)
	if err != nil {
		return keys.Private{}, err
	}
	defer clear(pass)
	return backup.OpenIdentity(dir, pass)
}

func (e *env) backupKeygen(c *cli.Context) error {
	pass, err := passphraseOf(c.String("passphrase-file"))
	if err != nil {
		return err
	}
	defer clear(pass)
	public, kid, err := backup.Keygen(c.String("identity"), pass, e.Now())
	if err != nil {
		return err
	}
	if err := e.save(c.String("out"), public); err != nil {
		return err
	}
	v := struct {
		KID      string `json:"kid"`
		Public   string `json:"public"`
		Identity string `json:"identity"`
	}{kid, c.String("out"), c.String("identity")}
	return e.object(v, func(w io.Writer) {
		e.card(w,
			fact{exchange.Text{Zh: "接收方", En: "recipient"}, v.KID},
			fact{exchange.Text{Zh: "公钥文件", En: "public half"}, v.Public},
			fact{exchange.Text{Zh: "私钥目录", En: "private half"}, v.Identity},
			fact{labelNext, exchange.Text{
				Zh: "把私钥目录和口令分开存放于保险柜，从本机删除；节点用 accord backup create --to " + v.Public,
				En: "keep the private half and its passphrase apart in a safe and delete them here; nodes use accord backup create --to " + v.Public}})
	})
}

// madeBackup is what a backup that was written and read back tells.
type madeBackup struct {
	File string `json:"file"`
	backup.Report
	Left []string `json:"left_out"` // names in the folder that are not the product's
}

func (e *env) backupCreate(c *cli.Context) error {
	cfg, err := e.config()
	if err != nil {
		return err
	}
	var ask wire.Backup
	ask.WithKeys = c.Bool("with-keys")
	var to []keys.Public
	for _, path := range c.StringSlice("to") {
		raw, err := e.read(path, maxPaper)
		if err != nil {
			return err
		}
		k, err := backup.ReadRecipient(raw)
		if err != nil {
			return err
		}
		ask.To, to = append(ask.To, string(raw)), append(to, k)
	}
	out := c.String("out")
	if out == "" {
		out = fmt.Sprintf("accord-%s-%s.backup", cfg.Member, e.Now().UTC().Format("20060102T150405Z"))
	}
	rep, err := e.writeBackup(c.Context, cfg, out, func(w io.Writer) error {
		if !e.nodeRuns(c.Context) {
			return e.backupStopped(c.Context, cfg, w, to, ask.WithKeys)
		}
		return e.node().Backup(c.Context, ask, w)
	})
	if err != nil {
		return err
	}
	made := madeBackup{File: out, Report: rep}
	if made.Left, err = backup.Unknown(cfg); err != nil {
		return err
	}
	if err := e.rememberBackup(cfg, made); err != nil {
		return err
	}
	return e.object(made, func(w io.Writer) {
		e.backupCard(w, made.File, made.Report, fact{exchange.Text{Zh: "未纳入", En: "left out"}, made.Left},
			fact{labelNext, exchange.Text{Zh: "把文件移到别处，并演练：accord backup test " + made.File,
				En: "move the file elsewhere and rehearse: accord backup test " + made.File}})
	})
}

// nodeRuns says whether somebody answers on the node's socket.
func (e *env) nodeRuns(ctx context.Context) bool {
	conn, err := e.Dial(ctx, e.Socket())
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}

func (e *env) backupStopped(ctx context.Context, cfg config.Config, w io.Writer, to []keys.Public, withKeys bool) error {
	s, err := node.OpenStopped(cfg, node.Options{Version: thisBuild().Version, Clock: e.Now})
	if err != nil {
		return err
	}
	return errors.Join(s.Backup(ctx, w, to, withKeys), s.Close())
}

// writeBackup fills a new file, reads it back whole, and only then gives it its
// name.
func (e *env) writeBackup(ctx context.Context, cfg config.Config, path string, fill func(io.Writer) error) (rep backup.Report, err error) {
	err = newFile(path, func(f *os.File) error {
		m := e.meter(exchange.Text{Zh: "备份字节", En: "backup bytes"}, 0)
		err := fill(io.MultiWriter(f, moving{m}))
		m.Stop()
		if err == nil {
			_, err = f.Seek(0, io.SeekStart)
		}
		if err != nil {
			return err
		}
		rep, err = backup.Verify(ctx, f, keys.Private{}, nil)
		if err == nil && rep.Manifest.Member != exchange.MemberID(cfg.Member) {
			err = exchange.ErrInternal.With()
		}
		return err
	})
	return rep, err
}

// moving tells a meter of bytes.
type moving struct{ m *meter }

func (w moving) Write(b []byte) (int, error) {
	w.m.Add(int64(len(b)))
	return len(b), nil
}

// rememberBackup notes the last backup in the data folder, for doctor.
func (e *env) rememberBackup(cfg config.Config, made madeBackup) error {
	raw, err := strictjson.Marshal(backup.Last{Format: backup.Format, Created: made.Manifest.Created, Digest: made.Digest,
		Size: made.Manifest.Ledger.Size, Records: made.Manifest.Records, WithKeys: made.Manifest.WithKeys, File: filepath.Base(made.File)})
	if err != nil {
		return err
	}
	return founding.WriteFile(filepath.Join(cfg.Dir, backup.LastFile), append(raw, '\n'))
}

// withBackup opens a backup file.
func withBackup(path string, f func(*os.File) error) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	if err = f(file); errors.Is(err, backup.ErrFormat) {
		return backup.ErrFormat.Wrap(err, "file", path)
	}
	return err
}

func (e *env) backupShow(path string) error {
	return withBackup(path, func(f *os.File) error {
		m, err := backup.Inspect(f)
		if err != nil {
			return err
		}
		return e.object(m, func(w io.Writer) { e.backupCard(w, path, backup.Report{Manifest: m}) })
	})
}

func (e *env) backupVerify(c *cli.Context) error {
	key, err := e.identity(c)
	if err != nil {
		return err
	}
	path := c.Args().First()
	return withBackup(path, func(f *os.File) error {
		m := e.meter(exchange.Text{Zh: "已验证字节", En: "bytes verified"}, lengthOf(f))
		rep, err := backup.Verify(c.Context, f, key, m.Add)
		m.Stop()
		if err != nil {
			return err
		}
		return e.object(rep, func(w io.Writer) {
			e.backupCard(w, path, rep, fact{exchange.Text{Zh: "已打开内容", En: "content opened"}, rep.Opened})
		})
	})
}

func lengthOf(f *os.File) int64 {
	info, err := f.Stat()
	if err != nil {
		return 0
	}
	return info.Size()
}

func (e *env) backupRestore(c *cli.Context) error {
	key, err := e.identity(c)
	if err != nil {
		return err
	}
	return withBackup(c.Args().First(), func(f *os.File) error {
		done, err := e.restore(c.Context, f, key, backup.Target{Dir: e.Dir, Keys: c.String("keys"), Charter: c.String("charter")})
		if err != nil {
			return err
		}
		return e.object(done, func(w io.Writer) { e.restoredCard(w, c.Args().First(), done) })
	})
}

func (e *env) restore(ctx context.Context, f *os.File, key keys.Private, to backup.Target) (backup.Restored, error) {
	m := e.meter(exchange.Text{Zh: "已恢复字节", En: "bytes restored"}, lengthOf(f))
	defer m.Stop()
	return backup.Restore(ctx, f, key, to, m.Add)
}

// tested is what a rehearsal tells.
type tested struct {
	backup.Restored
	Compared bool  `json:"compared"` // with the running node's ledger
	Behind   int64 `json:"behind"`   // statements the running node has beyond the backup
}

func (e *env) backupTest(c *cli.Context) error {
	key, err := e.identity(c)
	if err != nil {
		return err
	}
	scratch, err := os.MkdirTemp(c.String("scratch"), "accord-test-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	return withBackup(c.Args().First(), func(f *os.File) error {
		done, err := e.restore(c.Context, f, key, backup.Target{Dir: filepath.Join(scratch, "node"), Scratch: true})
		if err != nil {
			return err
		}
		done.Dir = ""
		t := tested{Restored: done}
		if e.nodeRuns(c.Context) {
			if err := e.compareBackup(c.Context, &t); err != nil {
				return err
			}
		}
		return e.object(t, func(w io.Writer) {
			e.backupCard(w, c.Args().First(), t.Report,
				fact{exchange.Text{Zh: "重放的声明", En: "statements replayed"}, t.Verified.Statements},
				fact{exchange.Text{Zh: "已验证记录", En: "records verified"}, t.Verified.Records},
				fact{exchange.Text{Zh: "账本所载而缺的记录", En: "records the ledger names, missing"}, t.Verified.Missing},
				fact{exchange.Text{Zh: "与运行中的节点一致", En: "equal to the running node"}, t.Compared},
				fact{exchange.Text{Zh: "此后新增的声明", En: "statements since"}, t.Behind})
		})
	})
}
