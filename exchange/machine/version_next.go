//go:build accord_next

package machine

import (
	"accord/exchange"
	"accord/exchange/members"
)

// Version of a build that stands for the release after this one, so that rolling
// upgrades can be rehearsed with two programs. Nobody runs it.
const Version = 5

// VerbEcho is a verb that only this build knows and that changes nothing.
const VerbEcho exchange.Verb = "test.echo"

type echo struct {
	Text string `json:"text"`
}

func nextVerbs() []verb {
	return []verb{define(1<<20, VerbEcho, 5, func(body []byte) (*echo, error) {
		b := new(echo)
		return b, exchange.DecodeBody(VerbEcho, body, b)
	}, func(_ *members.Act, b *echo) (*echo, error) { return b, nil })}
}
