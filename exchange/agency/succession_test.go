package agency_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"accord/crypto/blind"
	"accord/crypto/cryptotest"
	"accord/crypto/oprf"
	"accord/exchange"
	"accord/exchange/agency"
	"accord/exchange/blinding"
	"accord/exchange/catalogue"
	"accord/exchange/meeting"
	"accord/exchange/members"
)

// shares is a keystore in memory.
type shares map[int][]byte

func (s shares) Share(version int) ([]byte, error) { return bytes.Clone(s[version]), nil }
func (s shares) Keep(version int, share []byte) error {
	if old, ok := s[version]; ok && !bytes.Equal(old, share) {
		return errors.New("another share")
	}
	s[version] = bytes.Clone(share)
	return nil
}
func (s shares) Forget(version int) error { delete(s, version); return nil }

// heirs is a world whose blinding key the court holds alone, with what each member's
// node does about changes of that.
type heirs struct {
	*world
	t      *testing.T
	kept   map[exchange.MemberID]shares
	blind  map[exchange.MemberID]*agency.Oblivious
	do     map[exchange.MemberID]*agency.Succession
	away   map[exchange.MemberID]bool
	change func(dealer, holder exchange.MemberID, jwe string) string // what happens to parts on their way
	id     string                                                    // of a person, as it was
}

func newHeirs(t *testing.T) *heirs {
	t.Helper()
	key, err := oprf.NewKey()
	must(t, err)
	public := key.Public()
	raw, err := key.Bytes()
	must(t, err)
	document, _ := catalogue.Demo()
	h := &heirs{t: t, kept: map[exchange.MemberID]shares{}, blind: map[exchange.MemberID]*agency.Oblivious{}, do: map[exchange.MemberID]*agency.Succession{}, away: map[exchange.MemberID]bool{}}
	h.world = foundBy(t, document, members.MachineMeeting, func(c *members.Charter) {
		c.Blind = members.BlindRef{Scheme: blind.SchemeVOPRF, Commitment: base64.RawURLEncoding.EncodeToString(public[:]), Holders: []exchange.MemberID{"court"}}
	}, "insurer-a", "insurer-b")
	for m := range h.agency {
		if h.kept[m] = (shares{}); m == "court" {
			h.kept[m][0] = raw
		}
		h.start(m)
	}
	h.id = h.idBy("association")
	return h
}

// start is a node's start.
func (h *heirs) start(m exchange.MemberID) {
	h.t.Helper()
	if old := h.blind[m]; old != nil {
		must(h.t, old.Close())
	}
	g, err := blinding.GroupOf(h.machine.View().Federation().Blind)
	must(h.t, err)
	group, err := g.Open()
	must(h.t, err)
	h.blind[m], err = agency.NewOblivious(agency.ObliviousConfig{Epoch: 1, Group: group, Holders: g.Holders, Self: m, Share: h.kept[m][0],
		Storage: cryptotest.Secret(string(m), "storage"), Cache: filepath.Join(h.t.TempDir(), "ids"), Log: slog.New(slog.DiscardHandler),
		Ask: func(_ context.Context, holder exchange.MemberID, which agency.KeyName, blinded []oprf.Element) (oprf.Evaluation, error) {
			if h.away[holder] {
				return oprf.Evaluation{}, errors.New("away")
			}
			return h.blind[holder].Evaluate(which, blinded)
		}})
	must(h.t, err)
	h.t.Cleanup(func() { h.blind[m].Close() })
	h.do[m] = agency.NewSuccession(h.agency[m], h.blind[m], h.kept[m], cryptotest.Secret(string(m), "storage"),
		func(_ context.Context, dealer exchange.MemberID, version int) (string, error) {
			if h.away[dealer] {
				return "", errors.New("away")
			}
			jwe, err := h.do[dealer].Part(m, version)
			if err == nil && h.change != nil {
				jwe = h.change(dealer, m, jwe)
			}
			return jwe, err
		}, slog.New(slog.DiscardHandler))
}

// idBy is a person's id as a member's node makes it, without its cache.
func (h *heirs) idBy(m exchange.MemberID) string {
	h.t.Helper()
	id, err := h.blind[m].Blind(h.t.Context(), exchange.SubjectPerson, "11010519491231002X")
	must(h.t, err)
	return id
}

// decide has the joint meeting decide on the next holders.
func (h *heirs) decide(k int, holders ...exchange.MemberID) {
	h.t.Helper()
	h.decideOn(meeting.Decision{Outcome: meeting.Split, Holders: holders, Threshold: k})
}

func (h *heirs) decideOn(d meeting.Decision) {
	h.t.Helper()
	d.Object = strconv.Itoa(blinding.Next(h.machine.View().Rows()))
	res, err := h.agency["regulator"].Propose(h.t.Context(), "officer", meeting.ProposeBody{Kind: meeting.Blinding, Reason: "分散密钥", Deadline: exchange.MillisOf(h.now.Add(time.Hour)),
		Decision: &d})
	must(h.t, err)
	for _, m := range []exchange.MemberID{"regulator", "commission", "court"} {
		_, err := h.agency[m].Vote(h.t.Context(), "officer", exchange.CommandID(res.ID), meeting.Yes, "")
		must(h.t, err)
	}
}

// rounds has every node do what there is to do, n times, and gives the last errors.
func (h *heirs) rounds(n int) map[exchange.MemberID]error {
	h.t.Helper()
	all := map[exchange.MemberID]error{}
	for range n {
		h.now = h.now.Add(time.Second)
		clear(all)
		for _, m := range slices.Sorted(maps.Keys(h.do)) {
			if err := h.do[m].Round(h.t.Context(), "node"); err != nil {
				all[m] = err
			}
		}
	}
	return all
}

func (h *heirs) status(version int) blinding.Status {
	h.t.Helper()
	c, ok := blinding.Get(h.machine.View().Rows(), version)
	if !ok {
		h.t.Fatalf("there is no change %d", version)
	}
	return c.StatusAt(h.machine.View().Rows(), h.machine.View().Time())
}

// holds lists who has a share of a version.
func (h *heirs) holds(version int) (all []exchange.MemberID) {
	for _, m := range slices.Sorted(maps.Keys(h.kept)) {
		if h.kept[m][version] != nil {
			all = append(all, m)
		}
	}
	return all
}

// TestABlindingKeyChangesHands: from one holder to 2 of 3 and to 3 of 5; the ids stay, the
// old shares go, and who has heard late is answered for a minute.
func TestABlindingKeyChangesHands(t *testing.T) {
	h := newHeirs(t)
	h.decide(2, "association", "commission", "regulator")
	if errs := h.rounds(3); len(errs) > 0 || h.status(1) != blinding.InForce {
		t.Fatalf("%s, %v", h.status(1), errs)
	}
	if got := h.holds(1); !slices.Equal(got, []exchange.MemberID{"association", "commission", "regulator"}) {
		t.Errorf("held by %v", got)
	}
	late := agency.KeyName{Epoch: 1}
	request, err := oprf.Blind([][]byte{[]byte("x")})
	must(t, err)
	if _, err := h.blind["court"].Evaluate(late, request.Blinded); err != nil {
		t.Errorf("who has not heard yet is turned away: %v", err)
	}
	for m := range h.blind {
		if name, share := h.blind[m].Using(1); name.Version != 1 || share != (m == "association" || m == "commission" || m == "regulator") {
			t.Errorf("%s uses %+v, share %v", m, name, share)
		}
		h.start(m) // nothing in the cache
	}
	h.rounds(1)
	h.away["court"], h.away["regulator"] = true, true
	for _, m := range []exchange.MemberID{"court", "insurer-a", "association"} {
		if got := h.idBy(m); got != h.id {
			t.Errorf("%s: another id", m)
		}
	}
	h.away["commission"] = true
	if _, err := h.blind["insurer-a"].Blind(t.Context(), exchange.SubjectPerson, "110105194912310046"); !errors.Is(err, agency.ErrHolders) {
		t.Errorf("with one holder: %v", err)
	}
	h.away = map[exchange.MemberID]bool{}
	h.now = h.now.Add(61 * time.Second)
	h.rounds(1)
	if got := h.holds(0); len(got) != 0 {
		t.Errorf("the old key is still at %v", got)
	}
	if _, err := h.blind["court"].Evaluate(late, request.Blinded); !errors.Is(err, agency.ErrNoShare) {
		t.Errorf("a group that is no more is answered for: %v", err)
	}

	h.decide(3, "court", "insurer-a", "insurer-b", "association", "regulator")
	if errs := h.rounds(3); len(errs) > 0 || h.status(2) != blinding.InForce || h.status(1) != blinding.Replaced {
		t.Fatalf("%s, %v", h.status(2), errs)
	}
	h.now = h.now.Add(61 * time.Second)
	h.rounds(1)
	if one, two := h.holds(1), h.holds(2); len(one) != 0 || len(two) != 5 {
		t.Errorf("held by %v, before %v", two, one)
	}
	h.start("commission")
	h.rounds(1)
	if h.idBy("commission") != h.id {
		t.Error("another id after the second change")
	}
}

// TestAPartThatDoesNotFitEndsTheChange: with the dealer's name, and everything is as
// before; so does one that was meant for another.
func TestAPartThatDoesNotFitEndsTheChange(t *testing.T) {
	for name, change := range map[string]func(h *heirs, dealer, holder exchange.MemberID, jwe string) string{
		"not encrypted to it": func(_ *heirs, _, _ exchange.MemberID, jwe string) string { return jwe[:len(jwe)-4] + "AAAA" },
		"another's": func(h *heirs, dealer, holder exchange.MemberID, jwe string) string {
			other, err := h.do[dealer].Part("regulator", 1)
			must(h.t, err)
			return other
		},
		"nothing": func(*heirs, exchange.MemberID, exchange.MemberID, string) string { return "" },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHeirs(t)
			h.change = func(dealer, holder exchange.MemberID, jwe string) string {
				if holder == "commission" {
					return change(h, dealer, holder, jwe)
				}
				return jwe
			}
			h.decide(2, "association", "commission", "regulator")
			h.rounds(3)
			c, _ := blinding.Get(h.machine.View().Rows(), 1)
			if h.status(1) != blinding.Refused || c.End.By != "commission" || c.End.Dealer != "court" {
				t.Fatalf("%s, %+v", h.status(1), c.End)
			}
			if len(h.holds(1)) != 0 || len(h.holds(0)) != 1 {
				t.Errorf("shares are kept by %v, the key by %v", h.holds(1), h.holds(0))
			}
			h.start("insurer-a")
			if h.rounds(1); h.idBy("insurer-a") != h.id {
				t.Error("another id")
			}
			h.change = nil
			h.decide(2, "association", "commission", "regulator")
			if h.rounds(3); h.status(2) != blinding.InForce {
				t.Errorf("the next one is %s", h.status(2))
			}
		})
	}
}

// TestAHolderThatIsAway holds a change up, and lets it lapse; what was kept for it goes.
func TestAHolderThatIsAway(t *testing.T) {
	h := newHeirs(t)
	h.decide(2, "association", "commission")
	delete(h.do, "commission")
	if h.rounds(3); h.status(1) != blinding.Accepting || len(h.holds(1)) != 1 {
		t.Fatalf("%s, kept by %v", h.status(1), h.holds(1))
	}
	h.start("commission")
	h.away["court"] = true
	if errs := h.rounds(2); h.status(1) != blinding.Accepting || errs["commission"] == nil {
		t.Errorf("without the dealer: %s, %v", h.status(1), errs)
	}
	h.now = h.now.Add(8 * 24 * time.Hour)
	h.rounds(1) // the clock alone ends nothing: the ledger's time does
	if len(h.holds(1)) != 1 {
		t.Error("a share went by a node's own clock")
	}
	_, err := h.agency["regulator"].Propose(t.Context(), "officer", meeting.ProposeBody{Kind: meeting.Peering, Reason: "时间推进", Deadline: exchange.MillisOf(h.now.Add(time.Hour)), Decision: &meeting.Decision{Object: "x", Outcome: "deny"}})
	must(t, err)
	h.rounds(1)
	if h.status(1) != blinding.Lapsed || len(h.holds(1)) != 0 || len(h.holds(0)) != 1 {
		t.Errorf("%s, kept by %v and %v", h.status(1), h.holds(1), h.holds(0))
	}
	h.away = map[exchange.MemberID]bool{}
	h.decide(2, "association", "commission")
	if errs := h.rounds(3); h.status(2) != blinding.InForce {
		t.Errorf("%s, %v", h.status(2), errs)
	}
}

// TestAChangeOfHoldersCrashesAnywhere and goes on: every point, of each holder.
func TestAChangeOfHoldersCrashesAnywhere(t *testing.T) {
	type crash struct{}
	for point, who := range map[string]exchange.MemberID{"blinding.deal.before": "court", "blinding.deal.after": "court", "blinding.keep.before": "commission",
		"blinding.accept.before": "commission", "blinding.accept.after": "association", "blinding.forgotten": "court"} {
		t.Run(point, func(t *testing.T) {
			h := newHeirs(t)
			hit := false
			h.agency[who].Hook = func(p string) {
				if p == point && !hit {
					hit = true
					panic(crash{})
				}
			}
			h.decide(2, "association", "commission")
			for range 6 {
				func() {
					defer func() {
						if r := recover(); r != nil {
							if _, ours := r.(crash); !ours {
								panic(r)
							}
							h.start(who)
						}
					}()
					h.rounds(1)
				}()
				h.now = h.now.Add(time.Minute)
			}
			if h.rounds(1); !hit || h.status(1) != blinding.InForce || len(h.holds(1)) != 2 || len(h.holds(0)) != 0 {
				t.Errorf("reached %v: %s, kept by %v and %v", hit, h.status(1), h.holds(1), h.holds(0))
			}
			h.start("insurer-a")
			if h.rounds(1); h.idBy("insurer-a") != h.id {
				t.Error("another id")
			}
		})
	}
}

// TestABlindingKeyIsReplaced: three members make a new key that nobody knows; new ids are
// of the next epoch, who has a number finds the old ones, and both keys can change hands.
func TestABlindingKeyIsReplaced(t *testing.T) {
	h := newHeirs(t)
	h.decideOn(meeting.Decision{Outcome: meeting.Rotate, Holders: []exchange.MemberID{"association", "commission", "insurer-a"}, Threshold: 2})
	if errs := h.rounds(4); len(errs) > 0 || h.status(1) != blinding.InForce {
		t.Fatalf("%s, %v", h.status(1), errs)
	}
	h.now = h.now.Add(61 * time.Second)
	h.rounds(1)
	if zero, one := h.holds(0), h.holds(1); len(zero) != 1 || len(one) != 3 {
		t.Errorf("the first key is held by %v, the new one by %v", zero, one)
	}
	const number = "11010519491231002X"
	next := h.idBy("regulator")
	for m := range h.blind {
		h.start(m)
		must(t, h.do[m].Round(t.Context(), "node"))
	}
	for m := range h.blind {
		all, err := h.blind[m].BlindAll(t.Context(), exchange.SubjectPerson, number)
		if err != nil || len(all) != 2 || all[0] != next || all[1] != h.id || !strings.HasPrefix(next, "v2.") {
			t.Errorf("%s: %v, %v; the ids are %s and %s", m, all, err, next, h.id)
		}
	}
	h.agency["court"].Blinder = h.blind["court"]
	ids, err := h.agency["court"].SubjectIDs(t.Context(), exchange.SubjectPerson, number)
	if err != nil || len(ids) != 2 || ids[1] != exchange.SubjectID("person:"+h.id) {
		t.Errorf("%v, %v", ids, err)
	}

	h.decideOn(meeting.Decision{Outcome: meeting.Split, Epoch: 1, Holders: []exchange.MemberID{"regulator", "association"}, Threshold: 2})
	if errs := h.rounds(3); h.status(2) != blinding.InForce || h.status(1) != blinding.InForce {
		t.Fatalf("%s and %s, %v", h.status(1), h.status(2), errs)
	}
	h.decide(2, "court", "insurer-b", "regulator")
	if errs := h.rounds(3); h.status(3) != blinding.InForce || h.status(2) != blinding.InForce || h.status(1) != blinding.Replaced {
		t.Fatalf("%s, %s and %s, %v", h.status(1), h.status(2), h.status(3), errs)
	}
	h.now = h.now.Add(61 * time.Second)
	h.rounds(1)
	for v, want := range []int{0, 0, 2, 3} {
		if got := h.holds(v); len(got) != want {
			t.Errorf("version %d is held by %v", v, got)
		}
	}
	h.start("commission")
	h.rounds(1)
	if all, err := h.blind["commission"].BlindAll(t.Context(), exchange.SubjectPerson, number); err != nil || !slices.Equal(all, []string{next, h.id}) {
		t.Errorf("after both changed hands: %v, %v", all, err)
	}
}
