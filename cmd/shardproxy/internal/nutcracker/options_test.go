package nutcracker

import (
	"strings"
	"testing"
)

// TestParse holds the values; which command lines are refused is compared with
// the real nutcracker by the tests of cmd/shardproxy.
func TestParse(t *testing.T) {
	with := func(change func(*Options)) Options {
		o := Defaults()
		change(&o)
		return o
	}
	for _, c := range []struct {
		line string
		want Options
	}{
		{"", Defaults()},
		{"-tdVDh", with(func(o *Options) { o.Test, o.Daemonize, o.Version, o.Describe, o.Help = true, true, true, true, true })},
		{"-dc f.yml -of.log", with(func(o *Options) { o.Daemonize, o.Conf, o.Output = true, "f.yml", "f.log" })},
		{"-v 99", with(func(o *Options) { o.Verbose = 11 })},
		{"-v11 -v 3", with(func(o *Options) { o.Verbose = 3 })},
		{"--stats-port=1 --stats-a ::1 --stats-i 7", with(func(o *Options) { o.StatsPort, o.StatsAddr, o.StatsInterval = 1, "::1", 7 })},
		{"-p --test-conf", with(func(o *Options) { o.PidFile = "--test-conf" })},
		{"word -t - word -m 512", with(func(o *Options) { o.Test, o.MbufSize = true, 512 })},
		{"-t -- -d", with(func(o *Options) { o.Test = true })},
		{"--output= -c=x", with(func(o *Options) { o.Conf = "=x" })},
	} {
		have, err := Parse(strings.Fields(c.line))
		if err != nil || have != c.want {
			t.Errorf("%s: %+v, %v, want %+v", c.line, have, err, c.want)
		}
	}
	if _, err := Parse([]string{"-s", "99999999999"}); err == nil {
		t.Error("a port of eleven digits is taken")
	}
}
