// Package names compares names as agencies write them: of people, of
// organisations, in Chinese characters, in Latin letters, of the minorities
// with their middle dots.
//
// Its one idea: a name is kept as it was written, and looked for in one normal
// form. [Normal] takes away what is writing and not name: width, blanks, the
// kind of dot and bracket, case, traditional characters and the code points
// that old encodings gave to rare ones. [Keys] are what an index keeps of a
// normal form, plain strings that any store compares alike, so that a search
// finds the same on SQLite and on PostgreSQL. [Compare] then says how a found
// name answers the question, and why: the same name before another name of the
// subject before one that is like it.
//
// Nothing here knows a store, and nothing is a threshold of taste that a caller
// could turn: two nodes that hold the same records give the same answer.
//
// The traditional characters and what simplifies them are those of OpenCC's
// TSCharacters (Apache License 2.0), the first choice of each; characters that
// simplified text uses too, such as 乾 and 於, stand for themselves.
package names
