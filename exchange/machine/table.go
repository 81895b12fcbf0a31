package machine

import (
	"fmt"

	"accord/exchange"
	"accord/exchange/blinding"
	"accord/exchange/custody"
	"accord/exchange/feed"
	"accord/exchange/journal"
	"accord/exchange/lists"
	"accord/exchange/meeting"
	"accord/exchange/members"
	"accord/exchange/release"
	"accord/exchange/state"
	"accord/exchange/subjects"
)

// verb is one row of the verb table. A body with a method Since() int says from
// which machine version it may be used: later than its verb's when it uses members
// that came later, and then older builds cannot read it. A federation runs the machine version its
// charter names, or a later one that all members' nodes have announced (see
// members.Announce).
type verb struct {
	number int // append-only; a retired verb keeps its number and its row
	name   exchange.Verb
	since  int // machine version from which it may be used
	decode func(body []byte) (any, error)
	apply  func(a *members.Act, body any) (outcome any, err error)
}

// define makes a row from a part's typed functions.
func define[B, O any](number int, name exchange.Verb, since int, decode func([]byte) (*B, error), apply func(*members.Act, *B) (*O, error)) verb {
	return verb{number: number, name: name, since: since,
		decode: func(body []byte) (any, error) {
			b, err := decode(body)
			if err != nil {
				return nil, err
			}
			return b, nil
		},
		apply: func(a *members.Act, body any) (any, error) {
			out, err := apply(a, body.(*B))
			if err != nil {
				return nil, err
			}
			return out, nil
		}}
}

// verbs is the table. Numbers and names are never reused; a new verb gets the
// next number and the machine version it comes with.
func verbs() []verb {
	return append([]verb{
		define(1, exchange.VerbNominate, 1, lists.DecodeNominate, lists.Nominate),
		define(2, exchange.VerbWithdraw, 1, lists.DecodeWithdraw, lists.Withdraw),
		define(3, exchange.VerbRemove, 1, lists.DecodeRemove, lists.Remove),
		define(4, exchange.VerbReleaseRequest, 1, release.DecodeRequest, release.Request),
		define(5, exchange.VerbReleaseApprove, 1, release.DecodeApprove, release.Approve),
		define(6, exchange.VerbReleaseDeny, 1, release.DecodeDeny, release.Deny),
		define(7, exchange.VerbReleaseDeliver, 1, release.DecodeDeliver, release.Deliver),
		define(8, exchange.VerbReleaseOpen, 1, release.DecodeOpen, release.Open),
		define(9, exchange.VerbAdopt, 1, members.DecodeAdopt, members.Adopt),
		define(10, exchange.VerbRoster, 1, members.DecodeRoster, members.Enrol),
		define(11, exchange.VerbAnnounce, 1, members.DecodeAnnounce, members.Announce),
		define(12, exchange.VerbRecover, 2, members.DecodeRecover, members.Recover),
		define(13, exchange.VerbFeedAnchor, 3, feed.DecodeAnchor, feed.SetAnchor),
		define(14, exchange.VerbPropose, 4, meeting.DecodePropose, meeting.Propose),
		define(15, exchange.VerbVote, 4, meeting.DecodeVote, meeting.Vote),
		define(16, exchange.VerbWithdrawMotion, 4, meeting.DecodeWithdraw, meeting.Withdraw),
		define(30, exchange.VerbCustodyDeposit, 4, custody.DecodeDeposit, custody.Put),
		define(31, exchange.VerbCustodyDeliver, 4, custody.DecodeDeliver, custody.Deliver),
		define(32, exchange.VerbCustodyOpen, 4, custody.DecodeOpen, custody.Open),
		define(33, exchange.VerbBlindingDeal, 4, blinding.DecodeDeal, blinding.PutDeal),
		define(34, exchange.VerbBlindingAccept, 4, blinding.DecodeAccept, blinding.Accept),
		define(35, exchange.VerbBlindingRefuse, 4, blinding.DecodeRefuse, blinding.Refuse),
		define(20, exchange.VerbReleaseSecond, 4, release.DecodeSecond, release.Second),
		define(21, exchange.VerbReleaseJustify, 4, release.DecodeJustify, release.Justify),
		define(22, exchange.VerbReleaseConsent, 4, release.DecodeConsent, release.PresentConsent),
		define(23, exchange.VerbReleaseWithdraw, 4, release.DecodeWithdraw, release.Withdraw),
		define(40, exchange.VerbSubjectComplain, 4, subjects.DecodeComplain, subjects.Complain),
		define(41, exchange.VerbSubjectAnswer, 4, subjects.DecodeAnswer, subjects.AnswerComplaint),
		define(42, exchange.VerbSubjectApply, 4, subjects.DecodeApply, subjects.Apply),
		define(43, exchange.VerbSubjectDecide, 4, subjects.DecodeDecide, subjects.Decide),
		define(44, exchange.VerbSubjectObject, 4, subjects.DecodeObject, subjects.Object),
		define(45, exchange.VerbSubjectSettle, 4, subjects.DecodeSettle, subjects.Settle),
	}, nextVerbs()...)
}

// byName makes the table searchable. Two rows with one name or number are a
// programming fault.
func byName(rows []verb) map[exchange.Verb]verb {
	table := make(map[exchange.Verb]verb, len(rows))
	numbers := make(map[int]bool, len(rows))
	for _, v := range rows {
		if _, twice := table[v.name]; twice || numbers[v.number] || v.number < 1 || v.since < 1 {
			panic(fmt.Sprintf("machine: verb %s (number %d) is wrong or defined twice", v.name, v.number))
		}
		table[v.name] = v
		numbers[v.number] = true
	}
	return table
}

// schema lists the tables of all parts.
func schema() *state.Schema {
	var all []state.AnyTable
	for _, tables := range [][]state.AnyTable{members.Tables(), journal.Tables(), lists.Tables(), release.Tables(), feed.Tables(), meeting.Tables(), subjects.Tables(), custody.Tables(), blinding.Tables()} {
		all = append(all, tables...)
	}
	return state.NewSchema(all...)
}
