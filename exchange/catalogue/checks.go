package catalogue

// CheckResult is one case of the document with the answer it got.
type CheckResult struct {
	Check Check    `json:"check"`
	Got   Decision `json:"got"`
}

// OK says whether the answer is the one the case wants.
func (r CheckResult) OK() bool {
	return r.Got.Outcome == r.Check.Want && (r.Check.Rule == "" || r.Got.Rule == r.Check.Rule) &&
		(r.Check.Clause == "" || r.Got.Clause == r.Check.Clause) && (r.Check.Approval == "" || r.Got.Approval == r.Check.Approval)
}

// RunChecks decides every case of the document.
func RunChecks(doc *Document) []CheckResult { return New(doc).RunChecks() }

// RunChecks decides every case of the document, in its order.
func (c *Catalogue) RunChecks() []CheckResult {
	results := make([]CheckResult, len(c.doc.Checks))
	for i, check := range c.doc.Checks {
		results[i] = CheckResult{Check: check, Got: c.Decide(Request{
			Requester: check.Requester, Category: check.Category, SubjectKind: check.SubjectKind, Fields: check.Fields,
			Purpose: check.Purpose, BasisKind: check.Basis, BasisRef: "check",
			Author: check.Author, Records: check.Records, Emergency: check.Emergency,
		})}
	}
	return results
}
