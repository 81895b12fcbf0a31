// Package webhooks pushes the public change feed to integrators' endpoints as
// Standard Webhooks 1.0.0 asks: the headers webhook-id, webhook-timestamp and
// webhook-signature, over "id.timestamp.body".
//
// # Delivery
//
// An endpoint gets the changes of one log, the ledger's or a member's feed, one after
// the other, from the number it was added at. The next is sent when the one before was
// answered with 2xx and the place is on the disk, so that an endpoint hears of every
// change at least once and in order, whenever the node dies. Each endpoint has its own
// goroutine; a slow one holds nobody else up.
//
// What fails is tried again after the times the specification gives (Schedule), give or
// take a fifth, or later where the endpoint asks for that (Retry-After). An endpoint
// that still fails after the last of them, or answers 410 Gone, is disabled, which
// /readyz?verbose, a metric and doctor show until somebody replays or removes it.
//
// # Secrets
//
// No secret is stored. A key is derived from the keystore's storage secret, the
// endpoint's name and a random id, which is all that lies on the disk; it is shown when
// it is made and never again. After a rotation the former key signs, too, for Overlap.
//
// # Where requests go
//
// Only to https, and to no loopback, link-local, private or otherwise special address,
// unless the configuration allows the address (webhooks.allow). That is judged on the
// address that is dialled, after the name was resolved. Redirects are not followed, no
// proxy is asked, an answer is read up to 64 KiB and forgotten.
//
// # Rejected
//
// Endpoints in accord.yaml: a replay or a rotation would need a restart, and a secret
// would stand in a file that is shown. Stored secrets, as they can be derived. Several
// changes at once or in one message: an order that receivers need not restore, and a
// place that is one number, are worth more than speed here; who is in a hurry follows
// the feed itself. Records in a message: only what anybody may read is pushed, and
// records are fetched by those who may have them.
package webhooks
