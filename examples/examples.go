// Package examples holds configurations to begin with: quickstart and estate as a whole, and in the folders of kinds
// one for each kind of resource, which is shown on the kind's page of the reference.
package examples

import (
	"embed"
	"io/fs"
)

//go:embed kinds
var files embed.FS

// Kind returns the folder of the example that shows a kind, and whether there is one.
func Kind(name string) (folder fs.FS, ok bool) {
	if _, err := fs.Stat(files, "kinds/"+name); err != nil {
		return nil, false
	}
	folder, err := fs.Sub(files, "kinds/"+name)
	return folder, err == nil
}
