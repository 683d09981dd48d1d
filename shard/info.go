package shard

import "github.com/shardring/shardring/shard/command"

// mergeInfo: texts; one about them all.
func mergeInfo(v *view, parts []part) (any, error) {
	infos := make([]command.ShardInfo, len(parts))
	for i := range parts {
		text, ok := parts[i].Reply.([]byte)
		if !ok {
			return nil, unexpected(v, &parts[i])
		}
		s := &v.Shards[parts[i].shard]
		infos[i] = command.ShardInfo{Name: s.Name, Addr: s.Primary.Addr, Text: string(text)}
	}
	return []byte(command.MergeInfo(infos, nil)), nil
}
