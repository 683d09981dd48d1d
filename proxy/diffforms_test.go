package proxy_test

import "slices"

// form is a request with its words in capitals, and in small letters what stands
// for a random argument: see (*author).word. How the replies of two servers are
// compared is order.
type form struct {
	text  string
	order order
}

// order says what of a reply need not be equal.
type order uint8

const (
	exact     order = iota // nothing
	unordered              // the order of the elements
	pairs                  // the order of the pairs, in a map or one after another
	page                   // the order of what a cursor brought
	about                  // two seconds of a time to live
	aboutMs                // likewise, in milliseconds
	shape                  // all but the types: what is random, or depends on the time
)

// forms are what clients of the differential test say.
var forms = []form{
	// Keys.
	{"DEL keys", exact}, {"UNLINK keys", exact}, {"EXISTS keys", exact}, {"TOUCH keys", exact}, {"DEL list list", exact},
	{"TYPE any", exact}, {"EXPIRE any ttl", exact}, {"EXPIRE any ttl when", exact}, {"PEXPIRE any pttl", exact}, {"EXPIREAT any at", exact},
	{"PEXPIREAT any pat", exact}, {"TTL any", about}, {"PTTL any", aboutMs}, {"EXPIRETIME any", about}, {"PEXPIRETIME any", aboutMs}, {"PERSIST any", exact},
	{"RENAME str str", exact}, {"RENAME any any", exact}, {"RENAMENX set set", exact}, {"COPY zset zset", exact}, {"COPY any any REPLACE", exact},
	{"OBJECT ENCODING any", exact}, {"OBJECT REFCOUNT stream", exact}, {"OBJECT IDLETIME any", shape}, {"DUMP any", shape}, {"RESTORE any 0 value", exact},
	{"OBJECT HELP", exact}, {"OBJECT NOSUCH any", exact}, {"NOSUCH any value", exact}, {"CONFIG NOSUCH", exact}, {"GET", exact},
	{"SORT list ALPHA", exact}, {"SORT list DESC LIMIT int int", exact}, {"SORT set ALPHA DESC", exact}, {"SORT zset ALPHA", exact},
	{"SORT set BY nosort", unordered}, {"SORT_RO list ALPHA", exact}, {"SORT list ALPHA STORE list", exact},
	{"SORT list LIMIT 0", exact}, {"KEYS mine", unordered},

	// Strings, and bits in them.
	{"SET str value", exact}, {"SET str value", exact}, {"SET num int", exact}, {"SET str value EX ttl", exact}, {"SET str value NX GET", exact}, {"SET str value XX KEEPTTL", exact},
	{"SET any value GET", exact}, {"SET str value PXAT pat", exact}, {"SETEX str ttl value", exact}, {"PSETEX str pttl value", exact}, {"SETNX str value", exact},
	{"GET str", exact}, {"GET str", exact}, {"GETSET str value", exact}, {"GETDEL str", exact}, {"GETEX str EX ttl", exact}, {"GETEX str PERSIST", exact},
	{"APPEND str value", exact}, {"STRLEN str", exact}, {"GETRANGE str int int", exact}, {"SUBSTR str int int", exact}, {"SETRANGE str off value", exact},
	{"INCR num", exact}, {"DECR num", exact}, {"INCRBY num int", exact}, {"DECRBY num int", exact}, {"INCRBYFLOAT num score", exact}, {"INCR str", exact},
	{"MSET str value str", exact}, {"MGET strs", exact}, {"MGET keys", exact}, {"MSET strvalues", exact}, {"MSET strvalues", exact}, {"MSETNX strvalues", exact}, {"LCS num num", exact},
	{"LCS num num IDX WITHMATCHLEN", exact}, {"SETBIT bits off bit", exact}, {"GETBIT bits off", exact}, {"BITCOUNT bits", exact}, {"BITCOUNT bits int int BIT", exact},
	{"BITPOS bits bit int", exact}, {"BITOP bitop bits bits bits", exact}, {"BITOP NOT bits bits", exact}, {"BITFIELD bits SET u8 off int GET i4 off INCRBY u2 #1 int", exact},
	{"BITFIELD bits OVERFLOW FAIL INCRBY u2 off int", exact}, {"BITFIELD_RO bits GET u8 off", exact},
	{"PFADD hll members", exact}, {"PFADD hll members", exact}, {"PFCOUNT hlls", exact}, {"PFMERGE hll hll hll", exact},

	// Lists.
	{"LPUSH list members", exact}, {"RPUSH list members", exact}, {"RPUSH list members", exact}, {"RPUSHX list value", exact}, {"LPUSHX list value", exact}, {"LPOP list", exact},
	{"RPOP list", exact}, {"LPOP list count", exact}, {"LRANGE list int int", exact}, {"LRANGE list 0 -1", exact}, {"LLEN list", exact}, {"LINDEX list int", exact},
	{"LSET list int value", exact}, {"LREM list int member", exact}, {"LTRIM list int int", exact}, {"LINSERT list BEFORE member value", exact},
	{"LPOS list member COUNT count", exact}, {"LPOS list member RANK int", exact}, {"RPOPLPUSH list list", exact}, {"LMOVE list list side side", exact},
	{"LMPOP #lists side COUNT count", exact}, {"BLPOP list 0.01", exact}, {"BLPOP list list 0.01", exact}, {"BRPOP list 0.01", exact}, {"BLMOVE list list side side 0.01", exact},
	{"BLMPOP 0.01 #lists side", exact}, {"BRPOPLPUSH list list 0.01", exact},

	// Sets.
	{"SADD set members", exact}, {"SADD set members", exact}, {"SREM set members", exact}, {"SMEMBERS set", unordered}, {"SISMEMBER set member", exact}, {"SMISMEMBER set members", exact},
	{"SCARD set", exact}, {"SMOVE set set member", exact}, {"SPOP set 1000", unordered}, {"SRANDMEMBER set", shape}, {"SRANDMEMBER set 1000", unordered},
	{"SRANDMEMBER set -3", shape}, {"SUNION sets", unordered}, {"SINTER sets", unordered}, {"SDIFF sets", unordered}, {"SINTERCARD #sets LIMIT count", exact},
	{"SINTERCARD #sets", exact}, {"SUNIONSTORE set sets", exact}, {"SINTERSTORE set sets", exact}, {"SDIFFSTORE set sets", exact}, {"SSCAN set 0 COUNT 1000", page},

	// Sorted sets.
	{"ZADD zset scored", exact}, {"ZADD zset scored", exact}, {"ZADD zset GT CH scored", exact}, {"ZADD zset NX INCR score member", exact}, {"ZINCRBY zset score member", exact},
	{"ZREM zset members", exact}, {"ZCARD zset", exact}, {"ZSCORE zset member", exact}, {"ZMSCORE zset members", exact}, {"ZRANK zset member", exact}, {"ZREVRANK zset member", exact},
	{"ZRANGE zset int int", exact}, {"ZRANGE zset 0 -1 WITHSCORES", exact}, {"ZRANGE zset min max BYSCORE LIMIT off count", exact}, {"ZRANGE zset max min BYSCORE REV WITHSCORES", exact},
	{"ZRANGE zset [a (m BYLEX", exact}, {"ZRANGEBYSCORE zset min max WITHSCORES", exact}, {"ZREVRANGEBYSCORE zset max min", exact}, {"ZREVRANGE zset int int WITHSCORES", exact},
	{"ZRANGEBYLEX zset - +", exact}, {"ZLEXCOUNT zset - (m", exact}, {"ZCOUNT zset min max", exact}, {"ZPOPMIN zset", exact}, {"ZPOPMAX zset count", exact}, {"ZMPOP #zsets MIN COUNT count", exact},
	{"ZRANGESTORE zset zset int int", exact}, {"ZREMRANGEBYSCORE zset min max", exact}, {"ZREMRANGEBYRANK zset int int", exact}, {"ZREMRANGEBYLEX zset [x +", exact},
	{"ZUNION #zsets", exact}, {"ZUNION #zsets WITHSCORES", exact}, {"ZINTER #zsets AGGREGATE MAX WITHSCORES", exact}, {"ZDIFF #zsets WITHSCORES", exact}, {"ZINTERCARD #zsets LIMIT count", exact},
	{"ZUNION 2 zset set WEIGHTS score score WITHSCORES", exact}, {"ZUNIONSTORE zset #zsets", exact}, {"ZINTERSTORE zset 2 zset set WEIGHTS score score AGGREGATE MIN", exact},
	{"ZDIFFSTORE zset #zsets", exact}, {"ZRANDMEMBER zset", shape}, {"ZRANDMEMBER zset -2 WITHSCORES", shape}, {"ZSCAN zset 0 COUNT 1000", page},
	{"BZPOPMIN zset 0.01", exact}, {"BZPOPMAX zset zset 0.01", exact}, {"BZMPOP 0.01 #zsets MAX COUNT count", exact},
	{"GEOADD geo lon lat member", exact}, {"GEOADD geo lon lat member lon lat member", exact}, {"GEODIST geo member member km", exact}, {"GEOPOS geo members", exact}, {"GEOHASH geo members", exact},
	{"GEOSEARCH geo FROMLONLAT lon lat BYRADIUS 9000 km ASC WITHCOORD WITHDIST", exact}, {"GEOSEARCHSTORE geo geo FROMLONLAT lon lat BYBOX 900 900 km ASC", exact},
	{"GEORADIUS geo lon lat 500 km WITHHASH ASC", exact}, {"GEORADIUS geo lon lat 500 km ASC STORE geo", exact}, {"GEORADIUSBYMEMBER_RO geo member 900 km DESC", exact},

	// Hashes.
	{"HSET hash fields", exact}, {"HSET hash fields", exact}, {"HMSET hash fields", exact}, {"HSETNX hash member value", exact}, {"HGET hash member", exact}, {"HMGET hash members", exact}, {"HGETALL hash", pairs},
	{"HKEYS hash", unordered}, {"HVALS hash", unordered}, {"HLEN hash", exact}, {"HSTRLEN hash member", exact}, {"HEXISTS hash member", exact}, {"HDEL hash members", exact},
	{"HINCRBY hash member int", exact}, {"HINCRBYFLOAT hash member score", exact}, {"HRANDFIELD hash", shape}, {"HRANDFIELD hash 1000", unordered}, {"HSCAN hash 0 COUNT 1000", page},

	// Streams.
	{"XADD stream id fields", exact}, {"XADD stream id fields", exact}, {"XADD stream MAXLEN 5 id fields", exact}, {"XADD stream NOMKSTREAM id fields", exact}, {"XLEN stream", exact}, {"XRANGE stream - +", exact},
	{"XREVRANGE stream + id COUNT count", exact}, {"XDEL stream id", exact}, {"XTRIM stream MAXLEN 3", exact}, {"XREAD COUNT 2 STREAMS stream 0", exact}, {"XREAD STREAMS stream stream id id", exact},
	{"XREAD BLOCK 10 STREAMS stream $", exact}, {"XGROUP CREATE stream g id MKSTREAM", exact}, {"XGROUP CREATE stream g 0", exact}, {"XGROUP DESTROY stream g", exact}, {"XGROUP CREATECONSUMER stream g c", exact},
	{"XREADGROUP GROUP g c COUNT 2 STREAMS stream >", exact}, {"XREADGROUP GROUP g d STREAMS stream 0", exact}, {"XREADGROUP GROUP g d BLOCK 10 STREAMS stream stream > >", exact}, {"XACK stream g id id", exact},
	{"XPENDING stream g", exact}, {"XCLAIM stream g d 0 id JUSTID", exact}, {"XAUTOCLAIM stream g c 0 0", exact}, {"XINFO GROUPS stream", exact}, {"XINFO CONSUMERS stream g", shape}, {"XSETID stream 99999-1", exact},

	// Scripts and functions; a script is known by its digest from the start.
	{"EVAL script 2 str list value", exact}, {"EVALSHA digest 2 str list value", exact}, {"EVALSHA digest 2 any any", exact}, {"EVALSHA_RO digest 2 str list", exact}, {"EVAL script 0 value", exact},
	{"EVAL script 1 any value", exact}, {"EVALSHA nosuchdigest 1 str", exact}, {"EVAL script int str", exact}, {"FCALL diff_put 1 str value", exact}, {"FCALL_RO diff_get 1 str", exact},
	{"FCALL nosuch 1 str", exact}, {"SCRIPT EXISTS digest nosuchdigest", exact}, {"PING value", exact}, {"ECHO value", exact}, {"TIME", shape},
}

// sessionForms are about the client, and not said in transactions. Nor is a GET that a
// user may not say: the proxy refuses it where a server queues it.
var sessionForms = []form{
	{"MSETNX str", exact}, {"SORT list BY nosort GET #", unordered},
	{"PING", exact}, {"CLIENT SETNAME member", exact}, {"CLIENT GETNAME", exact}, {"CLIENT ID", shape}, {"HELLO", shape}, {"HELLO 4", exact},
	{"CLIENT NOSUCH", exact}, {"CLIENT NO-EVICT on", exact}, {"CLIENT REPLY maybe", exact}, {"WAIT 0 10", exact}, {"PUBLISH member value", exact}, {"COMMAND GETKEYS ZUNIONSTORE zset 2 zset set", exact},
	{"EXEC", exact}, {"DISCARD", exact}, {"UNWATCH", exact}, {"SELECT x", exact}, {"SELECT 9999", exact}, {"AUTH value", exact}, {"COMMAND GETKEYSANDFLAGS SET str value", exact}, {"READONLY x", exact},
}

// dbForms are said only by clients that have databases to themselves: this one and
// another.
var dbForms = append(slices.Clone(countForms), []form{
	{"RANDOMKEY", shape}, {"MOVE any another", exact}, {"COPY any any DB another", exact},
	{"COPY any any DB another REPLACE", exact}, {"SWAPDB this another", exact}, {"FLUSHDB", exact}, {"FLUSHDB ASYNC", exact}, {"FLUSHDB value", exact},
}...)

// countForms are those of them that may be in a transaction.
var countForms = []form{
	{"DBSIZE", exact}, {"DBSIZE", exact}, {"KEYS *", unordered}, {"KEYS *str*", unordered}, {"KEYS nosuch", exact},
}

// scripts take 2 keys and a value, and do with fewer.
var scripts = []string{
	`return {KEYS[1] or false, ARGV[1] or false, #KEYS}`,
	`if KEYS[1] then return redis.call('SET', KEYS[1], ARGV[1] or 'none') end return redis.status_reply('NOKEY')`,
	`redis.call('RPUSH', KEYS[2], ARGV[1]) return redis.call('LRANGE', KEYS[2], 0, -1)`,
	`local r = redis.pcall('INCR', KEYS[1]) if type(r) == 'table' then return redis.error_reply('MINE ' .. r.err) end return r`,
	`redis.setresp(3) return {double = 3.5}`,
	"#!lua flags=no-writes\nreturn redis.call('GET', KEYS[1])",
	`return nosuch + 1`,
}

// library is loaded everywhere before clients begin.
const library = "#!lua name=difflib\n" +
	"redis.register_function('diff_put', function(keys, args) return redis.call('SET', keys[1], args[1]) end)\n" +
	"redis.register_function{function_name='diff_get', callback=function(keys) return redis.call('GET', keys[1]) end, flags={'no-writes'}}"

// spread are the commands whose keys may be on several shards in every pool, and
// reads those that may where the pool says so.
var (
	spread = map[string]bool{"DEL": true, "UNLINK": true, "EXISTS": true, "TOUCH": true, "MGET": true, "MSET": true}
	reads  = map[string]bool{"SUNION": true, "SINTER": true, "SDIFF": true, "SINTERCARD": true, "ZUNION": true, "ZINTER": true, "ZDIFF": true, "ZINTERCARD": true, "PFCOUNT": true}
)
