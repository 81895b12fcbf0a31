package main

import (
	"encoding/json"
	"strings"
	"testing"

	"accord/node/webhooks"
	"accord/node/wire"
)

// TestWebhookCommands: what is asked of the node is what the line says, a key is shown
// once and a disabled endpoint is seen.
func TestWebhookCommands(t *testing.T) {
	f := newFakeNode(t)
	until := when
	bank := wire.Webhook{Name: "bank", URL: "https://bank.example/hook", Feed: "court", Scheme: "v1", Next: 7, Behind: 2, Failures: 10, Why: "it answers 500", DisabledAt: &until}
	f.on("GET /api/v1/webhooks", wire.Webhooks{Webhooks: []wire.Webhook{bank}})
	f.on("POST /api/v1/webhooks", wire.WebhookKey{Name: "bank", Key: "whsec_x"})
	f.on("POST /api/v1/webhooks/bank/rotate", wire.WebhookKey{Name: "bank", Key: "whsec_y", FormerUntil: &until})
	f.on("POST /api/v1/webhooks/bank/replay", bank).on("POST /api/v1/webhooks/bank/disable", bank)
	f.on("POST /api/v1/webhooks/bank/remove", struct{}{}).on("POST /api/v1/webhooks/bank/test", struct{}{})
	f.on("POST /api/v1/webhooks/none/test", webhooks.ErrTest.With("name", "none", "why", "it answers 500"))
	for _, test := range []struct {
		argv string
		code int
		out  string // stdout, or stderr where code is not 0
	}{
		{"webhook list --lang en", 0, "bank"},
		{"webhook list --lang zh", 0, "它答复 500"},
		{"webhook add bank --url https://bank.example/hook --feed court --scheme v1a --lang en", 0, "whsec_x"},
		{"webhook add bank --url https://bank.example/hook --scheme md5 --lang en", 1, "CLI-004"},
		{"webhook add bank --lang en", 1, "CLI-006"},
		{"webhook rotate bank --lang en", 0, "whsec_y"},
		{"webhook replay bank --since 3 --lang en", 0, "bank.example"},
		{"webhook disable bank --lang en", 0, "bank.example"},
		{"webhook test bank --lang en", 0, "took the test message"},
		{"webhook test none --lang zh", 75, "它答复 500"},
		{"webhook remove bank --yes --lang en", 0, ""},
	} {
		code, out, errs := f.run("", strings.Fields(test.argv)...)
		if code != 0 {
			out = errs
		}
		if code != test.code || !strings.Contains(out, test.out) {
			t.Errorf("%s: exit %d\n%s", test.argv, code, out)
		}
	}
	var add wire.AddWebhook
	if err := json.Unmarshal(f.to("POST /api/v1/webhooks").body, &add); err != nil ||
		add != (wire.AddWebhook{Name: "bank", URL: "https://bank.example/hook", Feed: "court", Scheme: "v1a", Since: -1}) {
		t.Errorf("%+v %v", add, err)
	}
	if got := string(f.to("POST /api/v1/webhooks/bank/replay").body); got != `{"since":3}` {
		t.Error(got)
	}
	if f.count("POST /api/v1/webhooks/bank/remove") != 1 {
		t.Error("nothing was removed")
	}
}
