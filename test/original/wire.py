"""Messages as the original system has them: JSON in ASCII, then one EOT byte. Its weaknesses are part of it."""

import json

EOT = "\x04"
READ_BYTES = 4096


def send(conn, message):
    """Sends one message. OSError: the connection is broken."""
    conn.sendall((json.dumps(message) + EOT).encode("ascii"))


def receive(conn):
    """The next message, as workers and backups read it; None when the other side has hung up.

    Each read is decoded on its own, so a character in two reads is a UnicodeDecodeError. A read that ends in EOT ends the message,
    and what else stands in it is taken for JSON, so two messages in one read are a json.JSONDecodeError.
    """
    text = ""
    while True:
        data = conn.recv(READ_BYTES)
        if not data:
            return None
        text += data.decode("utf-8")
        if text.endswith(EOT):
            return json.loads(text[:-1])


class Inbox:
    """What a coordinator has read of one connection: messages may come in parts, and several at once.

    The original has one such buffer for all connections. That is not imitated: it makes results wrong in a way that no test can foresee.
    """

    def __init__(self):
        self.data = b""

    def take(self, data):
        """Adds what was read, and returns the messages that are whole now."""
        *whole, self.data = (self.data + data).split(EOT.encode())
        return [json.loads(message) for message in whole]
