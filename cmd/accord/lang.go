package main

import (
	"strings"

	"accord/exchange"
)

// t is the text in the tool's language. Commands are built in one language,
// so a command's texts are written where it is declared: e.t("导入", "import").
func (e *env) t(zh, en string) string { return e.say(exchange.Text{Zh: zh, En: en}) }

// say is t for a text that exists already.
func (e *env) say(text exchange.Text) string { return text.In(e.Lang) }

// langOf chooses the language: --lang, ACCORD_LANG, then the locale in the
// order POSIX gives (LC_ALL, LC_MESSAGES, LANG). A locale of a third language
// gets English; none at all, or the C locale, gets Chinese.
func langOf(flag string, getenv func(string) string) exchange.Lang {
	for _, own := range []string{flag, getenv("ACCORD_LANG")} {
		if own == string(exchange.Zh) || own == string(exchange.En) {
			return exchange.Lang(own)
		}
	}
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if locale := getenv(name); locale != "" {
			return langOfLocale(locale)
		}
	}
	return exchange.Zh
}

func langOfLocale(locale string) exchange.Lang {
	name, _, _ := strings.Cut(locale, ".")
	if name == "C" || name == "POSIX" || strings.HasPrefix(name, "zh") {
		return exchange.Zh
	}
	return exchange.En
}
