// Package bundle is the one offline evidence file.
//
// A bundle holds statements of a federation together with everything that is
// needed to judge them: the charter with its founders' keys, a cosigned
// checkpoint of the ledger, inclusion proofs. A stranger verifies it with no
// network and no account, trusting nothing but the charter's digest (64 hex
// digits, compared by telephone) or a policy of cosigner keys. A node fills a
// Bundle with its Add methods; accord-verify and the node share Verify and
// Render.
//
// # The file
//
// Strict JSON, at most MaxFile bytes:
//
//	{
//	  "format": "accord-bundle/1",
//	  "federation": "qinghai",
//	  "charter": {
//	    "signatures": ["<JWS>", …],         one by each founder, all over the same payload
//	    "logged": {"index": 0, "proof": […]}  optional: the charter's own leaf
//	  },
//	  "checkpoint": "<signed note>",        C2SP tlog-checkpoint with cosignatures
//	  "changes": [12],                      indexes of commands that change members' keys
//	  "commands": [{"index": 12, "jws": "<JWS>", "outcome": "accepted", "proof": ["<hash>", …]}],
//	  "documents": [{"kind": "entry", "sdjwt": "<SD-JWT>", "rests_on": 12}],
//	  "lists": {"position": 40, "at": …, "note": "<signed note>", "absent": [{"list", "sub", "low", "high"}]},
//	  "accesses": {"position": 40, "note": "<signed note>", "records": [{"record", "at" or "none"}]}
//	}
//
// An index is a leaf's position in the ledger: 0 is the charter's, and a
// command's is its sequence number. Commands stand in the ledger's order, each
// once. A proof is RFC 6962's, leaf's sibling first, each hash in base64.
//
// # The chain of trust
//
//  1. Charter. Every founding member signed the same payload bytes with the
//     command key that the payload lists for it. That alone proves only that
//     somebody made these keys: the digest of the payload, or the policy, is
//     what ties them to real agencies.
//
//  2. Checkpoint. It is of this federation's ledger, and members cosigned it, as
//     many as the charter's cosign_quorum asks (a majority if it says nothing), or
//     the newest roster's.
//
//  3. Commands. Each is signed by the command key of the member it names, for
//     this federation, and its Leaf is included under the checkpoint.
//
//  4. Documents. Each is signed by the attest key of the member it names; one
//     that says it rests on a command stands in that command, word for word.
//     A release is bound to the command that asked for it: its audience is that
//     command's issuer and its nonce that command's id.
//
//     Minutes of the joint meeting say what the proposal and the votes in the file say,
//     and leave no vote in it out.
//
//  5. Lists. As many members as a checkpoint needs signed the root over everybody who
//     was on a list at the checkpoint's position; two neighbours of the sorted tree
//     prove that a subject between them was not. A document of kind check, a credit
//     check's signed answer, says nothing of lists that is not proven in the file.
//
//  6. Accesses. As many members as a checkpoint needs signed, for each record that
//     anybody asked for, how many accepted commands of the ledger are about it and the
//     root over their leaves. The file holds all of them, or is refused: here, and only
//     here, a good report says that nothing was left out.
//
// Verify walks the whole chain, whatever fails, and returns a Report in which
// every check has a name, a result and a sentence in Chinese and English.
//
// # What a good report does not say
//
// It says that these statements were made, and what the ledger answered: a
// refused command is a leaf like any other, with its outcome. It does not say
//
//   - that they are still in force: the ledger may go on after the checkpoint;
//   - that nothing was left out of the bundle, but for the commands about the records
//     that accesses names;
//   - that what they claim is true;
//   - that no later roster put other keys and members in force: who leaves out
//     the newest rosters shows the ledger under the keys before them, and can do so
//     only with a checkpoint that these still cosigned.
//
// # Members that change
//
// Keys come from the charter and from the rosters that followed it. A roster is
// the whole membership after a change. The command members.roster brings it to
// the ledger with its exact bytes and the endorsements of the seats of the roster
// before; it names that one by digest. Or the joint meeting decides on it: then
// meeting.propose holds the bytes, each meeting.vote one endorsement, and the vote
// that reaches the quorum brings it; the others stand before it in the file. A
// bundle names each command that brings a roster under
// "changes", and it holds all of them that the checkpoint covers. A key counts
// for the commands after the one whose roster first lists it, up to the one whose
// roster does not any more, that one included. Who cosigned, and how many must,
// is judged by the newest roster. A kind of change this version does not know is
// refused.
package bundle
