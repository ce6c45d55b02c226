#!/usr/bin/env python3
"""Reads a service's events over HTTP, keeps them in a file, and proves by counting that none is missing.

    steward token --role HQ --scope pay > token
    python3 deploy/examples/feed.py http://127.0.0.1:8400 support events.ndjson --token token

It needs Python and nothing else. Killed at any moment and started again, it goes on where the file ends: the position of
a reader belongs to what it makes of the events, here the file itself. `--once` ends with the last event there is; else it
waits for more.
"""
import argparse
import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

from kept import Kept


def page(options: argparse.Namespace, after: str | None) -> dict:
    query = {"source": options.source, "limit": 200, "wait": 0 if options.once else 25, "after": after}
    query |= {"types": options.types, "branch": options.branch}
    query = urllib.parse.urlencode({name: value for name, value in query.items() if value is not None})
    request = urllib.request.Request(f"{options.address}/v1/events?{query}")
    # Read anew each time: whoever issues tokens puts a fresh one there before the old one ends.
    with open(options.token) as token:
        request.add_header("Authorization", f"Bearer {token.read().strip()}")
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def explain(problem: dict) -> str:
    if problem.get("code") == "feed.epoch_ended":
        # The source was restored from a backup: what it said after `base` in that epoch never happened.
        base, go_on = problem["params"]["base"], problem["params"]["go_on"]
        return f"undo what came of the events after {base}, take them out of the file, and begin again: it goes on from {go_on}"
    return f"{problem.get('code')}: {problem.get('messages', {}).get('en')}. {problem.get('next', {}).get('en')}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address", help="where the API is: http://127.0.0.1:8400")
    parser.add_argument("source", help="whose events: support, hr, workforce or contracts")
    parser.add_argument("file", help="where the events are kept")
    parser.add_argument("--token", required=True, help="a file with the token")
    parser.add_argument("--types", help="only these types, with commas between")
    parser.add_argument("--branch", help="only this branch's events and the network's")
    parser.add_argument("--once", action="store_true", help="end with the last event there is")
    options = parser.parse_args()
    kept = Kept(options.file)
    after, pause = kept.cursor, 1
    while True:
        try:
            found = page(options, after)
        except urllib.error.HTTPError as error:
            problem = json.loads(error.read() or "{}")
            if error.code not in (401, 429, 503):
                sys.exit(explain(problem))
            print(f"{problem.get('code')}; trying again in {pause} s", file=sys.stderr)
            time.sleep(pause)
            pause = min(pause * 2, 30)
            continue
        except (urllib.error.URLError, ConnectionError, TimeoutError) as error:
            print(f"{error}; trying again in {pause} s", file=sys.stderr)
            time.sleep(pause)
            pause = min(pause * 2, 30)
            continue
        pause = 1
        kept.add(found["data"], found["page"]["is_gapless"])
        # Behind everything that was looked at: a filter that matches nothing gets on, too.
        after = found["page"]["next"]
        if options.once and not found["page"]["has_more"]:
            counted = "none missing" if found["page"]["is_gapless"] else "of a filtered reading, which cannot be counted"
            print(f"{options.source}: read up to {after}, {counted}", flush=True)
            return


main()
