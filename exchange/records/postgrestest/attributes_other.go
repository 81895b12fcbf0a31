//go:build !linux

package postgrestest

import "syscall"

func attributes(int, int) *syscall.SysProcAttr { return &syscall.SysProcAttr{} }

func free(string) uint64 { return 0 }
