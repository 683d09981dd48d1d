package proxy_test

import (
	"strings"
	"testing"

	"github.com/shardring/shardring/proxy"
	"github.com/shardring/shardring/shard/config"
)

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
