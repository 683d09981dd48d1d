package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/shardring/shardring/cmd/shardproxy/internal/nodes"
	"github.com/shardring/shardring/cmd/shardproxy/internal/table"
	"github.com/shardring/shardring/proxy/acl"
	"github.com/shardring/shardring/ring"
	"github.com/shardring/shardring/shard/config"
)

// checkCommand prints the file as it is understood, and asks the servers.
func checkCommand() *cobra.Command {
	var s source
	var live bool
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "check [-c FILE]",
		Short: "Print a configuration file as it is understood",
		Long: `Print a configuration file as it is understood: every setting with the value in
effect, the shards by the names that place their keys. What the file allows but
may not be meant follows as warnings, to standard error.

--live also connects to every server of every shard, with the login and the
database of its pool. The command fails if one does not answer, or if the
primary of a shard is a replica, which would refuse writes.`,
		Example: `  shardproxy check -c pools.yml
  shardproxy check -c pools.yml --live --timeout 500ms`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			file, err := s.file()
			if err != nil {
				return err
			}
			users, err := usersOf(file)
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			if _, err := file.WriteTo(out); err != nil {
				return err
			}
			for _, w := range warnings(file, users) {
				fmt.Fprintln(cmd.ErrOrStderr(), "warning:", w)
			}
			if !live {
				return nil
			}
			fmt.Fprintln(out)
			return ask(cmd, out, file, timeout)
		},
	}
	s.fileFlag(cmd)
	cmd.Flags().BoolVar(&live, "live", false, "connect to every server")
	cmd.Flags().DurationVar(&timeout, "timeout", 2*time.Second, "for each server, with --live")
	return cmd
}

// ask prints a row for each server of the file, and fails if one is not what
// the file says.
func ask(cmd *cobra.Command, out io.Writer, file *config.File, timeout time.Duration) error {
	var probes []nodes.Probe
	for _, p := range file.Pools {
		username, password := p.Login()
		for _, s := range p.Shards {
			for i, addr := range s.Addresses() {
				if addr == (config.Address{}) {
					continue // the Sentinels know it
				}
				probes = append(probes, nodes.Probe{
					Pool: p.Name, Shard: s.String(), Network: addr.Network, Addr: addr.Addr, Primary: i == 0,
					Redis: p.Redis, Username: username, Password: password, Database: p.Database,
				})
			}
		}
	}
	answers := nodes.Ask(cmd.Context(), probes, timeout)
	t := table.New(out, "POOL", "SHARD", "NODE", "ROLE", "VERSION", ">PING", "")
	bad := 0
	for i, a := range answers {
		p := probes[i]
		ping, note := "-", a.Note
		if a.Err == nil {
			ping = a.Ping.Round(time.Microsecond).String()
		} else {
			bad++
			note = a.Err.Error()
		}
		t.Row(p.Pool, p.Shard, p.Addr, orDash(a.Role), orDash(a.Version), ping, note)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if bad > 0 {
		return fmt.Errorf("%d of %s failed the check", bad, counted(len(probes), "server"))
	}
	return nil
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// usersOf returns the users of each pool, or every rule that is wrong.
func usersOf(file *config.File) ([]*acl.Users, error) {
	var all []*acl.Users
	var wrong []error
	for _, p := range file.Pools {
		users, err := acl.ForPool(p)
		all, wrong = append(all, users), append(wrong, err)
	}
	return all, errors.Join(wrong...)
}

// warnings are what a file may say but its author may not mean. users are those
// of its pools.
func warnings(file *config.File, users []*acl.Users) []string {
	var all []string
	for i, p := range file.Pools {
		warn := func(format string, args ...any) {
			all = append(all, fmt.Sprintf("pool %s: ", p.Name)+fmt.Sprintf(format, args...))
		}
		if p.Timeout == 0 {
			warn("no timeout: a server that hangs keeps its clients waiting")
		}
		if first := users[i].Initial(); first != nil {
			switch {
			case p.Redis && open(p.Listen) && len(p.Users) == 0:
				warn("%s is every interface, and no redis_auth is asked", p.Listen)
			case len(p.Users) > 0 && first.Unlimited():
				warn("who has not logged in may do everything: {name: default, rules: \"off\"} in users: changes that")
			}
		}
		for _, u := range users[i].All() {
			if u.On() && u.Unreachable() {
				warn("user %s has no password, so nobody can log in as it; rules: nopass lets everybody", u.Name())
			}
			if !u.Unlimited() && u.Scripts() {
				warn("user %s may run scripts, and in them use any command and key: -@scripting changes that", u.Name())
			}
		}
		if p.AutoEjectHosts && p.Redis {
			warn("auto_eject_hosts: keys of a server that fails are looked for on others, which is for caches only")
		}
		var unnamed []string
		at := map[config.Address]string{}
		for _, s := range p.Shards {
			if s.Name == "" || s.Name == s.Primary.Addr {
				unnamed = append(unnamed, s.String())
			}
			if other, twice := at[s.Primary]; twice {
				warn("%s is the primary of %s and of %s: they share one keyspace", s.Primary, other, s)
			}
			at[s.Primary] = s.String()
		}
		if len(unnamed) > 0 && p.Ring.Placement != ring.Random && p.Ring.Placement != ring.Slots {
			warn("no name for %s: keys move when an address or the order of shards changes", few(unnamed))
		}
		r, err := ring.New(p.Ring)
		if err != nil {
			warn("%v", errors.Unwrap(err))
			continue
		}
		for i, share := range r.Shares() {
			if share == 0 {
				warn("shard %s owns no key: its weight %d is too small beside the others", r.Name(i), p.Shards[i].Weight)
			}
		}
	}
	return all
}

// few lists at most three.
func few(names []string) string {
	if n := len(names); n > 3 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:3], ", "), n-3)
	}
	return strings.Join(names, ", ")
}

// open reports whether a pool listens to more than this machine on every
// interface.
func open(l config.Listen) bool {
	return l.Network == "tcp" && (hasHost(l.Address, "0.0.0.0") || hasHost(l.Address, "[::]"))
}

func hasHost(addr, host string) bool {
	return len(addr) > len(host) && addr[:len(host)+1] == host+":"
}
