package main

import (
	"cmp"

	"accord/exchange"
	"accord/node/client"
	"accord/node/config"
	"accord/node/demo"
)

// lookup reads a variable for the configuration; as everywhere in the tool, an
// empty variable counts as not set.
func (e *env) lookup(name string) (string, bool) {
	value := e.Getenv(name)
	return value, value != ""
}

// config is the configuration of the node under --dir, as it counts now.
func (e *env) config() (config.Config, error) {
	cfg, _, err := config.Load(e.Dir, e.lookup, nil)
	return cfg, err
}

// node is the client of the node under --dir, acting as the operator named or,
// where the node knows only one, as that one.
func (e *env) node() *client.Client {
	return client.New(e.HTTP(), e.Socket(), cmp.Or(e.Operator, e.onlyOperator()), e.Lang)
}

// onlyOperator is the one operator the node's configuration lists, "" when it
// lists several or cannot be read. It is a convenience and no credential: who
// can open the socket can name any operator.
func (e *env) onlyOperator() exchange.OperatorID {
	cfg, err := e.config()
	if err != nil || len(cfg.Operators) != 1 {
		return ""
	}
	return cfg.Operators[0].Name
}

// nodeVariables are the variables that set a node's configuration or are meant
// for a node's process, beside those that stand for flags.
func nodeVariables() []string {
	names := []string{demo.StopWithStdin}
	for _, k := range config.Keys() {
		names = append(names, k.Env())
	}
	return names
}
