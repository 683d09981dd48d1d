// memjs speaks the binary protocol only, which memcached's authors advise against and
// shardproxy refuses: the application hears so at once. node memjs.mjs HOST:PORT.
import assert from "node:assert/strict";
import memjs from "memjs";

const c = memjs.Client.create(process.argv[2], { retries: 1, timeout: 5, logger: { log() {} } });
const began = Date.now();
await assert.rejects(c.set("k", "v", {}), /./);
assert.ok(Date.now() - began < 4000, "it was not refused, it timed out");
c.close();
console.log("all of it works");
