package wire

// MaxBlinded is the most elements of one request.
const MaxBlinded = 1000

// AskBlinding asks a holder of the blinding key to evaluate blinded elements.
type AskBlinding struct {
	Epoch    int      `json:"epoch"`    // of the key
	Elements []string `json:"elements"` // of ristretto255, base64url
}

// Blinding is the elements times the holder's share of the key, with the proof for all
// of them that it was that share (RFC 9497).
type Blinding struct {
	Epoch    int      `json:"epoch"`
	Elements []string `json:"elements"`
	Proof    string   `json:"proof"` // DLEQ, base64url
}
