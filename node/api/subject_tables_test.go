package api

import (
	"maps"

	"accord/node/wire"
)

// The rows about subjects of the tables that tests hold routes and document against.
func init() {
	maps.Copy(matrix, map[string]string{
		"POST /api/v1/subject/log":                    "co",
		"POST /api/v1/subject/records":                "co",
		"POST /api/v1/subject/proof":                  "co",
		"POST /api/v1/subject/complaints":             "co",
		"POST /api/v1/subject/applications":           "co",
		"POST /api/v1/subject/objections":             "co",
		"GET /api/v1/subject/petitions":               "coa",
		"GET /api/v1/subject/petitions/{id}":          "co",
		"POST /api/v1/subject/petitions/{id}/answer":  "o",
		"POST /api/v1/subject/petitions/{id}/refuse":  "o",
		"POST /api/v1/subject/petitions/{id}/release": "o",
		"POST /api/v1/subject/petitions/{id}/texts":   "m",
		"GET /api/v1/subject/word":                    "m",
		"POST /peer/v1/oprf":                          "m",
		"POST /peer/v1/blinding":                      "m",
		"GET /api/v1/blinding":                        "coad",
		"POST /api/v1/blinding/{version}/refuse":      "o",
	})
	maps.Copy(bodies, map[string]any{
		"SubjectProof": wire.SubjectProof{}, "AskSubject": wire.AskSubject{}, "SubjectLog": wire.SubjectLog{}, "SubjectReceipt": wire.SubjectReceipt{},
		"SubjectAccess": wire.SubjectAccess{}, "SubjectLook": wire.SubjectLook{}, "SubjectRecords": wire.SubjectRecords{}, "SubjectRecord": wire.SubjectRecord{},
		"ComplainRelease": wire.ComplainRelease{}, "ApplyDisclosure": wire.ApplyDisclosure{}, "ObjectTo": wire.ObjectTo{}, "AnswerPetition": wire.AnswerPetition{},
		"Petition": wire.Petition{}, "Petitions": wire.Petitions{}, "PetitionTexts": wire.PetitionTexts{},
		"AskBlinding": wire.AskBlinding{}, "Blinding": wire.Blinding{},
		"AskBlindingPart": wire.AskBlindingPart{}, "BlindingPart": wire.BlindingPart{}, "BlindingState": wire.BlindingState{}, "BlindingChange": wire.BlindingChange{}, "BlindingEpoch": wire.BlindingEpoch{},
	})
	requests = append(requests, "SubjectProof", "AskSubject", "ComplainRelease", "ApplyDisclosure", "ObjectTo", "AnswerPetition", "AskBlinding", "AskBlindingPart")
}
