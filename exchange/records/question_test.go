package records_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"accord/exchange/question"
	"accord/exchange/records"
)

func ask(t *testing.T, text string) records.Question {
	t.Helper()
	pairs, err := url.ParseQuery(text)
	if err != nil {
		t.Fatal(err)
	}
	q, err := records.ParseQuestion(pairs)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return q
}

// A question has one spelling, and reading that gives the question.
func TestQuestionSpelling(t *testing.T) {
	for given, want := range map[string]string{
		"": "",
		"status=active&subject=91630000MA000000XX": "",
		"name=张伟&category=penalty":                 "name=%E5%BC%A0%E4%BC%9F&category=penalty",
		"number=青银保监罚决字〔2024〕1号":                   "number=" + url.QueryEscape("青银保监罚决字20241号"),
		"from=2026-11-20":                          "from=" + url.QueryEscape("2026-11-19T16:00:00Z"),
		"known-at=2026-11-20T17:00:00.120%2B08:00": "known-at=" + url.QueryEscape("2026-11-20T09:00:00.12Z"),
		"area=63&kind=enterprise&author=court":     "author=court&area=63&kind=enterprise",
		"subject=person:h1.abc":                    "subject=person%3Ah1.abc",
	} {
		if strings.Contains(given, "MA000000XX") {
			continue // a code that is none; refused below
		}
		q := ask(t, given)
		if got := q.String(); got != want {
			t.Errorf("%s is spelled %s, want %s", given, got, want)
		}
		if again := ask(t, q.String()); again != q {
			t.Errorf("%s reads %+v, spelled it reads %+v", given, q, again)
		}
		if pairs, err := records.ParseQuestion(q.Pairs()); err != nil || pairs != q {
			t.Errorf("%s: its pairs read %+v, %v", given, pairs, err)
		}
	}
}

func TestQuestionRefused(t *testing.T) {
	for text, want := range map[string]error{
		"colour=red":                       question.ErrKey,
		"Status=active":                    question.ErrKey,
		"limit=5":                          question.ErrKey,
		"<b>=1":                            question.ErrKey,
		"status=lost":                      question.ErrValue,
		"status=":                          question.ErrValue,
		"status=active&status=active":      question.ErrValue,
		"subject=91630000MA000000XX":       question.ErrValue,
		"subject=63999919800101001X":       question.ErrValue, // shaped like a person's number
		"name=11010519491231002X":          question.ErrValue, // one with the right check character
		"number=11010519491231002x":        question.ErrValue,
		"name=——":                          question.ErrValue,
		"area=630":                         question.ErrValue,
		"area=0663":                        question.ErrValue,
		"from=yesterday":                   question.ErrValue,
		"from=2026-11-20T9:00:00Z":         question.ErrValue,
		"from=2026-11-20&until=2026-11-20": question.ErrValue,
		"as-of=1800-01-01":                 question.ErrValue,
	} {
		pairs, err := url.ParseQuery(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := records.ParseQuestion(pairs); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", text, err, want)
		}
	}
	_, err := records.ParseQuestion(url.Values{"colour": {"red"}})
	for _, key := range records.QuestionKeys() {
		if !strings.Contains(err.Error(), key) {
			t.Errorf("%v does not name %s", err, key)
		}
	}
}

func FuzzQuestion(f *testing.F) {
	for _, s := range []string{"status=active", "name=张伟&area=63", "number=〔2024〕1号", "from=2026-11-20", "known-at=2026-11-20T17:00:00.12%2B08:00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		pairs, err := url.ParseQuery(text)
		if err != nil {
			return
		}
		q, err := records.ParseQuestion(pairs)
		if err != nil {
			return
		}
		if again, err := records.ParseQuestion(q.Pairs()); err != nil || again != q {
			t.Errorf("%q reads %+v, its pairs %+v (%v)", text, q, again, err)
		}
	})
}
