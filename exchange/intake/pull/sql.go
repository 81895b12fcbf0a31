package pull

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"accord/exchange/intake"
)

// dialect is what differs between databases.
type dialect interface {
	quote(name string) string
	mark(n int) string // of the n-th argument
	kindOf(ctx context.Context, tx *sql.Tx, c *sql.ColumnType) (kind, error)
	begin(ctx context.Context, tx *sql.Tx, timeout time.Duration) error
	code(err error) string // of the server's error, "" when it is none
}

// sqlSource reads a table page by page. A page is one read-only transaction; the
// next one begins behind the last row of the one before, by cursor and key, so
// that no connection is held while rows are imported.
type sqlSource struct {
	db      *sql.DB
	d       dialect
	q       *intake.SQLPull
	where   string // the server, for errors
	timeout time.Duration
	from    string // what is read, as the FROM of a statement

	state State
	at    *Mark // read up to, in this reading
	begun bool
	done  bool
	total int
}

func openSQL(ctx context.Context, q *intake.SQLPull, at State, o Options) (*sqlSource, error) {
	address, err := secret(q.Address, o.Getenv)
	if err != nil {
		return nil, err
	}
	timeout, _ := time.ParseDuration(q.Timeout) // checked with the mapping
	s := &sqlSource{q: q, timeout: timeout, state: at, at: at.After}
	open := openPostgres
	if q.Driver == intake.DriverMySQL {
		open = openMySQL
	}
	if s.db, s.d, s.where, err = open(address, q.Plain); err != nil {
		return nil, err
	}
	s.db.SetMaxOpenConns(1)
	if q.Table != "" {
		var parts []string
		for _, part := range strings.Split(q.Table, ".") {
			parts = append(parts, s.d.quote(part))
		}
		s.from = strings.Join(parts, ".")
	} else {
		s.from = "(" + strings.TrimRight(q.Query, "; \t\r\n") + "\n)" // a comment may end it
	}
	s.from += " AS pulled"
	return s, nil
}

func (s *sqlSource) Close() error { return s.db.Close() }

// Next reads a page.
func (s *sqlSource) Next(ctx context.Context) (*Page, error) {
	if s.done {
		return nil, io.EOF
	}
	ctx, cancel := context.WithTimeout(ctx, 3*s.timeout) // the server ends a statement before
	defer cancel()
	tx, err := s.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead})
	if err != nil {
		return nil, s.failed(err)
	}
	defer tx.Rollback() // nothing was changed
	if err := s.d.begin(ctx, tx, s.timeout); err != nil {
		return nil, s.failed(err)
	}
	columns, err := s.columns(ctx, tx)
	if err != nil {
		return nil, err
	}
	if !s.begun {
		if err := s.check(ctx, tx, columns); err != nil {
			return nil, err
		}
	}
	p, err := s.page(ctx, tx, columns)
	if err != nil {
		return nil, err
	}
	s.begun, s.done = true, p.Last
	p.Total = s.total
	return p, nil
}

// failed names what went wrong between this process and the server.
func (s *sqlSource) failed(err error) error {
	if code := s.d.code(err); code != "" {
		return ErrServer.With("code", code)
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return ErrReach.With("where", s.where, "why", "it took too long")
	case errors.Is(err, context.Canceled):
		return err
	}
	return ErrReach.With("where", s.where, "why", "the connection failed") // what the driver says can quote the address
}

// column is one of what is read.
type column struct {
	name   string
	kind   kind
	single bool // a floating point number of 32 bits
}

// columns asks what the statement gives and refuses what has no exact text.
func (s *sqlSource) columns(ctx context.Context, tx *sql.Tx) (all []column, err error) {
	rows, err := tx.QueryContext(ctx, "SELECT * FROM "+s.from+" WHERE 1 = 0")
	if err != nil {
		return nil, s.failed(err)
	}
	types, err := rows.ColumnTypes()
	if err = errors.Join(err, rows.Close(), rows.Err()); err != nil {
		return nil, s.failed(err)
	}
	seen := map[string]bool{}
	for _, t := range types {
		c := column{name: t.Name(), single: t.DatabaseTypeName() == "FLOAT4" || t.DatabaseTypeName() == "FLOAT"}
		if seen[c.name] || c.name == "" {
			return nil, ErrColumn.With("column", c.name, "why", "the query gives that name twice, or none")
		}
		seen[c.name] = true
		if c.kind, err = s.d.kindOf(ctx, tx, t); err != nil {
			return nil, s.failed(err)
		}
		if c.kind == kindNone {
			return nil, ErrColumn.With("column", c.name, "why", "its type "+t.DatabaseTypeName()+" has no exact text; leave it out or convert it in the query")
		}
		all = append(all, c)
	}
	return all, nil
}

// order is the columns that rows are read by.
func (s *sqlSource) order() (names []string) {
	for _, name := range []string{s.q.Cursor, s.q.Key} {
		if name != "" {
			names = append(names, name)
		}
	}
	return names
}

// behind is the condition for what this page is of: everything behind the last
// row, or in a reading that begins, from the cursor of the last one on.
func (s *sqlSource) behind(columns []column) (condition string, args []any, err error) {
	if s.at == nil {
		return "", nil, nil
	}
	key := s.d.quote(s.q.Key)
	if s.q.Cursor == "" {
		return key + " > " + s.d.mark(1), []any{s.at.Key}, nil
	}
	cursor := s.d.quote(s.q.Cursor)
	if s.begun {
		return fmt.Sprintf("(%s > %s OR %s = %s AND %s > %s)", cursor, s.d.mark(1), cursor, s.d.mark(2), key, s.d.mark(3)),
			[]any{s.at.Cursor, s.at.Cursor, s.at.Key}, nil
	}
	from, err := s.overlapped(columns)
	return cursor + " >= " + s.d.mark(1), []any{from}, err
}

// Rows whose transaction ended late carry a cursor from before others that were
// read already. So a reading begins this far behind where the last one ended, and
// reading a row twice changes nothing.
const (
	defaultOverlapTime   = "10m"
	defaultOverlapNumber = "1000"
)

// overlapped is the cursor to begin with.
func (s *sqlSource) overlapped(columns []column) (string, error) {
	var k kind
	for _, c := range columns {
		if c.name == s.q.Cursor {
			k = c.kind
		}
	}
	wrong := ErrColumn.With("column", s.q.Cursor, "why", "overlap does not fit its type")
	if k == kindWhole {
		text := s.q.Overlap
		if text == "" {
			text = defaultOverlapNumber
		}
		back, err := strconv.ParseUint(text, 10, 62)
		at, errAt := strconv.ParseInt(s.at.Cursor, 10, 64)
		if err != nil || errAt != nil {
			return "", wrong
		}
		if at < int64(back)-1<<62 {
			return s.at.Cursor, nil
		}
		return strconv.FormatInt(at-int64(back), 10), nil
	}
	text := s.q.Overlap
	if text == "" {
		text = defaultOverlapTime
	}
	back, err := time.ParseDuration(text)
	if err != nil || back < 0 {
		return "", wrong
	}
	for _, layout := range []string{layoutStamp, layoutLocal, time.DateOnly} {
		if at, err := time.Parse(layout, s.at.Cursor); err == nil {
			return at.Add(-back).Format(layout), nil
		}
	}
	return "", wrong
}

// check refuses columns by which rows would be left out without a word: a key
// that repeats or is missing, a cursor that is missing. It also counts.
func (s *sqlSource) check(ctx context.Context, tx *sql.Tx, columns []column) error {
	kinds := map[string]kind{}
	for _, c := range columns {
		kinds[c.name] = c.kind
	}
	for _, name := range s.order() {
		k, there := kinds[name]
		switch {
		case !there:
			return ErrColumn.With("column", name, "why", "there is no such column")
		case name == s.q.Cursor && !k.grows(), !k.orders():
			return ErrColumn.With("column", name, "why", "rows cannot be put in order by its type")
		}
	}
	condition, args, err := s.behind(columns)
	if err != nil {
		return err
	}
	what := "count(*)"
	for _, name := range []string{s.q.Key, s.q.Cursor} {
		if name != "" {
			what += ", count(" + s.d.quote(name) + ")"
			if condition != "" {
				condition += " OR " + s.d.quote(name) + " IS NULL"
			}
		}
	}
	if s.q.Key != "" {
		what += ", count(DISTINCT " + s.d.quote(s.q.Key) + ")"
	}
	if condition != "" {
		condition = " WHERE " + condition
	}
	rows := int64(0)
	counts := []*int64{&rows}
	targets := []any{&rows}
	for range strings.Count(what, ",") {
		n := new(int64)
		counts, targets = append(counts, n), append(targets, n)
	}
	if err := tx.QueryRowContext(ctx, "SELECT "+what+" FROM "+s.from+condition, args...).Scan(targets...); err != nil {
		return s.failed(err)
	}
	s.total = int(rows)
	switch {
	case s.q.Key == "" && rows > int64(s.q.Rows):
		return ErrLimit.With("limit", strconv.Itoa(s.q.Rows)+" rows without a key")
	case s.q.Key != "" && *counts[1] != rows:
		return ErrColumn.With("column", s.q.Key, "why", "it is empty (NULL) in some rows, which would be left out")
	case s.q.Cursor != "" && *counts[2] != rows:
		return ErrColumn.With("column", s.q.Cursor, "why", "it is empty (NULL) in some rows, which would be left out")
	case s.q.Key != "" && *counts[len(counts)-1] != rows:
		return ErrColumn.With("column", s.q.Key, "why", "it is the same in several rows, of which some would be left out")
	}
	return nil
}

// page reads the rows of a page.
func (s *sqlSource) page(ctx context.Context, tx *sql.Tx, columns []column) (*Page, error) {
	condition, args, err := s.behind(columns)
	if err != nil {
		return nil, err
	}
	if condition == "" { // an argument makes MySQL answer in its binary protocol, which rounds no number
		condition, args = "1 = "+s.d.mark(1), []any{1}
	}
	statement := "SELECT * FROM " + s.from + " WHERE " + condition
	var order []string
	for _, name := range s.order() {
		order = append(order, s.d.quote(name))
	}
	if order != nil {
		statement += " ORDER BY " + strings.Join(order, ", ")
	}
	statement += " LIMIT " + strconv.Itoa(s.q.Rows)
	rows, err := tx.QueryContext(ctx, statement, args...)
	if err != nil {
		return nil, s.failed(err)
	}
	defer rows.Close()
	p, full, err := s.read(rows, columns)
	if err != nil {
		return nil, err
	}
	if err := rows.Close(); err != nil {
		return nil, s.failed(err)
	}
	p.next, p.Last = s.state, !full
	if n := len(p.marks); n > 0 {
		last := p.marks[n-1]
		s.at, p.next.After = &last, &last
	}
	if p.Last && s.q.Cursor == "" {
		p.next.After = nil // the next reading takes all rows again
	}
	if s.q.Cursor == "" || s.q.Refused == "pass" {
		p.marks = nil
	}
	s.state = p.next
	return p, nil
}

// read takes rows until the page is full, by number or by bytes.
func (s *sqlSource) read(rows *sql.Rows, columns []column) (p *Page, full bool, err error) {
	p = &Page{}
	values, targets := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		targets[i] = &values[i]
	}
	count := 0
	for rows.Next() {
		if err := rows.Scan(targets...); err != nil {
			return nil, false, s.failed(err)
		}
		before := len(p.Data)
		var mark Mark
		if p.Data, mark, err = s.line(p.Data, columns, values); err != nil {
			return nil, false, err
		}
		if len(p.Data) > maxPage {
			if count == 0 || s.q.Key == "" {
				return nil, false, ErrLimit.With("limit", "32 MiB")
			}
			p.Data = p.Data[:before]
			return p, true, nil
		}
		if count++; s.q.Key != "" {
			p.marks = append(p.marks, mark)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, false, s.failed(err)
	}
	return p, count == s.q.Rows && s.q.Key != "", nil
}
