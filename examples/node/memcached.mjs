// What an application does with memcached, by the npm package memcached, through
// shardproxy: node memcached.mjs HOST:PORT.
import assert from "node:assert/strict";
import { promisify } from "node:util";
import Memcached from "memcached";

const c = new Memcached(process.argv[2], { poolSize: 100, timeout: 10_000 });
const call = (name, ...args) => promisify(c[name]).apply(c, args);

const keys = Array.from({ length: 100 }, (_, i) => `user:${i}`);
await Promise.all(keys.map((k) => call("set", k, `name of ${k}`, 1000)));
const all = await call("getMulti", [...keys, "nobody"]);
assert.equal(Object.keys(all).length, keys.length);
for (const k of keys) assert.equal(all[k], `name of ${k}`);

await call("set", "n", 41, 0);
assert.equal(await call("incr", "n", 1), 42);
assert.equal(await call("decr", "n", 2), 40);
const { cas, n } = await call("gets", "n");
assert.equal(n, 40);
assert.equal(await call("cas", "n", "new", cas, 0), true);
assert.equal(await call("cas", "n", "newer", cas, 0), false);
assert.equal(await call("append", "n", "er"), true);
assert.equal(await call("get", "n"), "newer");
assert.equal(await call("touch", "n", 1000), true);
assert.equal(await call("del", "n"), true);
assert.equal(await call("get", "n"), undefined);
await assert.rejects(call("add", "user:1", "x", 0));

const [{ version }] = await call("version");
assert.match(version, /^\d+\.\d+\.\d+/);
const [stats] = await call("stats");
assert.ok(stats.cmd_set >= 100, `cmd_set ${stats.cmd_set}`);
await call("flush");
assert.equal(await call("get", "user:1"), undefined);
c.end();
console.log("all of it works");
