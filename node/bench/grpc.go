package bench

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// etcd speaks gRPC. What is needed of it here, unary calls with a handful of
// messages, is small enough to be written out (the gRPC over HTTP/2 protocol
// document, and etcd's rpc.proto for field numbers), and the client in the
// product's module graph would be its largest dependency. That this client does
// not slow etcd down is measured: see deploy/SIZING.md.

// grpcConn is one HTTP/2 connection without TLS.
type grpcConn struct {
	http *http.Client
	base string
}

func newGRPC(address string) *grpcConn {
	var only http.Protocols
	only.SetUnencryptedHTTP2(true)
	return &grpcConn{http: &http.Client{Transport: &http.Transport{Protocols: &only, DisableCompression: true}}, base: "http://" + address}
}

func (g *grpcConn) close() { g.http.CloseIdleConnections() }

// call makes a unary call and gives the answer's message.
func (g *grpcConn) call(ctx context.Context, method string, message []byte) ([]byte, error) {
	frame := make([]byte, 5, 5+len(message))
	binary.BigEndian.PutUint32(frame[1:], uint32(len(message)))
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, g.base+method, bytes.NewReader(append(frame, message...)))
	if err != nil {
		return nil, err
	}
	req.Header = grpcHeader
	resp, err := g.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	status := resp.Trailer.Get("Grpc-Status")
	if status == "" {
		status = resp.Header.Get("Grpc-Status") // an error without a message
	}
	if status != "0" {
		return nil, fmt.Errorf("bench: etcd answers %s with status %s: %s%s", method, status, resp.Trailer.Get("Grpc-Message"), resp.Header.Get("Grpc-Message"))
	}
	if len(body) < 5 || body[0] != 0 || int(binary.BigEndian.Uint32(body[1:])) != len(body)-5 {
		return nil, errors.New("bench: etcd's answer is no gRPC message")
	}
	return body[5:], nil
}

var grpcHeader = http.Header{"Content-Type": {"application/grpc"}, "Te": {"trailers"}, "User-Agent": {"accord-bench"}}

// A message of protocol buffers is a row of fields: a number with its wire
// type, then a varint (0) or a length and bytes (2).

func fieldBytes(b []byte, number int, v []byte) []byte {
	b = binary.AppendUvarint(b, uint64(number)<<3|2)
	b = binary.AppendUvarint(b, uint64(len(v)))
	return append(b, v...)
}

func fieldInt(b []byte, number int, v uint64) []byte {
	b = binary.AppendUvarint(b, uint64(number)<<3)
	return binary.AppendUvarint(b, v)
}

// protoField finds the last value of a field: an integer, or bytes.
func protoField(b []byte, number int) (n uint64, v []byte) {
	for len(b) > 0 {
		key, k := binary.Uvarint(b)
		if k <= 0 {
			return n, v
		}
		b = b[k:]
		x, k := binary.Uvarint(b)
		if k <= 0 {
			return n, v
		}
		b = b[k:]
		switch key & 7 {
		case 0:
			if int(key>>3) == number {
				n = x
			}
		case 2:
			if x > uint64(len(b)) {
				return n, v
			}
			if int(key>>3) == number {
				v = b[:x]
			}
			b = b[x:]
		default:
			return n, v
		}
	}
	return n, v
}

// etcdPut, etcdGet and etcdTxn are the messages PutRequest, RangeRequest and
// TxnRequest of etcd's KV service.

func etcdPut(key, value []byte) []byte { return fieldBytes(fieldBytes(nil, 1, key), 2, value) }

func etcdGet(key []byte, serializable bool) []byte {
	b := fieldBytes(nil, 1, key)
	if serializable {
		b = fieldInt(b, 7, 1)
	}
	return b
}

// etcdCount asks how many keys there are, on the member asked.
func etcdCount() []byte {
	return fieldInt(fieldInt(fieldBytes(fieldBytes(nil, 1, []byte{0}), 2, []byte{0}), 7, 1), 9, 1)
}

// etcdTxn puts many keys in one transaction.
func etcdTxn(keys, values [][]byte) []byte {
	var b []byte
	for i := range keys {
		b = fieldBytes(b, 2, fieldBytes(nil, 2, etcdPut(keys[i], values[i])))
	}
	return b
}

const (
	methodPut    = "/etcdserverpb.KV/Put"
	methodRange  = "/etcdserverpb.KV/Range"
	methodTxn    = "/etcdserverpb.KV/Txn"
	methodStatus = "/etcdserverpb.Maintenance/Status"
	methodAdd    = "/etcdserverpb.Cluster/MemberAdd"
	methodRemove = "/etcdserverpb.Cluster/MemberRemove"
)

// callLimit bounds a call outside the measured loops.
const callLimit = 5 * time.Second
