"""A mail server that answers as it is told to, over real sockets."""

import socketserver
from collections import defaultdict
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from threading import Thread

HANG_UP = ""
SILENCE = "(says nothing, and keeps the connection)"
Script = Mapping[str, str | list[str]]
_DEFAULTS = {"DATA": "354 go ahead", ".": "250 kept", "QUIT": "221 bye"}


class ScriptedServer(socketserver.ThreadingTCPServer):
    """Answers each command with the next of its `script`, or as any server would.

    `keeps_back`: no command of an envelope is answered before its DATA has come, which only a
    client that pipelines survives.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, script: Script, *, keeps_back: bool, pipelining: bool) -> None:
        super().__init__(("127.0.0.1", 0), _Dialogue)
        self.greeting = "250-me\r\n250 PIPELINING" if pipelining else "250 me"
        self.keeps_back = keeps_back
        self.script: dict[str, list[str]] = defaultdict(list)
        for verb, answers in script.items():
            self.script[verb] = [answers] if isinstance(answers, str) else list(answers)
        self.commands: list[str] = []
        self.bodies: list[bytes] = []
        self.port: int = self.server_address[1]

    def answer(self, verb: str) -> str:
        planned = self.script[verb]
        return planned.pop(0) if planned else _DEFAULTS.get(verb, "250 fine")


class _Dialogue(socketserver.StreamRequestHandler):
    """One connection."""

    server: ScriptedServer

    def handle(self) -> None:
        self._said = b""
        if not self._say(self.server.answer("CONNECT").replace("250 fine", "220 hello")):
            return
        while line := self.rfile.readline():
            verb = line.split()[0].decode().upper()
            self.server.commands.append(verb)
            if not self._reply(verb):
                return

    def _reply(self, verb: str) -> bool:
        if verb == "EHLO":
            return self._say(self.server.greeting)
        answer = self.server.answer(verb)
        is_kept_back = self.server.keeps_back and verb in {"MAIL", "RCPT"}
        if not self._say(answer, now=not is_kept_back):
            return False
        if verb == "DATA" and answer.startswith("354"):
            body = self._body()
            if body is None:
                return False
            self.server.bodies.append(body)
            return self._say(self.server.answer("."))
        return verb != "QUIT"

    def _body(self) -> bytes | None:
        """Return what came before the dot; nothing if the client left before."""
        lines: list[bytes] = []
        with suppress(ConnectionResetError):
            while line := self.rfile.readline():
                if line == b".\r\n":
                    return b"".join(lines)
                lines.append(line)
        return None

    def _say(self, answer: str, *, now: bool = True) -> bool:
        if answer == HANG_UP:
            return False
        if answer == SILENCE:
            self.rfile.read()  # until the client has had enough
            return False
        self._said += f"{answer}\r\n".encode()
        if now:
            self.wfile.write(self._said)
            self._said = b""
        return True


@contextmanager
def scripted_server(
    script: Script | None = None, *, keeps_back: bool = False, pipelining: bool = True
) -> Generator[ScriptedServer]:
    """Serve until the block ends."""
    with ScriptedServer(script or {}, keeps_back=keeps_back, pipelining=pipelining) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
