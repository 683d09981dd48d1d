// Package nutcracker is the drop-in for twemproxy 0.5: it takes nutcracker's
// flags, files and signals, writes its log and pid file and serves its
// statistics, and has package proxy do the work.
//
//	os.Exit(nutcracker.Main(os.Args[1:], os.Stderr, version))
//
// What it does on purpose in another way:
//
//   - SIGTERM and SIGINT answer what is under way before the process ends, and
//     remove the pid file. The exit status is nutcracker's: 1 after SIGINT, by
//     the signal after SIGTERM.
//   - With -d the first process ends when the second serves, and fails with its
//     reason if it does not.
//   - Statistics are read when they are asked for, so -i has no effect.
//   - Buffers are not made of mbufs, so -m has none either.
//
// The flags and their meaning are those of nutcracker(8), src/nc.c.
package nutcracker
