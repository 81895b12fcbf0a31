package tlog

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"accord/crypto/keys"
)

// The eight leaves of the Certificate Transparency reference tests (RFC 6962's
// own implementation and every later one), and the roots of their trees.
var ctLeaves = []string{"", "00", "10", "2021", "3031", "40414243", "5051525354555657",
	"606162636465666768696a6b6c6d6e6f"}

var ctRoots = []string{
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
	"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
	"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
	"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
	"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
	"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
	"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
	"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func hexes(t *testing.T, list ...string) []Hash {
	out := []Hash{}
	for _, s := range list {
		out = append(out, Hash(unhex(t, s)))
	}
	return out
}

func ctTree(t *testing.T) View {
	var tree Tree
	for _, leaf := range ctLeaves {
		tree.Append(LeafHash(unhex(t, leaf)))
	}
	return tree.View()
}

func equalHashes(a, b []Hash) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func TestGoldenRoots(t *testing.T) {
	v := ctTree(t)
	for size, want := range ctRoots {
		got, err := v.RootAt(int64(size))
		if err != nil || hex.EncodeToString(got[:]) != want {
			t.Errorf("RootAt(%d) = %x, %v; want %s", size, got, err, want)
		}
	}
	if EmptyRoot() != Hash(unhex(t, ctRoots[0])) {
		t.Errorf("EmptyRoot() = %x", EmptyRoot())
	}
}

func TestGoldenInclusion(t *testing.T) {
	v := ctTree(t)
	for _, tc := range []struct {
		index, size int64
		want        []string
	}{
		{0, 1, nil},
		{0, 2, []string{"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"}},
		{1, 2, []string{"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"}},
		{2, 3, []string{"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"}},
		{1, 5, []string{
			"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
			"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
			"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"}},
		{0, 8, []string{
			"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
			"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
			"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"}},
		{5, 8, []string{
			"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
			"ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
			"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"}},
	} {
		got, err := v.ProveInclusion(tc.index, tc.size)
		if err != nil || !equalHashes(got, hexes(t, tc.want...)) {
			t.Errorf("ProveInclusion(%d, %d) = %x, %v", tc.index, tc.size, got, err)
		}
		leaf, _ := v.Leaf(tc.index)
		if err := CheckInclusion(got, tc.size, tc.index, Hash(unhex(t, ctRoots[tc.size])), leaf); err != nil {
			t.Errorf("CheckInclusion(%d, %d): %v", tc.index, tc.size, err)
		}
	}
}

func TestGoldenConsistency(t *testing.T) {
	v := ctTree(t)
	for _, tc := range []struct {
		from, to int64
		want     []string
	}{
		{1, 1, nil},
		{1, 8, []string{
			"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
			"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
			"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"}},
		{6, 8, []string{
			"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
			"ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
			"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"}},
		{2, 5, []string{
			"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
			"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"}},
	} {
		got, err := v.ProveConsistency(tc.from, tc.to)
		if err != nil || !equalHashes(got, hexes(t, tc.want...)) {
			t.Errorf("ProveConsistency(%d, %d) = %x, %v", tc.from, tc.to, got, err)
		}
		err = CheckConsistency(got, tc.from, Hash(unhex(t, ctRoots[tc.from])), tc.to, Hash(unhex(t, ctRoots[tc.to])))
		if err != nil {
			t.Errorf("CheckConsistency(%d, %d): %v", tc.from, tc.to, err)
		}
	}
}

// TestCertificateTransparencyLog checks against answers that a public CT log
// ("argon2020") gave; x/mod ships them.
func TestCertificateTransparencyLog(t *testing.T) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "golang.org/x/mod").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	dir := filepath.Join(strings.TrimSpace(string(out)), "sumdb", "tlog", "testdata", "argon2020")
	read := func(name string, v any) {
		t.Helper()
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(data, v); err != nil {
			t.Fatal(err)
		}
	}
	var root struct {
		Size int64  `json:"tree_size"`
		Root []byte `json:"sha256_root_hash"`
	}
	read("sth.json", &root)
	var entries struct {
		Entries []struct {
			Leaf []byte `json:"leaf_input"`
		}
	}
	read("entries.json", &entries)
	var path struct {
		Index int64    `json:"leaf_index"`
		Proof [][]byte `json:"audit_path"`
	}
	read("proof.json", &path)
	proof := []Hash{}
	for _, h := range path.Proof {
		proof = append(proof, Hash(h))
	}
	leaf := LeafHash(entries.Entries[0].Leaf)
	if err := CheckInclusion(proof, root.Size, path.Index, Hash(root.Root), leaf); err != nil {
		t.Error(err)
	}
	if err := CheckInclusion(proof, root.Size, path.Index+1, Hash(root.Root), leaf); err == nil {
		t.Error("accepted at a wrong index")
	}
	var cons struct {
		Proof [][]byte `json:"consistency"`
	}
	read("consistency.json", &cons)
	proof = proof[:0]
	for _, h := range cons.Proof {
		proof = append(proof, Hash(h))
	}
	const oldSize = 3654490 // what the log was asked for
	oldRoot, _ := ParseHash("AuIZ5V6sDUj1vn3Y1K85oOaQ7y+FJJKtyRTl1edIKBQ=")
	if err := CheckConsistency(proof, oldSize, oldRoot, root.Size, Hash(root.Root)); err != nil {
		t.Error(err)
	}
	if err := CheckConsistency(proof, oldSize-1, oldRoot, root.Size, Hash(root.Root)); err == nil {
		t.Error("accepted from a wrong size")
	}
}

// TestGoldenCheckpoint opens a tree head that the Go checksum database signed.
func TestGoldenCheckpoint(t *testing.T) {
	const vkey = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
	const msg = "go.sum database tree\n6476701\nmb8QLQIs0Z0yP5Cstq6guj87oXWeC9gEM8oVikmm9Wk=\n\n" +
		"— sum.golang.org Az3grsLX85Gz+s1SiTbgkuqxgItqFq7gsMUEyVnrsa9LM7Us9S+1xbFIGu95949rj4nPRYfvimWEPWL+o3GeoWwOoAw=\n"
	key, err := ParseKey(vkey)
	if err != nil || key.String() != vkey || key.ID() != 0x033de0ae || key.Type() != TypeEd25519 {
		t.Fatalf("ParseKey = %v, %v", key, err)
	}
	c, err := Open([]byte(msg), "go.sum database tree", key)
	if err != nil || c.Size != 6476701 || len(c.Signatures) != 1 {
		t.Fatalf("Open = %+v, %v", c, err)
	}
}

// TestGoldenSpecNotes reads the worked examples of C2SP signed-note and
// tlog-cosignature; the latter's key is not published, its time is.
func TestGoldenSpecNotes(t *testing.T) {
	const vkey = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
	key, err := ParseKey(vkey)
	if err != nil || key.String() != vkey {
		t.Fatalf("ParseKey = %v, %v", key, err)
	}
	sig, err := ParseSignature("— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=")
	if err != nil || sig.KeyID != key.ID() || !key.verify("This is an example message.\n", sig.Bytes) {
		t.Fatalf("signature of the signed-note example: %v, %v", sig, err)
	}
	if key.verify("This is an example message!\n", sig.Bytes) {
		t.Error("verified over another text")
	}
	const line = "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA=="
	sig, err = ParseSignature(line)
	if err != nil || sig.String() != line || sig.KeyID != 0x8d66cf3f || len(sig.Bytes) != 72 ||
		!bytes.Equal(sig.Bytes[:8], unhex(t, "00000000641850cb")) { // 1679315147
		t.Fatalf("signature line of the cosignature example: %+v, %v", sig, err)
	}
	want := "cosignature/v1\ntime 1679315147\nexample.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
	c, err := ParseCheckpoint(strings.TrimPrefix(want, "cosignature/v1\ntime 1679315147\n"))
	if err != nil || string(cosignedMessage(c.Text(), 1679315147)) != want {
		t.Fatalf("cosigned message %q, %v", cosignedMessage(c.Text(), 1679315147), err)
	}
}

// TestGoldenCosignature compares with a cosignature made by other software
// (Python's cryptography) with the first key of RFC 8032 section 7.1.
func TestGoldenCosignature(t *testing.T) {
	const vkey = "accord/qinghai/member/regulator+7cadbb19+BNdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea"
	const want = "accord/qinghai/ledger\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n\n" +
		"— accord/qinghai/member/regulator fK27GQAAAABkGFDLKSILSBu2x7F6UANrndtWGNpMeR4wO3QHVXzi8k3kOGEfs+GgzACbJR6mUnz4rGwG9+m9sdqT43YYvpRlabPDCQ==\n"
	private, err := keys.FromBytes(keys.Cosign, unhex(t, "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"))
	if err != nil {
		t.Fatal(err)
	}
	cosigner, err := NewCosigner("qinghai", "regulator", private)
	if err != nil || cosigner.Key().String() != vkey {
		t.Fatalf("NewCosigner = %v, %v", cosigner, err)
	}
	v := ctTree(t)
	c := Checkpoint{Origin: LedgerOrigin("qinghai"), Size: v.Size(), Root: v.Root()}
	sig, err := cosigner.Sign(c, 1679315147)
	if err != nil {
		t.Fatal(err)
	}
	msg, err := Format(c, sig)
	if err != nil || string(msg) != want {
		t.Fatalf("Format = %q, %v", msg, err)
	}
	opened, err := Open(msg, c.Origin, cosigner.Key())
	if err != nil || opened.Checkpoint != c || opened.Signatures[0].Unix != 1679315147 {
		t.Fatalf("Open = %+v, %v", opened, err)
	}
}
