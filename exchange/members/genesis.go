package members

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"strconv"

	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/catalogue"
)

// GenesisFormat is the format of a genesis file.
const GenesisFormat = "accord-genesis/1"

// MaxGenesis is the longest genesis file in bytes.
const MaxGenesis = 64 << 20

// ErrGenesis is a genesis that does not hold.
var ErrGenesis = exchange.Define(exchange.KindUnverified, "MEM-002",
	exchange.Text{Zh: "创始文件未通过验证：{why}", En: "the genesis does not verify: {why}"},
	exchange.Text{Zh: "请向其他创始成员索取原文件并核对章程摘要", En: "get the file from another founder and compare the charter's digest"})

// Genesis is all that a federation begins with. It is the same on every node.
type Genesis struct {
	Charter    []byte   // the exact bytes that were signed
	Signatures []string // one JWS of type jws.TypCharter by each founder over these bytes
	Catalogue  []byte   // the exact bytes of the first catalogue
}

// genesisFile is the JSON form: texts, so that the bytes inside are legible
// and stay as they are.
type genesisFile struct {
	Format     string   `json:"format"`
	Charter    string   `json:"charter"`
	Signatures []string `json:"signatures"`
	Catalogue  string   `json:"catalogue"`
}

// Encode gives the genesis file.
func (g Genesis) Encode() ([]byte, error) {
	return strictjson.Marshal(genesisFile{GenesisFormat, string(g.Charter), g.Signatures, string(g.Catalogue)})
}

// DecodeGenesis reads a genesis file. It verifies nothing.
func DecodeGenesis(data []byte) (Genesis, error) {
	if len(data) > MaxGenesis {
		return Genesis{}, ErrGenesis.With("why", "too long")
	}
	var f genesisFile
	if err := strictjson.Unmarshal(data, &f); err != nil {
		return Genesis{}, ErrGenesis.Wrap(err, "why", "JSON")
	}
	if f.Format != GenesisFormat {
		return Genesis{}, ErrGenesis.With("why", "format")
	}
	return Genesis{[]byte(f.Charter), f.Signatures, []byte(f.Catalogue)}, nil
}

// Digest is the charter's digest: what people compare and what a node is bound
// to.
func (g Genesis) Digest() string { return Digest(g.Charter) }

// sum is the digest as a number, for the state's chain.
func (g Genesis) sum() [32]byte { return sha256.Sum256(g.Charter) }

// Verify checks that the genesis holds: a valid charter, signed with the
// command keys it lists by every founder exactly once and over the same bytes,
// and the catalogue it names, which must be usable.
func (g Genesis) Verify() error {
	_, _, err := g.open()
	return err
}

func (g Genesis) open() (*Charter, *catalogue.Catalogue, error) {
	c, err := ParseCharter(g.Charter)
	if err != nil {
		return nil, nil, err
	}
	if err := g.founders(c); err != nil {
		return nil, nil, err
	}
	if catalogue.Digest(g.Catalogue) != c.Catalogue.Digest {
		return nil, nil, ErrGenesis.With("why", "the catalogue is not the one the charter names")
	}
	cat, err := catalogue.Load(g.Catalogue)
	if err != nil {
		return nil, nil, err
	}
	if cat.Document().Version != c.Catalogue.Version {
		return nil, nil, ErrGenesis.With("why", "the catalogue's version is not the one the charter names")
	}
	if c.MachineVersion < cat.Document().MachineVersion() {
		return nil, nil, ErrGenesis.With("why", "the catalogue's format needs a later machine version than the charter names")
	}
	return c, cat, nil
}

func (g Genesis) founders(c *Charter) error {
	if len(g.Signatures) > len(c.Members) {
		return ErrGenesis.With("why", fmt.Sprintf("there are %d signatures of %d founders", len(g.Signatures), len(c.Members)))
	}
	signed := map[exchange.MemberID]bool{}
	for i, token := range g.Signatures {
		var by exchange.MemberID
		t, err := jws.Verify(token, jws.TypCharter, func(kid string) (keys.Public, error) {
			for _, m := range c.Members {
				for _, k := range m.Keys {
					if k.KID() == kid && k.Use() == keys.Command {
						by = m.ID
						return k, nil
					}
				}
			}
			return keys.Public{}, jws.ErrKey
		})
		if err != nil {
			return ErrGenesis.Wrap(err, "why", "signature "+strconv.Itoa(i+1))
		}
		if !bytes.Equal(t.Payload, g.Charter) {
			return ErrGenesis.With("why", "signature "+strconv.Itoa(i+1)+" is over another charter")
		}
		if signed[by] {
			return ErrGenesis.With("why", string(by)+" signed twice")
		}
		signed[by] = true
	}
	for _, m := range c.Members {
		if !signed[m.ID] {
			return ErrGenesis.With("why", "it is not signed by "+string(m.ID))
		}
	}
	return nil
}
