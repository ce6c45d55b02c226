#!/usr/bin/env python3
"""Reads a service's events from NATS through a durable consumer of its own, keeps them in a file, and proves that none is
missing: by counting what the consumer delivers, and `seq` where it delivers every event.

    pip install 'nats-py[nkeys]'
    steward subscriber add bi --pay          # makes the key, the consumers, and says where NATS is
    echo nats://127.0.0.1:4222 > nats-url
    python3 deploy/examples/stream.py nats-url STEWARD_SUPPORT_E1 events.ndjson --name bi --seed bi.nkey

Killed at any moment and started again, it goes on where the file ends: what NATS delivers again has had its effect already
and is skipped, and is acknowledged only when it is safely kept. A new epoch is a new stream; `feed.py` says what is to be
undone when one begins.
"""
import argparse
import asyncio
import json
import pathlib
import sys

import nats
from kept import Kept
from nats.errors import TimeoutError as NothingThere

BATCH = 200


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("nats", help="a file with the address of NATS")
    parser.add_argument("stream", help="STEWARD_SUPPORT_E1")
    parser.add_argument("file", help="where the events are kept")
    parser.add_argument("--name", required=True, help="what the subscriber is called, and its consumer")
    parser.add_argument("--seed", help="a file with the seed of its key; without it, the address says user and password")
    parser.add_argument("--api", default="STEWARD.API", help="the prefix under which it asks JetStream")
    parser.add_argument("--once", action="store_true", help="end with the last event there is")
    options = parser.parse_args()
    kept = Kept(options.file)
    seed = pathlib.Path(options.seed).read_text().strip() if options.seed else None
    address = pathlib.Path(options.nats).read_text().strip()
    bus = await nats.connect(address, nkeys_seed_str=seed, inbox_prefix=f"_INBOX_{options.name}".encode())
    jetstream = bus.jetstream(prefix=options.api)
    consumer = await jetstream.consumer_info(options.stream, options.name)
    filters = consumer.config.filter_subjects or [consumer.config.filter_subject or ">"]
    service = options.stream.split("_")[1].lower()
    is_gapless = filters in ([">"], [f"steward.v1.{service}.>"])
    if consumer.num_ack_pending:
        # What another run had in hand comes again once its time is over, in order and before anything new: until then
        # what is new would come first.
        await asyncio.sleep(consumer.config.ack_wait + 1)
    delivered = consumer.delivered.consumer_seq
    events = await jetstream.pull_subscribe_bind(consumer=options.name, stream=options.stream)
    while True:
        try:
            messages = await events.fetch(BATCH, timeout=2 if options.once else 30)
        except NothingThere:
            consumer = await jetstream.consumer_info(options.stream, options.name)
            if options.once and consumer.num_pending + consumer.num_ack_pending == 0:
                break
            continue
        for message in messages:
            delivered += 1
            if message.metadata.sequence.consumer != delivered:
                sys.exit("something was delivered and did not arrive: begin again, and it comes again")
        kept.add([json.loads(message.data) for message in messages], is_gapless)
        # Only now: what was not acknowledged is delivered again.
        for message in messages:
            await message.ack()
        await bus.flush()
    print(f"{options.stream}: read up to {kept.seq}, {'none missing' if is_gapless else 'all that is delivered here'}", flush=True)
    await bus.close()


asyncio.run(main())
