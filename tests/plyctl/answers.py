#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# answers.py SOCKET KIND : a daemon that doesn't keep to the protocol. It says "ready", and serves one client after the other.
import os
import socket
import sys

path, kind = sys.argv[1:]
answers = {
    "empty": b"\n",
    "garbage": b"\xff\xfe{]\n",
    "refusal": b'{"ok":false,"error":"not\\u001b[31m now\\n"}\n',
    "types": b'{"ok":true,"pid":"x","layers":-5,"uptime_ms":1e300,"version":[],"counters":7,"sizes":{"inodes":null},'
    b'"latencies":{"read":{"count":3,"sum_ns":-1,"buckets":[[1,2],[99,1],[-1,4],"x",[2]]},"w":[]},"options":1}\n',
    "large": b'{"ok":true,"pid":9223372036854775807,"counters":{"lookup":9223372036854775807,"lookup-cached":1},'
    b'"latencies":{"a\\"b\\\\c\\u000a\\u0007":{"sum_ns":9223372036854775807,"buckets":[[39,9223372036854775807],[0,1]]}}}\n',
    "deep": b"[" * 200000 + b"\n",
    "half": b'{"ok":true',
    "gone": b"",
    "two": b'{"ok":true}\n{"ok":true}\n',
    "flood": b"x" * 65536,
}
server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
server.bind(path)
server.listen()
print("ready", flush=True)
while True:
    client, _ = server.accept()
    try:
        request = b''
        while not request.endswith(b'\n'):
            piece = client.recv(4096)
            if not piece:
                break
            request += piece
        client.sendall(answers[kind])
        while kind == "flood":
            client.sendall(answers[kind])
        if kind == "half":
            # Silence, until the client gives up.
            client.recv(1)
    except OSError:
        pass
    client.close()
