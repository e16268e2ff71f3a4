// Package ext stands for the module of this name, which Traefik's own go.mod replaces by a folder that is not published
// with it: what other distributions of Traefik add to its configuration, which is nothing here.
package ext

type HTTP struct{}

type Router struct{}
