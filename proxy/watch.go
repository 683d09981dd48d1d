package proxy

import (
	"context"

	"github.com/shardring/shardring/shard/config"
	"github.com/shardring/shardring/shard/config/follow"
)

// watch takes the file whenever it has changed, until ctx is done. Only the file
// itself can say that keys may move.
func (p *Proxy) watch(ctx context.Context) {
	p.mu.Lock()
	path := p.first.Path
	p.mu.Unlock()
	follow.File(ctx, path, func(data []byte) {
		p.mu.Lock()
		defer p.mu.Unlock()
		const by = "watch"
		file, err := config.Parse(path, data)
		if err != nil {
			_ = p.refused(by, err) // it is in the log
			return
		}
		if len(config.Diff(p.file, file)) == 0 {
			return // as at the start
		}
		done, err := p.reload(file, false)
		if err != nil {
			_ = p.refused(by, err)
			return
		}
		p.taken(by, done)
	})
}
