#!/bin/sh
# Follow a log of an Accord node: print what is new, one change a line of JSON.
#
#     follow.sh URL [STATE] [FEED]        ONCE=1: end when nothing is new
#
# The place is kept in STATE (follow.next). Numbers have no gaps; one is an error.
# follow.py also checks the entries against the signed checkpoint. Needs curl and jq.
set -eu
url=${1:?URL} state=${2:-follow.next} feed=${3:-}
next=$(cat "$state" 2>/dev/null || echo 0)
wait=30
[ -z "${ONCE:-}" ] || wait=0
while :; do
	page=$(curl -fsS --max-time 90 ${CURL_OPTIONS:-} "$url/api/v1/changes?since=$next&limit=500&wait=$wait${feed:+&feed=$feed}") || {
		[ -z "${ONCE:-}" ] || exit 1
		sleep 5
		continue
	}
	printf '%s' "$page" | jq -e --argjson next "$next" '[.changes[].number] == [range($next; .next)]' >/dev/null || {
		echo "a gap after $((next - 1))" >&2
		exit 1
	}
	printf '%s' "$page" | jq -c '.changes[]'
	was=$next
	next=$(printf '%s' "$page" | jq .next)
	printf '%s\n' "$next" >"$state.new"
	mv "$state.new" "$state"
	if [ -n "${ONCE:-}" ] && [ "$was" = "$next" ]; then exit 0; fi
done
