"""Stores batches until it is killed: killed_host.py DIRECTORY NUMBER. Prints the keys of each acknowledged batch."""

import random
import sys

from lmcache_host import Arena, Host, content_of
from rawkv_lmcache import RawkvConnector

directory, number = sys.argv[1:]
host = Host(RawkvConnector(directory, capacity="128MiB"))
arena = Arena(24, 100_000)
generator = random.Random(number)
under_way = []
for batch in range(100_000):
    sizes = [generator.randrange(1, 100_000) for _ in range(3)]
    keys = [f"{number}-{batch}-{part}-{size}" for part, size in enumerate(sizes)]
    pieces = [arena.take(size) for size in sizes]
    for key, (_, view) in zip(keys, pieces):
        view[:] = content_of(key, len(view))
    under_way.append((keys, pieces, host.submit("set", keys, [view for _, view in pieces])))
    if len(under_way) == 8:
        keys, pieces, waiter = under_way.pop(0)
        assert waiter.wait() == (True, "", [True] * 3), waiter.result
        print(*keys, flush=True)
        for piece, _ in pieces:
            arena.give_back(piece)
