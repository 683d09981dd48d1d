<?php
/* phpredis through shardproxy: the program does not know that there are shards.
 *
 *     apt-get install -y php-cli php-redis    # or: pecl install redis
 *     shardproxy run -c examples/config/pools.yml
 *     php examples/php/client.php 127.0.0.1:6380
 *
 * It prints each thing it does, and ends with an error at the first that fails.
 */

ini_set('memory_limit', '1G');

function step(string $what, bool $ok): void
{
    echo $ok ? "ok" : "FAILED", ": $what\n";
    if (!$ok) {
        exit(1);
    }
}

function connect(): Redis
{
    global $argv;
    [$host, $port] = explode(':', $argv[1] ?? '127.0.0.1:6380');
    $r = new Redis();
    $r->connect($host, (int) $port, 60);
    return $r;
}

// fails is for a request whose error begins with a word. phpredis throws some errors;
// of others it returns false. An error belongs to its request; the connection goes on.
function fails(string $what, string $word, callable $request): void
{
    global $r;
    try {
        $failed = $request() === false;
        $error = (string) $r->getLastError();
    } catch (RedisException $e) {
        [$failed, $error] = [true, $e->getMessage()];
    }
    $r->clearLastError();
    step("$what is an error ($error)", $failed && str_starts_with($error, $word));
}

$r = connect();

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

// twemproxy closed the connection at a command it did not know, or for which it
// needed all keys on one server. Here only the request fails.
fails('LPUSH to a string', 'WRONGTYPE', fn () => $r->lPush('php:1', 'x'));
fails('MSETNX of keys on several shards', 'CROSSSLOT', fn () => $r->msetnx(array_fill_keys($keys, '')));
fails('a command that nobody knows', 'ERR unknown command', fn () => $r->rawCommand('NOSUCH', 'php:1'));
step('after the errors', $r->get('php:hello') === 'world');

// From here on it is what twemproxy never had. Keys with the same {tag} are on
// one shard, so a transaction may use them together.
[$name, $visits] = ['php:{user:7}:name', 'php:{user:7}:visits'];
$replies = $r->multi()->set($name, 'Ada')->set($visits, 6)->incr($visits)->get($name)->exec();
step('MULTI and EXEC', $replies === [true, true, 7, 'Ada']);
$other = connect(); // somebody else, over another connection
$r->watch($visits);
$other->incr($visits);
$replies = $r->multi()->set($visits, 8000)->exec();
step('EXEC does nothing after a watched key was changed', $replies === false && $r->get($visits) === '8');
fails('a transaction over several shards', 'CROSSSLOT', function () use ($r, $keys) {
    $r->multi();
    foreach ($keys as $key) {
        $r->set($key, 'never');
    }
    return $r->exec();
});
$r->discard(); // phpredis threw at the first request that was refused
step('and none of it was done', $r->mget($keys) === $values);

// SCRIPT LOAD goes to all shards, so EVALSHA finds the script on that of its keys.
$prefix = $r->script('load', "return ARGV[1] .. redis.call('GET', KEYS[1])");
$replies = array_map(fn ($key) => $r->evalSha($prefix, [$key, 'a '], 1), $keys);
step('a script on all shards', $replies === array_map(fn ($v) => "a $v", $values));
$move = "redis.call('SET', KEYS[2], redis.call('GET', KEYS[1])) return redis.call('DEL', KEYS[1])";
step('a script with two keys of one tag', $r->eval($move, [$name, "$name:new"], 2) === 1 && $r->get("$name:new") === 'Ada');
fails('a script with keys of two shards', 'CROSSSLOT', fn () => $r->eval($move, $keys, count($keys)));

// meanwhile does something in another process, while this one waits.
function meanwhile(callable $do): void
{
    if (pcntl_fork() === 0) {
        $do(connect());
        posix_kill(getmypid(), SIGKILL); // an exit would close the connections of both
    }
}

// listen subscribes to names, and returns the first messages that come. In phpredis
// a subscription ends with its connection, which is an exception.
function listen(string $subscribe, array $names, int $messages): array
{
    $heard = [];
    try {
        connect()->$subscribe($names, function (Redis $listener, string ...$message) use (&$heard, $messages) {
            $heard[] = array_slice($message, -2); // PSUBSCRIBE has the pattern in front
            if (count($heard) === $messages) {
                $listener->close();
            }
        });
    } catch (RedisException $e) {
        echo 'the subscription ended: ', $e->getMessage(), "\n";
    }
    sort($heard);
    return $heard;
}

// A channel is on the shard its name hashes to, a pattern on all of them. PUBLISH
// returns how many heard it: nobody, as long as the subscription is not there.
// The channels of the second half are others: who has closed the first may still be there.
function messages(string $about): array
{
    $sent = array_map(fn ($i) => ["php:$about:$i", "$about $i"], range(0, 19));
    sort($sent);
    return $sent;
}
$publish = fn (array $sent) => function (Redis $publisher) use ($sent) {
    foreach ($sent as [$channel, $text]) {
        while ($publisher->publish($channel, $text) === 0) {
            usleep(10_000);
        }
    }
};
$news = messages('news');
meanwhile($publish($news));
step('SUBSCRIBE hears channels of all shards', listen('subscribe', array_column($news, 0), 20) === $news);
$offers = messages('offers');
meanwhile($publish($offers));
step('PSUBSCRIBE hears such channels too', listen('psubscribe', ['php:offers:*'], 20) === $offers);

// A request that waits holds up nobody else.
meanwhile(function (Redis $worker) {
    usleep(200_000);
    $worker->rPush('php:jobs', 'job 1');
});
step('BLPOP waits for an element', $r->blPop('php:jobs', 10) === ['php:jobs', 'job 1']);
step('BLPOP gives up in time', $r->blPop('php:jobs', 1) === []);

// Databases are those of the servers, unless redis_db in the file fixes one.
step('SELECT 1', $other->select(1) && $other->set('php:hello', 'there') && $other->get('php:hello') === 'there');
step('database 0 is another', $r->get('php:hello') === 'world');
echo "all of it works\n";
