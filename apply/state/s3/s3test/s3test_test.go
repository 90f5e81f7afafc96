package s3test

import (
	"os"
	"path/filepath"
	"testing"
)

func TestAServerHasAnEmptyBucket(t *testing.T) {
	s := Start(t)
	entries, err := os.ReadDir(filepath.Join(s.Dir, s.Bucket))
	if err != nil || len(entries) > 0 {
		t.Errorf("the bucket's folder holds %v, %v", entries, err)
	}
}
