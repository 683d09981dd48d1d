#!/usr/bin/env python3
"""redis-py through shardproxy: the program does not know that there are shards.

    apt-get install -y python3-redis        # or: pip install redis
    shardproxy run -c examples/config/pools.yml
    python3 examples/python/client.py 127.0.0.1:6380

It prints each thing it does, and ends with an error at the first that fails.
"""

import os
import sys

import redis

host, port = (sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:6380").rsplit(":", 1)
r = redis.Redis(host=host, port=int(port), socket_timeout=60)


def step(what, ok):
    print(f"{'ok' if ok else 'FAILED'}: {what}", flush=True)
    if not ok:
        sys.exit(1)


step("PING", r.ping())
step("SET and GET", r.set("python:hello", "world") and r.get("python:hello") == b"world")

# Pipelines go to all shards at once; replies come back in order. A pipeline is
# a transaction unless told otherwise, and keys on several shards have none.
p = r.pipeline(transaction=False)
for i in range(1000):
    p.set(f"python:{i}", f"value {i}")
for i in range(1000):
    p.get(f"python:{i}")
replies = p.execute()
step(
    "a pipeline of 1,000 SET and 1,000 GET",
    replies == [True] * 1000 + [b"value %d" % i for i in range(1000)],
)

# MGET, MSET, DEL, EXISTS, … are split between the shards and put together.
keys = [f"python:{i}" for i in range(1000)]
step("MGET of 1,000 keys", r.mget(keys) == [b"value %d" % i for i in range(1000)])
step("MGET of a missing key", r.mget("python:1", "python:none", "python:2") == [b"value 1", None, b"value 2"])
step("MSET", r.mset({f"python:m:{i}": i for i in range(100)}))
step("EXISTS counts over all shards", r.exists(*[f"python:m:{i}" for i in range(200)]) == 100)
step("SCAN finds every key", len(set(r.scan_iter("python:m:*", count=100))) == 100)
step("DEL counts over all shards", r.delete(*[f"python:m:{i}" for i in range(100)]) == 100)

# Keys and values are bytes, all 256 of them.
every = bytes(range(256))
step("a binary key and value", r.set(b"python:" + every, every) and r.get(b"python:" + every) == every)
step("MGET of binary keys", r.mget(b"python:" + every, b"python:\r\n") == [every, None])

big = os.urandom(1 << 20) * 64
step("a value of 64 MiB", r.set("python:big", big) and r.get("python:big") == big)
r.delete("python:big")

# An error belongs to its command; the connection goes on.
try:
    r.incr("python:hello")
    step("INCR of a word is an error", False)
except redis.ResponseError as e:
    step(f"INCR of a word is an error ({e})", "not an integer" in str(e))
p = r.pipeline(transaction=False)
p.get("python:1").lpush("python:1", "x").get("python:2")
first, error, last = p.execute(raise_on_error=False)
step(
    f"an error within a pipeline ({error})",
    first == b"value 1" and isinstance(error, redis.ResponseError) and last == b"value 2",
)
step("after the errors", r.get("python:hello") == b"world")

# Keys with the same {tag} are on the same shard, where scripts may use them.
step(
    "EVAL with two keys of one tag",
    r.eval("redis.call('SET', KEYS[1], ARGV[1]) return redis.call('GET', KEYS[2])", 2,
           "python:{user:7}:a", "python:{user:7}:a", "scripted") == b"scripted",
)
print("all of it works")
