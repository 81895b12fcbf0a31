package main

import (
	"bytes"
	"io"
	"os"
)

// readFile gives a small file as a reader.
func readFile(path string) (io.Reader, error) {
	raw, err := os.ReadFile(path)
	return bytes.NewReader(raw), err
}
