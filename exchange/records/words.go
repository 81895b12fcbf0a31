package records

import (
	"context"
	"sync"
)

// words numbers what stands in the signed part of many records (packJWT) from 1 on,
// as it is in the table of that name. None is ever changed or taken out, so that a
// number that is known stays true. A word is the name of a claim or field, or a
// value that is the same for all records of an author: nothing that an erasure would
// have to destroy.
type words struct {
	mu      sync.RWMutex
	numbers map[string]uint64 // guarded by mu
	texts   []string          // guarded by mu; that of number n at n-1
}

// maxWords bounds the table: another member's records must not fill it. What comes
// later is stored as it is.
const maxWords = 10_000

func (w *words) number(word []byte) uint64 {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.numbers[string(word)]
}

// known is number as encodeBoxes asks for it.
func (w *words) known(word []byte) (uint64, error) { return w.number(word), nil }

func (w *words) spell(number uint64) (string, bool) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if number < 1 || number > uint64(len(w.texts)) {
		return "", false
	}
	return w.texts[number-1], true
}

func (w *words) size() int {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return len(w.texts)
}

// learn takes over words that follow those that are known.
func (w *words) learn(from int, more []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.numbers == nil {
		w.numbers = map[string]uint64{}
	}
	for i, word := range more {
		if from+i == len(w.texts) {
			w.texts = append(w.texts, word)
			w.numbers[word] = uint64(len(w.texts))
		}
	}
}

// wordsBehind are the words of the table behind so many.
const wordsBehind = `SELECT word FROM words WHERE id > ? ORDER BY id`

func readWord(row scanner) (string, error) {
	var word []byte
	err := row.Scan(&word)
	return string(word), err
}

// moreWords takes over what other transactions have added.
func (s *sqlStore) moreWords(ctx context.Context) error {
	from := s.words.size()
	more, err := gather(ctx, s, readWord, wordsBehind, from)
	s.words.learn(from, more)
	return err
}

// number is the number of a word, given to it now if it has none.
func (t *transaction) number(ctx context.Context, word []byte) (uint64, error) {
	if n := t.words.number(word); n > 0 {
		return n, nil
	}
	if n := t.fresh[string(word)]; n > 0 || len(word) > maxWord {
		return n, nil
	}
	if t.fresh == nil { // a COMMIT whose answer was lost may have left some
		if err := t.lookUp(ctx); err != nil {
			return 0, err
		}
		t.fresh = map[string]uint64{}
		if n := t.words.number(word); n > 0 {
			return n, nil
		}
	}
	n := t.known + len(t.added) + 1
	if n > maxWords {
		return 0, nil
	}
	if _, err := t.ExecContext(ctx, `INSERT INTO words (id, word) VALUES (?, ?)`, n, word); err != nil {
		return 0, err
	}
	t.added = append(t.added, string(word))
	t.fresh[string(word)] = uint64(n)
	return uint64(n), nil
}

func (t *transaction) lookUp(ctx context.Context) error {
	from := t.words.size()
	rows, err := t.QueryContext(ctx, wordsBehind, from)
	if err != nil {
		return err
	}
	defer rows.Close()
	var more []string
	for rows.Next() {
		word, err := readWord(rows)
		if err != nil {
			return err
		}
		more = append(more, word)
	}
	t.words.learn(from, more)
	t.known = from + len(more)
	return rows.Err()
}

func (t *transaction) spell(number uint64) (string, bool) {
	if n := int(number) - t.known - 1; t.fresh != nil && n >= 0 && n < len(t.added) {
		return t.added[n], true
	}
	return t.words.spell(number)
}
