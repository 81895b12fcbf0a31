// Package meeting is the joint meeting (联席会议): the seats decide together who
// belongs, which catalogue counts, and what one member alone may not decide.
//
// A proposal (提案) carries the document that is decided on: a roster with its proofs,
// a catalogue, or a decision, which is a few words. A vote (表决) is a command of its
// own, so everybody sees it and it has its leaf; a yes to a roster or catalogue also
// carries the seat's endorsement of exactly these bytes. With the vote that reaches
// the quorum the proposal takes effect, in the same command: nobody has to carry
// anything anywhere, and a stranger who holds the proposal and the votes follows the
// line of rosters by signatures alone, as before.
//
// Whether a proposal is open is a function of its rows and time; no timer closes one.
package meeting
