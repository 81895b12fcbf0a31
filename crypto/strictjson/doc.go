// Package strictjson is the one JSON decoder at trust boundaries.
//
// Two programs that read one text must not read two meanings. The usual Go
// decoder keeps the last of two equal member names, folds the case of names,
// ignores members it does not know and rounds large integers; each of these
// has been used to show one document to a verifier and another to the program
// behind it. This package refuses such texts instead of choosing:
//
//   - duplicate member names, at every depth, also inside raw values
//   - unknown members and names in the wrong case (except in UnmarshalLoose)
//   - anything after the value, a byte-order mark, invalid UTF-8, lone surrogates
//   - nesting deeper than MaxDepth, texts longer than MaxSize
//   - numbers of 2^53 and beyond in untyped values, where they would be rounded
//
// It stands on github.com/go-json-experiment/json (the "v2" semantics), whose
// differences from encoding/json a caller has to know:
//
//   - null sets the zero value: a required member needs a check of its own
//   - a nil slice is written [], a nil map {}
//   - omitempty leaves out what is empty as JSON ("", null, [], {}); to leave
//     out a zero number or false, use omitzero
//   - a json.RawMessage is read verbatim, and written without its white space:
//     bytes that were signed are therefore carried as strings, never as raw JSON
//
// Errors tell what is wrong and where, never the text itself, because texts
// hold private fields.
package strictjson
