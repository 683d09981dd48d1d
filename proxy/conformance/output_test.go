package main

import (
	"reflect"
	"strings"
	"testing"
)

// The texts are what runtest of Redis 7.0.15 printed, shortened.

const okText = `Cleanup: may take some time... OK
Starting test server at port 21079
[ready]: 14014
Testing unit/protocol
[ok]: Handle an empty query (0 ms)
[ok]: Protocol desync regression test #1 (538 ms)
[ignore]: RESP3 attributes: Tag: needs:debug denied
[1/1 done]: unit/protocol (2 seconds)

                   The End

Execution time of different units:
  2 seconds - unit/protocol

\o/ All tests passed without errors!

Cleanup: may take some time... OK
`

const ignoredText = `** SLOW COMPUTER ** Using a single client to avoid false positives.
[ready]: 13640
Testing unit/other
[ignore]: SAVE - make sure there are all the types as values: Tag: needs:save denied
[ignore]: Tag: slow denied
[ignore]: Not supported on external server
[ignore]: SELECT an out of range DB: Not supported in cluster mode
[ignore]: SETBIT values larger than UINT32_MAX and lzf_compress/lzf_decompress correctly: large memory flag not provided
[skip]: APPEND basics
[1/1 done]: unit/other (0 seconds)
`

const errorReplyText = `[ready]: 14014
Testing unit/protocol
[ok]: test large number of args (12 ms)
[err]: test argument rewriting - issue 9598 in tests/unit/protocol.tcl
ing: 'multi' is not supported yet through a sharded pool: a transaction needs a connection of its own
ERR shardring: 'multi' is not supported yet through a sharded pool: a transaction needs a connection of its own
    while executing
"r multi"
    ("uplevel" body line 13)
[ok]: Regression for a crash with blocking ops and pipelining (1 ms)
[1/1 done]: unit/protocol (2 seconds)

                   The End

!!! WARNING The following tests failed:

*** [err]: test argument rewriting - issue 9598 in tests/unit/protocol.tcl
ing: 'multi' is not supported yet through a sharded pool: a transaction needs a connection of its own
`

const assertionText = `[ready]: 1
Testing unit/scan
[err]: SCAN COUNT in tests/unit/scan.tcl
Expected '1000' to be equal to '996' (context: type eval line 15 cmd {assert_equal 1000 [llength $keys]} proc ::test)
[err]: COMMAND GETKEYS in memory in tests/unit/scan.tcl
Expected 'in tests/unit' to equal or match ''
[1/1 done]: unit/scan (1 seconds)
`

const outsideText = `[ready]: 13766
Testing unit/type/list
[err]: ing: 'config|set' is not supported through a sharded pool: it manages one server; connect to that server
ERR shardring: 'config|set' is not supported through a sharded pool: it manages one server; connect to that server
    while executing
"r config set list-compress-depth 2"
[ok]: LPOS basic usage (1 ms)
[err]: supported protocol version
NOPROTO unsupported protocol version
    while executing
"r hello $resp"
[1/1 done]: unit/type/list (0 seconds)
`

const exceptionText = `[ready]: 13630
Testing unit/type/set
[exception]: Executing test client: ERR DB index is out of range: pool 'c' serves database 0 only.
ERR DB index is out of range: pool 'c' serves database 0 only
    while executing
"$client select 9"
    (procedure "run_external_server_test" line 8)
`

const stalledText = `[ready]: 1283
Testing unit/protocol
[ok]: Negative multibulk payload length (0 ms)
[TIMEOUT]: clients state report follows.
sock5607625c6c30 => (IN PROGRESS) Out of range multibulk payload length

                   The End

Execution time of different units:

!!! WARNING The following tests failed:

*** [TIMEOUT]: clients state report follows.
`

const stalledBetweenText = `[ready]: 1283
Testing unit/protocol
[ok]: Negative multibulk payload length (0 ms)
[TIMEOUT]: clients state report follows.
sock5607625c6c30 => (OK) Negative multibulk payload length

                   The End
`

func TestParseOutput(t *testing.T) {
	const noMulti = "ERR shardring: 'multi' is not supported yet through a sharded pool: a transaction needs a connection of its own"
	const noConfig = "ERR shardring: 'config|set' is not supported through a sharded pool: it manages one server; connect to that server"
	tests := []struct {
		name, text string
		want       output
	}{
		{"passed", okText, output{done: true, outcomes: []outcome{
			{"Handle an empty query", passed, ""},
			{"Protocol desync regression test #1", passed, ""},
			{"RESP3 attributes", skipped, ""},
		}}},
		{"left out by tags and by name", ignoredText, output{done: true, skipped: 2, outcomes: []outcome{
			{"SAVE - make sure there are all the types as values", skipped, ""},
			{"SELECT an out of range DB", skipped, ""},
			{"SETBIT values larger than UINT32_MAX and lzf_compress/lzf_decompress correctly", skipped, ""},
			{"APPEND basics", skipped, ""},
		}}},
		{"an error reply fails its test", errorReplyText, output{done: true, outcomes: []outcome{
			{"test large number of args", passed, ""},
			{"test argument rewriting - issue 9598", failed,
				noMulti + "\n    while executing\n\"r multi\"\n    (\"uplevel\" body line 13)"},
			{"Regression for a crash with blocking ops and pipelining", passed, ""},
		}}},
		{"assertions", assertionText, output{done: true, outcomes: []outcome{
			{"SCAN COUNT", failed, "Expected '1000' to be equal to '996' (context: type eval line 15 cmd {assert_equal 1000 [llength $keys]} proc ::test)"},
			{"COMMAND GETKEYS in memory", failed, "Expected 'in tests/unit' to equal or match ''"},
		}}},
		{"errors between tests end their blocks", outsideText, output{done: true,
			outcomes: []outcome{{"LPOS basic usage", passed, ""}},
			breaks: []breakage{
				{0, noConfig + "\n    while executing\n\"r config set list-compress-depth 2\""},
				{1, "NOPROTO unsupported protocol version\n    while executing\n\"r hello $resp\""},
			}}},
		{"an exception ends the unit", exceptionText, output{breaks: []breakage{
			{0, "Executing test client: ERR DB index is out of range: pool 'c' serves database 0 only.\n" +
				"ERR DB index is out of range: pool 'c' serves database 0 only\n    while executing\n\"$client select 9\"\n" +
				"    (procedure \"run_external_server_test\" line 8)"},
		}}},
		{"stalled in a test", stalledText, output{hung: "Out of range multibulk payload length",
			outcomes: []outcome{{"Negative multibulk payload length", passed, ""}}}},
		{"stalled between tests", stalledBetweenText, output{
			outcomes: []outcome{{"Negative multibulk payload length", passed, ""}},
			breaks:   []breakage{{1, "stalls outside a test"}}}},
		{"killed in the middle of a line", okText[:strings.Index(okText, "sion test #1")], output{
			outcomes: []outcome{{"Handle an empty query", passed, ""}}}},
		{"nothing", "", output{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if have := parseOutput(test.text); !reflect.DeepEqual(have, test.want) {
				t.Errorf("have %+v\nwant %+v", have, test.want)
			}
		})
	}
}

// TestEnded: a run that does not say how it ended is not taken for a unit
// without tests.
func TestEnded(t *testing.T) {
	for name, test := range map[string]struct {
		text        string
		ended, runs bool
	}{
		"passed":    {okText, true, true},
		"exception": {exceptionText, true, true},
		"stalled":   {stalledText, true, true},
		"all of it ignored": {"[ready]: 1\nTesting integration/aof\n[ignore]: Not supported on external server\n" +
			"[1/1 done]: integration/aof (0 seconds)\n", true, false},
		"port taken": {"Starting test server at port 21079\ncouldn't open socket: address already in use\n", false, false},
	} {
		out := parseOutput(test.text)
		if out.ended() != test.ended || out.ranAny() != test.runs {
			t.Errorf("%s: ended %v, ran any %v, want %v, %v", name, out.ended(), out.ranAny(), test.ended, test.runs)
		}
	}
}

// TestMarkHung: a unit that stalled twice and then came to its end, and one
// that was given up.
func TestMarkHung(t *testing.T) {
	again := output{done: true, outcomes: []outcome{
		{"a", passed, ""}, {"b", skipped, ""}, {"c", skipped, ""}, {"d", skipped, ""},
	}}
	again.markHung([]string{"b", "d"})
	if have := statuses(again); have != "passed stalled skipped stalled" {
		t.Errorf("again: %s", have)
	}
	givenUp := parseOutput(stalledText)
	givenUp.markHung([]string{givenUp.hung})
	if have := statuses(givenUp); have != "passed stalled" {
		t.Errorf("given up: %s", have)
	}
}

// TestTake: the listed tests are those of the whole run, all others those of the
// run without them.
func TestTake(t *testing.T) {
	whole := output{outcomes: []outcome{
		{"a", passed, ""}, {"listed", passed, ""}, {"listed", failed, "no"}, {"b", failed, "BUSY"}, {"c", failed, "BUSY"},
	}}
	without := output{outcomes: []outcome{
		{"a", passed, ""}, {"listed", skipped, ""}, {"listed", skipped, ""}, {"b", passed, ""}, {"c", failed, "no"}, {"late", skipped, ""},
	}}
	without.take([]string{"listed", "late"}, whole)
	if have := statuses(without); have != "passed passed failed passed failed missing" {
		t.Error(have)
	}
}

func statuses(o output) string {
	var all []string
	for _, t := range o.outcomes {
		all = append(all, t.status.String())
	}
	return strings.Join(all, " ")
}
