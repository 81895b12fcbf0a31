package backup

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"accord/crypto/keys"
	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/node/founding"
)

// Report is what is known of a backup after it was looked at.
type Report struct {
	Manifest Manifest `json:"manifest"`
	Digest   string   `json:"digest"` // of the file: SHA-256, hex
	Bytes    int64    `json:"bytes"`
	Opened   bool     `json:"opened"` // with a key, to the last byte
}

// Inspect reads the manifest alone. It proves nothing.
func Inspect(in io.Reader) (Manifest, error) {
	m, _, err := readFront(in)
	return m, err
}

// Verify walks a backup from end to end: without a key every checksum, the
// digest and the node's signature over it; with one also every seal and the
// archive inside. moved is told of bytes as they are read, and may be nil.
func Verify(ctx context.Context, in io.Reader, key keys.Private, moved func(int64)) (Report, error) {
	return walk(ctx, in, key, moved, func(*tar.Header, io.Reader) error { return nil })
}

// walk reads a backup; each is called for every file when there is a key.
func walk(ctx context.Context, in io.Reader, key keys.Private, moved func(int64), each func(*tar.Header, io.Reader) error) (Report, error) {
	counted := &counter{r: in}
	r, err := newReader(counted, key, func(n int64) {
		if moved != nil {
			moved(n)
		}
	})
	if err != nil {
		return Report{}, err
	}
	rep := Report{Manifest: r.manifest, Opened: r.opener != nil}
	if r.opener != nil {
		if err := unpack(ctx, r, &r.manifest, each); err != nil {
			return rep, err
		}
	}
	if err := ctx.Err(); err != nil {
		return rep, err
	}
	if err := r.finish(); err != nil {
		return rep, err
	}
	rep.Digest, rep.Bytes = r.digest, counted.n
	return rep, nil
}

type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// unpack reads the archive to its end.
func unpack(ctx context.Context, r io.Reader, m *Manifest, each func(*tar.Header, io.Reader) error) error {
	zip, err := gzip.NewReader(r)
	if err != nil {
		return damaged(err)
	}
	t := tar.NewReader(zip)
	seen := map[string]bool{}
	var bytes int64
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return damaged(err)
		}
		if !safeName(h.Name) || seen[h.Name] || h.Typeflag != tar.TypeReg || h.Size < 0 {
			return ErrDamaged.With("why", "the archive holds a name that no backup has")
		}
		seen[h.Name] = true
		if bytes += h.Size; len(seen) > m.Files || bytes > m.Bytes { // a bomb says more than its manifest
			return ErrDamaged.With("why", "the archive is larger than the manifest says")
		}
		if err := each(h, t); err != nil {
			return damaged(err)
		}
	}
	if len(seen) != m.Files || bytes != m.Bytes {
		return ErrDamaged.With("why", "the archive is smaller than the manifest says")
	}
	if _, err := io.Copy(io.Discard, zip); err != nil { // the checksum of the compression
		return damaged(err)
	}
	return nil
}

// damaged names what reading an archive stumbled over.
func damaged(err error) error {
	var known *exchange.Error
	if errors.As(err, &known) || errors.Is(err, context.Canceled) {
		return err
	}
	var file *fs.PathError
	if errors.As(err, &file) {
		return named(err)
	}
	return ErrDamaged.Wrap(err, "why", "the archive inside")
}

// Target says where a backup is restored to.
type Target struct {
	Dir string // must not exist
	// Keys is a folder with the member's keystore, for a backup without keys;
	// empty to do without for now.
	Keys string
	// Charter is the digest of the charter that is expected; empty takes any.
	Charter string
	// Scratch leaves the node's old id in place: the folder is looked at and
	// thrown away.
	Scratch bool
}

// Restored is what a restore did.
type Restored struct {
	Report
	Dir      string   `json:"dir"`
	Node     string   `json:"node"` // the new node id
	Previous string   `json:"previous"`
	HasKeys  bool     `json:"has_keys"`
	Verified Verified `json:"verified"`
}

// Names in a restored folder: what is kept as evidence and not used by the
// node. Its audit log goes on in a new chain.
const (
	restoredFolder = "restored"
	manifestName   = "manifest.json"
)

// Restore puts a backup into a new folder, proves all that is in it, and gives
// the node a new id: whatever it voted and acknowledged after the backup is
// forgotten, so the old id must never speak again. The folder appears whole or
// not at all.
func Restore(ctx context.Context, in io.Reader, key keys.Private, to Target, moved func(int64)) (Restored, error) {
	if _, err := os.Lstat(to.Dir); !errors.Is(err, fs.ErrNotExist) {
		if err != nil {
			return Restored{}, named(err)
		}
		return Restored{}, ErrTarget.With("dir", to.Dir)
	}
	if key.IsZero() {
		return Restored{}, ErrKey.With("kids", "?")
	}
	work, err := os.MkdirTemp(filepath.Dir(filepath.Clean(to.Dir)), ".restoring-")
	if err != nil {
		return Restored{}, named(err)
	}
	defer os.RemoveAll(work)
	rep, err := walk(ctx, in, key, moved, func(h *tar.Header, r io.Reader) error { return place(work, h, r) })
	if err != nil {
		return Restored{Report: rep}, err
	}
	if to.Charter != "" && to.Charter != rep.Manifest.Charter {
		return Restored{Report: rep}, ErrOther.With("got", rep.Manifest.Charter, "want", to.Charter)
	}
	out := Restored{Report: rep, Dir: to.Dir, Previous: rep.Manifest.Node, Node: rep.Manifest.Node}
	if out.Verified, err = examine(ctx, work, rep.Manifest); err != nil {
		return out, err
	}
	if to.Keys != "" {
		if err := copyKeys(to.Keys, founding.KeysFolder(work)); err != nil {
			return out, named(err)
		}
	}
	_, kerr := os.Stat(founding.KeysFolder(work))
	out.HasKeys = kerr == nil
	if !to.Scratch {
		if out.Node, err = founding.NewNode(work); err != nil {
			return out, err
		}
	}
	if err := settle(work); err != nil {
		return out, named(err)
	}
	return out, named(os.Rename(work, to.Dir))
}

// Previous is the node id under which a restored folder was backed up, "" for
// any other folder. The node must never come back under it.
func Previous(dir string) (node string, err error) {
	raw, err := os.ReadFile(filepath.Join(dir, restoredFolder, manifestName))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	var m Manifest
	if err == nil {
		err = strictjson.Unmarshal(raw, &m)
	}
	if err != nil {
		return "", ErrContent.Wrap(err, "why", manifestName)
	}
	return m.Node, nil
}

// settle makes everything under dir durable.
func settle(dir string) error {
	return filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		f, err := os.Open(p)
		if err != nil {
			return err
		}
		return errors.Join(f.Sync(), f.Close())
	})
}

// place writes one file of the archive to where it belongs.
func place(work string, h *tar.Header, r io.Reader) error {
	name := h.Name
	top, _, _ := strings.Cut(name, "/")
	switch {
	case name == ledgerName, strings.HasPrefix(name, auditPrefix):
		name = restoredFolder + "/" + strings.ReplaceAll(name, "/", "-")
	case name == recordsName:
	case top == restoredFolder: // a backup of a restored node
		name = restoredFolder + "/before/" + strings.TrimPrefix(name, restoredFolder+"/")
	case folder[top] != whole && folder[top] != onAsk || folder[top] == left:
		return ErrDamaged.With("why", "the archive holds a name that no backup has")
	}
	p := filepath.Join(work, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(p, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Close())
}

// copyKeys copies a keystore's files.
func copyKeys(from, to string) error {
	if _, err := os.Lstat(to); err == nil {
		return nil // the backup brought them
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	if err := os.Mkdir(to, 0o700); err != nil {
		return err
	}
	for _, e := range entries {
		if !e.Type().IsRegular() || transient(e.Name()) {
			continue
		}
		raw, err := os.ReadFile(filepath.Join(from, e.Name()))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, e.Name()), raw, 0o600); err != nil {
			return err
		}
	}
	return nil
}
