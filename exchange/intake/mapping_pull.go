package intake

import (
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"accord/exchange"
)

// Pull says where a source's rows are fetched from, when they do not come as a
// file: a database or an address on the network. What is fetched is read as
// File says and judged like any other file. Where passwords are is said by Secret;
// a mapping holds none.
type Pull struct {
	SQL  *SQLPull  `yaml:"sql"`
	HTTP *HTTPPull `yaml:"http"`
}

// Secret says where a word lies that no mapping may hold: in a file that its owner
// alone can read, or in an environment variable whose name begins with ACCORD_PULL_.
type Secret struct {
	File string `yaml:"file"`
	Env  string `yaml:"env"`
}

// The databases that can be read (SQLPull.Driver).
const (
	DriverPostgres = "postgres"
	DriverMySQL    = "mysql" // MariaDB, too
)

// SQLPull reads a table, or the answer to one query, in pages by its key.
type SQLPull struct {
	Driver  string `yaml:"driver"`
	Address Secret `yaml:"address"` // where the database's address stands, password included
	Table   string `yaml:"table"`   // name, or schema.name
	Query   string `yaml:"query"`   // one SELECT, in place of Table
	Key     string `yaml:"key"`     // column that names a row and never repeats
	Cursor  string `yaml:"cursor"`  // column that grows when a row is new or changed; "" reads all rows each time
	Overlap string `yaml:"overlap"` // how far behind the last cursor reading begins: 10m, or a number; rows of transactions that end late
	Refused string `yaml:"refused"` // hold (default): the cursor stays before the first refused row; pass: it does not
	Rows    int    `yaml:"rows"`    // of one page; default 5000
	Timeout string `yaml:"timeout"` // of one statement; default 1m
	Plain   bool   `yaml:"plain"`   // allows a connection to another machine without checked TLS
}

// HTTPPull fetches one document or a sequence of pages.
type HTTPPull struct {
	URL     string `yaml:"url"`
	Token   Secret `yaml:"token"`
	Header  string `yaml:"header"`  // that carries the token; default Authorization, with "Bearer " before it
	CAFile  string `yaml:"ca_file"` // PEM certificates trusted in place of the system's
	Pages   *Pages `yaml:"pages"`
	Timeout string `yaml:"timeout"` // of one answer; default 1m
	Plain   bool   `yaml:"plain"`   // allows a token over http:// to another machine
}

// The ways in which pages follow each other (Pages.By).
const (
	PagesByLink   = "link"   // the answer's Link header names the next one (RFC 8288)
	PagesByNumber = "number" // Parameter counts up until a page has no row
	PagesByCursor = "cursor" // each page holds what Parameter of the next one is
)

// Pages says how the next page is found.
type Pages struct {
	By        string `yaml:"by"`
	Parameter string `yaml:"parameter"` // of the query
	First     *int   `yaml:"first"`     // number of the first page; default 1
	Next      string `yaml:"next"`      // path of the next cursor in a JSON page
}

// maxPullText bounds a text of a pull, in bytes.
const maxPullText = 64 << 10

var (
	secretName = regexp.MustCompile(`^ACCORD_PULL_[A-Z0-9_]{1,64}$`)
	headerName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,63}$`)
)

// maxSQLName is PostgreSQL's bound, in characters here.
const maxSQLName = 63

// isSQLColumn: a letter or underscore, then letters, numbers, underscores and dollars.
// A regular expression of that took a third of the time in which the program starts.
func isSQLColumn(s string) bool {
	n := 0
	for _, r := range s {
		if n++; r != '_' && !unicode.IsLetter(r) && (n == 1 || r != '$' && !unicode.IsNumber(r)) {
			return false
		}
	}
	return n > 0 && n <= maxSQLName && utf8.ValidString(s)
}

// isSQLTable is a table's name, with its schema's before it or without.
func isSQLTable(s string) bool {
	schema, table, qualified := strings.Cut(s, ".")
	return isSQLColumn(schema) && (!qualified || isSQLColumn(table))
}

func (s Secret) set() bool { return s.File != "" || s.Env != "" }

// check says whether exactly one place is named, and well.
func (s Secret) check() bool {
	if s.Env != "" {
		return s.File == "" && secretName.MatchString(s.Env)
	}
	return s.File != "" && exchange.PlainText(s.File, 4096)
}

// normalise fills in defaults and names what is wrong, "" when nothing is.
func (p *Pull) normalise(format FileFormat) string {
	switch {
	case (p.SQL == nil) == (p.HTTP == nil):
		return "pull"
	case format == XLSX:
		return "file.format"
	case p.SQL != nil:
		return p.SQL.normalise(format)
	}
	return p.HTTP.normalise(format)
}

func (p *SQLPull) normalise(format FileFormat) string {
	def(&p.Refused, "hold")
	def(&p.Timeout, "1m")
	if p.Rows == 0 {
		p.Rows = 5000
	}
	switch {
	case format != NDJSON:
		return "file.format"
	case p.Driver != DriverPostgres && p.Driver != DriverMySQL:
		return "pull.sql.driver"
	case !p.Address.check():
		return "pull.sql.address"
	case (p.Table == "") == (p.Query == "") || p.Table != "" && !isSQLTable(p.Table):
		return "pull.sql.table"
	case len(p.Query) > maxPullText:
		return "pull.sql.query"
	case p.Key != "" && !isSQLColumn(p.Key):
		return "pull.sql.key"
	case p.Cursor != "" && (!isSQLColumn(p.Cursor) || p.Key == ""):
		return "pull.sql.cursor"
	case p.Overlap != "" && p.Cursor == "":
		return "pull.sql.overlap"
	case p.Refused != "hold" && p.Refused != "pass":
		return "pull.sql.refused"
	case p.Rows < 1 || p.Rows > 100_000:
		return "pull.sql.rows"
	case !validWait(p.Timeout):
		return "pull.sql.timeout"
	}
	return ""
}

func (p *HTTPPull) normalise(format FileFormat) string {
	def(&p.Timeout, "1m")
	u, err := url.Parse(p.URL)
	switch {
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil || u.Fragment != "" || len(p.URL) > 4096:
		return "pull.http.url"
	case p.Token.set() && !p.Token.check():
		return "pull.http.token"
	case p.Header != "" && (!headerName.MatchString(p.Header) || !p.Token.set()):
		return "pull.http.header"
	case p.CAFile != "" && (u.Scheme != "https" || !exchange.PlainText(p.CAFile, 4096)):
		return "pull.http.ca_file"
	case !validWait(p.Timeout):
		return "pull.http.timeout"
	}
	if p.Pages == nil {
		return ""
	}
	if p.Pages.First == nil {
		one := 1
		p.Pages.First = &one
	}
	g := p.Pages
	switch g.By {
	case PagesByLink:
		if g.Parameter != "" || g.Next != "" {
			return "pull.http.pages"
		}
	case PagesByNumber:
		if g.Parameter == "" || g.Next != "" || *g.First < 0 {
			return "pull.http.pages"
		}
	case PagesByCursor:
		if g.Parameter == "" || g.Next == "" || format != JSON {
			return "pull.http.pages"
		}
	default:
		return "pull.http.pages.by"
	}
	return ""
}

func def(s *string, value string) {
	if *s == "" {
		*s = value
	}
}

// validWait says whether a text is a duration that can be waited for.
func validWait(s string) bool {
	d, err := time.ParseDuration(s)
	return err == nil && d >= time.Second && d <= time.Hour
}
