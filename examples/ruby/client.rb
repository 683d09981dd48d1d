#!/usr/bin/env ruby
# redis-rb through shardproxy: the program does not know that there are shards.
#
#     apt-get install -y ruby-redis           # or: gem install redis
#     shardproxy run -c examples/config/pools.yml
#     ruby examples/ruby/client.rb 127.0.0.1:6380
#
# It prints each thing it does, and ends with an error at the first that fails.

require "redis"
require "securerandom"

host, _, port = (ARGV[0] || "127.0.0.1:6380").rpartition(":")
CONNECT = ->(**more) { Redis.new(host: host, port: port.to_i, timeout: 60, **more) }
R = CONNECT.call

def step(what, ok)
  puts "#{ok ? 'ok' : 'FAILED'}: #{what}"
  $stdout.flush
  exit 1 unless ok
end

# fails is for a request whose error has this in it. An error belongs to its
# request; the connection goes on.
def fails(what, words)
  yield
  step "#{what} is an error", false
rescue Redis::CommandError => e
  step "#{what} is an error (#{e.message})", e.message.include?(words)
end

step "PING", R.ping == "PONG"
step "SET and GET", R.set("ruby:hello", "world") == "OK" && R.get("ruby:hello") == "world"

# Pipelines go to all shards at once; replies come back in order.
replies = R.pipelined do |p|
  1000.times { |i| p.set("ruby:#{i}", "value #{i}") }
  1000.times { |i| p.get("ruby:#{i}") }
end
values = (0...1000).map { |i| "value #{i}" }
step "a pipeline of 1,000 SET and 1,000 GET", replies == ["OK"] * 1000 + values

# MGET, MSET, DEL, EXISTS, … are split between the shards and put together.
keys = (0...1000).map { |i| "ruby:#{i}" }
step "MGET of 1,000 keys", R.mget(*keys) == values
step "MGET of a missing key", R.mget("ruby:1", "ruby:none", "ruby:2") == ["value 1", nil, "value 2"]
many = (0...100).map { |i| "ruby:m:#{i}" }
step "MSET", R.mset(*many.flat_map { |k| [k, k] }) == "OK"
step "EXISTS counts over all shards", R.exists(*many, "ruby:none") == 100
step "SCAN finds every key", R.scan_each(match: "ruby:m:*").to_a.uniq.sort == many.sort
step "DEL counts over all shards", R.del(*many) == 100

# Keys and values are bytes, all 256 of them.
every = (0..255).to_a.pack("C*")
key = "ruby:".b + every
step "a binary key and value", R.set(key, every) == "OK" && R.get(key).b == every
step "MGET of binary keys", R.mget(key, "ruby:\r\n").map { |v| v&.b } == [every, nil]

big = SecureRandom.random_bytes(1 << 20) * 64
step "a value of 64 MiB", R.set("ruby:big", big) == "OK" && R.get("ruby:big").b == big
R.del("ruby:big")

# twemproxy closed the connection at a command it did not know, or for which it
# needed all keys on one server. Here only the request fails.
fails("LPUSH to a string", "WRONGTYPE") { R.lpush("ruby:1", "x") }
fails("MSETNX of keys on several shards", "CROSSSLOT") { R.msetnx(*keys.flat_map { |k| [k, ""] }) }
fails("a command that nobody knows", "unknown command") { R.call("NOSUCH", "ruby:1") }
step "after the errors", R.get("ruby:hello") == "world"

# From here on it is what twemproxy never had. Keys with the same {tag} are on
# one shard, so a transaction may use them together.
name, visits = "ruby:{user:7}:name", "ruby:{user:7}:visits"
replies = R.multi { |t| t.set(name, "Ada"); t.set(visits, 6); t.incr(visits); t.get(name) }
step "MULTI and EXEC", replies == ["OK", "OK", 7, "Ada"]
other = CONNECT.call # somebody else, over another connection
replies = R.watch(visits) do
  other.incr(visits)
  R.multi { |t| t.set(visits, 8000) }
end
step "EXEC does nothing after a watched key was changed", replies.nil? && R.get(visits) == "8"
fails("a transaction over several shards", "CROSSSLOT") { R.multi { |t| keys.each { |k| t.set(k, "never") } } }
step "and none of it was done", R.mget(*keys) == values

# SCRIPT LOAD goes to all shards, so EVALSHA finds the script on that of its keys.
prefix = R.script(:load, "return ARGV[1] .. redis.call('GET', KEYS[1])")
step "a script on all shards", keys.map { |k| R.evalsha(prefix, [k], ["a "]) } == values.map { |v| "a #{v}" }
move = "redis.call('SET', KEYS[2], redis.call('GET', KEYS[1])) return redis.call('DEL', KEYS[1])"
step "a script with two keys of one tag", R.eval(move, keys: [name, "#{name}:new"]) == 1 && R.get("#{name}:new") == "Ada"
fails("a script with keys of two shards", "CROSSSLOT") { R.eval(move, keys: keys) }

# A channel is on the shard its name hashes to, a pattern on all of them.
news = (0...20).map { |i| "ruby:news:#{i}" }
sent = news.map { |channel| [channel, "to #{channel}"] }
heard = []
listener = CONNECT.call # its SUBSCRIBE goes on until it is told to end
listener.subscribe(*news) do |on|
  on.subscribe { |_, count| news.each { |channel| other.publish(channel, "to #{channel}") } if count == news.size }
  on.message do |channel, text|
    heard << [channel, text]
    listener.unsubscribe if heard.size == news.size
  end
end
step "SUBSCRIBE hears channels of all shards", heard.sort == sent.sort
heard = []
listener.psubscribe("ruby:news:*") do |on|
  on.psubscribe { news.each { |channel| other.publish(channel, "to #{channel}") } }
  on.pmessage do |_, channel, text|
    heard << [channel, text]
    listener.punsubscribe if heard.size == news.size
  end
end
step "PSUBSCRIBE hears them too", heard.sort == sent.sort

# A request that waits holds up nobody else.
worker = Thread.new { sleep 0.2; other.rpush("ruby:jobs", "job 1") }
step "BLPOP waits for an element", R.blpop("ruby:jobs", timeout: 10) == ["ruby:jobs", "job 1"]
worker.join
step "BLPOP gives up in time", R.blpop("ruby:jobs", timeout: 0.1).nil?

# Databases are those of the servers, unless redis_db in the file fixes one.
there = CONNECT.call(db: 1)
step "SELECT 1", there.set("ruby:hello", "there") == "OK" && there.get("ruby:hello") == "there"
step "database 0 is another", R.get("ruby:hello") == "world"
puts "all of it works"
