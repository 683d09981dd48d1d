package main

import (
	"github.com/spf13/cobra"

	"github.com/shardring/shardring/cmd/shardproxy/internal/nutcracker"
)

// nutcrackerCommand is the drop-in, as it is also called by its own name.
func nutcrackerCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "nutcracker [FLAG...]",
		Short: "Run as a drop-in for twemproxy's nutcracker",
		Long: `Run as a drop-in for twemproxy's nutcracker 0.5: its flags, its signals, its log,
its pid file and its statistics as JSON on port 22222. A link named nutcracker
to this program does the same. -h prints the flags.`,
		Example: `  shardproxy nutcracker -c nutcracker.yml -s 22222
  ln -s $(which shardproxy) /usr/local/sbin/nutcracker
  nutcracker -d -c /etc/nutcracker/nutcracker.yml -o /var/log/nutcracker.log -p /run/nutcracker.pid`,
		DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			return exitCode(nutcracker.Main(args, cmd.ErrOrStderr(), moduleVersion()))
		},
	}
}
