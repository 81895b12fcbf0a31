package records_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"accord/exchange"
	"accord/exchange/feed"
	"accord/exchange/names"
	"accord/exchange/records"
)

func named(t *testing.T, n int, subject string, given ...string) records.Record {
	r := sample(t, n, "x")
	r.Subject, r.SubjectKind, r.Names = exchange.SubjectID("org:"+subject), "enterprise", given
	return r
}

// answers are what a search finds, one line each.
func answers(t *testing.T, s records.Store, name string, limit int) (lines []string, more bool) {
	t.Helper()
	found, more, err := s.SearchNames(context.Background(), name, limit)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range found {
		lines = append(lines, fmt.Sprintf("%s %s %s current=%t", n.Subject, n.Name, n.Match.Reason, n.Current))
	}
	return lines, more
}

func wantAnswers(t *testing.T, s records.Store, name string, want ...string) {
	t.Helper()
	if got, _ := answers(t, s, name, 20); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: got %q, want %q", name, got, want)
	}
}

// The same before an alias before what is like it, each subject once, and why.
func testNames(t *testing.T, open opener) {
	s := open(t, "store")
	insert(t, s,
		named(t, 1, "1", "例省恒安保险代理有限公司"),
		named(t, 2, "2", "例省恒安保險代理股份有限公司"),
		named(t, 3, "3", "例省衡安保险代理有限公司"),
		named(t, 4, "4", "例省恒安保险代理有限公司西宁分公司"),
		named(t, 5, "5", "扎西・顿珠商行"),
		named(t, 6, "6", "例省恒安保险代理有限公司"), // a former name
		named(t, 7, "6", "例省青藏保险经纪有限公司"),
		named(t, 8, "1", "例省恒安保险代理有限公司"),
		named(t, 9, "7", "例市平安财产保险公司"))
	wantAnswers(t, s, "例省恒安保险代理有限公司",
		"org:1 例省恒安保险代理有限公司 identical current=true",
		"org:6 例省恒安保险代理有限公司 alias current=false",
		"org:2 例省恒安保險代理股份有限公司 legal-form current=true",
		"org:3 例省衡安保险代理有限公司 similar current=true",
		"org:4 例省恒安保险代理有限公司西宁分公司 part current=true")
	wantAnswers(t, s, "扎西•顿珠商行", "org:5 扎西・顿珠商行 writing current=true")
	wantAnswers(t, s, "青藏保险", "org:6 例省青藏保险经纪有限公司 part current=true")
	wantAnswers(t, s, "平安财产", "org:7 例市平安财产保险公司 part current=true")
	wantAnswers(t, s, "人寿")
	wantAnswers(t, s, "——")
	if got, more := answers(t, s, "例省恒安保险代理有限公司", 2); len(got) != 2 || !more {
		t.Errorf("of five, two were asked for: %q, more %t", got, more)
	}
}

// A name goes with the last record that gives it, and nothing of it stays.
func testNamesForgotten(t *testing.T, open opener) {
	s, ctx := open(t, "store"), context.Background()
	insert(t, s, named(t, 1, "1", "例省恒安保险代理有限公司"), named(t, 2, "1", "例省恒安保险代理有限公司"))
	for n := 1; n <= 2; n++ {
		if got, _ := answers(t, s, "恒安保险", 5); len(got) != 1 {
			t.Errorf("before erasure %d: %q", n, got)
		}
		d := feed.Document{Kind: feed.Erasure, JWT: fmt.Sprintf("erasure %d", n), Claims: feed.Claims{Issuer: "association",
			ID: fmt.Sprintf("erasure-%016d", n), Federation: "qinghai", Record: recordID(n)}}
		if err := s.EraseRecord(ctx, d); err != nil {
			t.Fatal(err)
		}
	}
	wantAnswers(t, s, "恒安保险")
	if records.CountNames(t, s) != 0 {
		t.Error("keys of an erased name are left")
	}
}

// What is looked for in more names than can be compared says so.
func TestNamesBeyondComparing(t *testing.T) {
	s := openSQLite(t, filepath.Join(t.TempDir(), "records.db"))
	var batch []records.Record
	for n := range 4100 {
		batch = append(batch, named(t, n, fmt.Sprint(n), fmt.Sprintf("例省保险%d号", n)))
	}
	batch = append(batch, named(t, 9000, "9000", "保险"))
	insert(t, s, batch...)
	found, more, err := s.SearchNames(context.Background(), "保险", 10)
	if err != nil || !more || len(found) != 10 || found[0].Name != "保险" || found[0].Match.Level != names.Exact {
		t.Errorf("%d found, the first %+v, more %t, %v", len(found), found[0], more, err)
	}
}

// A misspelt name is found among more than can be compared that are made of the same
// common words, though it came last.
func TestAMisspeltNameAmongMany(t *testing.T) {
	s := openSQLite(t, filepath.Join(t.TempDir(), "records.db"))
	brand := []rune("华国泰安平信诚达通元亨利贞祥瑞福禄寿康宁和顺天地人新恒久昌盛隆兴旺金银玉宝龙凤鹏飞腾云海江河山川东南西北光明辉煌日月星辰春夏秋冬梅兰竹菊")
	var batch []records.Record
	for n := range len(brand) * len(brand) {
		batch = append(batch, named(t, n, fmt.Sprint(n), "广东省"+string(brand[n/len(brand)])+string(brand[n%len(brand)])+"保险代理有限公司"))
	}
	batch = append(batch, named(t, 9000, "9000", "广东省程鸿保险代理有限公司"))
	insert(t, s, batch...)
	for _, asked := range []string{"广东省程鸿保捡代理有限公司", "广东程鸿保险代理有限公司", "广东省程鸿保险代里有限公司", "广东省鸿保险代理有限公司"} {
		found, _, err := s.SearchNames(context.Background(), asked, 3)
		if err != nil || len(found) == 0 || found[0].Subject != batch[len(batch)-1].Subject {
			t.Errorf("%s: %v, %v", asked, found, err)
		}
	}
}
