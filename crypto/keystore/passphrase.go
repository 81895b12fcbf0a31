package keystore

import (
	"bytes"
	"fmt"
	"os"
)

// Lengths of a passphrase in bytes. A machine's is best 32 random bytes in hex.
const (
	MinPassphrase = 12
	MaxPassphrase = 1024
)

// PassphraseFile reads a passphrase from a file, without one newline at its end.
// It refuses modes wider than 0600, another owner, what is not a regular file,
// and lengths out of bounds. A symbolic link is followed, as secret mounts of
// container platforms are links. The caller owns the bytes and clears them.
func PassphraseFile(path string) ([]byte, error) {
	info, err := os.Stat(path) // before opening, which would wait at a named pipe
	if err != nil {
		return nil, fmt.Errorf("keystore: passphrase: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: the passphrase is not in a regular file", ErrExposed)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("keystore: passphrase: %w", err)
	}
	defer f.Close()
	opened, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("keystore: passphrase: %w", err)
	}
	if !os.SameFile(info, opened) {
		return nil, fmt.Errorf("%w: the passphrase file was replaced while it was opened", ErrExposed)
	}
	if err := private(opened, 0o600); err != nil {
		return nil, err
	}
	b, err := readCapped(f, MaxPassphrase+2)
	if err != nil {
		return nil, err
	}
	if bytes.HasSuffix(b, []byte("\r\n")) {
		b = b[:len(b)-2]
	} else {
		b = bytes.TrimSuffix(b, []byte("\n"))
	}
	if err := checkPassphrase(b); err != nil {
		clear(b)
		return nil, err
	}
	return b, nil
}

func checkPassphrase(b []byte) error {
	if len(b) < MinPassphrase || len(b) > MaxPassphrase {
		return fmt.Errorf("%w: want %d to %d bytes", ErrPassphrase, MinPassphrase, MaxPassphrase)
	}
	return nil
}
