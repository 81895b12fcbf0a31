package intake

import "strings"

// partSeparators are what headers of several fields in one column separate them with.
var partSeparators = []string{"|", ";", "；", "/", "~", " - "}

// parted cuts columns that hold several fields ("Effect Date | Lapse Date") into one
// for each: where every part of the header is a word that names a field, and nearly all
// cells have as many parts.
func parted(columns []sampledColumn, words *dictionary) (out []sampledColumn) {
	for i := range columns {
		if parts := partsOf(&columns[i], words); parts != nil {
			out = append(out, parts...)
			continue
		}
		out = append(out, columns[i])
	}
	return out
}

func partsOf(c *sampledColumn, words *dictionary) []sampledColumn {
	for _, separator := range partSeparators {
		names := strings.Split(c.name, separator)
		if len(names) < 2 || len(names) > maxCellParts || !allKnown(names, words) {
			continue
		}
		parts := make([]sampledColumn, len(names))
		for i, name := range names {
			parts[i] = sampledColumn{name: trim(name), of: c.name, part: i + 1, split: separator}
		}
		like := 0
		for _, v := range c.cells {
			pieces := strings.Split(v.text, separator)
			if v.kind != cellText || len(pieces) > len(names) {
				continue
			}
			if len(pieces) == len(names) {
				like++
			}
			for i, piece := range pieces {
				parts[i].add(cell{kind: cellText, text: piece})
			}
		}
		if like > 0 && like*10 >= len(c.cells)*8 {
			return parts
		}
	}
	return nil
}

func allKnown(names []string, words *dictionary) bool {
	seen := map[string]bool{}
	for _, name := range names {
		form := wordForm(name)
		if seen[form] || isNumbering(name) || !words.named[form] {
			return false
		}
		seen[form] = true
	}
	return true
}

// source is a column of the mapping with where its values stand in the file.
func (c *sampledColumn) source(out Column) Column {
	if c.of != "" {
		out.Source, out.Split, out.Part = c.of, c.split, c.part
	}
	return out
}
