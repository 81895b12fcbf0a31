#!/usr/bin/env python3
"""Receive webhooks of an Accord node: verify each, print it once, one a line of JSON.

    receive.py --secrets FILE [--port 8080] [--state receive.json]

Standard Webhooks 1.0.0 with HMAC-SHA256 (accord webhook add --scheme v1). A message is
taken when one of its signatures is made with one of the secrets in FILE (whsec_…, one a
line, read for each message: two lines while a key is replaced), its time is within five minutes of now, and its change
is the next one. The place is kept in STATE, on the disk before the answer leaves, so a
change that comes again is acknowledged and not printed. Put it behind a server with TLS.
Python 3.8, nothing else.
"""
import argparse
import base64
import hashlib
import hmac
import http.server
import json
import os
import sys
import time

TOLERANCE = 300  # seconds
LARGEST = 1 << 20  # bytes


def verified(headers, body, secrets):
    """Says whether a message is the node's, and new enough."""
    try:
        stamp = int(headers["webhook-timestamp"])
        content = b"%s.%d.%s" % (headers["webhook-id"].encode(), stamp, body)
        signatures = headers["webhook-signature"].split(" ")
    except (AttributeError, TypeError, ValueError):
        return False
    if abs(time.time() - stamp) > TOLERANCE:
        return False
    for secret in secrets:
        mac = hmac.new(base64.b64decode(secret[len("whsec_"):]), content, hashlib.sha256)
        good = b"v1," + base64.b64encode(mac.digest())
        if any([hmac.compare_digest(good, s.encode()) for s in signatures]):
            return True
    return False


class Place:
    """The next change of each log, kept in a file."""

    def __init__(self, path):
        self.path, self.next = path, {}
        if os.path.exists(path):
            with open(path) as f:
                self.next = json.load(f)

    def save(self, log, number):
        self.next[log] = number
        with open(self.path + ".new", "w") as f:
            json.dump(self.next, f)
            f.flush()
            os.fsync(f.fileno())
        os.replace(self.path + ".new", self.path)


def handler(secrets_file, place):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length) if 0 < length <= LARGEST else b""
            self.send_response(self.take(body))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def take(self, body):
            with open(secrets_file) as f:
                secrets = f.read().split()
            if not verified(self.headers, body, secrets):
                return 401
            message = json.loads(body)
            if message["type"] == "webhook.test":
                return 204
            log, change = message["data"]["log"], message["data"]["change"]
            want = place.next.get(log, change["number"])
            if change["number"] > want:
                return 409  # a gap: have it replayed from the number that is wanted
            if change["number"] == want:
                print(json.dumps(message, ensure_ascii=False), flush=True)
                place.save(log, want + 1)
            return 204

        def log_message(self, *_):
            pass

    return Handler


if __name__ == "__main__":
    p = argparse.ArgumentParser(description="Receive webhooks of an Accord node.")
    p.add_argument("--secrets", required=True)
    p.add_argument("--port", type=int, default=8080)
    p.add_argument("--state", default="receive.json")
    a = p.parse_args()
    server = http.server.HTTPServer(("127.0.0.1", a.port), handler(a.secrets, Place(a.state)))
    print("listening on port %d" % server.server_port, file=sys.stderr, flush=True)
    server.serve_forever()
