package names

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestNormal(t *testing.T) {
	for _, c := range []struct{ written, normal string }{
		{"张伟", "张伟"},
		{" 张　伟 ", "张伟"},
		{"張偉", "张伟"},
		{"劉龑", "刘䶮"},
		{"刘\ue863", "刘䶮"}, // as code page 936 had it
		{"刘䶮", "刘䶮"},
		{"𠮷田", "𠮷田"},
		{"王乾", "王乾"}, // not 王干: simplified text has both
		{"扎西•顿珠", "扎西·顿珠"},
		{"扎西・顿珠", "扎西·顿珠"},
		{"扎西．顿珠", "扎西·顿珠"},
		{"·扎西··顿珠·", "扎西·顿珠"},
		{"马\u200b尔\ufeff撒", "马尔撒"},
		{"例省恒安保险代理（青海）有限公司", "例省恒安保险代理青海有限公司"},
		{"例省恒安保险代理(青海)有限公司", "例省恒安保险代理青海有限公司"},
		{"ＡＢＣ保险", "abc保险"},
		{"ABC保险", "abc保险"},
		{"⼀心", "一心"}, // Kangxi radical, as PDF files give it
		{"\uf9b4導", "领导"},
		{"José", "josé"},
		{"Jose\u0301", "josé"},
		{"བཀྲ་ཤིས།", "བཀྲཤིས"},
		{"", ""},
		{"——", ""},
		{"\xff张", "张"},
	} {
		if got := Normal(c.written); got != c.normal {
			t.Errorf("Normal(%q) = %q, want %q", c.written, got, c.normal)
		}
	}
}

// The table is used in one step, so nothing it maps to may be mapped again, and
// the row of GBK is as long as the code points it stands for.
func TestTables(t *testing.T) {
	if len(simplified) < 3000 {
		t.Errorf("%d characters", len(simplified))
	}
	for from, to := range simplified {
		if again, ok := simplified[to]; ok {
			t.Errorf("%c becomes %c and that %c", from, to, again)
		}
		if to == 0 || to == utf8.RuneError {
			t.Errorf("%c becomes nothing", from)
		}
	}
	if len(private) != lastPrivate-firstPrivate+1 {
		t.Errorf("%d characters of GBK's last row", len(private))
	}
	for at, want := range map[rune]rune{0xe815: 0x2e81, 0xe816: 0x20087, 0xe81e: 0x9fb4, 0xe826: 0x9fb5, 0xe82b: 0x9fb6,
		0xe82c: 0x9fb7, 0xe831: 0x215d7, 0xe832: 0x9fb8, 0xe83b: 0x2298f, 0xe843: 0x9fb9, 0xe854: 0x9fba, 0xe855: 0x241fe, 0xe863: 0x4dae, 0xe864: 0x9fbb} {
		if got := private[at-firstPrivate]; got != want {
			t.Errorf("%U is %U, want %U (GB 18030-2022)", at, got, want)
		}
	}
}

func TestCompare(t *testing.T) {
	for _, c := range []struct {
		query, name string
		alias       bool
		want        Level
		reason      Reason
	}{
		{"张建国", "张建国", false, Exact, Identical},
		{"张建国", "張建國", false, Exact, Writing},
		{"张建国", "张建国", true, Alias, Former},
		{"张建国", "章建国", false, Near, Sounds},
		{"张建国", "张健国", false, Near, Sounds},
		{"张建国", "张建军", false, Near, Similar},
		{"张建国", "建张国", false, Near, Similar},
		{"建国", "张建国", false, Near, Contains},
		{"张国", "张建国", false, Near, Similar},
		{"张建国", "李建军", false, Apart, ""},
		{"张伟", "张玮", false, Near, Sounds},
		{"张伟", "李伟", false, Apart, ""},
		{"扎西·顿珠", "扎西•顿珠", false, Exact, Writing},
		{"扎西顿珠", "扎西·顿珠", false, Near, Similar},
		{"马尔撒·阿卜杜", "马尔撒阿卜杜拉", false, Near, Similar},
		{"例省恒安保险代理有限公司", "例省恒安保险代理有限责任公司", false, Alias, LegalForm},
		{"恒安保险", "例省恒安保险代理有限公司", false, Near, Contains},
		{"例省恒安保险代理有限公司", "例省恒安保险代理有限公司西宁分公司", false, Near, Contains},
		{"例省恒安保险代理有限公司", "例省衡安保险代理有限公司", false, Near, Similar},
		{"例省恒安保险代理有限公司", "例市平安财产保险有限公司", false, Apart, ""},
		{"有限公司", "股份有限公司", false, Near, Contains},
		{"", "张伟", false, Apart, ""},
		{"——", "——", false, Apart, ""},
	} {
		got := NewQuery(c.query).Compare(c.name, c.alias)
		if got.Level != c.want || got.Reason != c.reason {
			t.Errorf("%q, %q: %+v, want %d %s", c.query, c.name, got, c.want, c.reason)
		}
	}
}

// The better answer has the higher score within its level.
func TestScoreOrders(t *testing.T) {
	q := NewQuery("例省恒安保险代理有限公司")
	close, far := q.Compare("例省衡安保险代理有限公司", false), q.Compare("例省衡安保险经纪有限公司", false)
	if close.Score <= far.Score {
		t.Errorf("%+v is not before %+v", close, far)
	}
}

// What Compare calls exact or the same but for the legal form has the key of the
// whole, and nothing else needs to be read for it.
func TestWholeKey(t *testing.T) {
	for _, pair := range [][2]string{{"張偉", "张 伟"}, {"扎西•顿珠", "扎西·顿珠"}, {"例省恒安保险代理有限公司", "例省恒安保險代理股份有限公司"}, {"李", "李"}} {
		if !slices.Contains(Keys(Normal(pair[1])), NewQuery(pair[0]).Probe().Whole) {
			t.Errorf("%s is not found as %s", pair[1], pair[0])
		}
	}
}

// An index that is asked for what Probe says misses no name that is near.
func TestProbeMissesNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	han := []rune("张王李赵刘陈杨黄周吴国建军伟芳敏静丽强磊洋艳勇杰娟涛明超秀兰霞平刚桂英例省恒安保险代理有限公司")
	latin := []rune("abcdefghij")
	for trial := range 20_000 {
		alphabet := han
		if trial%5 == 0 {
			alphabet = latin
		}
		name := make([]rune, 2+r.IntN(24))
		for i := range name {
			name[i] = alphabet[r.IntN(len(alphabet))]
		}
		other := slices.Clone(name)
		for range r.IntN(allowed(len(name)) + 1) {
			other = edited(r, other, alphabet)
		}
		q := NewQuery(string(name))
		m := q.Compare(string(other), false)
		if m.Level > Near {
			continue
		}
		probe := q.Probe()
		keys, need := probe.Any, probe.Need
		have := Keys(Normal(string(other)))
		shared := 0
		for _, k := range keys {
			if slices.Contains(have, k) {
				shared++
			}
		}
		if shared < len(keys)-need+1 && !slices.Contains(have, probe.Sound) && !slices.Contains(have, probe.Whole) {
			t.Fatalf("%s and %s are near (%s), but share %d of %d keys where the rarest %d are asked for", string(name), string(other), m.Reason, shared, len(keys), need)
		}
	}
}

func edited(r *rand.Rand, name, alphabet []rune) []rune {
	at, c := r.IntN(len(name)), alphabet[r.IntN(len(alphabet))]
	switch r.IntN(4) {
	case 0:
		name[at] = c
	case 1:
		return slices.Insert(name, at, c)
	case 2:
		if len(name) > 2 {
			return slices.Delete(name, at, at+1)
		}
	default:
		if at > 0 {
			name[at-1], name[at] = name[at], name[at-1]
		}
	}
	return name
}

func TestSound(t *testing.T) {
	for name, want := range map[string]string{"张伟": "zhang wei", "章玮": "zhang wei", "李": "", "张wei": "", "扎西·顿珠": "", "例省恒安保险代理": ""} {
		if got := Sound(name); got != want {
			t.Errorf("%s sounds %q, want %q", name, got, want)
		}
	}
}

func FuzzNames(f *testing.F) {
	for _, s := range []string{"张伟", "張偉", "扎西•顿珠", "ＡＢＣ（青海）有限公司", "\ue863", "e\u0301\u0327", "İ", "ﷺ", strings.Repeat("安", 300)} {
		f.Add(s, "张伟")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		normal := Normal(a)
		if again := Normal(normal); again != normal {
			t.Errorf("Normal of %q is %q, of that %q", a, normal, again)
		}
		if !utf8.ValidString(normal) {
			t.Errorf("Normal of %q is no text", a)
		}
		keys := Keys(normal)
		if len(keys) > MaxRunes+3 {
			t.Errorf("%d keys", len(keys))
		}
		one, other := NewQuery(a).Compare(b, false), NewQuery(b).Compare(a, false)
		if (one.Level <= Alias) != (other.Level <= Alias) {
			t.Errorf("%q, %q: %+v one way, %+v the other", a, b, one, other)
		}
		if utf8.ValidString(a) && normal != "" && NewQuery(a).Compare(a, false).Reason != Identical {
			t.Errorf("%q is not itself", a)
		}
	})
}

func BenchmarkNormal(b *testing.B) {
	for _, name := range []string{"张建国", "張建國", "例省恒安保险代理（青海）有限公司"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Normal(name)
			}
		})
	}
}

func BenchmarkCompare(b *testing.B) {
	q := NewQuery("例省恒安保险代理有限公司")
	b.ReportAllocs()
	for b.Loop() {
		q.Compare("例省衡安保险代理有限公司", false)
	}
}

func ExampleQuery_Compare() {
	q := NewQuery("張建国")
	for _, name := range []string{"张建国", "章建国", "张建", "李雷"} {
		m := q.Compare(name, false)
		fmt.Println(name, m.Level, m.Reason)
	}
	// Output:
	// 张建国 1 writing
	// 章建国 3 sound
	// 张建 3 similar
	// 李雷 4
}
