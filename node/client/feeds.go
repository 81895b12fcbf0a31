package client

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"

	"accord/crypto/strictjson"
	"accord/crypto/tlog"
	"accord/exchange"
	"accord/node/wire"
)

// Feeds is where every feed stands at the node.
func (c *Client) Feeds(ctx context.Context) (wire.FeedsStatus, error) {
	var out wire.FeedsStatus
	return out, c.get(ctx, "/api/v1/feeds", nil, &out)
}

// SettleFeedAlarm closes a feed alarm.
func (c *Client) SettleFeedAlarm(ctx context.Context, id string, in wire.Settle) (wire.FeedAlarm, error) {
	var out wire.FeedAlarm
	return out, c.call(ctx, http.MethodPost, "/api/v1/feeds/alarms/"+seg(id)+"/settle", in, &out)
}

// FeedCheckpoint is the newest signed checkpoint of a feed.
func (c *Client) FeedCheckpoint(ctx context.Context, author exchange.MemberID) ([]byte, error) {
	return c.RawUpTo(ctx, "/feeds/"+seg(string(author))+"/checkpoint", tlog.MaxNote)
}

// maxTile is the largest tile in bytes: a bundle of 256 entries of at most 64 KiB
// by its format, of far less in a feed.
const maxTile = 1 << 20

// FeedTile is a tile of a feed.
func (c *Client) FeedTile(ctx context.Context, author exchange.MemberID, tile tlog.Tile) ([]byte, error) {
	return c.RawUpTo(ctx, "/feeds/"+seg(string(author))+"/"+tile.Path(), maxTile)
}

// RawUpTo is Raw with another cap.
func (c *Client) RawUpTo(ctx context.Context, path string, most int64) ([]byte, error) {
	resp, err := c.send(ctx, http.MethodGet, path, "", nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, most+1))
	if err != nil {
		return nil, ErrUnreachable.Wrap(err, "where", c.where)
	}
	if int64(len(raw)) > most {
		return nil, ErrAnswer.With("where", c.where)
	}
	return raw, nil
}

// FeedDocuments asks for the documents of entries and calls each for every one that
// comes. The answer is compressed; what it unpacks to is capped.
func (c *Client) FeedDocuments(ctx context.Context, author exchange.MemberID, ask wire.AskDocuments, each func(wire.FeedDocument) error) error {
	raw, err := strictjson.Marshal(ask)
	if err != nil {
		return err
	}
	resp, err := c.send(ctx, http.MethodPost, "/api/v1/feeds/"+seg(string(author))+"/documents", "application/json", bytes.NewReader(raw))
	if err != nil {
		return err
	}
	if resp.Header.Get("Content-Type") == wire.TypeCompressedLines {
		plain, err := gzip.NewReader(resp.Body)
		if err != nil {
			resp.Body.Close()
			return ErrAnswer.Wrap(err, "where", c.where)
		}
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(plain, maxAnswer), resp.Body}
	}
	resp.Request = &http.Request{Method: http.MethodGet} // nothing is changed there, whatever is lost
	return c.events(ctx, resp, func(line json.RawMessage) error {
		d, err := wire.ParseFeedDocument(line)
		if err != nil {
			return ErrAnswer.Wrap(err, "where", c.where)
		}
		return each(d)
	})
}

// FeedReceipt hands an author a receipt for an erasure.
func (c *Client) FeedReceipt(ctx context.Context, author exchange.MemberID, in wire.FeedReceipt) error {
	var out struct{}
	return c.call(ctx, http.MethodPost, "/api/v1/feeds/"+seg(string(author))+"/receipts", in, &out)
}

// FeedReceipts are the receipts for an own erasure.
func (c *Client) FeedReceipts(ctx context.Context, erasure string) (wire.FeedReceipts, error) {
	var out wire.FeedReceipts
	return out, c.get(ctx, "/api/v1/feeds/receipts/"+seg(erasure), nil, &out)
}

// ExportFeed is the next part of the node's feed, as a file for another member.
func (c *Client) ExportFeed(ctx context.Context, in wire.ExportFeed) ([]byte, error) {
	raw, err := strictjson.Marshal(in)
	if err != nil {
		return nil, err
	}
	resp, err := c.send(ctx, http.MethodPost, "/api/v1/feeds/export", "application/json", bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	part, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, ErrUnreachable.Wrap(err, "where", c.where)
	}
	return part, nil
}

// ImportFeed has the node take a part of another member's feed in.
func (c *Client) ImportFeed(ctx context.Context, part []byte) (wire.FeedImported, error) {
	var out wire.FeedImported
	return out, c.upload(ctx, "/api/v1/feeds/import", "application/octet-stream", part, &out)
}

// FeedAck is the node's signed word for how much of a feed it holds, with receipts
// for what was erased since an entry.
func (c *Client) FeedAck(ctx context.Context, author exchange.MemberID, since int64) ([]byte, error) {
	return c.Raw(ctx, "/api/v1/feeds/acknowledgements/"+seg(string(author))+"?since="+strconv.FormatInt(since, 10))
}

// TakeFeedAck hands the node another member's acknowledgement of its feed.
func (c *Client) TakeFeedAck(ctx context.Context, ack []byte) (wire.FeedAcknowledged, error) {
	var out wire.FeedAcknowledged
	return out, c.upload(ctx, "/api/v1/feeds/acknowledgements", "text/plain", ack, &out)
}

// upload posts a file and reads the answer.
func (c *Client) upload(ctx context.Context, path, contentType string, file []byte, out any) error {
	resp, err := c.send(ctx, http.MethodPost, path, contentType, bytes.NewReader(file))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return c.failed(ctx, http.MethodPost, err)
	}
	if err := strictjson.UnmarshalLoose(raw, out); err != nil {
		return ErrAnswer.Wrap(err, "where", c.where)
	}
	return nil
}

// EraseRecord has an own record destroyed everywhere.
func (c *Client) EraseRecord(ctx context.Context, id exchange.RecordID, in wire.EraseRecord) (wire.Erasure, error) {
	var out wire.Erasure
	return out, c.call(ctx, http.MethodPost, "/api/v1/records/"+seg(string(id))+"/erase", in, &out)
}

// Changes is what is new in the ledger (feed "") or in a member's feed, from a number
// on; it waits up to so many seconds for something.
func (c *Client) Changes(ctx context.Context, feed exchange.MemberID, since int64, limit, wait int) (wire.Changes, error) {
	var out wire.Changes
	return out, c.get(ctx, "/api/v1/changes", map[string]string{"feed": string(feed), "since": strconv.FormatInt(since, 10),
		"limit": num(limit), "wait": num(wait)}, &out)
}
