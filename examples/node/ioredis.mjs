// ioredis through shardproxy: the program does not know that there are shards.
//
//     npm ci --prefix examples/node
//     shardproxy run -c examples/config/pools.yml
//     node examples/node/ioredis.mjs 127.0.0.1:6380
//
// It prints each thing it does, and ends with an error at the first that fails.

import { randomBytes } from "node:crypto";
import Redis from "ioredis";
import { fails, step } from "./steps.mjs";

const [host, port] = (process.argv[2] ?? "127.0.0.1:6380").split(":");
const r = new Redis({ host, port: Number(port), maxRetriesPerRequest: 0 });

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

// twemproxy closed the connection at a command it did not know, or for which it
// needed all keys on one server. Here only the request fails.
await fails("LPUSH to a string", "WRONGTYPE", r.lpush("node:1", "x"));
await fails("MSETNX of keys on several shards", "CROSSSLOT", r.msetnx(...keys.flatMap((key) => [key, ""])));
await fails("a command that nobody knows", "ERR unknown command", r.call("NOSUCH", "node:1"));
const [[, first], [within], [, last]] = await r.pipeline().get("node:1").lpush("node:1", "x").get("node:2").exec();
step(`an error within a pipeline (${within?.message})`, [first, within?.message.split(" ")[0], last], ["value 1", "WRONGTYPE", "value 2"]);
step("after the errors", await r.get("node:hello"), "world");

// From here on it is what twemproxy never had. Keys with the same {tag} are on
// one shard, so a transaction may use them together.
const [name, visits] = ["node:{user:7}:name", "node:{user:7}:visits"];
const done = await r.multi().set(name, "Ada").set(visits, 6).incr(visits).get(name).exec();
step("MULTI and EXEC", done, [[null, "OK"], [null, "OK"], [null, 7], [null, "Ada"]]);
await r.watch(visits);
const other = r.duplicate(); // somebody else, over another connection
await other.incr(visits);
step("EXEC does nothing after a watched key was changed", await r.multi().set(visits, 8000).exec(), null);
step("and the key is theirs", await r.get(visits), "8");
const scattered = r.multi();
keys.forEach((key) => scattered.set(key, "never"));
await fails("a transaction over several shards", "EXECABORT", scattered.exec());
step("and none of it was done", await r.mget(keys.slice(0, 2)), ["value 0", "value 1"]);

// ioredis sends EVALSHA, and EVAL when a server lacks the script. Each request
// goes to the shard of its keys.
r.defineCommand("prefix", { numberOfKeys: 1, lua: "return ARGV[1] .. redis.call('GET', KEYS[1])" });
step("a script on all shards", await Promise.all(keys.map((key) => r.prefix(key, "a "))), values.map((v) => `a ${v}`));
r.defineCommand("move", {
  numberOfKeys: 2,
  lua: "redis.call('SET', KEYS[2], redis.call('GET', KEYS[1])) return redis.call('DEL', KEYS[1])",
});
step("a script with two keys of one tag", [await r.move(name, `${name}:new`), await r.get(`${name}:new`)], [1, "Ada"]);

// A channel is on the shard its name hashes to, a pattern on all of them.
const news = numbers.slice(0, 20).map((i) => `node:news:${i}`);
const subscriber = r.duplicate();
const heard = { message: [], pmessage: [] };
const complete = new Promise((resolve) => {
  const count = () => heard.message.length + heard.pmessage.length === 40 && resolve();
  subscriber.on("message", (channel, text) => count(heard.message.push([channel, text])));
  subscriber.on("pmessage", (pattern, channel, text) => count(heard.pmessage.push([channel, text])));
});
step("SUBSCRIBE and PSUBSCRIBE", [await subscriber.subscribe(...news), await subscriber.psubscribe("node:news:*")], [20, 21]);
const receivers = await Promise.all(news.map((channel) => r.publish(channel, `to ${channel}`)));
step("PUBLISH to channels of all shards", receivers, Array(20).fill(2));
await complete;
const sent = news.map((channel) => [channel, `to ${channel}`]).sort();
step("each message came, by channel and by pattern", [heard.message.sort(), heard.pmessage.sort()], [sent, sent]);

// A request that waits holds up nobody else.
const job = r.blpop("node:jobs", 10);
await other.rpush("node:jobs", "job 1");
step("BLPOP waits for an element", await job, ["node:jobs", "job 1"]);
step("BLPOP gives up in time", await r.blpop("node:jobs", 0.1), null);

// Databases are those of the servers, unless redis_db in the file fixes one.
await other.select(1);
step("SELECT 1", [await other.set("node:hello", "there"), await other.get("node:hello")], ["OK", "there"]);
step("database 0 is another", await r.get("node:hello"), "world");
console.log("all of it works");
[r, other, subscriber].forEach((client) => client.disconnect());
