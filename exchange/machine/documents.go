package machine

import (
	"slices"
	"sync"

	"accord/exchange"
	"accord/exchange/lists"
)

// documents is what this node has found out about entries' own signatures. It
// is no part of the state: a document is its author's word, and a bad one its
// author's provable fault, whenever a node comes to look at it.
type documents struct {
	step sync.Mutex // held by CheckDocuments

	mu      sync.Mutex
	checked int64 // rows of entries judged
	seq     int64 // of the last of them
	bad     map[exchange.EntryID]struct{}
}

// DocumentFault is an entry whose document does not verify.
type DocumentFault struct {
	Entry exchange.EntryID
	By    exchange.MemberID // whose fault it is
	Seq   int64             // the statement that it signed over the bad document
}

// Documents says how far entries' documents were checked and which are bad.
type Documents struct {
	Checked int64 // entries checked, in the order of nomination
	Seq     int64 // the statement that brought the last of them
	Faults  []DocumentFault
}

// CheckDocuments verifies the own signatures of about so many entries' documents
// that were not checked yet and gives how many it did, 0 when none is left. It is
// meant to be called in the background, over and over; it takes about 80 µs for
// each. An error is a fault of this node's storage.
func (m *Machine) CheckDocuments(most int) (int, error) {
	d := &m.documents
	d.step.Lock()
	defer d.step.Unlock()
	d.mu.Lock()
	after := d.checked
	d.mu.Unlock()
	v := m.View()
	last, bad, err := lists.CheckDocuments(v.state, after, most)
	if err != nil {
		m.fail(err)
		return 0, err
	}
	if last == after {
		return 0, nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.checked != after {
		return int(last - after), nil // forgotten meanwhile: begin again
	}
	d.checked = last
	if e, ok := lists.At(v.state, last); ok {
		d.seq = e.Seq
	}
	for _, e := range bad {
		if d.bad == nil {
			d.bad = map[exchange.EntryID]struct{}{}
		}
		d.bad[e.ID] = struct{}{}
	}
	return int(last - after), nil
}

// forget begins again, after another state took the place of the one checked.
func (d *documents) forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.checked, d.seq, d.bad = 0, 0, nil
}

// Documents is what CheckDocuments has found so far.
func (v *View) Documents() Documents {
	d := &v.machine.documents
	d.mu.Lock()
	out := Documents{Checked: d.checked, Seq: d.seq}
	ids := make([]exchange.EntryID, 0, len(d.bad))
	// order-free: the ids are sorted below
	for id := range d.bad {
		ids = append(ids, id)
	}
	d.mu.Unlock()
	slices.Sort(ids)
	for _, id := range ids {
		if e, ok := v.Entry(id); ok {
			out.Faults = append(out.Faults, DocumentFault{id, e.By, e.Seq})
		}
	}
	return out
}

// DocumentFaulty says whether the entry's document is known to be bad.
func (v *View) DocumentFaulty(id exchange.EntryID) bool {
	d := &v.machine.documents
	d.mu.Lock()
	defer d.mu.Unlock()
	_, bad := d.bad[id]
	return bad
}

// VerifyDocument judges an entry's document, as EntryDocument gives it, by its
// own signature: at once when it was checked before. The error is
// lists.ErrSignature. Whatever leaves the node as evidence goes through it.
func (v *View) VerifyDocument(e *lists.Entry, doc string) error {
	d := &v.machine.documents
	d.mu.Lock()
	_, bad := d.bad[e.ID]
	checked := e.Seq <= d.seq
	d.mu.Unlock()
	if bad {
		return lists.ErrSignature.With()
	}
	if checked {
		return nil
	}
	return lists.VerifyDocument(v.state, e, doc)
}
