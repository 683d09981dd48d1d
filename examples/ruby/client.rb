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
R = Redis.new(host: host, port: port.to_i, timeout: 60)

def step(what, ok)
  puts "#{ok ? 'ok' : 'FAILED'}: #{what}"
  $stdout.flush
  exit 1 unless ok
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

# An error belongs to its command; the connection goes on.
begin
  R.incr("ruby:hello")
  step "INCR of a word is an error", false
rescue Redis::CommandError => e
  step "INCR of a word is an error (#{e.message})", e.message.include?("not an integer")
end
step "after the error", R.get("ruby:hello") == "world"

# Keys with the same {tag} are on the same shard, where scripts may use them.
script = "redis.call('SET', KEYS[1], ARGV[1]) return redis.call('GET', KEYS[2])"
tagged = ["ruby:{user:7}:a", "ruby:{user:7}:a"]
step "EVAL with two keys of one tag", R.eval(script, keys: tagged, argv: ["scripted"]) == "scripted"
puts "all of it works"
