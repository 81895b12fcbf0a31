package api

import (
	"net/http"
	"strings"

	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/node/wire"
)

// statusOf is the one mapping of errors to HTTP status: by kind, but for the
// two that HTTP has words of its own for.
func statusOf(e *exchange.Error) int {
	switch {
	case e.Is(ErrTooLarge):
		return http.StatusRequestEntityTooLarge
	case e.Is(ErrMethod):
		return http.StatusMethodNotAllowed
	case e.Is(ErrRate):
		return http.StatusTooManyRequests
	}
	switch e.Kind {
	case exchange.KindInvalid:
		return http.StatusBadRequest
	case exchange.KindRefused, exchange.KindForbidden:
		return http.StatusForbidden
	case exchange.KindNotFound:
		return http.StatusNotFound
	case exchange.KindConflict:
		return http.StatusConflict
	case exchange.KindUnauthenticated:
		return http.StatusUnauthorized
	case exchange.KindUnavailable, exchange.KindNoQuorum, exchange.KindUnknownOutcome:
		return http.StatusServiceUnavailable
	case exchange.KindUnverified:
		return http.StatusUnprocessableEntity
	}
	return http.StatusInternalServerError
}

// ProblemOf is the problem document of an error, in lang. The cause of an
// internal error never shows.
func ProblemOf(err error, lang exchange.Lang) wire.Problem {
	e := exchange.AsError(err)
	return wire.Problem{
		Type: "urn:accord:error:" + e.Code, Title: e.Kind.String(), Status: statusOf(e),
		Detail: e.What(lang), Code: e.Code, Kind: e.Kind.String(), Next: e.Next(lang), Field: e.Field,
		Retryable: retryable(e.Kind), Args: e.Args,
	}
}

func retryable(k exchange.Kind) bool {
	return k == exchange.KindUnavailable || k == exchange.KindNoQuorum || k == exchange.KindUnknownOutcome
}

func writeProblem(w http.ResponseWriter, r *http.Request, err error) {
	p := ProblemOf(err, langOf(r))
	body, merr := strictjson.Marshal(p)
	if merr != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/problem+json")
	if p.Retryable {
		w.Header().Set("Retry-After", "1")
	}
	w.WriteHeader(p.Status)
	w.Write(body)
}

// langOf picks the language of problem texts: English only when asked for
// first.
func langOf(r *http.Request) exchange.Lang {
	first, _, _ := strings.Cut(strings.TrimSpace(r.Header.Get("Accept-Language")), ",")
	if strings.HasPrefix(strings.ToLower(first), "en") {
		return exchange.En
	}
	return exchange.Zh
}
