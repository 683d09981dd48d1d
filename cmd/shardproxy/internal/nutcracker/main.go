package nutcracker
import "io"
func Named(string) bool {return false}
func Main([]string, io.Writer) int {return 0}
