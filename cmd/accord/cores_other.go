//go:build !linux

package main

// forbidCores does nothing where a service manager sets the limit.
func forbidCores() {}
