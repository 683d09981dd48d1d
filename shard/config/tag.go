package config

import "github.com/shardring/shardring/ring"

// tagSetting is a key tag as a file says it, which ring.Tag does not tell; the
// zero value leaves it to the placement.
type tagSetting struct {
	key  string // "hash_tag" or "key_tag_pattern"
	text string
}

const noTag = "none"

// defaultTag is what [ring.Tag] documents as the placement's default.
func defaultTag(p ring.Placement) tagSetting {
	if p == ring.Murmur3 || p == ring.Slots {
		return tagSetting{"hash_tag", "{}"}
	}
	return tagSetting{"hash_tag", noTag}
}

func hashTag() binding[poolDraft] {
	return tagKey("hash_tag", func(s string) (ring.Tag, error) {
		if s == noTag {
			return ring.NoTag(), nil
		}
		return ring.TagPair(s)
	})
}

func keyTagPattern() binding[poolDraft] { return tagKey("key_tag_pattern", ring.TagPattern) }

func tagKey(name string, parse func(string) (ring.Tag, error)) binding[poolDraft] {
	return binding[poolDraft]{
		read: func(d *decoder, k string, v node, to *poolDraft) {
			s, ok := d.text(k, v)
			if !ok {
				return
			}
			if to.tag.key != "" {
				d.add(v.pos, "hash_tag and key_tag_pattern: a pool takes one of them")
				return
			}
			tag, err := parse(s)
			if err != nil {
				d.add(v.pos, "%s %q: %s", k, s, ringReason(err))
				return
			}
			to.tag, to.Ring.Tag = tagSetting{k, s}, tag
		},
		show: func(from *poolDraft) string {
			if from.tag.key != name {
				return ""
			}
			return quote(from.tag.text)
		},
	}
}
