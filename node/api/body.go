package api

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"

	"accord/crypto/strictjson"
	"accord/exchange/machine"
	"accord/node/wire"
)

// maxBody is the size of an ordinary request body.
const maxBody = 1 << 20

// body reads the strict JSON body of a request that takes no parameters.
func body(r *http.Request, v any) error {
	if _, err := queryOf(r); err != nil {
		return err
	}
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/json" {
		return ErrBody.With()
	}
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return bodyError(err)
	}
	// A null would leave every member as it is, without a complaint.
	if object := bytes.TrimLeft(text, " \t\r\n"); len(object) == 0 || object[0] != '{' {
		return ErrBody.With()
	}
	if err := strictjson.Unmarshal(text, v); err != nil {
		return ErrBody.Wrap(err)
	}
	return nil
}

// bodyError tells a body that is too large from one that broke off.
func bodyError(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return ErrTooLarge.With("limit", tooLarge.Limit)
	}
	return ErrBody.Wrap(err)
}

// answer writes v as JSON.
func answer(w http.ResponseWriter, v any) error {
	text, err := strictjson.Marshal(v)
	if err != nil {
		return err
	}
	return raw(w, "application/json", text)
}

// setIndex says which state an answer stands on.
func setIndex(w http.ResponseWriter, view *machine.View) {
	w.Header().Set(wire.HeaderIndex, strconv.FormatUint(view.Index(), 10))
}
