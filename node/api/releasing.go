package api

import (
	"context"
	"net/http"

	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/agency"
	"accord/exchange/records"
	"accord/exchange/release"
	"accord/node/audit"
	"accord/node/wire"
)

// stepRelease does something to the release of the path between two audit lines and
// shows what became of it.
func (s *Server) stepRelease(w http.ResponseWriter, r *http.Request, act string, verb exchange.Verb, bodyOf func(exchange.ReleaseID) any) error {
	row, err := s.releaseRow(r)
	if err != nil {
		return err
	}
	err = s.act(r, s.eventOf(act, &row), func(*audit.Event) error {
		_, err := s.Agency.Act(r.Context(), callerOf(r).Operator.Name, verb, bodyOf(row.ID))
		return err
	})
	s.Metrics.Release(act[len("release."):], outcome(err))
	if err != nil {
		return err
	}
	view := s.view()
	setIndex(w, view)
	return s.answerRelease(w, view, row.ID)
}

// second stands by a bulk request of this member as its second person.
func (s *Server) second(w http.ResponseWriter, r *http.Request) error {
	return s.judge(w, r, "release.second", exchange.VerbReleaseSecond)
}

// justify says afterwards why it was an emergency.
func (s *Server) justify(w http.ResponseWriter, r *http.Request) error {
	var in wire.Justify
	if err := body(r, &in); err != nil {
		return err
	}
	var f form
	f.text(in.Text, maxReason, "/text")
	if err := f.err(); err != nil {
		return err
	}
	return s.stepRelease(w, r, "release.justify", exchange.VerbReleaseJustify, func(id exchange.ReleaseID) any {
		return release.JustifyBody{Release: id, Text: in.Text}
	})
}

// presentConsent brings the subject's consent to a pending release.
func (s *Server) presentConsent(w http.ResponseWriter, r *http.Request) error {
	var in wire.PresentConsent
	if err := body(r, &in); err != nil {
		return err
	}
	var f form
	f.need(in.Consent != "" && len(in.Consent) <= release.MaxConsent, "/consent")
	if err := f.err(); err != nil {
		return err
	}
	return s.stepRelease(w, r, "release.consent", exchange.VerbReleaseConsent, func(id exchange.ReleaseID) any {
		return release.ConsentBody{Release: id, Consent: in.Consent}
	})
}

// signConsent signs the consent that a subject gave at this member's counter or portal.
func (s *Server) signConsent(w http.ResponseWriter, r *http.Request) error {
	var in wire.AskConsent
	if err := body(r, &in); err != nil {
		return err
	}
	var f form
	f.need(exchange.ValidName(in.Category), "/category")
	f.need(in.Record == "" || exchange.ValidID(string(in.Record)), "/record")
	f.need(len(in.Fields) > 0 && len(in.Fields) <= maxFields, "/fields")
	f.need(exchange.ValidName(in.Purpose), "/purpose")
	f.need(exchange.ValidName(string(in.Recipient)), "/recipient")
	now := s.instant(nil, s.view())
	until := exchange.MillisOf(in.Until)
	f.need(until > now && until-now <= release.MaxConsentTerm, "/until")
	if err := f.err(); err != nil {
		return err
	}
	var out wire.Consent
	err := s.forSubject(r, "consent.sign", wire.AskSubject{Subject: in.Subject, PersonID: in.PersonID, Proof: in.Proof}, func(ids []exchange.SubjectID) error {
		subject, err := s.knownAs(r.Context(), ids)
		if err != nil {
			return err
		}
		c, token, err := s.Agency.SignConsent(callerOf(r).Operator.Name, agency.Consenting{Subject: subject, Category: in.Category, Record: in.Record,
			Fields: in.Fields, Purpose: in.Purpose, Recipient: in.Recipient, Until: until})
		out = wire.Consent{ID: c.ID, Consent: token, Until: c.Until.Time()}
		return err
	})
	if err != nil {
		return err
	}
	return answer(w, out)
}

// knownAs is the id of a person's that this node holds records under, the newest where it
// holds none: a consent is for the records of one id.
func (s *Server) knownAs(ctx context.Context, ids []exchange.SubjectID) (exchange.SubjectID, error) {
	for _, subject := range ids {
		page, _, err := s.Agency.Records.List(ctx, records.Filter{Subject: subject}, "", 1)
		if err != nil || len(page) > 0 {
			return subject, err
		}
	}
	return ids[0], nil
}

// withdrawConsent takes back a consent that this member signed.
func (s *Server) withdrawConsent(w http.ResponseWriter, r *http.Request) error {
	var in wire.WithdrawConsent
	if err := body(r, &in); err != nil {
		return err
	}
	id := r.PathValue("id")
	var f form
	f.need(exchange.ValidID(id), "/id")
	f.maybe(in.Note, maxReason, "/note")
	if err := f.err(); err != nil {
		return err
	}
	out := wire.ConsentWithdrawn{ID: id}
	err := s.act(r, audit.Event{Act: "consent.withdraw"}, func(e *audit.Event) error {
		res, err := s.Agency.Act(r.Context(), callerOf(r).Operator.Name, exchange.VerbReleaseWithdraw, release.WithdrawBody{Consent: id, Note: in.Note})
		if err != nil {
			return err
		}
		var done release.Withdrawn
		err = strictjson.Unmarshal(res.Body, &done)
		out.Release, e.Release = done.Release, done.Release
		return err
	})
	if err != nil {
		return err
	}
	setIndex(w, s.view())
	return answer(w, out)
}

// trace finds the releases that something leaked can have come from.
func (s *Server) trace(w http.ResponseWriter, r *http.Request) error {
	var in wire.AskTrace
	if err := body(r, &in); err != nil {
		return err
	}
	out := wire.Trace{Found: []wire.Traced{}}
	err := s.act(r, audit.Event{Act: "release.trace"}, func(e *audit.Event) error {
		found, err := s.Agency.Trace(r.Context(), []byte(in.Text))
		e.Count = int64(len(found))
		for _, t := range found {
			one := wire.Traced{Kind: t.Kind, Release: t.Release, Recipient: t.Recipient, Operator: t.Operator, Record: t.Record, Field: t.Field, Proved: t.Proved}
			if t.At != 0 {
				at := t.At.Time()
				one.At = &at
			}
			out.Found = append(out.Found, one)
		}
		return err
	})
	if err != nil {
		return err
	}
	return answer(w, out)
}

// moreOf shows what machine version 4 added to a release.
func moreOf(out *wire.Release, r *release.Release, at exchange.Millis) {
	out.Records, out.Emergency, out.Urgency = r.Records(), r.Emergency, string(r.UrgencyAt(at))
	word := func(a *release.Approval) *wire.Approval {
		if a == nil {
			return nil
		}
		w := approvalOf(*a, true)
		return &w
	}
	out.Second, out.Justified = word(r.Second), word(r.Justified)
	if r.JustifyBy != 0 {
		t := r.JustifyBy.Time()
		out.JustifyBy = &t
	}
	if c := r.Consent; c != nil {
		out.Consent = &wire.ConsentRef{ID: c.ID, Issuer: c.Issuer, Operator: c.Operator, Digest: c.Digest, Until: c.Until.Time()}
	}
}
