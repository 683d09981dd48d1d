package proxy_test

import (
	"strings"
	"testing"

	"github.com/shardring/shardring/proxy"
	"github.com/shardring/shardring/shard/config"
)

// TestUsers: what the rules of users allow, over four shards.
func TestUsers(t *testing.T) {
	converse(t, []conversation{
		{"keys and commands", `
			a AUTH app nosuch => -WRONGPASS invalid username-password pair or user is disabled.
			a AUTH nobody pw => -WRONGPASS …
			a ACL WHOAMI => "default"
			a AUTH app pw => +OK
			a ACL WHOAMI => "app"
			a SET {one}cache:k v => -NOPERM this user has no permissions to access one of the keys used as arguments
			a SET cache:{one}k v => +OK
			a MSET cache:{one}k v cache:{two}k w => +OK
			a MGET cache:{one}k cache:{two}k => ["v" "w"]
			a MGET cache:{one}k other:{two}k => -NOPERM this user has no permissions to access one of the keys used as arguments
			a GET read:{one}k => $-1
			a SET read:{one}k v => -NOPERM …
			a KEYS * => -NOPERM this user has no permissions to run the 'keys' command
			a CONFIG GET port => -NOPERM this user has no permissions to run the 'config|get' command
			a FLUSHALL => -NOPERM …
			a NOSUCH => -ERR unknown command 'NOSUCH', with args…
			a ACL CAT nosuch => -…`},
		{"transactions and channels", `
			a AUTH app pw => +OK
			a MULTI => +OK
			a SET cache:{one}k v => +QUEUED
			a SET other v => -NOPERM …
			a EXEC => -EXECABORT …
			a EXISTS cache:{one}k => :0
			a MULTI => +OK
			a SET cache:{one}k v => +QUEUED
			a EXEC => [+OK]
			a EVAL "return redis.call('GET', KEYS[1])" 1 other => -NOPERM …
			a PUBLISH secret:c x => -NOPERM this user has no permissions to access one of the channels used as arguments
			a SUBSCRIBE news:{one}c secret:c => -NOPERM …
			a SUBSCRIBE news:{one}c => ["subscribe" "news:{one}c" :1]`},
		{"HELLO and RESET", `
			a HELLO 3 AUTH app pw => %[…
			a ACL WHOAMI => "app"
			a KEYS * => -NOPERM …
			a RESET => +RESET
			a ACL WHOAMI => "default"
			a KEYS * => []
			a CLIENT KILL USER nobody => -ERR No such user 'nobody'
			b AUTH app pw => +OK
			a CLIENT KILL USER app => :1
			b => EOF`},
	}, `users: [{name: app, password: pw, rules: "~cache:* %R~read:* &news:* +@all -@dangerous"}]`)
}

// TestUsersThatCannotBe: a proxy does not begin with rules that are wrong.
func TestUsersThatCannotBe(t *testing.T) {
	for settings, want := range map[string]string{
		`users: [{name: app, password: x, rules: "~* +gett"}]`: `pool cache: user app: rule "+gett": Unknown command or category name in ACL`,
	} {
		file, err := config.Parse("test.yml", []byte("cache:\n  listen: 127.0.0.1:0\n  redis: true\n  "+settings+"\n  shards: [{name: one, primary: 127.0.0.1:1}]\n"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := proxy.New(file, proxy.Options{}); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, want %s", settings, err, want)
		}
	}
}
