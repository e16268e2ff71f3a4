package dns01

import (
	"strings"
	"time"

	"github.com/go-acme/lego/v5/challenge"
)

type Options struct{ RecursiveNameservers []string }

type Client struct{}

func NewClient(*Options) *Client { return &Client{} }

func SetDefaultClient(*Client) {}

func CondOptions(bool, ...challenge.Option) challenge.Option { return challenge.Option{} }

func DisableAuthoritativeNssPropagationRequirement() challenge.Option { return challenge.Option{} }

func DisableRecursiveNSsPropagationRequirement() challenge.Option { return challenge.Option{} }

func PropagationWait(time.Duration, bool) challenge.Option { return challenge.Option{} }

// UnFqdn is used beyond ACME: the name without the dot at its end.
func UnFqdn(name string) string { return strings.TrimSuffix(name, ".") }
