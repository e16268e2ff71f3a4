package challenge

import "context"

type Provider interface {
	Present(ctx context.Context, domain, token, keyAuth string) error
	CleanUp(ctx context.Context, domain, token, keyAuth string) error
}

type Option struct{}

type Solver interface {
	SetDNS01Provider(Provider, ...Option) error
	SetHTTP01Provider(Provider, ...Option) error
	SetTLSALPN01Provider(Provider, ...Option) error
}
