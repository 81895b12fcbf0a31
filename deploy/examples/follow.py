#!/usr/bin/env python3
"""Follow a log of an Accord node: print what is new, and check that it is whole.

    follow.py https://node.example:7101 [--feed MEMBER] [--state FILE] [--once] [--cafile PEM]

Prints each change as one line of JSON. Numbers have no gaps, and every entry is
hashed into the log's Merkle tree (RFC 6962); whenever the signed checkpoint's size is
passed, the root must be the checkpoint's. The place is kept in the state file, so a
stopped follower goes on where it was; a change may be printed again after a crash.
The checkpoint's signature is not verified here (Python has no Ed25519): compare it
with `accord ledger policy`, or get it from a node you trust.
Needs Python 3.8 or later and nothing else.
"""
import argparse, base64, hashlib, json, os, ssl, sys, time, urllib.request


def leaf(entry):
    return hashlib.sha256(b"\x00" + entry.encode()).digest()


def node(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """The right edge of a Merkle tree: roots of its complete subtrees, largest first."""

    def __init__(self, size=0, peaks=()):
        self.size, self.peaks = size, [base64.b64decode(p) for p in peaks]

    def append(self, h):
        n = self.size
        while n & 1:
            h = node(self.peaks.pop(), h)
            n >>= 1
        self.peaks.append(h)
        self.size += 1

    def root(self):
        if not self.peaks:
            return hashlib.sha256().digest()
        h = self.peaks[-1]
        for p in reversed(self.peaks[:-1]):
            h = node(p, h)
        return h


def load(path):
    try:
        with open(path) as f:
            state = json.load(f)
        return Tree(state["size"], state["peaks"])
    except FileNotFoundError:
        return Tree()


def save(path, tree):
    with open(path + ".new", "w") as f:
        json.dump({"size": tree.size, "peaks": [base64.b64encode(p).decode() for p in tree.peaks]}, f)
        f.flush()
        os.fsync(f.fileno())
    os.replace(path + ".new", path)


def follow(args):
    context = ssl.create_default_context(cafile=args.cafile) if args.url.startswith("https:") else None
    tree = load(args.state)
    while True:
        url = "%s/api/v1/changes?since=%d&limit=500&wait=%d" % (args.url.rstrip("/"), tree.size, 0 if args.once else 30)
        if args.feed:
            url += "&feed=" + args.feed
        with urllib.request.urlopen(url, timeout=90, context=context) as answer:
            got = json.load(answer)
        lines = got.get("checkpoint", "").split("\n")
        size, root = (int(lines[1]), base64.b64decode(lines[2])) if len(lines) > 3 else (-1, b"")
        if lines[0] and lines[0] != got["log"]:
            sys.exit("the checkpoint is of another log")
        for change in got["changes"]:
            if change["number"] != tree.size:
                sys.exit("a gap: %d comes after %d" % (change["number"], tree.size - 1))
            tree.append(leaf(change["entry"]))
            print(json.dumps(change, ensure_ascii=False), flush=True)
            if tree.size == size and tree.root() != root:
                sys.exit("the entries do not have the root of the signed checkpoint")
        if tree.size == size and tree.root() != root or tree.size > got["size"]:
            sys.exit("the log is not the one that was followed")
        save(args.state, tree)
        if args.once and not got["changes"]:
            return


if __name__ == "__main__":
    p = argparse.ArgumentParser(description="Follow a log of an Accord node.")
    p.add_argument("url")
    p.add_argument("--feed", help="a member's feed; the ledger without it")
    p.add_argument("--state", default="follow.json")
    p.add_argument("--once", action="store_true", help="end when nothing is new")
    p.add_argument("--cafile", help="certificate to trust")
    arguments = p.parse_args()
    while True:
        try:
            follow(arguments)
            break
        except OSError as e:
            if arguments.once:
                sys.exit(str(e))
            print(e, file=sys.stderr)
            time.sleep(5)
