package backup

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"accord/crypto/keys"
	"accord/exchange"
	"accord/exchange/machine"
	"accord/exchange/records"
	"accord/node/audit"
	"accord/node/config"
	"accord/node/failpoint"
)

// kept is what a backup does with a name of the data folder.
type kept int

const (
	whole   kept = iota // copied, a folder with all in it
	special             // has a way of its own into the backup
	onAsk               // only with keys
	left                // stays behind
)

// folder is every name that the product puts into a data folder. What is not
// here stays behind, since it could be a key, and the operator is told of it
// (Unknown); a test holds the table against a node's folder.
var folder = map[string]kept{
	"accord.yaml":      whole,
	"node.json":        whole,
	"introduction.jws": whole,
	"invitation.jws":   whole,
	"genesis.json":     whole,
	"rosters.json":     whole,
	"machine":          whole,
	"witness":          whole, // what was cosigned: a restored node refuses another history
	"recovery":         whole, // signed plans of recovery
	"feeds":            whole, // alarms over members' feeds, with their evidence
	"subjects":         whole, // sealed texts of complaints and refusals
	"blind":            left,  // a cache
	"webhooks":         whole, // endpoints and how far they are; no key lies there
	"ledger.new":       left,
	"restored":         whole,
	"keys":             onAsk,
	"records.db":       special,
	"records.db-wal":   special,
	"records.db-shm":   special,
	"records.keys":     special, // its keys go into the copy of the records
	"records.keys-wal": special,
	"records.keys-shm": special,
	"records.moved.db": left, // what accord db move brought into a database
	"audit":            special,
	"ledger":           special, // its state goes in, log and vote never
	"passphrase":       left,
	"started":          left,
	"lock":             left,
	"accord.sock":      left,
	"backup.json":      left,
}

// Names inside the archive beside those of the folder.
const (
	ledgerName  = "ledger.snapshot"
	recordsName = "records.db"
	auditPrefix = "audit/"
	spoolPrefix = ".backup-"
)

// Source is a node, running or stopped, as a backup sees it.
type Source struct {
	Config   config.Config
	Node     string // node id
	Charter  string // digest
	Version  string
	Now      time.Time
	Offline  bool
	Snapshot *machine.Snapshot
	// Confirmed is how much of the ledger the node knows to be agreed.
	Confirmed int64
	// CopyRecords writes the record store into a new file.
	CopyRecords func(ctx context.Context, file string) error
	Signer      keys.Private // the member's command key
}

// Options of a backup.
type Options struct {
	To       []keys.Public // who can open it
	WithKeys bool          // with the keystore's files, encrypted as they are
}

// item is one file of the archive.
type item struct {
	name, path string
	size       int64
}

// Create writes a backup of the source. What lies in files that change is first
// copied beside them, so the folder needs room for the records and the ledger
// once more.
func Create(ctx context.Context, out io.Writer, s Source, o Options) (Manifest, error) {
	if err := sweep(s.Config.Dir); err != nil {
		return Manifest{}, ErrWrite.Wrap(err, "why", "the folder cannot be written")
	}
	spool, err := os.MkdirTemp(s.Config.Dir, spoolPrefix)
	if err != nil {
		return Manifest{}, ErrWrite.Wrap(err, "why", "the folder cannot be written")
	}
	defer os.RemoveAll(spool)
	failpoint.Hit("backup.spool")
	m := Manifest{Format: Format, Federation: s.Config.Federation, Charter: s.Charter, Member: exchange.MemberID(s.Config.Member),
		Node: s.Node, Version: s.Version, Created: s.Now.UTC().Truncate(time.Second), Offline: s.Offline, WithKeys: o.WithKeys, Signer: s.Signer.Public()}
	items, err := s.gather(ctx, spool, &m, o.WithKeys)
	if err != nil {
		return m, err
	}
	m.Files = len(items)
	for _, it := range items {
		m.Bytes += it.size
	}
	w, err := newWriter(out, &m, o.To)
	if err != nil {
		return m, named(err)
	}
	if err := pack(ctx, w, items, m.Created); err != nil {
		return m, named(err)
	}
	failpoint.Hit("backup.finish")
	return m, named(w.finish(s.Signer))
}

// named gives what is no error of ours yet its name.
func named(err error) error {
	var known *exchange.Error
	if err == nil || errors.As(err, &known) || errors.Is(err, context.Canceled) {
		return err
	}
	why := "input or output failed"
	if errors.Is(err, fs.ErrPermission) {
		why = "permission denied"
	}
	return ErrWrite.Wrap(err, "why", why)
}

// sweep removes what an interrupted backup left.
func sweep(dir string) error {
	old, err := filepath.Glob(filepath.Join(dir, spoolPrefix+"*"))
	for _, path := range old {
		err = errors.Join(err, os.RemoveAll(path))
	}
	return err
}

// gather lists what goes in. The ledger's state was taken first and the records
// are copied now: every record that the ledger names is then among them.
func (s Source) gather(ctx context.Context, spool string, m *Manifest, withKeys bool) ([]item, error) {
	items, err := s.plain(withKeys)
	if err != nil {
		return nil, err
	}
	ledger, err := s.spoolLedger(spool, m)
	if err != nil {
		return nil, named(err)
	}
	failpoint.Hit("backup.ledger")
	db := filepath.Join(spool, recordsName)
	if err := s.CopyRecords(ctx, db); err != nil {
		return nil, err
	}
	if m.Records, err = countOwn(ctx, db, m.Member); err != nil {
		return nil, err
	}
	failpoint.Hit("backup.records")
	audits, err := s.spoolAudit(spool, m)
	if err != nil {
		return nil, err
	}
	items = append(items, ledger, item{name: recordsName, path: db})
	items = append(items, audits...)
	for i := range items {
		info, err := os.Lstat(items[i].path)
		if err != nil {
			return nil, named(err)
		}
		if !info.Mode().IsRegular() {
			return nil, ErrWrite.With("why", items[i].name+" is not a regular file")
		}
		items[i].size = info.Size()
	}
	return items, nil
}

// plain lists the files that are copied as they are.
func (s Source) plain(withKeys bool) ([]item, error) {
	var items []item
	entries, err := os.ReadDir(s.Config.Dir)
	if err != nil {
		return nil, named(err)
	}
	for _, e := range entries {
		name := e.Name()
		how, known := folder[name]
		switch {
		case !known, s.aside(name):
			continue
		case how == left || how == special || how == onAsk && !withKeys:
			continue
		}
		err := filepath.WalkDir(filepath.Join(s.Config.Dir, name), func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || transient(d.Name()) {
				return err
			}
			rel, err := filepath.Rel(s.Config.Dir, p)
			items = append(items, item{name: filepath.ToSlash(rel), path: p})
			return err
		})
		if err != nil {
			return nil, named(err)
		}
	}
	return items, nil
}

// aside says whether a name is this node's passphrase, its database's password
// or an audit file, as its configuration calls them, or a file being written.
func (s Source) aside(name string) bool {
	p := filepath.Join(s.Config.Dir, name)
	if transient(name) || p == s.Config.Path(s.Config.PassphraseFile) || p == s.Config.Path(s.Config.StorePassword) {
		return true
	}
	for _, a := range s.Config.AuditFiles {
		if s.Config.Path(a) == p || s.Config.Path(a)+audit.HeadsSuffix == p {
			return true
		}
	}
	return false
}

// Unknown names what lies in a data folder and goes into no backup, because it
// is not the product's.
func Unknown(cfg config.Config) ([]string, error) {
	entries, err := os.ReadDir(cfg.Dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		_, known := folder[e.Name()]
		known = known || strings.HasPrefix(e.Name(), "ledger.before-") || // set aside by a recovery
			strings.HasPrefix(e.Name(), "ledger-of-") // or by accord init --renew-node
		holdsAudit := false
		for _, a := range cfg.AuditFiles {
			p := cfg.Path(a)
			holdsAudit = holdsAudit || p == filepath.Join(cfg.Dir, e.Name()) || filepath.Dir(p) == filepath.Join(cfg.Dir, e.Name())
		}
		if !known && !holdsAudit && !(Source{Config: cfg}).aside(e.Name()) {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// transient are names under which files are written before they get their own.
func transient(name string) bool {
	for _, p := range []string{".tmp-", ".new-", ".accord-", spoolPrefix} {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return strings.HasSuffix(name, ".part")
}

// spoolLedger writes the machine's snapshot.
func (s Source) spoolLedger(spool string, m *Manifest) (item, error) {
	v := s.Snapshot.View()
	root := v.Root()
	m.Ledger = Position{Index: v.Index(), Size: v.Size(), Root: hex.EncodeToString(root[:]), Digest: v.Digest().String(),
		Time: v.Time().Time().UTC(), Confirmed: min(s.Confirmed, v.Size())}
	p := filepath.Join(spool, ledgerName)
	f, err := os.OpenFile(p, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return item{}, err
	}
	_, err = s.Snapshot.WriteTo(f)
	return item{name: ledgerName, path: p}, errors.Join(err, f.Close())
}

// countOwn counts the member's records in the copy, not in the store that moves.
func countOwn(ctx context.Context, file string, self exchange.MemberID) (int64, error) {
	store, err := records.OpenSQLite(ctx, file)
	if err != nil {
		return 0, err
	}
	n, err := store.Count(ctx, records.Filter{Author: self})
	return n, errors.Join(err, store.Close())
}

// spoolAudit copies the whole lines of the audit files, verified.
func (s Source) spoolAudit(spool string, m *Manifest) ([]item, error) {
	var items []item
	for i, name := range s.Config.AuditFiles {
		p := filepath.Join(spool, fmt.Sprintf("audit-%d.log", i+1))
		lines, err := audit.Copy(s.Config.Path(name), p)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		m.Audit += lines
		items = append(items, item{name: auditPrefix + fmt.Sprintf("%d.log", i+1), path: p})
	}
	return items, nil
}

// pack writes the archive.
func pack(ctx context.Context, w io.Writer, items []item, at time.Time) error {
	zip, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
	if err != nil {
		return err
	}
	t := tar.NewWriter(zip)
	for _, it := range items {
		if err := packOne(ctx, t, it, at); err != nil {
			return err
		}
	}
	return errors.Join(t.Close(), zip.Close())
}

func packOne(ctx context.Context, t *tar.Writer, it item, at time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	f, err := os.Open(it.path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: it.name, Size: it.size, Mode: 0o600, ModTime: at, Format: tar.FormatPAX}); err != nil {
		return err
	}
	_, err = io.Copy(t, io.LimitReader(f, it.size))
	return err
}

// safeName says whether a name of an archive stays inside its folder.
func safeName(name string) bool {
	return filepath.IsLocal(name) && path.Clean(name) == name && !strings.ContainsAny(name, "\\\x00")
}

// Last is what a data folder says about its last backup.
type Last struct {
	Format   string    `json:"format"`
	Created  time.Time `json:"created"`
	Digest   string    `json:"digest"` // of the file
	Size     int64     `json:"ledger_size"`
	Records  int64     `json:"records"`
	WithKeys bool      `json:"with_keys"`
	File     string    `json:"file"`
}

// LastFile is where it stands.
const LastFile = "backup.json"
