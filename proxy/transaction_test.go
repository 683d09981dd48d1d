package proxy_test

import "testing"

// TestTransactions: MULTI, WATCH and what may be between them, on one of four shards.
func TestTransactions(t *testing.T) {
	converse(t, []conversation{
		{"executed", `
			a MULTI => +OK
			a SET {one}k 1 => +QUEUED
			a INCR {one}k => +QUEUED
			a GET {one}nosuch => +QUEUED
			a EXEC => [+OK :2 $-1]
			a GET {one}k => "2"`},
		{"RESP3", `
			a HELLO 3 => %["server"…
			a MULTI => +OK
			a HSET {two}h f v => +QUEUED
			a HGETALL {two}h => +QUEUED
			a ZADD {two}z 1.5 m => +QUEUED
			a ZSCORE {two}z m => +QUEUED
			a GET {two}nosuch => +QUEUED
			a EXEC => [:1 %["f" "v"] :1 ,1.5 _]`},
		{"keys of one shard without a tag in common", `
			a MULTI => +OK
			a SET {three}a 1 => +QUEUED
			a SET {three}b 2 => +QUEUED
			a MGET {three}a {three}b => +QUEUED
			a EXEC => [+OK +OK ["1" "2"]]`},
		{"an error in it", `
			a MULTI => +OK
			a SET {one}k v => +QUEUED
			a INCR {one}k => +QUEUED
			a SET {one}j w => +QUEUED
			a EXEC => [+OK -ERR value is not an integer or out of range +OK]
			a GET {one}j => "w"`},
		{"nothing in it", `
			a MULTI => +OK
			a EXEC => []
			a MULTI => +OK
			a PING => +QUEUED
			a ECHO x => +QUEUED
			a EXEC => [+PONG "x"]
			a EXEC => -ERR EXEC without MULTI
			a DISCARD => -ERR DISCARD without MULTI
			a UNWATCH => +OK`},
		{"discarded", `
			a MULTI => +OK
			a SET {one}k v => +QUEUED
			a DISCARD => +OK
			a GET {one}k => $-1
			a MULTI => +OK
			a DISCARD => +OK`},
		{"keys of two shards", `
			a MULTI => +OK
			a SET {one}k v => +QUEUED
			a SET {two}k v => -CROSSSLOT …
			a SET {one}j v => +QUEUED
			a EXEC => -EXECABORT Transaction discarded because of previous errors.
			a MGET {one}k {two}k {one}j => [$-1 $-1 $-1]
			a MULTI => +OK
			a MSET {one}k v {two}k v => -CROSSSLOT …
			a EXEC => -EXECABORT …
			a SET {two}k after => +OK`},
		{"what is wrong when it is executed", `
			a MULTI => +OK
			a MSET {one}k v {two}k => +QUEUED
			a SET {one}k v => +QUEUED
			a MSETNX {one}k v {one}j => +QUEUED
			a EXEC => [-ERR wrong number of arguments for 'mset' command +OK -ERR wrong number of arguments for 'msetnx' command]
			a MULTI => +OK
			a MSET {one}k => -ERR wrong number of arguments for 'mset' command
			a EXEC => -EXECABORT …`},
		{"what is wrong spoils it", `
			a MULTI => +OK
			a NOSUCH => -ERR unknown command 'NOSUCH', with args…
			a SET {one}k v => +QUEUED
			a EXEC => -EXECABORT …
			a MULTI => +OK
			a GET => -ERR wrong number of arguments for 'get' command
			a EXEC => -EXECABORT …
			a MULTI => +OK
			a MULTI => -ERR MULTI calls can not be nested
			a WATCH {one}k => -ERR WATCH inside MULTI is not allowed
			a EXEC => []
			a MULTI => +OK
			a SUBSCRIBE c => -ERR shardring: 'subscribe' is not supported in a transaction
			a EXEC => -EXECABORT …
			a EXISTS {one}k => :0`},
		{"a wrong number of keys is EXEC's to tell", `
			a MULTI => +OK
			a SET {two}k v => +QUEUED
			a EVAL "return 1" -5 {two}k => +QUEUED
			a ZUNION 0 {two}k => +QUEUED
			a EXEC => [+OK -ERR Number of keys can't be negative -ERR at least 1 input key is needed for 'zunion' command]`},
		{"WATCH and nobody else", `
			a SET {one}k 1 => +OK
			a WATCH {one}k {one}j => +OK
			a GET {one}k => "1"
			a MULTI => +OK
			a INCR {one}k => +QUEUED
			a EXEC => [:2]`},
		{"WATCH and another writer", `
			a SET {one}k 1 => +OK
			a WATCH {one}k => +OK
			b INCR {one}k => :2
			a MULTI => +OK
			a SET {one}k lost => +QUEUED
			a EXEC => *-1
			a GET {one}k => "2"
			a HELLO 3 => …
			a WATCH {one}k => +OK
			b INCR {one}k => :3
			a MULTI => +OK
			a EXEC => _`},
		{"WATCH and one's own writing", `
			a WATCH {one}k => +OK
			a SET {one}k mine => +OK
			a MULTI => +OK
			a GET {one}k => +QUEUED
			a EXEC => *-1`},
		{"WATCH forgotten", `
			a WATCH {one}k => +OK
			b SET {one}k v => +OK
			a UNWATCH => +OK
			a MULTI => +OK
			a GET {one}k => +QUEUED
			a EXEC => ["v"]
			a WATCH {one}k => +OK
			a MULTI => +OK
			a DISCARD => +OK
			b SET {one}k w => +OK
			a MULTI => +OK
			a GET {one}k => +QUEUED
			a EXEC => ["w"]`},
		{"WATCH and a transaction on another shard", `
			a WATCH {one}k => +OK
			a WATCH {two}k => -CROSSSLOT …
			a MULTI => +OK
			a SET {two}k v => -CROSSSLOT …
			a EXEC => -EXECABORT …
			a GET {two}k => $-1`},
		{"others see nothing of it before EXEC", `
			a MULTI => +OK
			a SET {four}k v => +QUEUED
			b GET {four}k => $-1
			a EXEC => [+OK]
			b GET {four}k => "v"`},
		{"PUBLISH", `
			s SUBSCRIBE {one}c {two}c => ["subscribe" "{one}c" :1]
			s => ["subscribe" "{two}c" :2]
			a MULTI => +OK
			a PUBLISH {one}c before => +QUEUED
			a SET {one}k v => +QUEUED
			a PUBLISH {two}c elsewhere => +QUEUED
			a GET {one}k => +QUEUED
			a EXEC => [:1 +OK :1 "v"]
			s => ["message" …
			s => ["message" …`},
		{"commands for all shards", `
			a MULTI => +OK
			a SET {one}k v => +QUEUED
			a CONFIG SET slowlog-max-len 77 => +QUEUED
			a DBSIZE => +QUEUED
			a KEYS * => +QUEUED
			a EXEC => [+OK +OK :1 ["{one}k"]]
			one| CONFIG GET slowlog-max-len => ["slowlog-max-len" "77"]
			four| CONFIG GET slowlog-max-len => ["slowlog-max-len" "77"]
			a MULTI => +OK
			a SCAN 0 => -ERR shardring: 'scan' is not supported in a transaction…
			a EXEC => -EXECABORT …`},
		{"scripts and lists", `
			a MULTI => +OK
			a EVAL "return redis.call('SET', KEYS[1], ARGV[1])" 1 {two}k v => +QUEUED
			a BLPOP {two}l 0 => +QUEUED
			a RPUSH {two}l x => +QUEUED
			a BLPOP {two}l 0 => +QUEUED
			a EXEC => [+OK *-1 :1 ["{two}l" "x"]]`},
		{"RESET and a new client", `
			a WATCH {one}k => +OK
			a MULTI => +OK
			a SET {one}k v => +QUEUED
			a RESET => +RESET
			a EXEC => -ERR EXEC without MULTI
			a EXISTS {one}k => :0`},
	})
}
