#!/usr/bin/env python3
"""A coordinator as the original system's; started again on the same port it is the backup of the first.

    coordinator.py -p 8765 -f hamlet.txt -o output.csv -b 1024

It counts a blob as done when it is handed out, as the original does: its updates are right only while no worker has any.
What a worker had that hangs up goes to another one.
"""

import argparse
import csv
import selectors
import sys
import time

import backup
import wire
import words

PAUSE = 0.05  # seconds, in which a worker reads a message alone


class Worker:
    """A connection that has registered."""

    def __init__(self):
        self.request = None  # what it has not answered
        self.told = None  # the address of the backup that it knows


class Coordinator:
    """One job: the text is handed out blob by blob, then the histograms are merged by twos."""

    def __init__(self, text, size, known):
        self.text, self.size, self.index = text, size, 0
        self.returned = []  # requests of workers that are gone
        self.histograms = list(known.histograms)
        self.workers = {}  # by connection
        self.backup, self.announced = None, None
        self.inboxes = {}  # by connection
        while self.index < known.index and self.blob():
            pass

    def blob(self):
        """The next blob, up to white space; empty at the end."""
        blob = self.text.read(self.size)
        while blob and not blob[-1].isspace():
            more = self.text.read(1)
            if not more:
                break
            blob += more
        self.index += bool(blob)
        return blob

    def next_request(self):
        """What is to be done next; None: nothing, for the moment."""
        if self.returned:
            return self.returned.pop()
        blob = self.blob()
        if blob:
            return {"task": "map_request", "blob": blob}
        if len(self.histograms) > 1:
            return {"task": "reduce_request", "value": [self.histograms.pop(0), self.histograms.pop(0)]}
        return None

    def hand_out(self):
        """Gives all idle workers something to do, and reports whether nothing is left to do."""
        for conn, worker in self.workers.items():
            if worker.request is None:
                worker.request = self.next_request()
                if worker.request is not None:
                    self.ask(conn, worker)
        return all(worker.request is None for worker in self.workers.values()) and self.is_counted()

    def is_counted(self):
        """Whether what is held is the result. The last blob is found to be the last one by a worker's request."""
        return bool(self.workers) and not self.returned and len(self.histograms) < 2

    def ask(self, conn, worker):
        """Sends a worker its request. One that is gone is noticed when it is read from."""
        try:
            if worker.told != self.announced:
                worker.told = self.announced
                wire.send(conn, {"task": "reg_backup", "value": self.announced})
                time.sleep(PAUSE)
            wire.send(conn, worker.request)
        except ConnectionError:
            pass

    def hear(self, conn, message):
        """Takes what somebody says."""
        task = message["task"]
        if task == "register":
            self.workers[conn] = Worker()
        elif task == "reg_backup":
            self.backup, self.announced = conn, message["addr"]
        elif task in ("map_reply", "reduce_reply"):
            self.workers[conn].request = None
            self.histograms.append(message["value"])
        self.update()

    def update(self):
        """Sends the backup what is held."""
        if self.backup:
            try:
                wire.send(self.backup, {"task": "update", "value": self.histograms, "index": self.index})
            except ConnectionError:
                self.backup = None

    def read(self, conn):
        """Reads from a connection, and reports whether it goes on."""
        try:
            data = conn.recv(wire.READ_BYTES)
        except ConnectionError:
            data = b""
        for message in self.inboxes[conn].take(data):
            self.hear(conn, message)
        return bool(data)

    def forget(self, conn):
        """Keeps the request of a worker that is gone."""
        worker = self.workers.pop(conn, None)
        if worker and worker.request is not None:
            self.returned.append(worker.request)
        if conn is self.backup:
            self.backup = None
        del self.inboxes[conn]
        conn.close()

    def run(self, listener):
        """Serves whoever connects until the text is counted, and returns the histogram."""
        with selectors.DefaultSelector() as selector:
            selector.register(listener, selectors.EVENT_READ)
            while not self.hand_out():
                for key, _ in selector.select():
                    if key.fileobj is listener:
                        conn, _ = listener.accept()
                        self.inboxes[conn] = wire.Inbox()
                        selector.register(conn, selectors.EVENT_READ)
                    elif not self.read(key.fileobj):
                        selector.unregister(key.fileobj)
                        self.forget(key.fileobj)
        return self.histograms[0] if self.histograms else []


def count(histogram):
    """The rows of the result: what repeats of a text of one blob is added up."""
    counts = {}
    for word, n in histogram:
        counts[word] = counts.get(word, 0) + n
    rows = list(counts.items())
    words.sort(rows)
    return rows


def main():
    """Stands by as long as somebody else has the port, then serves it until the job is done."""
    flags = argparse.ArgumentParser()
    flags.add_argument("-p", dest="port", type=int, default=8765)
    flags.add_argument("-f", dest="file", required=True)
    flags.add_argument("-o", dest="output", default="output.csv")
    flags.add_argument("-b", dest="blob", type=int, default=1024)
    args = flags.parse_args()
    known = backup.Backup()
    while (listener := backup.listen(args.port)) is None:
        try:
            known.stand_by(args.port)
        except ConnectionRefusedError:
            time.sleep(PAUSE)  # whoever has the port does not listen yet, or not any more
    print("serves from blob", known.index, file=sys.stderr, flush=True)
    with listener, open(args.file, encoding="utf-8") as text:
        histogram = Coordinator(text, args.blob, known).run(listener)
    with open(args.output, "w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows(count(histogram))


if __name__ == "__main__":
    main()
