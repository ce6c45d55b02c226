#!/usr/bin/env python3
"""Reads a service's events from the first one on, and counts: `seq` has no gaps, so nothing can be missing unseen.

    pip install nats-py
    steward status --json | tail -n 1 | python3 deploy/subscribe.py support

`--once` ends at the last event there is. A new epoch is a new stream, named in `status --json`: begin again with it.
"""
import asyncio
import json
import sys

import nats


async def main(service: str, once: bool) -> None:
    status = json.load(sys.stdin)
    stream, last = (status["services"][service][name] for name in ("stream", "last_seq"))
    if stream is None:
        sys.exit(f"{service} does not say yet where its stream is: try again in a moment")
    bus = await nats.connect(status["nats"])
    events = await bus.jetstream().subscribe(f"steward.v1.{service}.>", stream=stream, ordered_consumer=True)
    expected = 1
    while not once or expected <= last:
        event = json.loads((await events.next_msg(timeout=None if not once else 10)).data)
        if event["seq"] < expected:
            continue  # Delivered again: it has had its effect.
        if event["seq"] > expected:
            sys.exit(f"{stream}: {expected} to {event['seq'] - 1} are missing")
        print(event["seq"], event["time"], event["type"], event["subject"], flush=True)
        expected += 1
    print(f"{stream}: {expected - 1} events, none missing", flush=True)
    await bus.close()


asyncio.run(main(sys.argv[1], "--once" in sys.argv))
