package intake

import (
	_ "embed"
	"strings"
	"sync"

	"accord/exchange/catalogue"

	"github.com/goccy/go-yaml"
)

// words.yaml lists what sources call the fields of the catalogue: by field id,
// for all categories that have it.
//
//go:embed words.yaml
var synonymsSource []byte

var synonyms = sync.OnceValue(func() map[string][]string {
	all := map[string][]string{}
	if err := yaml.UnmarshalWithOptions(synonymsSource, &all, yaml.Strict()); err != nil {
		panic("intake: words.yaml: " + err.Error()) // compiled in; a test reads it
	}
	return all
})

// dictionary knows by which words sources name fields and values.
type dictionary struct {
	headers map[string]map[string]bool // category.field to forms of header words
	named   map[string]bool            // every form of a header word
	words   map[string]string          // field id + NUL + folded word to value id, of the built-in mappings
}

func newDictionary(doc *catalogue.Document) *dictionary {
	d := &dictionary{headers: map[string]map[string]bool{}, named: map[string]bool{}, words: map[string]string{}}
	add := func(category, field, word string) {
		form := wordForm(word)
		if form == "" {
			return
		}
		at := category + "." + field
		if d.headers[at] == nil {
			d.headers[at] = map[string]bool{}
		}
		d.headers[at][form], d.named[form] = true, true
	}
	for i := range doc.Categories {
		c := &doc.Categories[i]
		for _, f := range c.Fields {
			add(c.ID, f.ID, f.Title.Zh)
			add(c.ID, f.ID, f.Title.En)
			for _, word := range synonyms()[f.ID] {
				add(c.ID, f.ID, word)
			}
			for _, word := range synonyms()[c.ID+"."+f.ID] {
				add(c.ID, f.ID, word)
			}
		}
	}
	for _, name := range Builtins() {
		m, err := Builtin(name)
		if err != nil {
			continue
		}
		for _, t := range m.Tables {
			for _, c := range t.Columns {
				if !c.Ignore {
					add(t.Category, c.Field, c.Source)
					for word, id := range c.Values {
						d.words[c.Field+"\x00"+fold(word)] = id
					}
				}
			}
		}
	}
	return d
}

// wordForm is a header word as it is compared: folded, lower case, without the
// unit or remark in brackets at its end, without what only asks for a value.
func wordForm(word string) string {
	form := strings.ToLower(headerForm(word))
	form = strings.TrimLeft(form, "*※")
	if i := strings.IndexAny(form, "(（【["); i > 0 && !strings.Contains(form[i:], "]") {
		inside := form[i:]
		if strings.Contains(inside, "元") || strings.Contains(inside, "填") || strings.Contains(inside, "yyyy") || strings.Contains(inside, "亩") {
			form = form[:i]
		}
	}
	return strings.NewReplacer("_", "", "-", "", ":", "", "：", "").Replace(form)
}

// points says how surely a header word names a field.
func (d *dictionary) points(header, category string, f *catalogue.Field) int {
	forms := d.headers[category+"."+f.ID]
	form := wordForm(header)
	switch {
	case form == "":
		return 0
	case form == wordForm(f.Title.Zh) || form == wordForm(f.ID) || form == wordForm(f.Title.En):
		return pointsEqual
	case forms[form]:
		return pointsSynonym
	}
	last := form // of a path such as 被执行人.姓名 or a header of two rows
	if i := strings.LastIndexAny(form, "./@"); i >= 0 && i+1 < len(form) {
		if last = form[i+1:]; forms[last] {
			return pointsSynonym - 5
		}
	}
	if i := strings.LastIndexByte(header, '_'); i > 0 && forms[wordForm(header[i+1:])] {
		return pointsSynonym - 15 // Address_City, NameAlias_WholeName
	}
	best := 0
	for word := range forms {
		short, long := word, last
		if len(short) > len(long) {
			short, long = long, short
		}
		if len([]rune(short)) < 2 || len(short) < 4 || !strings.Contains(long, short) {
			continue
		}
		best = max(best, pointsPart+30*len(short)/len(long))
	}
	return best
}

// values are the words for a field's values, folded.
func (d *dictionary) values(f *catalogue.Field) map[string]string {
	all := map[string]string{}
	if f.Type != catalogue.TypeCode && f.Type != catalogue.TypeCodes {
		return all
	}
	ids := map[string]bool{}
	for _, v := range f.Values {
		ids[v.ID] = true
	}
	for key, id := range d.words {
		if field, word, _ := strings.Cut(key, "\x00"); field == f.ID && ids[id] {
			all[word] = id
		}
	}
	for _, v := range f.Values {
		all[fold(v.Title.Zh)], all[fold(v.Title.En)], all[fold(v.ID)] = v.ID, v.ID, v.ID
	}
	return all
}

// knows says whether a word names any field of any category.
func (d *dictionary) knows(word string) bool {
	form := wordForm(word)
	if d.named[form] || isNumbering(word) && form != "" {
		return true
	}
	i := strings.LastIndexAny(form, "./@")
	return i >= 0 && d.named[form[i+1:]]
}
