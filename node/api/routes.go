package api

import (
	"net/http"

	"accord/node/config"
)

// route is one row of the table: a method and a path, the callers it is open
// to, the roles of which an operator needs one, and what it does. An operator
// needs no name where roles is empty.
type route struct {
	method, path string
	open         audience
	roles        []config.Role
	upload       bool // the body is a file, as large as the configuration allows
	handle       func(*Server, http.ResponseWriter, *http.Request) error
}

// The sets of roles that routes ask for.
var (
	nobody   []config.Role
	anybody  = config.Roles()
	clerks   = []config.Role{config.Clerk}
	officers = []config.Role{config.Officer}
	admins   = []config.Role{config.Admin}
	tracers  = []config.Role{config.Officer, config.Auditor}
	couriers = []config.Role{config.Officer, config.Admin}                 // carry feeds by hand
	counters = []config.Role{config.Clerk, config.Officer}                 // speak for a subject at the counter or portal
	readers  = []config.Role{config.Clerk, config.Officer, config.Auditor} // of receipts
)

const everybody = public | peers | operator

// routes is every route there is. What does not stand here is not served.
var routes = []route{
	{"GET", "/livez", everybody, nobody, false, (*Server).live},
	{"GET", "/readyz", everybody, nobody, false, (*Server).ready},
	{"GET", "/metrics", operator, nobody, false, (*Server).metrics},
	{"GET", "/api/v1/openapi.yaml", everybody, nobody, false, (*Server).openapi},
	{"GET", "/api/v1/node/status", operator, nobody, false, (*Server).status},
	{"GET", "/api/v1/node/check", operator, anybody, false, (*Server).check},
	{"POST", "/api/v1/peers/check", peers, nobody, false, (*Server).checkPeer},
	{"POST", "/api/v1/node/backup", operator, admins, false, (*Server).backup},

	{"GET", "/api/v1/federation", everybody, nobody, false, (*Server).federation},
	{"GET", "/api/v1/members", everybody, nobody, false, (*Server).members},
	{"GET", "/api/v1/members/rosters", everybody, nobody, false, (*Server).rosters},
	{"GET", "/api/v1/members/recoveries", everybody, nobody, false, (*Server).recoveries},
	{"GET", "/api/v1/members/status", peers | operator, nobody, false, (*Server).membership},
	{"POST", "/api/v1/members/endorse", operator, officers, false, (*Server).endorseRoster},
	{"POST", "/api/v1/members/enact", operator, officers, false, (*Server).enactRoster},
	{"POST", "/api/v1/members/keys", operator, officers, false, (*Server).newKeys},
	{"GET", "/api/v1/proposals", peers | operator, nobody, false, (*Server).proposals},
	{"POST", "/api/v1/proposals", operator, officers, false, (*Server).proposeMotion},
	{"GET", "/api/v1/proposals/{id}", peers | operator, nobody, false, (*Server).proposal},
	{"GET", "/api/v1/proposals/{id}/minutes", peers | operator, nobody, false, (*Server).minutes},
	{"POST", "/api/v1/proposals/{id}/vote", operator, officers, false, (*Server).vote},
	{"POST", "/api/v1/proposals/{id}/withdraw", operator, officers, false, (*Server).withdrawProposal},
	{"GET", "/api/v1/catalogue", everybody, nobody, false, (*Server).catalogue},
	{"GET", "/api/v1/catalogue/{version}", everybody, nobody, false, (*Server).catalogueVersion},
	{"POST", "/api/v1/catalogue/endorse", operator, officers, false, (*Server).endorse},
	{"POST", "/api/v1/catalogue/adopt", operator, officers, false, (*Server).adopt},

	{"GET", "/api/v1/ledger", everybody, nobody, false, (*Server).ledger},
	{"GET", "/api/v1/ledger/checkpoint", everybody, nobody, false, (*Server).checkpoint},
	{"GET", "/api/v1/ledger/statements", peers | operator, anybody, false, (*Server).statements},
	{"POST", "/api/v1/ledger/statements", peers | operator, anybody, false, (*Server).submit},
	{"GET", "/api/v1/ledger/bundle", operator, anybody, false, (*Server).bundle},
	{"GET", "/api/v1/ledger/checkpoints", everybody, nobody, false, (*Server).checkpoints},
	{"GET", "/api/v1/ledger/state", peers, nobody, false, (*Server).ledgerState},
	{"GET", "/api/v1/ledger/proof/inclusion", everybody, nobody, false, (*Server).inclusion},
	{"GET", "/api/v1/ledger/proof/consistency", everybody, nobody, false, (*Server).consistency},
	{"GET", "/api/v1/ledger/forks", everybody, nobody, false, (*Server).alarms},
	{"GET", "/api/v1/ledger/forks/{id}/evidence", everybody, nobody, false, (*Server).alarmEvidence},
	{"POST", "/api/v1/ledger/forks/{id}/settle", operator, officers, false, (*Server).settleAlarm},
	{"GET", "/api/v1/ledger/complaints", everybody, nobody, false, (*Server).complaints},
	{"POST", "/api/v1/ledger/complaints", peers, nobody, false, (*Server).complain},

	{"GET", "/ledger/checkpoint", everybody, nobody, false, (*Server).tlogCheckpoint},
	{"GET", "/ledger/policy", everybody, nobody, false, (*Server).tlogPolicy},
	{"GET", "/ledger/tile/{path...}", everybody, nobody, false, (*Server).tlogTile},

	{"GET", "/api/v1/check", operator, anybody, false, (*Server).creditCheck},
	{"POST", "/api/v1/reports", operator, readers, false, (*Server).issueReport},
	{"GET", "/api/v1/reports", operator, readers, false, (*Server).reportLog},
	{"POST", "/api/v1/subject/log", operator, counters, false, (*Server).subjectLog},
	{"POST", "/api/v1/subject/records", operator, counters, false, (*Server).subjectRecords},
	{"POST", "/api/v1/subject/proof", operator, counters, false, (*Server).subjectProof},
	{"POST", "/api/v1/subject/complaints", operator, counters, false, (*Server).complainRelease},
	{"POST", "/api/v1/subject/applications", operator, counters, false, (*Server).applyDisclosure},
	{"POST", "/api/v1/subject/objections", operator, counters, false, (*Server).objectTo},
	{"GET", "/api/v1/subject/petitions", operator, readers, false, (*Server).petitions},
	{"GET", "/api/v1/subject/petitions/{id}", operator, counters, false, (*Server).onePetition},
	{"POST", "/api/v1/subject/petitions/{id}/answer", operator, officers, false, (*Server).answerComplaint},
	{"POST", "/api/v1/subject/petitions/{id}/refuse", operator, officers, false, (*Server).refuseApplication},
	{"POST", "/api/v1/subject/petitions/{id}/release", operator, officers, false, (*Server).releaseApplication},
	{"POST", "/api/v1/subject/petitions/{id}/texts", peers, nobody, false, (*Server).petitionTexts},
	{"POST", "/peer/v1/oprf", peers, nobody, false, (*Server).evaluateBlinded},
	{"POST", "/peer/v1/blinding", peers, nobody, false, (*Server).blindingPart},
	{"GET", "/api/v1/blinding", operator, anybody, false, (*Server).blindingState},
	{"POST", "/api/v1/blinding/{version}/refuse", operator, officers, false, (*Server).refuseBlinding},
	{"GET", "/api/v1/subject/word", peers, nobody, false, (*Server).accessesWord},
	{"GET", "/api/v1/coverage", operator, anybody, false, (*Server).coverage},
	{"GET", "/api/v1/lists/proof", everybody, nobody, false, (*Server).listsProof},
	{"GET", "/api/v1/lists/word", peers, nobody, false, (*Server).listsWord},
	{"GET", "/api/v1/lists/{list}/entries", everybody, nobody, false, (*Server).entries},
	{"POST", "/api/v1/lists/{list}/entries", operator, clerks, false, (*Server).nominate},
	{"GET", "/api/v1/entries", everybody, nobody, false, (*Server).findEntries},
	{"GET", "/api/v1/entries/{id}", everybody, nobody, false, (*Server).entry},
	{"GET", "/api/v1/entries/{id}/bundle", everybody, nobody, false, (*Server).entryBundle},
	{"POST", "/api/v1/entries/{id}/withdraw", operator, officers, false, (*Server).withdraw},
	{"POST", "/api/v1/entries/{id}/remove", operator, officers, false, (*Server).remove},

	{"GET", "/api/v1/records", operator, anybody, false, (*Server).records},
	{"POST", "/api/v1/records", operator, clerks, false, (*Server).addRecord},
	{"POST", "/api/v1/records/import", operator, clerks, true, (*Server).importFile},
	{"GET", "/api/v1/records/public", everybody, nobody, false, (*Server).publicRecords},
	{"GET", "/api/v1/records/quality", operator, anybody, false, (*Server).quality},
	{"GET", "/api/v1/records/{id}", peers | operator, anybody, false, (*Server).record},
	{"POST", "/api/v1/records/{id}/correct", operator, clerks, false, (*Server).correctRecord},
	{"POST", "/api/v1/records/{id}/retract", operator, clerks, false, (*Server).retractRecord},
	{"POST", "/api/v1/records/{id}/erase", operator, officers, false, (*Server).eraseRecord},

	{"GET", "/api/v1/changes", everybody, nobody, false, (*Server).changes},
	{"GET", "/api/v1/webhooks", operator, admins, false, (*Server).listWebhooks},
	{"POST", "/api/v1/webhooks", operator, admins, false, (*Server).addWebhook},
	{"POST", "/api/v1/webhooks/{name}/test", operator, admins, false, (*Server).testWebhook},
	{"POST", "/api/v1/webhooks/{name}/rotate", operator, admins, false, (*Server).rotateWebhook},
	{"POST", "/api/v1/webhooks/{name}/replay", operator, admins, false, (*Server).replayWebhook},
	{"POST", "/api/v1/webhooks/{name}/disable", operator, admins, false, (*Server).disableWebhook},
	{"POST", "/api/v1/webhooks/{name}/remove", operator, admins, false, (*Server).removeWebhook},
	{"GET", "/api/v1/feeds", operator, anybody, false, (*Server).feedsStatus},
	{"POST", "/api/v1/feeds/alarms/{id}/settle", operator, officers, false, (*Server).settleFeedAlarm},
	{"POST", "/api/v1/feeds/export", operator, couriers, false, (*Server).exportFeed},
	{"POST", "/api/v1/feeds/import", operator, couriers, false, (*Server).importFeed},
	{"POST", "/api/v1/feeds/acknowledgements", operator, couriers, false, (*Server).takeFeedAck},
	{"GET", "/api/v1/feeds/acknowledgements/{member}", operator, couriers, false, (*Server).feedAck},
	{"GET", "/api/v1/feeds/receipts/{id}", operator, anybody, false, (*Server).feedReceipts},
	{"POST", "/api/v1/feeds/{member}/documents", peers, nobody, false, (*Server).feedDocuments},
	{"POST", "/api/v1/feeds/{member}/receipts", peers, nobody, false, (*Server).takeFeedReceipt},
	{"GET", "/feeds/{member}/checkpoint", everybody, nobody, false, (*Server).feedCheckpoint},
	{"GET", "/feeds/{member}/tile/{path...}", everybody, nobody, false, (*Server).feedTile},

	{"POST", "/api/v1/releases/trace", operator, tracers, false, (*Server).trace},
	{"POST", "/api/v1/releases/{id}/second", operator, officers, false, (*Server).second},
	{"POST", "/api/v1/releases/{id}/justify", operator, officers, false, (*Server).justify},
	{"POST", "/api/v1/releases/{id}/consent", operator, clerks, false, (*Server).presentConsent},
	{"POST", "/api/v1/consents", operator, clerks, false, (*Server).signConsent},
	{"POST", "/api/v1/consents/{id}/withdraw", operator, clerks, false, (*Server).withdrawConsent},
	{"GET", "/api/v1/releases", operator, readers, false, (*Server).releases},
	{"GET", "/api/v1/releases/waiting", operator, officers, false, (*Server).waitingReleases},
	{"POST", "/api/v1/releases", operator, clerks, false, (*Server).askRelease},
	{"GET", "/api/v1/releases/{id}", operator, readers, false, (*Server).release},
	{"POST", "/api/v1/releases/{id}/approve", operator, officers, false, (*Server).approve},
	{"POST", "/api/v1/releases/{id}/deny", operator, officers, false, (*Server).deny},
	{"POST", "/api/v1/releases/{id}/open", operator, clerks, false, (*Server).open},
	{"POST", "/api/v1/releases/{id}/deliver", peers, nobody, false, (*Server).deliver},
	{"POST", "/api/v1/releases/{id}/custody", peers, nobody, false, (*Server).answerCustody},

	{"GET", "/api/v1/custody", operator, anybody, false, (*Server).custodyStatus},
	{"GET", "/api/v1/custody/{id}", operator, anybody, false, (*Server).recordCustody},
	{"POST", "/api/v1/custody/deposits", peers, nobody, false, (*Server).takeDeposits},
	{"POST", "/api/v1/custody/retire", peers, nobody, false, (*Server).retireCustody},
}
