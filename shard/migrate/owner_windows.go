package migrate

import "os"

// giveTo does nothing: a file has the rights of its folder here.
func giveTo(*os.File, os.FileInfo) error { return nil }
