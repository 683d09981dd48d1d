"""What an application does with memcached, by pymemcache, through shardproxy:
python3 memcached.py HOST:PORT."""

import sys

from pymemcache.client.base import Client
from pymemcache.exceptions import MemcacheClientError

c = Client(sys.argv[1], default_noreply=False, timeout=10)

keys = ["user:%d" % i for i in range(100)]
assert c.set_many({k: "name of " + k for k in keys}) == []
found = c.get_many(keys + ["nobody"])
assert found == {k: b"name of " + k.encode() for k in keys}, found

quick = Client(sys.argv[1], default_noreply=True, timeout=10)
for i in range(100):
    quick.set("quick:%d" % i, str(i))
    quick.delete("quick:%d" % (i - 1))
assert quick.get_many(["quick:%d" % i for i in range(100)]) == {"quick:99": b"99"}

assert c.set("n", "41") and c.incr("n", 1) == 42 and c.decr("n", 2) == 40
value, cas = c.gets("n")
assert value == b"40" and c.cas("n", "new", cas) is True and c.cas("n", "newer", cas) is False
assert c.append("n", "er") and c.prepend("n", "the ") and c.get("n") == b"the newer"
assert c.add("n", "x") is False and c.replace("nobody", "x") is False
assert c.touch("n", 1000)
assert c.delete("n") is True and c.delete("n") is False
try:
    c.incr("user:1", 1)
    raise AssertionError("a name was counted up")
except MemcacheClientError:
    pass
assert c.get("user:1") == b"name of user:1"
assert int(c.stats()[b"cmd_set"]) >= 200
assert c.version().count(b".") == 2
assert c.flush_all() is True and c.get("user:1") is None
c.quit()
print("all of it works")
