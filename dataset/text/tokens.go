package text

import (
	"sync"

	"github.com/tiktoken-go/tokenizer"
)

var o200k = sync.OnceValues(func() (tokenizer.Codec, error) { return tokenizer.Get(tokenizer.O200kBase) })

// Tokens returns how many tokens of the o200k vocabulary s has.
func Tokens(s string) (int, error) {
	codec, err := o200k()
	if err != nil {
		return 0, err
	}
	return codec.Count(s)
}
