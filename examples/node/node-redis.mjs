// node-redis through shardproxy, in RESP2 and in RESP3: the program does not know
// that there are shards.
//
//     npm ci --prefix examples/node
//     shardproxy run -c examples/config/pools.yml
//     node examples/node/node-redis.mjs 127.0.0.1:6380
//
// It prints each thing it does, and ends with an error at the first that fails.

import { createClient, defineScript, WatchError } from "redis";
import { fails, step } from "./steps.mjs";

const [host, port] = (process.argv[2] ?? "127.0.0.1:6380").split(":");

// node-redis sends EVALSHA, and EVAL when a server lacks the script. Each request
// goes to the shard of its keys.
const scripts = {
  prefix: defineScript({
    SCRIPT: "return ARGV[1] .. redis.call('GET', KEYS[1])",
    NUMBER_OF_KEYS: 1,
    parseCommand: (parser, key, word) => (parser.pushKey(key), parser.push(word)),
    transformReply: (reply) => reply,
  }),
};

for (const RESP of [2, 3]) {
  console.log(`RESP${RESP}`);
  const r = createClient({ socket: { host, port: Number(port), reconnectStrategy: false }, RESP, scripts });
  await r.connect();
  const other = await r.duplicate().connect(); // somebody else, over another connection
  const subscriber = await r.duplicate().connect();

  step("CLIENT INFO tells the protocol", (await r.clientInfo()).resp, RESP);
  step("SET and GET", [await r.set("nr:hello", "world"), await r.get("nr:hello")], ["OK", "world"]);

  // Requests of one turn of node's loop are one pipeline. It goes to all shards at
  // once; replies come back in order.
  const keys = [...Array(1000).keys()].map((i) => `nr:${i}`);
  const values = keys.map((key) => `value of ${key}`);
  await Promise.all(keys.map((key, i) => r.set(key, values[i])));
  step("a pipeline of 1,000 GET", await Promise.all(keys.map((key) => r.get(key))), values);

  // MGET, MSET, DEL, EXISTS, … are split between the shards and put together.
  const many = keys.slice(0, 100).map((key) => `${key}:m`);
  step("MGET of 1,000 keys", await r.mGet(keys), values);
  step("MSET", await r.mSet(many.map((key) => [key, key])), "OK");
  step("EXISTS counts over all shards", await r.exists([...many, "nr:none"]), 100);
  const found = new Set();
  for await (const page of r.scanIterator({ MATCH: "nr:*:m" })) page.forEach((key) => found.add(key));
  step("SCAN finds every key", [...found].sort(), [...many].sort());
  step("DEL counts over all shards", await r.del(many), 100);
  await r.hSet("nr:hash", { a: "1", b: "2" });
  step("HGETALL", { ...(await r.hGetAll("nr:hash")) }, { a: "1", b: "2" });

  // twemproxy closed the connection at a command it did not know, or for which it
  // needed all keys on one server. Here only the request fails.
  await fails("LPUSH to a string", "WRONGTYPE", r.lPush("nr:1", "x"));
  await fails("MSETNX of keys on several shards", "CROSSSLOT", r.mSetNX(keys.map((key) => [key, ""])));
  await fails("a command that nobody knows", "ERR unknown command", r.sendCommand(["NOSUCH", "nr:1"]));
  step("after the errors", await r.get("nr:hello"), "world");

  // From here on it is what twemproxy never had. Keys with the same {tag} are on
  // one shard, so a transaction may use them together.
  const [name, visits] = ["nr:{user:7}:name", "nr:{user:7}:visits"];
  step("MULTI and EXEC", await r.multi().set(name, "Ada").set(visits, 6).incr(visits).get(name).exec(), ["OK", "OK", 7, "Ada"]);
  await r.watch(visits);
  await other.incr(visits);
  const late = await r.multi().set(visits, 8000).exec().catch((e) => e);
  step("EXEC does nothing after a watched key was changed", [late instanceof WatchError, await r.get(visits)], [true, "8"]);
  const scattered = r.multi();
  keys.forEach((key) => scattered.set(key, "never"));
  await fails("a transaction over several shards", "CROSSSLOT", scattered.exec());
  step("and none of it was done", await r.mGet(keys), values);

  step("a script on all shards", await Promise.all(keys.map((key) => r.prefix(key, "a "))), values.map((v) => `a ${v}`));

  // A channel is on the shard its name hashes to, a pattern on all of them.
  const news = keys.slice(0, 20).map((key) => `${key}:news`);
  const heard = { channel: [], pattern: [] };
  let arrived;
  const complete = new Promise((resolve) => {
    arrived = () => heard.channel.length + heard.pattern.length === 40 && resolve();
  });
  await subscriber.subscribe(news, (text, channel) => arrived(heard.channel.push([channel, text])));
  await subscriber.pSubscribe("nr:*:news", (text, channel) => arrived(heard.pattern.push([channel, text])));
  const receivers = await Promise.all(news.map((channel) => r.publish(channel, `to ${channel}`)));
  step("PUBLISH to channels of all shards", receivers, Array(20).fill(2));
  await complete;
  const sent = news.map((channel) => [channel, `to ${channel}`]).sort();
  step("each message came, by channel and by pattern", [heard.channel.sort(), heard.pattern.sort()], [sent, sent]);

  // A request that waits holds up nobody else.
  const job = r.blPop("nr:jobs", 10);
  await other.rPush("nr:jobs", "job 1");
  step("BLPOP waits for an element", { ...(await job) }, { key: "nr:jobs", element: "job 1" });
  step("BLPOP gives up in time", await r.blPop("nr:jobs", 0.1), null);

  // Databases are those of the servers, unless redis_db in the file fixes one.
  await other.select(1);
  step("SELECT 1", [await other.set("nr:hello", "there"), await other.get("nr:hello")], ["OK", "there"]);
  step("database 0 is another", await r.get("nr:hello"), "world");
  [r, other, subscriber].forEach((client) => client.destroy());
}
console.log("all of it works");
