package intake

import (
	"context"
	"io"
	"slices"
	"strings"
	"time"

	"accord/exchange"
	"accord/exchange/catalogue"
)

// Proposal is a mapping that a file's header and first rows suggest: text for a
// person to read, complete and correct, with what could not be told beside it.
type Proposal struct {
	Text    string // the mapping document, with remarks
	Mapping *Mapping
	Notes   []exchange.Text // what a person has to look at
}

// ProposeOptions are what a proposal is made by.
type ProposeOptions struct {
	File     string // the file's name: its ending tells formats apart that look alike
	Category string // "" chooses the category that fits best
	AsOf     time.Time
}

// leastFit is the share of columns that have to be understood before a category
// is proposed by itself.
const leastFit = 0.3

// Propose makes a mapping for a file nobody described yet. It reads the header
// and the first rows only, takes words from the catalogue, the built-in mappings
// and a list of synonyms, and lets the field's own rules judge the values: a
// column is proposed for a field when its name says so and its values do not
// contradict, or when only its values can say so (an identity number).
func Propose(ctx context.Context, src io.ReaderAt, size int64, doc *catalogue.Document, o ProposeOptions) (*Proposal, error) {
	file, tables, err := sample(ctx, src, size, o.File, newDictionary(doc))
	if err != nil {
		return nil, err
	}
	p := &proposer{doc: doc, words: newDictionary(doc), file: file, asOf: o.AsOf, tables: tables}
	m := &Mapping{Format: MappingFormat, Name: mappingName(o.File), File: file,
		Source: Source{Name: exchange.Text{Zh: "请填写来源单位", En: "name the source"}, Grade: GradeReported}}
	for i := range tables {
		fit, ok := p.best(&tables[i], o.Category)
		if !ok {
			if o.Category != "" && categoryOf(doc, o.Category) == nil {
				return nil, ErrUnfit.With("mapping", m.Name, "where", o.Category)
			}
			continue
		}
		m.Tables = append(m.Tables, p.table(&tables[i], fit))
		if m.Title.Zh == "" {
			m.Title = fit.category.Title
		}
	}
	if len(m.Tables) == 0 {
		return nil, ErrUnclear.With("file", o.File)
	}
	p.fileWords(m)
	text := p.write(m)
	parsed, err := ParseMapping([]byte(text))
	if err != nil {
		return nil, err
	}
	return &Proposal{Text: text, Mapping: parsed, Notes: p.notes}, nil
}

// mappingName is a file's name as a mapping's: what a mapping's name may hold.
func mappingName(file string) string {
	name := file[strings.LastIndexAny(file, `/\`)+1:]
	if i := strings.LastIndexByte(name, '.'); i > 0 {
		name = name[:i]
	}
	name = strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, name), "-_")
	for strings.Contains(name, "--") {
		name = strings.ReplaceAll(name, "--", "-")
	}
	if len(name) > 40 {
		name = strings.Trim(name[:40], "-_")
	}
	if !exchange.ValidName(name) || slices.Contains(Builtins(), name) {
		name = strings.Trim("source-"+name, "-")
	}
	return name
}

// proposer holds what all tables of one proposal share.
type proposer struct {
	doc     *catalogue.Document
	words   *dictionary
	file    File
	tables  []sampled
	asOf    time.Time
	notes   []exchange.Text
	unknown map[string][]string // column to words without a value
}

func (p *proposer) note(zh, en string) { p.notes = append(p.notes, exchange.Text{Zh: zh, En: en}) }

// fit is how a table's columns would fill a category.
type fit struct {
	category *catalogue.Category
	fields   []int // per column: index of the field, -1 for none
	sure     []bool
	score    float64 // of all columns with content
}

// best finds the category whose fields the columns name best.
func (p *proposer) best(t *sampled, want string) (fit, bool) {
	var best fit
	for i := range p.doc.Categories {
		c := &p.doc.Categories[i]
		if want != "" && c.ID != want {
			continue
		}
		if f := p.fit(t, c); best.category == nil || f.score > best.score {
			best = f
		}
	}
	if best.category == nil || want == "" && best.score < leastFit {
		return fit{}, false
	}
	return best, true
}

// Points of a column for a field: what its name says, then what its values do.
const (
	pointsEqual    = 100
	pointsSynonym  = 95
	pointsPart     = 40 // and up to 30 more, by how much of the word it is
	pointsValues   = 20
	pointsOnly     = 45 // no name, but values that only such a field has
	pointsContrary = -60
	pointsLeast    = 40
	fewValues      = 5
)

// fit assigns columns to fields, the clearest pairs first.
func (p *proposer) fit(t *sampled, c *catalogue.Category) fit {
	type pair struct{ column, field, points int }
	var pairs []pair
	for i := range t.columns {
		for j := range c.Fields {
			if points := p.points(&t.columns[i], c, &c.Fields[j]); points >= pointsLeast {
				pairs = append(pairs, pair{i, j, points})
			}
		}
	}
	slices.SortStableFunc(pairs, func(a, b pair) int { return b.points - a.points })
	f := fit{category: c, fields: make([]int, len(t.columns)), sure: make([]bool, len(t.columns))}
	for i := range f.fields {
		f.fields[i] = -1
	}
	taken := make([]bool, len(c.Fields))
	total, filledColumns := 0, 0
	for _, pr := range pairs {
		if f.fields[pr.column] >= 0 || taken[pr.field] {
			continue
		}
		f.fields[pr.column], f.sure[pr.column], taken[pr.field] = pr.field, pr.points >= pointsSynonym-10, true
		total += min(pr.points, pointsEqual)
	}
	for i := range t.columns {
		if !isNumbering(t.columns[i].name) && (t.columns[i].filled > 0 || f.fields[i] >= 0) {
			filledColumns++
		}
	}
	missing := 0
	for j := range c.Fields {
		key := slices.Contains(c.Key, c.Fields[j].ID)
		if !taken[j] && (c.Fields[j].Required || key) {
			missing++
		}
	}
	if filledColumns > 0 {
		f.score = float64(total)/float64(pointsEqual*filledColumns) - min(0.03*float64(missing), 0.3)
	}
	return f
}

// points says how well a column goes with a field, below pointsLeast not at all.
func (p *proposer) points(col *sampledColumn, c *catalogue.Category, f *catalogue.Field) int {
	if isNumbering(col.name) {
		return 0
	}
	name := p.words.points(col.name, c.ID, f)
	if f.Names == catalogue.NamesSubject && (col.repeats() || col.nameless()) {
		return name + pointsContrary
	}
	share, judged := p.share(col, f)
	switch {
	case !judged:
		return name
	case share < 0.3:
		if f.Type == catalogue.TypeCode || f.Type == catalogue.TypeCodes {
			return name - pointsValues // the source may have words of its own
		}
		if col.filled < fewValues {
			return name - pointsValues // a few wrong values say little
		}
		return name + pointsContrary
	case share >= 0.7 && name >= pointsLeast:
		return name + pointsValues
	case share >= 0.8 && (f.Type == catalogue.TypeUSCC || f.Type == catalogue.TypeResidentID):
		return pointsOnly
	case share >= 0.9 && f.Type == catalogue.TypeCode && len(f.Values) > 2 && col.filled > 1:
		return pointsOnly
	}
	return name
}

// isNumbering says whether a column only counts the rows.
func isNumbering(name string) bool {
	switch strings.ToLower(wordForm(name)) {
	case "", "序号", "编号序", "行号", "no", "no.", "#", "s/n", "sn":
		return true
	}
	return false
}

// strict are the types whose values say by themselves whether they can be such.
var strictTypes = map[catalogue.Type]bool{catalogue.TypeUSCC: true, catalogue.TypeResidentID: true,
	catalogue.TypeDate: true, catalogue.TypeTime: true, catalogue.TypeMoney: true, catalogue.TypeCount: true,
	catalogue.TypePhone: true, catalogue.TypeURL: true, catalogue.TypeBool: true, catalogue.TypeArea: true,
	catalogue.TypeCode: true, catalogue.TypeCodes: true}

// share is how many of the column's values the field's own rules take.
func (p *proposer) share(col *sampledColumn, f *catalogue.Field) (share float64, judged bool) {
	if !strictTypes[f.Type] || col.filled == 0 {
		return 0, false
	}
	m := &Mapping{File: p.file}
	n := newNormaliser(m, p.doc, Options{AsOf: p.asOf})
	for _, w := range defaultEmpty {
		n.empty[strings.ToLower(fold(w))] = true
	}
	for _, w := range endlessWords {
		n.noEnd[strings.ToLower(fold(w))] = true
	}
	column := Column{Source: col.name, Field: f.ID, Unit: unitOf(col.name), Dates: col.dates()}
	if f.Type == catalogue.TypeCodes {
		column.Split = splitOf(col)
	}
	t := &target{Column: column, field: *f}
	t.words, _ = words(column, f)
	for word, id := range p.words.values(f) {
		t.words[word] = id
	}
	if t.words == nil {
		t.words = map[string]string{}
	}
	good, all := 0, 0
	for _, c := range col.cells {
		o := n.cell(t, c, "")
		if !o.refuse && o.value == nil {
			continue
		}
		if all++; !o.refuse {
			good++
		}
	}
	if all == 0 {
		return 0, false
	}
	return float64(good) / float64(all), true
}

// defaultEmpty are the placeholders of Chinese tables.
var defaultEmpty = []string{"无", "/", "-", "NULL", "N/A", "——"}

// endlessWords mean "no end" where a day is expected.
var endlessWords = []string{"长期", "长期有效", "永久", "无期限", "无固定期限", "Ongoing", "Indefinite", "Permanent", "Permanently", "2999-12-31", "9999-12-31"}

// unitOf is the unit that a header states.
func unitOf(header string) Unit {
	if strings.Contains(headerForm(header), "万元") {
		return Wan
	}
	return Yuan
}

// splitOf is what separates several values in the cells of a column.
func splitOf(col *sampledColumn) string {
	for _, sep := range []string{";", "；", "|", "、", ","} {
		for _, c := range col.cells {
			if strings.Contains(c.text, sep) {
				return sep
			}
		}
	}
	return ";"
}

// fileWords notes which words for "no end" a file uses.
func (p *proposer) fileWords(m *Mapping) {
	m.File.Empty = defaultEmpty
	seen := map[string]bool{}
	for i := range p.tables {
		for _, col := range p.tables[i].columns {
			for _, c := range col.cells {
				if len(c.text) < 40 {
					seen[strings.ToLower(fold(c.text))] = true
				}
			}
		}
	}
	for _, w := range endlessWords {
		if seen[strings.ToLower(fold(w))] {
			m.File.NoEnd = append(m.File.NoEnd, w)
		}
	}
}
