package members

import (
	"crypto/sha256"
	"strings"

	"accord/exchange"
)

// phraseWords is how many words a phrase has: 48 bits. That catches every
// mistake and every hasty forgery. Who must exclude a patient forger, who tries
// charters until the words fit, compares the digest itself.
const phraseWords = 6

// Phrase is a digest as six words in each language, for comparing by telephone.
// The same digest always gives the same words.
func Phrase(digest string) exchange.Text {
	sum := sha256.Sum256([]byte("accord-phrase/1\n" + digest))
	zh, en := make([]string, phraseWords), make([]string, phraseWords)
	for i := range phraseWords {
		zh[i], en[i] = wordsZh[sum[i]], wordsEn[sum[i]]
	}
	return exchange.Text{Zh: strings.Join(zh, " "), En: strings.Join(en, " ")}
}
