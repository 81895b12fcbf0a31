package tlog

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A Checkpoint names one state of one log: the body of a C2SP tlog-checkpoint
// v1.0.0. Extension lines are refused: a cosigner would sign them without
// anybody auditing them, so Accord neither writes nor believes them.
type Checkpoint struct {
	Origin string // identity of the log, one line
	Size   int64  // number of leaves
	Root   Hash   // RFC 6962 root of the tree of that size
}

// maxLine bounds an origin and a key name, in bytes.
const maxLine = 255

// LedgerOrigin is the origin line of a federation's ledger:
// "accord/<federation>/ledger".
func LedgerOrigin(federation string) string { return "accord/" + federation + "/ledger" }

// ListsOrigin is the origin line of what members say together of a federation's
// lists: "accord/<federation>/lists/<position>/<time>", the position in leaves of
// the ledger, the time in Unix milliseconds. Each position and time is a tree of its
// own, not the beginning of a larger one.
func ListsOrigin(federation string, position, at int64) string {
	return "accord/" + federation + "/lists/" + strconv.FormatInt(position, 10) + "/" + strconv.FormatInt(at, 10)
}

// AccessesOrigin is the origin line of what members say together of who asked for
// records: "accord/<federation>/accesses/<position>", the position in leaves of the
// ledger. Each position is a tree of its own, not the beginning of a larger one.
func AccessesOrigin(federation string, position int64) string {
	return "accord/" + federation + "/accesses/" + strconv.FormatInt(position, 10)
}

// CosignerName is the key name under which a member cosigns the ledger of its
// federation: "accord/<federation>/member/<member>".
func CosignerName(federation, member string) string {
	return "accord/" + federation + "/member/" + member
}

// Text is the note text: origin, size and root, each on its line.
func (c Checkpoint) Text() string {
	return c.Origin + "\n" + strconv.FormatInt(c.Size, 10) + "\n" + c.Root.String() + "\n"
}

func (c Checkpoint) validate() error {
	if !validLine(c.Origin) || c.Size < 0 || c.Size > MaxSize {
		return fmt.Errorf("%w checkpoint", ErrFormat)
	}
	return nil
}

// ParseCheckpoint reads what Text writes, and only that: three lines, decimal
// without leading zeros, canonical base64.
func ParseCheckpoint(text string) (Checkpoint, error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return Checkpoint{}, fmt.Errorf("%w checkpoint: want exactly three lines", ErrFormat)
	}
	size, err := parseDecimal(lines[1])
	if err != nil {
		return Checkpoint{}, fmt.Errorf("%w checkpoint: size", ErrFormat)
	}
	root, err := ParseHash(lines[2])
	if err != nil {
		return Checkpoint{}, fmt.Errorf("%w checkpoint: root", ErrFormat)
	}
	c := Checkpoint{Origin: lines[0], Size: size, Root: root}
	if err := c.validate(); err != nil {
		return Checkpoint{}, err
	}
	return c, nil
}

// parseDecimal reads a size or index: ASCII digits, no sign, no leading zero,
// at most MaxSize.
func parseDecimal(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || n > MaxSize || strconv.FormatInt(n, 10) != s {
		return 0, fmt.Errorf("%w number", ErrFormat)
	}
	return n, nil
}

// validLine says whether s can stand on a line of a signed note: not empty,
// UTF-8, no control characters.
func validLine(s string) bool {
	return s != "" && len(s) <= maxLine && utf8.ValidString(s) &&
		strings.IndexFunc(s, func(r rune) bool { return r < 0x20 }) < 0
}
