<?php
/* phpredis through shardproxy: the program does not know that there are shards.
 *
 *     apt-get install -y php-cli php-redis    # or: pecl install redis
 *     shardproxy run -c examples/config/pools.yml
 *     php examples/php/client.php 127.0.0.1:6380
 *
 * It prints each thing it does, and ends with an error at the first that fails.
 */

function step(string $what, bool $ok): void
{
    echo $ok ? "ok" : "FAILED", ": $what\n";
    if (!$ok) {
        exit(1);
    }
}

ini_set('memory_limit', '1G');
[$host, $port] = explode(':', $argv[1] ?? '127.0.0.1:6380');
$r = new Redis();
$r->connect($host, (int) $port, 60);

step('PING', $r->ping('hello') === 'hello');
step('SET and GET', $r->set('php:hello', 'world') && $r->get('php:hello') === 'world');

// Pipelines go to all shards at once; replies come back in order.
$keys = array_map(fn ($i) => "php:$i", range(0, 999));
$values = array_map(fn ($i) => "value $i", range(0, 999));
$p = $r->pipeline();
foreach ($keys as $i => $key) {
    $p->set($key, $values[$i]);
}
foreach ($keys as $key) {
    $p->get($key);
}
step('a pipeline of 1,000 SET and 1,000 GET', $p->exec() === array_merge(array_fill(0, 1000, true), $values));

// MGET, MSET, DEL, EXISTS, … are split between the shards and put together.
step('MGET of 1,000 keys', $r->mget($keys) === $values);
step('MGET of a missing key', $r->mget(['php:1', 'php:none', 'php:2']) === ['value 1', false, 'value 2']);
$many = array_map(fn ($i) => "php:m:$i", range(0, 99));
step('MSET', $r->mset(array_combine($many, $many)));
step('EXISTS counts over all shards', $r->exists([...$many, 'php:none']) === 100);
$r->setOption(Redis::OPT_SCAN, Redis::SCAN_RETRY); // an empty page is not the end
$found = [];
$cursor = null;
while (($page = $r->scan($cursor, 'php:m:*', 100)) !== false) {
    array_push($found, ...$page);
}
step('SCAN finds every key', array_diff($many, $found) === []);
step('DEL counts over all shards', $r->del($many) === 100);

// Keys and values are bytes, all 256 of them.
$every = implode('', array_map('chr', range(0, 255)));
step('a binary key and value', $r->set("php:$every", $every) && $r->get("php:$every") === $every);
step('MGET of binary keys', $r->mget(["php:$every", "php:\r\n"]) === [$every, false]);

$big = str_repeat(random_bytes(1 << 20), 64);
step('a value of 64 MiB', $r->set('php:big', $big) && $r->get('php:big') === $big);
$r->del('php:big');

// An error belongs to its command; the connection goes on.
$failed = $r->incr('php:hello') === false;
$error = (string) $r->getLastError();
step("INCR of a word is an error ($error)", $failed && str_contains($error, 'not an integer'));
$r->clearLastError();
step('after the error', $r->get('php:hello') === 'world');

// Keys with the same {tag} are on the same shard, where scripts may use them.
$script = "redis.call('SET', KEYS[1], ARGV[1]) return redis.call('GET', KEYS[2])";
step('EVAL with two keys of one tag', $r->eval($script, ['php:{user:7}:a', 'php:{user:7}:a', 'scripted'], 2) === 'scripted');
echo "all of it works\n";
