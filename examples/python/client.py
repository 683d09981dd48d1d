#!/usr/bin/env python3
"""redis-py through shardproxy: the program does not know that there are shards.

    apt-get install -y python3-redis        # or: pip install redis
    shardproxy run -c examples/config/pools.yml
    python3 examples/python/client.py 127.0.0.1:6380

It prints each thing it does, and ends with an error at the first that fails.
"""

import os
import sys
import threading

import redis

host, port = (sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:6380").rsplit(":", 1)
r = redis.Redis(host=host, port=int(port), socket_timeout=60)


def step(what, ok):
    print(f"{'ok' if ok else 'FAILED'}: {what}", flush=True)
    if not ok:
        sys.exit(1)


def fails(what, word, request, *args):
    """An error belongs to its request; the connection goes on."""
    try:
        request(*args)
        step(f"{what} is an error", False)
    except redis.RedisError as e:
        step(f"{what} is an error ({e})", word in str(e))


step("PING", r.ping())
step("SET and GET", r.set("python:hello", "world") and r.get("python:hello") == b"world")

# Pipelines go to all shards at once; replies come back in order. A pipeline is
# a transaction unless told otherwise, which is for keys of one shard: see below.
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

# twemproxy closed the connection at a command it did not know, or for which it
# needed all keys on one server. Here only the request fails.
fails("LPUSH to a string", "WRONGTYPE", r.lpush, "python:1", "x")
fails("MSETNX of keys on several shards", "CROSSSLOT", r.msetnx, {k: "" for k in keys})
fails("a command that nobody knows", "unknown command", r.execute_command, "NOSUCH", "python:1")
p = r.pipeline(transaction=False)
p.get("python:1").lpush("python:1", "x").get("python:2")
first, error, last = p.execute(raise_on_error=False)
step(
    f"an error within a pipeline ({error})",
    first == b"value 1" and isinstance(error, redis.ResponseError) and last == b"value 2",
)
step("after the errors", r.get("python:hello") == b"world")

# From here on it is what twemproxy never had. Keys with the same {tag} are on
# one shard, so a transaction may use them together.
name, visits = "python:{user:7}:name", "python:{user:7}:visits"
p = r.pipeline()
p.set(name, "Ada").set(visits, 6).incr(visits).get(name)
step("MULTI and EXEC", p.execute() == [True, True, 7, b"Ada"])
with r.pipeline() as p:
    p.watch(visits)
    seen = int(p.get(visits))
    r.incr(visits)  # somebody else, over another connection
    p.multi()
    p.set(visits, seen + 1)
    try:
        p.execute()
        step("EXEC after a watched key was changed", False)
    except redis.WatchError:
        step("EXEC does nothing after a watched key was changed", r.get(visits) == b"8")
p = r.pipeline()
for key in keys:
    p.set(key, "never")
fails("a transaction over several shards", "CROSSSLOT", p.execute)
step("and none of it was done", r.mget(keys[:2]) == [b"value 0", b"value 1"])

# redis-py sends EVALSHA, and the script when a server lacks it. Each request goes
# to the shard of its keys, SCRIPT LOAD to all.
prefix = r.register_script("return ARGV[1] .. redis.call('GET', KEYS[1])")
step("a script on all shards", [prefix([k], ["a "]) for k in keys[:100]] == [b"a value %d" % i for i in range(100)])
move = r.register_script("redis.call('SET', KEYS[2], redis.call('GET', KEYS[1])) return redis.call('DEL', KEYS[1])")
step("a script with two keys of one tag", move([name, name + ":new"]) == 1 and r.get(name + ":new") == b"Ada")
fails("a script with keys of two shards", "CROSSSLOT", move, keys)

# A channel is on the shard its name hashes to, a pattern on all of them.
news = [f"python:news:{i}" for i in range(20)]
with r.pubsub() as p:
    p.subscribe(*news)
    p.psubscribe("python:news:*")
    confirmed = [p.get_message(timeout=10)["type"] for _ in range(21)]
    step("SUBSCRIBE and PSUBSCRIBE", confirmed == ["subscribe"] * 20 + ["psubscribe"])
    step("PUBLISH to channels of all shards", [r.publish(c, "to " + c) for c in news] == [2] * 20)
    heard = [p.get_message(timeout=10) for _ in range(40)]
    for kind in ("message", "pmessage"):
        got = {m["channel"].decode(): m["data"].decode() for m in heard if m["type"] == kind}
        step(f"each {kind} came", got == {c: "to " + c for c in news})

# A request that waits holds up nobody else.
threading.Timer(0.2, r.rpush, ["python:jobs", "job 1"]).start()
step("BLPOP waits for an element", r.blpop("python:jobs", timeout=10) == (b"python:jobs", b"job 1"))
step("BLPOP gives up in time", r.blpop("python:jobs", timeout=1) is None)

# Databases are those of the servers, unless redis_db in the file fixes one.
other = redis.Redis(host=host, port=int(port), db=1)
step("SELECT 1", other.set("python:hello", "there") and other.get("python:hello") == b"there")
step("database 0 is another", r.get("python:hello") == b"world")
print("all of it works")
