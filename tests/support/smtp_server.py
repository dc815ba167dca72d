"""A mail server of a few lines, on a real socket: it takes mail, or behaves as badly as others."""

import email.policy
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.parser import BytesParser
from enum import StrEnum
from typing import Any


class Manner(StrEnum):
    TAKES = "takes"
    GREYLISTS = "greylists"
    """Refuses each address once with 451, as servers do to whom they do not know."""
    REFUSES_ADDRESS = "refuses_address"
    REFUSES_TEXT = "refuses_text"
    TAKES_AND_DROPS = "takes_and_drops"
    HANGS = "hangs"
    HANGS_AT_GOODBYE = "hangs_at_goodbye"


class MailServer(socketserver.ThreadingTCPServer):
    """What it has taken is in `letters`."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.manner = Manner.TAKES
        self.letters: list[EmailMessage] = []
        self.seen: set[str] = set()
        self.closing = threading.Event()

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class _Conversation(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        if self.server.manner is Manner.HANGS:
            self.server.closing.wait(30)
            return
        self.say("220 ready")
        while line := self.rfile.readline():
            if not self.answer(line.decode("ascii", "replace").strip()):
                return

    def answer(self, line: str) -> bool:
        verb = line[:4].upper()
        if verb == "QUIT":
            if self.server.manner is Manner.HANGS_AT_GOODBYE:
                self.server.closing.wait(30)
            self.say("221 bye")
            return False
        if verb == "RCPT":
            self.say(self.judge(line))
        elif verb == "DATA":
            self.take()
        else:
            self.say("250 ok")
        return True

    def judge(self, line: str) -> str:
        manner, is_new = self.server.manner, line not in self.server.seen
        self.server.seen.add(line)
        if manner is Manner.GREYLISTS and is_new:
            return "451 come back later"
        return "550 nobody here" if manner is Manner.REFUSES_ADDRESS else "250 ok"

    def take(self) -> None:
        self.say("354 go on")
        lines = []
        while (line := self.rfile.readline()) not in {b".\r\n", b""}:
            lines.append(line[1:] if line.startswith(b"..") else line)
        if self.server.manner is Manner.REFUSES_TEXT:
            self.say("554 no")
            return
        if self.server.manner is not Manner.TAKES_AND_DROPS:
            parser = BytesParser(policy=email.policy.default)
            self.server.letters.append(parser.parsebytes(b"".join(lines)))
        self.say("250 taken")

    def say(self, words: str) -> None:
        self.wfile.write(f"{words}\r\n".encode())


@contextmanager
def mail_server(settings: Any) -> Iterator[MailServer]:
    """The site sends its mail to this server."""
    with MailServer() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        settings.EMAIL_TIMEOUT = 1
        settings.EMAIL_IS_SET_UP = True
        settings.PUBLIC_URL = "https://attn.example.org"
        settings.DEFAULT_FROM_EMAIL = "attn@school.example"
        yield server
        server.closing.set()
        server.shutdown()


def environment_for(server: MailServer) -> dict[str, str]:
    """The same for a process of its own."""
    return {
        "ATTN_EMAIL_URL": f"smtp://127.0.0.1:{server.port}",
        "ATTN_EMAIL_FROM": "attn@school.example",
        "ATTN_PUBLIC_URL": "https://attn.example.org",
    }
