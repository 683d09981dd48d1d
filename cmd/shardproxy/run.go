package main

import (
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/shardring/shardring/proxy"
	"github.com/shardring/shardring/proxy/engine"
	"github.com/shardring/shardring/shard/config"
)

// runCommand serves the pools of a file until SIGTERM or SIGINT.
func runCommand() *cobra.Command {
	var path, driver string
	var loops int
	cmd := &cobra.Command{
		Use:   "run -c FILE",
		Short: "Serve the pools of a configuration file",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			file, err := config.Load(path)
			if err != nil {
				return err
			}
			p, err := proxy.New(file, proxy.Options{Driver: engine.Driver(driver), Loops: loops})
			if err != nil {
				return err
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			return p.Run(ctx)
		},
	}
	cmd.Flags().StringVarP(&path, "config", "c", "shardproxy.yml", "the configuration file")
	cmd.Flags().StringVar(&driver, "driver", "", "epoll or goroutine (default: the fastest of this system)")
	cmd.Flags().IntVar(&loops, "loops", 0, "event loops (default: what the file says, else by the cores)")
	return cmd
}
