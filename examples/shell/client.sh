#!/usr/bin/env bash
# redis-cli (hiredis) through shardproxy, in RESP2 and in RESP3: the program does
# not know that there are shards.
#
#     apt-get install -y redis-tools          # and bash 4.4 or newer
#     shardproxy run -c examples/config/pools.yml
#     examples/shell/client.sh 127.0.0.1:6380
#
# It prints each thing it does, and ends with an error at the first that fails.
set -euo pipefail
address=${1:-127.0.0.1:6380}

# step WHAT WANT GOT prints what was done, and fails unless it gave what is wanted.
step() {
	if [ "$3" != "$2" ]; then
		printf 'FAILED: %s: got\n%s\nwant\n%s\n' "$1" "$3" "$2"
		exit 1
	fi
	echo "ok: $1"
}

# begins WORDS TEXT prints as much of the text as there are words.
begins() { printf '%s' "${2:0:${#1}}"; }

for protocol in -2 -3; do
	echo "redis-cli $protocol"
	r() { redis-cli -h "${address%:*}" -p "${address##*:}" "$protocol" "$@"; }

	step "SET and GET" $'OK\nworld' "$(printf 'SET cli:hello world\nGET cli:hello\n' | r)"

	# Many requests over one connection; --pipe, for mass insertion, works as well.
	step "100 SET" "$(printf 'OK%.0s\n' {0..99})" "$(printf 'SET cli:%d "value %d"\n' $(for i in {0..99}; do echo $i $i; done) | r)"
	step "100 GET" "$(printf 'value %d\n' {0..99})" "$(printf 'GET cli:%d\n' {0..99} | r)"

	# MGET, MSET, DEL, EXISTS, … are split between the shards and put together.
	keys=() pairs=()
	for i in {0..99}; do
		keys+=("cli:m:$i") pairs+=("cli:m:$i" "value $i")
	done
	step "MSET" OK "$(r MSET "${pairs[@]}")"
	step "MGET of 100 keys" "$(printf 'value %d\n' {0..99})" "$(r MGET "${keys[@]}")"
	step "EXISTS counts over all shards" 100 "$(r EXISTS "${keys[@]}")"
	step "SCAN finds every key" 100 "$(r --scan --pattern 'cli:m:*' | sort -u | wc -l | tr -d ' ')"

	# twemproxy closed the connection at a command it did not know, or for which it
	# needed all keys on one server. Here only the request fails.
	lines=$(r <<-END
		LPUSH cli:m:1 x
		MSETNX ${keys[*]}
		NOSUCH cli:m:1
		GET cli:hello
	END
	)
	mapfile -t errors < <(grep . <<<"$lines")
	step "LPUSH to a string is an error (${errors[0]})" WRONGTYPE "$(begins WRONGTYPE "${errors[0]}")"
	step "MSETNX of keys on several shards is an error (${errors[1]})" CROSSSLOT "$(begins CROSSSLOT "${errors[1]}")"
	step "a command that nobody knows is an error (${errors[2]})" "ERR unknown command" "$(begins "ERR unknown command" "${errors[2]}")"
	step "after the errors, over the same connection" world "${errors[3]}"
	step "DEL counts over all shards" 100 "$(r DEL "${keys[@]}")"

	# From here on it is what twemproxy never had. Keys with the same {tag} are on
	# one shard, so a transaction may use them together.
	step "WATCH, MULTI and EXEC" $'OK\nOK\nQUEUED\nQUEUED\nOK\n7' "$(r <<-'END'
		WATCH cli:{user:7}:visits
		MULTI
		SET cli:{user:7}:visits 6
		INCR cli:{user:7}:visits
		EXEC
	END
	)"

	# SCRIPT LOAD goes to all shards, so EVALSHA finds the script on that of its keys.
	digest=$(r SCRIPT LOAD "return ARGV[1] .. KEYS[1]")
	for i in {0..19}; do
		step "EVALSHA, key $i" "a cli:$i" "$(r EVALSHA "$digest" 1 "cli:$i" "a ")"
	done

	# RESP3 has maps, which redis-cli shows when its output is for people.
	r HSET cli:map field value >/dev/null
	case $protocol in
	-2) want=$'1) "field"\n2) "value"' ;;
	-3) want='1# "field" => "value"' ;;
	esac
	step "HGETALL" "$want" "$(r --no-raw HGETALL cli:map)"

	# A channel is on the shard its name hashes to, a pattern on all of them.
	exec 3< <(exec redis-cli -h "${address%:*}" -p "${address##*:}" "$protocol" PSUBSCRIBE 'cli:news:*')
	listener=$!
	for _ in 1 2 3; do read -r -t 10 -u 3; done # the confirmation
	for i in {0..19}; do
		step "PUBLISH, channel $i" 1 "$(r PUBLISH "cli:news:$i" "news $i")"
		for _ in pmessage pattern channel text; do read -r -t 10 -u 3 line; done
		step "the message came" "news $i" "$line"
	done
	kill "$listener"
	exec 3<&-

	# A request that waits holds up nobody else.
	exec 3< <(r BLPOP cli:jobs 10)
	r RPUSH cli:jobs "job 1" >/dev/null
	step "BLPOP waits for an element" $'cli:jobs\njob 1' "$(cat <&3)"
	exec 3<&-

	# Databases are those of the servers, unless redis_db in the file fixes one.
	step "SELECT 1" $'OK\nthere' "$(printf 'SET cli:hello there\nGET cli:hello\n' | r -n 1)"
	step "database 0 is another" world "$(r GET cli:hello)"
done
echo "all of it works"
