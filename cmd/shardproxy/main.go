// Command shardproxy serves Redis clients from many independent Redis servers
// as if they were one, and answers questions about where keys are.
//
// The commands are thin: each parses its flags, calls package proxy, ring or
// shard/config, and prints. README.md shows every one of them. Called by the
// name nutcracker it is a drop-in for twemproxy 0.5.
//
// Exit codes: 0 done, 1 it did not work, 2 called in a wrong way.
package main

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/shardring/shardring/cmd/shardproxy/internal/nutcracker"
)

func main() {
	if nutcracker.Named(os.Args[0]) {
		os.Exit(nutcracker.Main(os.Args[1:], os.Stderr, moduleVersion()))
	}
	root := newRoot()
	called, err := root.ExecuteC()
	os.Exit(report(os.Stderr, called, err))
}

// newRoot returns the whole tree of commands.
func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "shardproxy",
		Short: "Serve many independent Redis servers as one",
		Long: `shardproxy serves Redis clients from many independent Redis servers as if they
were one. Keys are placed by consistent hashing, or exactly where twemproxy,
ShardedJedis or Redis Cluster put them.`,
		Example: `  shardproxy demo                            four shards to play with, nothing needed
  shardproxy run -c pools.yml                serve the pools of a file
  shardproxy check -c pools.yml --live       read the file, ask every server
  shardproxy locate user:1 -c pools.yml      which shard has this key, and why
  shardproxy audit -c pools.yml              keys on shards that do not own them`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          knownCommand,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cmd.SetOut(cmd.ErrOrStderr())
			if err := cmd.Help(); err != nil {
				return err
			}
			return exitCode(exitUsage)
		},
	}
	root.SetFlagErrorFunc(flagError)
	root.CompletionOptions.HiddenDefaultCmd = false
	root.AddCommand(runCommand(), checkCommand(), demoCommand(), locateCommand(), ringCommand(), auditCommand(), moveCommand(),
		nutcrackerCommand(), versionCommand())
	return root
}
