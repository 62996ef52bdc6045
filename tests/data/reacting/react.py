#!/usr/bin/python3
"""Serve a repository; tell a person of each accepted move, and forward branches."""

import asyncio
import os

from git_gate import GateServer, mint_token

SOCKET = "/run/task7/gate.sock"
NOTIFY = ["notify-send", "--", "task 7"]
FORWARD = ["/usr/local/libexec/git-gate-forward"]


async def run(*command, **variables):
    process = await asyncio.create_subprocess_exec(*command, env={**os.environ, **variables})
    if await process.wait() != 0:
        print(f"{command[0]} has failed", flush=True)


async def react(moves, token):
    async for move in moves:
        if move.result == "ok":
            await run(*NOTIFY, f"{move.kind} {move.ref} {move.new[:12]}")
        if move.result == "ok" or move.missed:
            await run(*FORWARD, GIT_GATE_SOCKET=SOCKET, GIT_GATE_TOKEN=token)


async def main():
    token = mint_token()
    async with GateServer(mirror_root="/srv/mirrors", scope="proj", token=token, socket_path=SOCKET) as gate:
        print(f"GIT_GATE_TOKEN={token}", flush=True)
        await react(gate.moves(), token)


asyncio.run(main())
