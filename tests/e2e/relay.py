# SPDX-License-Identifier: Apache-2.0
"""A relay from loopback TCP to a Unix socket: git's client speaks no HTTP over Unix sockets."""

import contextlib
import socket
import threading

PIECE_BYTES = 1 << 16


def pump(source, sink):
    """Pass bytes on until the source ends, then pass the end on; the other direction goes on."""
    with contextlib.suppress(OSError):
        while data := source.recv(PIECE_BYTES):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


class Relay:
    """Listens on a port of its own from the start; stop() ends all of its connections."""

    def __init__(self, path):
        self.path = str(path)
        self.sockets = []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with client, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
            try:
                server.connect(self.path)
            except OSError:
                return
            self.sockets += [client, server]
            upwards = threading.Thread(target=pump, args=(client, server), daemon=True)
            upwards.start()
            pump(server, client)
            # The gate has said all it will; what the client still sends goes nowhere.
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
            upwards.join()

    def stop(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for each in self.sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self.thread.join(timeout=5)
