package main

import "syscall"

// forbidCores keeps a crash from writing the node's memory, with its keys in
// it, to a disk.
func forbidCores() { _ = syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}) }
