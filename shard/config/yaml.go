package config

import (
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// This file is the only one that knows the YAML library. It turns a file into
// nodes that are no more than a configuration needs: a scalar is its text,
// whatever YAML would make of it (as nutcracker reads it too, so 0400 is four
// hundred and null a word of four letters).

const (
	maxFile  = 4 << 20 // bytes; 16,384 shards with long names take a quarter
	maxDepth = 16      // brackets, or "- - -" in one line; we need four
)

// kind says what a node is.
type kind uint8

const (
	empty    kind = iota // a key without a value
	scalar               // text holds it
	mapping              // fields
	sequence             // items
)

func (k kind) String() string {
	switch k {
	case empty:
		return "nothing"
	case scalar:
		return "a single value"
	case mapping:
		return "a mapping"
	default:
		return "a list"
	}
}

// node is one value of the file.
type node struct {
	kind   kind
	pos    position
	text   string
	fields []field // in the order of the file, repeated keys included
	items  []node
}

// field is one "key: value".
type field struct {
	key   string
	pos   position // of the key
	value node
}

// readTree parses a file's text. Problems go to p; the second result is false
// when there is no tree to go on with.
func readTree(text string, p *problems) (node, bool) {
	if len(text) > maxFile {
		p.add(position{1, 1}, "the file has %d bytes: at most %d are read", len(text), maxFile)
		return node{}, false
	}
	for i, line := range p.source {
		if !utf8.ValidString(line) {
			good := strings.ToValidUTF8(line, "\x00")
			p.add(position{i + 1, len([]rune(good[:strings.IndexByte(good, 0)])) + 1}, "the file is not UTF-8 here")
			return node{}, false
		}
	}
	tokens := lexer.Tokenize(text)
	if deep := tooDeep(tokens); deep != nil {
		p.add(place(deep), "nested too deeply: %d levels are enough for every setting", maxDepth)
		return node{}, false
	}
	file, err := parser.Parse(joinVariables(joinColons(tokens)), 0, parser.AllowDuplicateMapKey())
	if err != nil {
		pos, msg := position{1, 1}, err.Error()
		var at yaml.Error
		if errors.As(err, &at) {
			msg = at.GetMessage()
			if tk := at.GetToken(); tk != nil {
				pos = place(tk)
			}
		}
		if strings.Contains(msg, `'	'`) {
			msg = "a tab: YAML indents with spaces"
		}
		p.add(pos, "not valid YAML: %s", msg)
		return node{}, false
	}
	r := treeReader{problems: p}
	var roots []node
	for _, doc := range file.Docs {
		if doc.Body != nil {
			roots = append(roots, r.node(doc.Body))
		}
	}
	switch {
	case len(roots) == 0:
		return node{kind: empty, pos: position{1, 1}}, true
	case len(roots) > 1:
		p.add(roots[1].pos, "a second YAML document: a file holds one")
		return node{}, false
	}
	return roots[0], len(p.found) == 0
}

// tooDeep returns the first token nested deeper than maxDepth, or nil. The
// parser recurses and takes time squared for such a file.
func tooDeep(tokens token.Tokens) *token.Token {
	brackets, line, leading := 0, 0, 0
	for _, tk := range tokens {
		if tk.Position.Line != line {
			line, leading = tk.Position.Line, 0
		}
		switch tk.Type {
		case token.SequenceStartType, token.MappingStartType:
			brackets++
		case token.SequenceEndType, token.MappingEndType:
			brackets--
		case token.SequenceEntryType, token.MappingKeyType:
			leading++
		}
		if brackets > maxDepth || leading > maxDepth {
			return tk
		}
	}
	return nil
}

// joinColons mends what the scanner does in braces: it takes the colon of
// {replicas: [127.0.0.1:7101]} for the one after a key. In YAML that one is
// followed by a space, unless the key is quoted.
func joinColons(tokens token.Tokens) token.Tokens {
	var out token.Tokens
	for i := 0; i < len(tokens); i++ {
		tk := tokens[i]
		if tk.Type == token.MappingValueType && len(out) > 0 && i+1 < len(tokens) {
			before, after := out[len(out)-1], tokens[i+1]
			if isPlain(before) && isPlain(after) && place(after) == (position{tk.Position.Line, tk.Position.Column + 1}) {
				before.Type = token.StringType
				before.Value += ":" + after.Value
				before.Origin += tk.Origin + after.Origin
				i++
				continue
			}
		}
		out.Add(tk)
	}
	return out
}

// joinVariables lets ${NAME} stand in braces and brackets without quotes, where
// YAML knows no plain text with a brace in it: {password: ${APP_PASSWORD}}.
func joinVariables(tokens token.Tokens) token.Tokens {
	var out token.Tokens
	for i := 0; i < len(tokens); i++ {
		tk := tokens[i]
		for joined := false; ; joined = true {
			n := continued(tokens[i:], joined)
			if n == 0 {
				break
			}
			for _, next := range tokens[i+1 : i+1+n] {
				tk.Value += next.Value
				tk.Origin += next.Origin
			}
			tk.Type = token.StringType
			i += n
		}
		out.Add(tk)
	}
	return out
}

// continued says how many tokens after the first belong to it: those of a
// variable that begins there, or of what follows one.
func continued(tokens token.Tokens, joined bool) int {
	switch {
	case isPlain(tokens[0]) && strings.HasSuffix(tokens[0].Value, "$") && follow(tokens, token.MappingStartType, plain, token.MappingEndType):
		return 3
	case joined && follow(tokens, token.MappingValueType, plain): // ${HOST}:7001
		return 2
	case joined && follow(tokens, plain): // ${NAME}-2
		return 1
	}
	return 0
}

// plain stands for a scalar without quotes, whatever its type.
const plain = token.UnknownType

// follow says that after the first token come these, with no space between.
func follow(tokens token.Tokens, types ...token.Type) bool {
	if len(tokens) <= len(types) {
		return false
	}
	for i, want := range types {
		before, tk := tokens[i], tokens[i+1]
		at := place(before)
		at.column += utf8.RuneCountInString(before.Value)
		if want == plain && !isPlain(tk) || want != plain && tk.Type != want || place(tk) != at {
			return false
		}
	}
	return true
}

// isPlain says that a token is a scalar without quotes.
func isPlain(tk *token.Token) bool {
	return tk.CharacterType == token.CharacterTypeMiscellaneous
}

// treeReader turns the library's nodes into ours.
type treeReader struct{ *problems }

func (r treeReader) node(n ast.Node) node {
	switch n := n.(type) {
	case *ast.MappingNode:
		out := node{kind: mapping, pos: place(n.GetToken())}
		for _, v := range n.Values {
			out.fields = append(out.fields, r.field(v))
		}
		if len(out.fields) > 0 && !n.IsFlowStyle {
			out.pos = out.fields[0].pos
		}
		return out
	case *ast.MappingValueNode:
		f := r.field(n)
		return node{kind: mapping, pos: f.pos, fields: []field{f}}
	case *ast.SequenceNode:
		out := node{kind: sequence, pos: place(n.GetToken())}
		for _, v := range n.Values {
			out.items = append(out.items, r.node(v))
		}
		return out
	case *ast.StringNode:
		return node{kind: scalar, pos: place(n.Token), text: n.Value}
	case *ast.LiteralNode:
		return node{kind: scalar, pos: place(n.Start), text: n.Value.Value}
	case *ast.NullNode:
		if n.Token.Type == token.ImplicitNullType {
			return node{kind: empty, pos: place(n.Token)}
		}
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode, *ast.MergeKeyNode, *ast.DirectiveNode:
		r.add(place(n.GetToken()), "anchors (&), aliases (*), merge keys (<<), tags (!) and directives (%%) are not taken: write the value out")
		return node{kind: empty, pos: place(n.GetToken())}
	}
	// Numbers, booleans and the words YAML takes for them: as written.
	tk := n.GetToken()
	return node{kind: scalar, pos: place(tk), text: tk.Value}
}

func (r treeReader) field(v *ast.MappingValueNode) field {
	key := r.node(v.Key)
	if k, ok := v.Key.(*ast.MappingKeyNode); ok {
		key = r.node(k.Value)
	}
	if key.kind != scalar || key.text == "" {
		r.add(key.pos, "a key is a single word")
	}
	value := r.node(v.Value)
	if value.kind == empty {
		value.pos = key.pos
	}
	return field{key: key.text, pos: key.pos, value: value}
}

func place(tk *token.Token) position {
	if tk == nil || tk.Position == nil {
		return position{1, 1}
	}
	return position{tk.Position.Line, tk.Position.Column}
}
