package demo

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Find is one place where a planted plaintext was found.
type Find struct {
	Path   string `json:"path"`
	Canary int    `json:"canary"` // number of the planted value; the value itself is not repeated
	Form   string `json:"form"`
}

// Scan searches every file under the roots for each planted value: as it is,
// as JSON escapes, as hex, as GB18030-independent UTF-16, and in every base64
// alignment. It returns how many bytes it read and what it found.
func Scan(canaries []string, roots ...string) (int64, []Find, error) {
	var (
		read  int64
		finds []Find
	)
	needles := make([][]needle, len(canaries))
	for i, c := range canaries {
		needles[i] = formsOf(c)
	}
	for _, root := range roots {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.Type().IsRegular() {
				return nil
			}
			var data []byte
			if err == nil {
				data, err = os.ReadFile(path)
			}
			if errors.Is(err, fs.ErrNotExist) && path != root {
				return nil // the nodes are running: files come and go
			}
			if err != nil {
				return err
			}
			read += int64(len(data))
			for i, forms := range needles {
				for _, n := range forms {
					if bytes.Contains(data, n.bytes) {
						finds = append(finds, Find{Path: path, Canary: i, Form: n.form})
					}
				}
			}
			return nil
		})
		if err != nil {
			return read, finds, err
		}
	}
	return read, finds, nil
}

type needle struct {
	form  string
	bytes []byte
}

// formsOf lists the byte strings under which a value could hide without being
// encrypted.
func formsOf(value string) []needle {
	forms := []needle{{"plain", []byte(value)}, {"hex", []byte(hex.EncodeToString([]byte(value)))}}
	if esc, err := json.Marshal(value); err == nil && len(esc) > 2 && string(esc[1:len(esc)-1]) != value {
		forms = append(forms, needle{"json", esc[1 : len(esc)-1]})
	}
	var wide []byte
	for _, r := range value {
		wide = append(wide, byte(r), byte(r>>8))
	}
	forms = append(forms, needle{"utf-16", wide})
	for shift := range 3 {
		padded := append(make([]byte, shift), value...)
		for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			text := enc.EncodeToString(padded)
			// the first and last characters depend on the neighbours
			from, to := (shift*8+5)/6, len(padded)*8/6
			if to-from >= 8 {
				forms = append(forms, needle{"base64", []byte(text[from:to])})
			}
		}
	}
	return forms
}
