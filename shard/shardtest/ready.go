package shardtest

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"time"
)

const probeTimeout = time.Second

// ReadyTCP reports nil if addr accepts a connection.
func ReadyTCP(addr string) error {
	c, err := net.DialTimeout("tcp", addr, probeTimeout)
	if err != nil {
		return err
	}
	return c.Close()
}

// ReadyRedis reports nil if addr answers a PING with anything but -LOADING:
// a server that asks for a password serves too.
func ReadyRedis(addr string) error {
	line, err := ask(addr, "*1\r\n$4\r\nPING\r\n")
	if err != nil {
		return err
	}
	if strings.HasPrefix(line, "-LOADING") || !strings.ContainsAny(line[:1], "+-") {
		return fmt.Errorf("%s answered %q to PING", addr, line)
	}
	return nil
}

// ReadyMemcached reports nil if addr answers to memcached's version command.
func ReadyMemcached(addr string) error {
	line, err := ask(addr, "version\r\n")
	if err != nil {
		return err
	}
	if !strings.HasPrefix(line, "VERSION ") {
		return fmt.Errorf("%s answered %q to version", addr, line)
	}
	return nil
}

// ask sends one request and returns the first line of the answer, never empty.
func ask(addr, request string) (string, error) {
	c, err := net.DialTimeout("tcp", addr, probeTimeout)
	if err != nil {
		return "", err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(probeTimeout)); err != nil {
		return "", err
	}
	if _, err := c.Write([]byte(request)); err != nil {
		return "", err
	}
	return bufio.NewReader(c).ReadString('\n')
}
