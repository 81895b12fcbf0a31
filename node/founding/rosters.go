package founding

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"accord/crypto/strictjson"
	"accord/exchange/members"
)

const (
	rostersFile   = "rosters.json"
	rostersFormat = "accord-rosters/1"
	maxRosters    = 64 << 20
	machineFile   = "machine"
)

// rosters is the form of rostersFile.
type rosters struct {
	Format  string                 `json:"format"`
	Rosters []members.SignedRoster `json:"rosters"`
}

// ReadRosters follows the rosters kept in a data folder from its genesis on. What
// was learnt while the node ran lies there, so that it knows its peers before it
// has heard any.
func ReadRosters(dir string, g members.Genesis) (*members.Lineage, error) {
	line, err := g.Lineage()
	if err != nil {
		return nil, err
	}
	raw, err := readFile(filepath.Join(dir, rostersFile), maxRosters)
	if errors.Is(err, os.ErrNotExist) {
		return line, nil
	}
	if err != nil {
		return nil, ErrFolder.Wrap(err, "dir", dir, "why", rostersFile+" cannot be read")
	}
	var f rosters
	if err := strictjson.Unmarshal(raw, &f); err != nil || f.Format != rostersFormat {
		return nil, ErrFolder.With("dir", dir, "why", rostersFile+" is damaged")
	}
	return follow(line, f.Rosters)
}

// follow extends a line by papers; those it knows already are passed over.
func follow(line *members.Lineage, papers []members.SignedRoster) (*members.Lineage, error) {
	for _, s := range papers {
		r, err := members.ParseRoster([]byte(s.Document))
		if err != nil {
			return nil, err
		}
		if had := line.At(r.Version); had != nil && had.Digest() == members.Digest([]byte(s.Document)) {
			continue
		}
		if line, err = line.Extend(s, nil); err != nil {
			return nil, err
		}
	}
	return line, nil
}

// WriteRosters keeps the rosters of a line.
func WriteRosters(dir string, line *members.Lineage) error {
	raw, err := strictjson.Marshal(rosters{rostersFormat, line.Since(0)})
	if err == nil {
		err = WriteFile(filepath.Join(dir, rostersFile), raw)
	}
	if err != nil {
		return ErrFolder.Wrap(err, "dir", dir, "why", rostersFile+" cannot be written")
	}
	return nil
}

// ReadMachine gives the machine version this folder's ledger has come to, as far
// as WriteMachine was told; 0 when it was not.
func ReadMachine(dir string) (int, error) {
	raw, err := readFile(filepath.Join(dir, machineFile), 64)
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	version, cerr := strconv.Atoi(strings.TrimSpace(string(raw)))
	if err != nil || cerr != nil {
		return 0, ErrFolder.With("dir", dir, "why", machineFile+" is damaged")
	}
	return version, nil
}

// WriteMachine notes that the ledger runs this machine version: a build that
// cannot apply it is then refused before it touches anything.
func WriteMachine(dir string, version int) error {
	if err := WriteFile(filepath.Join(dir, machineFile), []byte(strconv.Itoa(version)+"\n")); err != nil {
		return ErrFolder.Wrap(err, "dir", dir, "why", machineFile+" cannot be written")
	}
	return nil
}
