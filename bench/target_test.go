package main

import (
	"slices"
	"strings"
	"testing"
)

func TestChooseTargets(t *testing.T) {
	got, err := chooseTargets(targets(""), "shardproxy,direct")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, target := range got {
		names = append(names, target.name)
	}
	if want := []string{"direct", "shardproxy"}; !slices.Equal(names, want) {
		t.Errorf("chose %v, want %v", names, want)
	}
	if _, err := chooseTargets(targets(""), "direct,predixy"); err == nil || !strings.Contains(err.Error(), `"predixy"`) {
		t.Errorf("an unknown target: %v", err)
	}
}

func TestSingleTargets(t *testing.T) {
	var names []string
	for _, target := range singleTargets(targets("")[:4]) {
		names = append(names, target.name)
		if target.spec == nil {
			continue
		}
		config := target.spec([]string{"127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3", "127.0.0.1:4"}).Config
		if got, want := strings.Count(config, "shard-"), int(target.name[len(target.name)-1]-'0'); got != want {
			t.Errorf("%s has %d redis-servers:\n%s", target.name, got, config)
		}
	}
	if want := []string{"direct", "nutcracker over 1", "shardproxy over 1", "shardproxy over 4"}; !slices.Equal(names, want) {
		t.Errorf("targets %q, want %q", names, want)
	}
}
