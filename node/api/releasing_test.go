package api

import "accord/node/wire"

func init() {
	for name, v := range map[string]any{"ConsentRef": wire.ConsentRef{}, "Justify": wire.Justify{}, "PresentConsent": wire.PresentConsent{},
		"AskConsent": wire.AskConsent{}, "Consent": wire.Consent{}, "WithdrawConsent": wire.WithdrawConsent{}, "ConsentWithdrawn": wire.ConsentWithdrawn{},
		"AskTrace": wire.AskTrace{}, "Trace": wire.Trace{}, "Traced": wire.Traced{}} {
		bodies[name] = v
	}
	requests = append(requests, "Justify", "PresentConsent", "AskConsent", "WithdrawConsent", "AskTrace")
	for route, open := range map[string]string{"POST /api/v1/releases/trace": "oa", "POST /api/v1/releases/{id}/second": "o", "POST /api/v1/releases/{id}/justify": "o",
		"POST /api/v1/releases/{id}/consent": "c", "POST /api/v1/consents": "c", "POST /api/v1/consents/{id}/withdraw": "c"} {
		matrix[route] = open
	}
}
