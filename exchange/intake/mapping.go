package intake

import (
	"slices"

	"accord/exchange"
)

// MappingFormat is the mapping format this build reads; another one is refused.
const MappingFormat = "accord-mapping/1"

// NoEnd is how "no end" (长期, Ongoing) is stored in a date field: the day that
// the national 双公示 data standard prescribes for it.
const NoEnd = "2099-12-31"

// Mapping says how one source's files become catalogue fields: data that an
// agency's clerk can read and change, never code.
type Mapping struct {
	Format string        `yaml:"format"`
	Name   string        `yaml:"name"`
	Title  exchange.Text `yaml:"title"`
	Source Source        `yaml:"source"`
	File   File          `yaml:"file"`
	Tables []Table       `yaml:"tables"`
	Pull   *Pull         `yaml:"pull" json:"-"` // how its rows are fetched; nothing of how they are read
}

// Source says whose data this is and how far it is to be trusted.
type Source struct {
	Name  exchange.Text `yaml:"name"`
	Grade Grade         `yaml:"grade"`
}

// Grade is the trust put into a source.
type Grade string

// The grades.
const (
	GradeDecision  Grade = "A" // an authority's own decisions
	GradeBusiness  Grade = "B" // an organisation's own business data
	GradePublished Grade = "C" // a list that another institution published
	GradeReported  Grade = "D" // reported or carried by media, not verified
)

// FileFormat is how a file is built.
type FileFormat string

// The file formats.
const (
	CSV    FileFormat = "csv"
	TSV    FileFormat = "tsv"
	XLSX   FileFormat = "xlsx"
	NDJSON FileFormat = "ndjson"
	JSON   FileFormat = "json" // one document; Table.Rows is the path of the array
	XML    FileFormat = "xml"  // Table.Rows is the path of the row's element
)

// Encoding is a text file's character encoding.
type Encoding string

// The encodings. A byte order mark is accepted wherever it fits.
const (
	UTF8    Encoding = "utf-8"
	GB18030 Encoding = "gb18030"
	UTF16LE Encoding = "utf-16le"
	Auto    Encoding = "auto" // by byte order mark, else by what most lines of the beginning are
)

// File is what holds for the whole file.
type File struct {
	Format    FileFormat `yaml:"format"`
	Encoding  Encoding   `yaml:"encoding"`  // text files; default auto
	Separator string     `yaml:"separator"` // one character; default "," (csv) or tab (tsv)
	Quotes    string     `yaml:"quotes"`    // strict (default) or repair: see csvSource
	Empty     []string   `yaml:"empty"`     // placeholders that mean "no value"
	NoEnd     []string   `yaml:"no_end"`    // words or days that mean "no end" in a date
	DayOf     string     `yaml:"day_of"`    // stamps with an offset: beijing (default) or written

	Namespaces map[string]string `yaml:"namespaces"` // XML: prefix used in this mapping to namespace name
}

// Table is one sheet of a workbook, or the only table of another file.
type Table struct {
	Sheet      string            `yaml:"sheet"`
	Category   string            `yaml:"category"`
	HeaderRow  int               `yaml:"header_row"`  // physical row or line; default 1
	HeaderRows int               `yaml:"header_rows"` // rows a header takes up; default 1; their words are joined with "/"
	Footers    []string          `yaml:"footers"`     // rows whose first text begins so are no data
	Extra      string            `yaml:"extra"`       // columns the mapping does not name: refuse (default) or ignore
	Columns    []Column          `yaml:"columns"`
	Constants  map[string]string `yaml:"constants"` // field to text, for what every row shares
	Subject    Subject           `yaml:"subject"`
	Sex        *SexCheck         `yaml:"sex"`

	Rows       string       `yaml:"rows"`       // JSON: path of the array, "" for the document itself; XML: path of the row's element
	Register   bool         `yaml:"register"`   // the table is itself a register: its subjects need to stand in no other
	Shared     *SharedCheck `yaml:"shared"`     // rows that hold one person twice
	Members    *Members     `yaml:"members"`    // a list of persons within each row
	Consistent []Consistent `yaml:"consistent"` // amounts that follow from other columns
}

// Column takes one source column or path to one field.
type Column struct {
	Source    string            `yaml:"source"`     // header, or dot-separated path in NDJSON
	Field     string            `yaml:"field"`      // "" with ignore
	Join      []string          `yaml:"join"`       // columns whose text follows in the same field, each after a space
	Ignore    bool              `yaml:"ignore"`     // the column exists and carries no data
	Required  bool              `yaml:"required"`   // the source promises a value in every row
	Unit      Unit              `yaml:"unit"`       // money; default yuan
	Split     string            `yaml:"split"`      // what separates several values in one cell
	Part      int               `yaml:"part"`       // which of them this field is, from 1; each has a column of its own
	Values    map[string]string `yaml:"values"`     // source word to value id; default the values' Chinese titles
	Past      bool              `yaml:"past"`       // a day that cannot lie in the future
	NotBefore string            `yaml:"not_before"` // a date field this one may not precede
	Dates     string            `yaml:"dates"`      // order of a date in digits: ymd (default), dmy or mdy
	Each      string            `yaml:"each"`       // what the items of a list are: text (default), name, resident-id or phone
	HTML      bool              `yaml:"html"`       // the source writes HTML here; its text is kept
	Listed    bool              `yaml:"listed"`     // an organisation's code that the register of organisations should hold
	Unlisted  string            `yaml:"unlisted"`   // the finding when it does not: unregistered_subject (default) or unknown_employer
}

// Unit is the unit amounts of a column are written in.
type Unit string

// The units.
const (
	Yuan Unit = "yuan"
	Wan  Unit = "wan" // 万元, ten thousand yuan
)

// Subject says how a row names its subject: by the case whose When is the value
// of the field By, or without By by the first case whose key has a value.
type Subject struct {
	By    string        `yaml:"by"`
	Cases []SubjectCase `yaml:"cases"`
}

// SubjectCase is one way of naming a subject.
type SubjectCase struct {
	When      string   `yaml:"when"`      // value id of Subject.By
	Kind      string   `yaml:"kind"`      // catalogue subject kind
	Namespace string   `yaml:"namespace"` // org, person or name
	Key       string   `yaml:"key"`       // field with the identifier
	As        string   `yaml:"as"`        // what the key is where its field does not say it: uscc, licence or name
	Name      string   `yaml:"name"`      // field with the name, for comparison with a register
	Requires  []string `yaml:"requires"`  // fields without which such a row is incomplete
}

// The ways to read a subject's key (SubjectCase.As). A licence or a bare name
// identifies nobody by itself: a register has to say whose it is.
const (
	AsUSCC    = "uscc"
	AsLicence = "licence"
	AsName    = "name"
)

// SharedCheck flags a row that gives one identifier a second time although an
// earlier row under another key already has it, both being as Where says.
type SharedCheck struct {
	Field string            `yaml:"field"`
	Where map[string]string `yaml:"where"` // field to value id
}

// Members are the persons of a group, given as lists of equal length.
type Members struct {
	Path   string `yaml:"path"`   // of the list, for messages
	Least  int    `yaml:"least"`  // fewer are refused
	Most   int    `yaml:"most"`   // more are refused
	ID     string `yaml:"id"`     // field with the identity numbers: once per row, and flagged in a second one
	Leader string `yaml:"leader"` // field with the one who leads; rows without are flagged
}

// Consistent flags a field that contradicts others of its row: an amount owed
// that is not Of minus Less (none owed is no contradiction: it may have been
// deferred or waived), or one that is not zero although the count Without is.
type Consistent struct {
	Field   string `yaml:"field"`
	Of      string `yaml:"of"`
	Less    string `yaml:"less"`
	Without string `yaml:"without"`
}

// SexCheck compares a stated sex with the one in an identity number.
type SexCheck struct {
	Field  string `yaml:"field"`
	Male   string `yaml:"male"`   // value id
	Female string `yaml:"female"` // value id
	ID     string `yaml:"id"`     // field with the identity number
}

// Limits of a mapping document.
const (
	maxMappingBytes = 256 << 10
	maxTables       = 32
	maxColumns      = 512
	maxWords        = 2048
)

// normalise fills in defaults and checks everything that needs no catalogue.
func (m *Mapping) normalise() error {
	bad := func(where string) error { return ErrMapping.With("mapping", m.Name, "where", where) }
	switch {
	case m.Format != MappingFormat:
		return bad("format")
	case !exchange.ValidName(m.Name):
		return bad("name")
	case m.Title.Zh == "" || m.Title.En == "":
		return bad("title")
	case m.Source.Name.Zh == "" || m.Source.Name.En == "":
		return bad("source.name")
	case !slices.Contains([]Grade{GradeDecision, GradeBusiness, GradePublished, GradeReported}, m.Source.Grade):
		return bad("source.grade")
	case len(m.Tables) == 0 || len(m.Tables) > maxTables:
		return bad("tables")
	case m.File.Format != XLSX && len(m.Tables) != 1:
		return bad("tables")
	}
	if where := m.File.normalise(); where != "" {
		return bad("file." + where)
	}
	if m.Pull != nil {
		if where := m.Pull.normalise(m.File.Format); where != "" {
			return bad(where)
		}
	}
	seen := map[string]bool{}
	for i := range m.Tables {
		t := &m.Tables[i]
		if where := t.normalise(m.File.Format); where != "" {
			return bad("tables." + t.Sheet + where)
		}
		if seen[t.Sheet] {
			return bad("tables." + t.Sheet)
		}
		seen[t.Sheet] = true
	}
	return nil
}

func (f *File) normalise() string {
	switch f.Format {
	case CSV, TSV, XLSX, NDJSON, JSON, XML:
	default:
		return "format"
	}
	switch f.Encoding {
	case "":
		f.Encoding = Auto
	case UTF8, GB18030, UTF16LE, Auto:
	case "utf-8-bom":
		f.Encoding = UTF8
	default:
		return "encoding"
	}
	if f.Separator == "" {
		f.Separator = map[FileFormat]string{TSV: "\t"}[f.Format]
	}
	if f.Separator == "" {
		f.Separator = ","
	}
	if len(f.Separator) != 1 || f.Separator[0] == '"' || f.Separator[0] == '\n' || f.Separator[0] == '\r' || f.Separator[0] > 0x7e {
		return "separator"
	}
	if f.Quotes == "" {
		f.Quotes = "strict"
	}
	if f.Quotes != "strict" && f.Quotes != "repair" {
		return "quotes"
	}
	if f.DayOf == "" {
		f.DayOf = "beijing"
	}
	if f.DayOf != "beijing" && f.DayOf != "written" {
		return "day_of"
	}
	if len(f.Empty) > maxWords || len(f.NoEnd) > maxWords {
		return "empty"
	}
	if len(f.Namespaces) > 0 && f.Format != XML || len(f.Namespaces) > maxColumns || f.Format == XML && f.Encoding == UTF16LE {
		return "namespaces"
	}
	return ""
}

func (t *Table) normalise(format FileFormat) string {
	if (format == XLSX) != (t.Sheet != "") {
		return ".sheet"
	}
	if t.HeaderRow == 0 {
		t.HeaderRow = 1
	}
	if t.HeaderRows == 0 {
		t.HeaderRows = 1
	}
	if t.Extra == "" {
		t.Extra = "refuse"
	}
	switch {
	case t.HeaderRow < 1 || t.HeaderRow > 1000 || t.HeaderRows < 1 || t.HeaderRows > 10:
		return ".header_row"
	case t.HeaderRows > 1 && format != XLSX:
		return ".header_rows"
	case t.Extra != "refuse" && t.Extra != "ignore":
		return ".extra"
	case t.Category == "":
		return ".category"
	case len(t.Columns) == 0 || len(t.Columns) > maxColumns:
		return ".columns"
	case len(t.Subject.Cases) == 0 || len(t.Subject.Cases) > maxTables:
		return ".subject.cases"
	case t.Rows != "" && format != JSON && format != XML || format == XML && t.Rows == "":
		return ".rows"
	case len(t.Constants) > maxColumns || len(t.Footers) > maxWords:
		return ".constants"
	}
	if where := t.normaliseChecks(); where != "" {
		return where
	}
	sources, fields := map[string]*Column{}, map[string]bool{}
	for field := range t.Constants {
		fields[field] = true
	}
	for i := range t.Columns {
		c := &t.Columns[i]
		where := ".columns." + c.Source
		if c.Unit == "" {
			c.Unit = Yuan
		}
		switch {
		case c.Source == "" || sources[headerForm(c.Source)] != nil && !sources[headerForm(c.Source)].beside(c):
			return where
		case c.Part < 0 || c.Part > maxCellParts || c.Part > 0 && (c.Split == "" || c.Each != ""):
			return where + ".part"
		case c.Ignore != (c.Field == ""):
			return where + ".field"
		case !c.Ignore && fields[c.Field]:
			return where + ".field"
		case c.Unit != Yuan && c.Unit != Wan:
			return where + ".unit"
		case c.Dates != "" && c.Dates != datesYMD && c.Dates != datesDMY && c.Dates != datesMDY:
			return where + ".dates"
		case c.Each != "" && !itemTypes[c.Each]:
			return where + ".each"
		case c.Unlisted != "" && (!c.Listed || c.Unlisted != "unknown_employer" && c.Unlisted != "unregistered_subject"):
			return where + ".unlisted"
		case len(c.Values) > maxWords:
			return where + ".values"
		}
		sources[headerForm(c.Source)] = c
		fields[c.Field] = true
	}
	return t.normaliseJoins(sources)
}

// normaliseJoins makes a column that is left out of each one that is joined to another,
// so that readers bring its cells.
func (t *Table) normaliseJoins(sources map[string]*Column) string {
	joined := map[string]bool{}
	for _, c := range slices.Clone(t.Columns) {
		if len(c.Join) > 0 && (c.Ignore || c.Part > 0 || len(c.Join) > maxCellParts) {
			return ".columns." + c.Source + ".join"
		}
		for _, name := range c.Join {
			form := headerForm(name)
			switch beside := sources[form]; {
			case name == "" || joined[form] || beside != nil && !beside.Ignore:
				return ".columns." + c.Source + ".join"
			case beside == nil:
				t.Columns = append(t.Columns, Column{Source: name, Ignore: true, Unit: Yuan})
			}
			joined[form] = true
		}
	}
	if len(t.Columns) > maxColumns {
		return ".columns"
	}
	return ""
}

// maxCellParts is how many fields one column can hold.
const maxCellParts = 10

// beside says whether two columns of one name are different parts of its cells. Parts
// come in their order.
func (c *Column) beside(next *Column) bool {
	return c.Part > 0 && next.Part > c.Part && c.Split == next.Split
}

// itemTypes are what the items of a list can be.
var itemTypes = map[string]bool{"text": true, "name": true, "resident-id": true, "phone": true}

// normaliseChecks looks at what a table says beside its columns.
func (t *Table) normaliseChecks() string {
	for _, c := range t.Subject.Cases {
		switch c.As {
		case "", AsUSCC, AsLicence, AsName:
		default:
			return ".subject.as"
		}
		if t.Subject.By == "" && c.When != "" {
			return ".subject.cases"
		}
	}
	if m := t.Members; m != nil && (m.Path == "" || m.ID == "" || m.Least < 0 || m.Most < m.Least || m.Most > maxItems) {
		return ".members"
	}
	if t.Shared != nil && t.Shared.Field == "" {
		return ".shared"
	}
	for _, c := range t.Consistent {
		if c.Field == "" || (c.Without == "") == (c.Of == "" || c.Less == "") || c.Without != "" && c.Of+c.Less != "" {
			return ".consistent"
		}
	}
	return ""
}
