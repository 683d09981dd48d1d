// ioredis through shardproxy: the program does not know that there are shards.
//
//     npm ci --prefix examples/node
//     shardproxy run -c examples/config/pools.yml
//     node examples/node/client.mjs 127.0.0.1:6380
//
// It prints each thing it does, and ends with an error at the first that fails.

import assert from "node:assert";
import { randomBytes } from "node:crypto";
import Redis from "ioredis";

const [host, port] = (process.argv[2] ?? "127.0.0.1:6380").split(":");
const r = new Redis({ host, port: Number(port), maxRetriesPerRequest: 0 });

// step prints what was done, and fails unless it gave what is wanted.
function step(what, got, want) {
  assert.deepStrictEqual(got, want, what);
  console.log(`ok: ${what}`);
}

// Assertion errors end the program with a status other than 0.
step("PING", await r.ping(), "PONG");
step("SET and GET", [await r.set("node:hello", "world"), await r.get("node:hello")], ["OK", "world"]);

// Pipelines go to all shards at once; replies come back in order.
const numbers = [...Array(1000).keys()];
const keys = numbers.map((i) => `node:${i}`);
const values = numbers.map((i) => `value ${i}`);
const p = r.pipeline();
keys.forEach((key, i) => p.set(key, values[i]));
keys.forEach((key) => p.get(key));
step(
  "a pipeline of 1,000 SET and 1,000 GET",
  await p.exec(),
  [...numbers.map(() => [null, "OK"]), ...values.map((v) => [null, v])],
);
step("1,000 GET at once, without a pipeline", await Promise.all(keys.map((key) => r.get(key))), values);

// MGET, MSET, DEL, EXISTS, … are split between the shards and put together.
step("MGET of 1,000 keys", await r.mget(keys), values);
step("MGET of a missing key", await r.mget("node:1", "node:none", "node:2"), ["value 1", null, "value 2"]);
const many = numbers.slice(0, 100).map((i) => `node:m:${i}`);
step("MSET", await r.mset(Object.fromEntries(many.map((key) => [key, key]))), "OK");
step("EXISTS counts over all shards", await r.exists(...many, "node:none"), 100);
const found = new Set();
for await (const page of r.scanStream({ match: "node:m:*", count: 100 })) page.forEach((key) => found.add(key));
step("SCAN finds every key", [...found].sort(), [...many].sort());
step("DEL counts over all shards", await r.del(many), 100);

// Keys and values are bytes, all 256 of them.
const every = Buffer.from([...Array(256).keys()]);
const key = Buffer.concat([Buffer.from("node:"), every]);
await r.set(key, every);
step("a binary key and value", await r.getBuffer(key), every);
step("MGET of binary keys", await r.mgetBuffer(key, "node:\r\n"), [every, null]);

const mebibyte = randomBytes(1 << 20);
const big = Buffer.concat(Array(64).fill(mebibyte));
await r.set("node:big", big);
step("a value of 64 MiB", big.equals(await r.getBuffer("node:big")), true);
await r.del("node:big");

// An error belongs to its command; the connection goes on.
const error = await r.incr("node:hello").catch((e) => e);
step(`INCR of a word is an error (${error.message})`, /not an integer/.test(error.message), true);
const [[, first], [within], [, last]] = await r.pipeline().get("node:1").lpush("node:1", "x").get("node:2").exec();
step(`an error within a pipeline (${within?.message})`, [first, within?.message.split(" ")[0], last], ["value 1", "WRONGTYPE", "value 2"]);
step("after the errors", await r.get("node:hello"), "world");

// Keys with the same {tag} are on the same shard, where scripts may use them.
r.defineCommand("setAndGet", {
  numberOfKeys: 2,
  lua: "redis.call('SET', KEYS[1], ARGV[1]) return redis.call('GET', KEYS[2])",
});
step("EVALSHA with two keys of one tag", await r.setAndGet("node:{user:7}:a", "node:{user:7}:a", "scripted"), "scripted");
console.log("all of it works");
r.disconnect();
