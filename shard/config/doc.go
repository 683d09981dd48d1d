// Package config reads the one YAML file of the library and the proxy: pools,
// their shards and how they are reached.
//
// The file is a superset of nutcracker.yml (twemproxy 0.5): a pool written
// with servers: means here what it means there, with the same defaults. Our
// own form has shards: with names, primaries and replicas. README.md is the
// reference of all keys.
//
//	file, err := config.Load("shardring.yml")
//	if err != nil {
//		var problems config.Errors
//		if errors.As(err, &problems) {
//			fmt.Fprint(os.Stderr, problems.Pretty())
//		}
//		return err
//	}
//	pool, err := file.Pool("cache")
//
// What [Parse] accepts is possible: names are known, values are within their
// limits and [ring.New] takes the pool's Ring. What it does not accept it
// refuses with every problem of the file at once, each with line and column,
// as [Errors].
//
// The package opens no connection and looks up no host. It reads the
// environment (${NAME}) and the files that secrets are said to be in, both
// replaceable by an [Option]. It keeps no state: everything may be called from
// any number of goroutines, and a [File] is only read once it is made.
package config
