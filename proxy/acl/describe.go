package acl

import (
	"math"
	"strings"
)

// describe returns the rules of the selector, as ACLDescribeSelector of Redis's
// acl.c does.
func (s *selector) describe() string {
	var words []string
	if keys := s.describeKeys(); keys != "" {
		words = append(words, keys)
	}
	if !s.allChannels {
		words = append(words, "resetchannels")
	}
	if channels := s.describeChannels(); channels != "" {
		words = append(words, channels)
	}
	return strings.Join(append(words, s.text), " ")
}

func (s *selector) describeKeys() string {
	if s.allKeys {
		return "~*"
	}
	words := make([]string, len(s.keys))
	for i, k := range s.keys {
		prefix := [...]string{reads: "%R~", writes: "%W~", reads | writes: "~"}[k.access]
		words[i] = prefix + k.pattern
	}
	return strings.Join(words, " ")
}

func (s *selector) describeChannels() string {
	if s.allChannels {
		return "&*"
	}
	words := make([]string, len(s.channels))
	for i, pattern := range s.channels {
		words[i] = "&" + pattern
	}
	return strings.Join(words, " ")
}

// describeCommands returns rules that make the selector's set of commands. It is
// ACLDescribeSelectorCommandRules of Redis's acl.c: all commands or none, then the
// categories that come nearest, the best one first, then what is left one by one.
func (s *selector) describeCommands() string {
	first, sign := "-@all", "+"
	if s.future {
		first, sign = "+@all", "-"
	}
	words := []string{first}
	made := newSelector(s.table) // by the words so far
	_ = made.apply(first)
	left := newSelector(s.table) // what no category has covered; it only counts
	copy(left.commands, s.commands)
	applied := map[string]bool{}
	for {
		best := s.bestCategory(left.commands, applied)
		if best == "" {
			break
		}
		applied[best] = true
		_ = made.changeCategory(best, sign == "+")
		_ = left.changeCategory(best, sign == "-")
		words = append(words, sign+"@"+best)
	}
	for cmd := range s.table.All() {
		allowed := s.commands.has(cmd.ID())
		if allowed != made.commands.has(cmd.ID()) {
			words = append(words, map[bool]string{true: "+", false: "-"}[allowed]+cmd.Name)
			made.change(cmd, allowed)
		}
		if !allowed {
			for _, arg := range s.firstArgs[cmd.ID()] {
				words = append(words, "+"+cmd.Name+"|"+arg)
			}
		}
	}
	return strings.Join(words, " ")
}

// bestCategory returns the category most of whose commands are still to be told:
// with the fewest others, and among those the one with the most; "" if none has
// more of them than others.
func (s *selector) bestCategory(left commandSet, applied map[string]bool) string {
	best, leastOthers, most := "", math.MaxInt, 0
	for _, c := range categories {
		if applied[c.name] {
			continue
		}
		told, others := 0, 0
		for cmd := range s.table.All() {
			switch {
			case cmd.Categories&c.bit == 0:
			case left.has(cmd.ID()) != s.future:
				told++
			default:
				others++
			}
		}
		if told > others && (others < leastOthers || others == leastOthers && told > most) {
			best, leastOthers, most = c.name, others, told
		}
	}
	return best
}
