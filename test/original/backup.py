"""The second coordinator of a port: it registers with the first, keeps what that one holds, and returns when it is gone."""

import socket
import sys

import wire


class Backup:
    """What is known of a job: the histograms of its first blobs."""

    def __init__(self):
        self.histograms, self.index = [], 0

    def stand_by(self, port):
        """Registers with whoever serves the port, and hears its updates until the connection ends. ConnectionRefusedError: nobody."""
        with socket.create_connection(("127.0.0.1", port)) as conn:
            wire.send(conn, {"task": "reg_backup", "addr": ["127.0.0.1", free_above(port)]})
            print("stands by", file=sys.stderr, flush=True)
            try:
                while (message := wire.receive(conn)) is not None:
                    self.hear(message)
            except ConnectionError:
                pass

    def hear(self, message):
        """Keeps an update."""
        if message["task"] == "update":
            self.histograms, self.index = message["value"], message["index"]
            print("update", file=sys.stderr, flush=True)


def listen(port):
    """A socket that listens at a port, or None when somebody else does."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # what is left of old connections is in nobody's way
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen()
    except OSError:
        listener.close()
        return None
    return listener


def free_above(port):
    """The next port above at which nobody listens."""
    while True:
        port += 1
        listener = listen(port)
        if listener:
            listener.close()
            return port
