// Package config is a node's configuration: one YAML file in the data folder,
// overridden by ACCORD_* environment variables, overridden by flags.
//
// Every key stands once, in the table Keys, with its default, its meaning in
// two languages and the field it sets; the file, the environment, the flags,
// `accord config show --origin`, the commented example and the documentation
// test all read that table. An unknown key is refused with the nearest known
// name. Secrets are never values here, only paths to files.
package config
