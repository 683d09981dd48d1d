package main
import "github.com/spf13/cobra"
func nutcrackerCommand() *cobra.Command { return &cobra.Command{Use:"nutcracker"} }
