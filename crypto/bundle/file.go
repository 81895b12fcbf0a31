package bundle

import (
	"fmt"

	"accord/crypto/strictjson"
)

// checked is a file of this package, which knows its own form.
type checked interface{ check() error }

// encodeFile writes a file, ended by a line feed and no larger than parseFile reads.
func encodeFile(f checked) ([]byte, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	data, err := strictjson.Marshal(f)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if len(data)+1 > MaxFile {
		return nil, fmt.Errorf("%w: %d bytes", ErrLimit, len(data)+1)
	}
	return append(data, '\n'), nil
}

// parseFile reads the form of a file and verifies nothing.
func parseFile[T any, F interface {
	*T
	checked
}](data []byte) (F, error) {
	if len(data) > MaxFile {
		return nil, fmt.Errorf("%w: %d bytes", ErrLimit, len(data))
	}
	f := F(new(T))
	if err := strictjson.Unmarshal(data, f); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if err := f.check(); err != nil {
		return nil, err
	}
	return f, nil
}
