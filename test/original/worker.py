#!/usr/bin/env python3
"""A worker as the original system's: it registers, maps and reduces, with the original's algorithms and at their cost.

    worker.py --id 3 --hostname localhost --port 8765
"""

import argparse
import json
import socket
import sys
import time

import wire
import words

TRIES = 10
RETRY = 1  # seconds


def mapped(blob):
    """One pair for each occurrence of a word, sorted."""
    pairs = []
    for word in words.split(blob):
        pairs.append((word, 1))
    words.sort(pairs)
    return pairs


def folded(histogram):
    """Adds 1 for each neighbour that repeats a word, whatever the count of that one."""
    out = []
    for word, count in histogram:
        if out and out[-1][0] == word:
            out[-1][1] += 1
        else:
            out.append([word, count])
    return out


def find(histogram, word):
    """Where a word stands, by binary search; -1: it was not found."""
    low, high = 0, len(histogram) - 1
    while low <= high:
        middle = (low + high) // 2
        order = words.compare(histogram[middle][0], word)
        if order == 0:
            return middle
        if order < 0:
            low = middle + 1
        else:
            high = middle - 1
    return -1


def reduced(a, b):
    """Merges two histograms, each of them sorted; one that is not gives words that repeat."""
    merged, rest = folded(a), []
    for word, count in folded(b):
        at = find(merged, word)
        if at < 0:
            rest.append([word, count])
        else:
            merged[at][1] += count
    merged += rest
    words.sort(merged)
    return merged


def answer(message):
    """The reply to a request; None: it has none."""
    task = message["task"]
    if task == "map_request":
        return {"task": "map_reply", "value": mapped(message["blob"])}
    if task == "reduce_request":
        return {"task": "reduce_reply", "value": reduced(*message["value"])}
    return None


def serve(conn, name):
    """Does what it is told until the connection ends."""
    wire.send(conn, {"task": "register", "id": name})
    while (message := wire.receive(conn)) is not None:
        reply = answer(message)
        if reply is not None:
            wire.send(conn, reply)


def main():
    """Serves one connection after another, until nobody listens ten times in a row."""
    flags = argparse.ArgumentParser()
    flags.add_argument("--id", default="0")
    flags.add_argument("--port", type=int, default=8765)
    flags.add_argument("--hostname", default="localhost")
    args = flags.parse_args()
    failed = 0
    while failed < TRIES:
        try:
            conn = socket.create_connection((args.hostname, args.port))
        except OSError:
            failed += 1
        else:
            failed = 0
            try:
                with conn:
                    serve(conn, args.id)
            except (OSError, json.JSONDecodeError) as broken:
                print("connection broke:", repr(broken), file=sys.stderr, flush=True)
        time.sleep(RETRY)
    sys.exit("nobody listens")


if __name__ == "__main__":
    main()
