package main

import (
	"bytes"
	"io"
	"os"
)

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// readFile gives a small file as a reader.
func readFile(path string) (io.Reader, error) {
	raw, err := os.ReadFile(path)
	return bytes.NewReader(raw), err
}
