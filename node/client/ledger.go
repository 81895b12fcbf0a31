package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"accord/exchange"
	"accord/node/wire"
)

// Cosigned is the newest checkpoint with a quorum of cosignatures, as a signed
// note.
func (c *Client) Cosigned(ctx context.Context) ([]byte, error) {
	return c.Raw(ctx, "/ledger/checkpoint")
}

// ListsWord is the node's signed word on the lists after size leaves of the ledger,
// at a time.
func (c *Client) ListsWord(ctx context.Context, size int64, at exchange.Millis) ([]byte, error) {
	return c.Raw(ctx, "/api/v1/lists/word?size="+strconv.FormatInt(size, 10)+"&at="+strconv.FormatInt(int64(at), 10))
}

// AccessesWord is the node's signed word on who asked for records up to size leaves of
// the ledger.
func (c *Client) AccessesWord(ctx context.Context, size int64) ([]byte, error) {
	return c.Raw(ctx, "/api/v1/subject/word?size="+strconv.FormatInt(size, 10))
}

// Policy is the federation's C2SP policy: every member's keys and the quorum.
func (c *Client) Policy(ctx context.Context) ([]byte, error) { return c.Raw(ctx, "/ledger/policy") }

// Checkpoints is every cosigned checkpoint the node kept.
func (c *Client) Checkpoints(ctx context.Context) (wire.CosignedList, error) {
	var out wire.CosignedList
	return out, c.get(ctx, "/api/v1/ledger/checkpoints", nil, &out)
}

// State is the digests of the node's state at the newest of the sizes it still
// holds.
func (c *Client) State(ctx context.Context, sizes []int64) (wire.LedgerState, error) {
	list := make([]string, len(sizes))
	for i, s := range sizes {
		list[i] = strconv.FormatInt(s, 10)
	}
	var out wire.LedgerState
	return out, c.get(ctx, "/api/v1/ledger/state", map[string]string{"sizes": strings.Join(list, ",")}, &out)
}

// Alarms is every ledger alarm of the node.
func (c *Client) Alarms(ctx context.Context) (wire.Alarms, error) {
	var out wire.Alarms
	return out, c.get(ctx, "/api/v1/ledger/forks", nil, &out)
}

// AlarmEvidence is the evidence file of an alarm.
func (c *Client) AlarmEvidence(ctx context.Context, id string) ([]byte, error) {
	return c.Raw(ctx, "/api/v1/ledger/forks/"+seg(id)+"/evidence")
}

// SettleAlarm closes an alarm.
func (c *Client) SettleAlarm(ctx context.Context, id string, in wire.Settle) (wire.Alarm, error) {
	var out wire.Alarm
	return out, c.call(ctx, http.MethodPost, "/api/v1/ledger/forks/"+seg(id)+"/settle", in, &out)
}

// Complaints is every complaint the node keeps.
func (c *Client) Complaints(ctx context.Context) (wire.Complaints, error) {
	var out wire.Complaints
	return out, c.get(ctx, "/api/v1/ledger/complaints", nil, &out)
}

// Complain hands a signed complaint to another member's node.
func (c *Client) Complain(ctx context.Context, in wire.ComplaintPaper) (wire.Complaint, error) {
	var out wire.Complaint
	return out, c.call(ctx, http.MethodPost, "/api/v1/ledger/complaints", in, &out)
}

// ProofQuery names a leaf by exactly one of its members, and the size of the
// tree; 0 is the newest cosigned one.
type ProofQuery struct {
	Statement exchange.CommandID
	Entry     exchange.EntryID
	Seq       int64 // -1: not given
	Size      int64
}

// InclusionProof is a C2SP tlog-proof of one leaf.
func (c *Client) InclusionProof(ctx context.Context, q ProofQuery) ([]byte, error) {
	v := url.Values{}
	if q.Statement != "" {
		v.Set("statement", string(q.Statement))
	}
	if q.Entry != "" {
		v.Set("entry", string(q.Entry))
	}
	if q.Seq >= 0 {
		v.Set("seq", strconv.FormatInt(q.Seq, 10))
	}
	if q.Size > 0 {
		v.Set("size", strconv.FormatInt(q.Size, 10))
	}
	return c.Raw(ctx, "/api/v1/ledger/proof/inclusion?"+v.Encode())
}

// ConsistencyProof is a proof that the tree of to leaves begins with that of
// from; to 0 is the newest cosigned one.
func (c *Client) ConsistencyProof(ctx context.Context, from, to int64) ([]byte, error) {
	v := url.Values{"from": {strconv.FormatInt(from, 10)}}
	if to > 0 {
		v.Set("to", strconv.FormatInt(to, 10))
	}
	return c.Raw(ctx, "/api/v1/ledger/proof/consistency?"+v.Encode())
}
