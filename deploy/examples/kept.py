"""The events that a subscriber has read, in a file: what it makes of them, and its position, in one place."""
import json
import os
import sys


class Kept:
    """One event in a line. The last whole line is the position, so nothing is lost and nothing kept twice, whenever the
    program is killed."""

    def __init__(self, path: str):
        self.file = open(path, "ab+")
        size = self.file.seek(0, os.SEEK_END)
        # An event is smaller than this; what was cut off in the middle of a line was never kept.
        begin = max(0, size - 262_144)
        self.file.seek(begin)
        tail = self.file.read()
        whole = tail[: tail.rfind(b"\n") + 1]
        self.file.truncate(begin + len(whole))
        last = json.loads(whole.splitlines()[-1]) if whole else None
        self.seq = last["seq"] if last else 0
        self.cursor = f"{last['epoch']}:{last['seq']}" if last else None

    def add(self, events: list, count: bool) -> None:
        """Keeps what is new. `count`: nothing is left out, so each number is the one before and one."""
        for event in events:
            if event["seq"] <= self.seq:
                continue  # Delivered again: it has had its effect.
            # What is kept by the source begins where it begins; from there on nothing may be missing.
            if count and self.cursor and event["seq"] != self.seq + 1:
                sys.exit(f"{self.seq + 1} to {event['seq'] - 1} are missing")
            self.file.write(json.dumps(event, ensure_ascii=False).encode() + b"\n")
            self.seq, self.cursor = event["seq"], f"{event['epoch']}:{event['seq']}"
        self.file.flush()
        os.fsync(self.file.fileno())
