package s3

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"

	"mercator/apply/state"
)

// What is noted about a state beside its object, so that a list of versions need not fetch them. Values are escaped
// as in a URL: not every store takes more than ASCII.
const (
	aboutSerial  = "mercator-serial"
	aboutLineage = "mercator-lineage"
	aboutWho     = "mercator-who"
)

func about(base state.Base, who string) map[string]string {
	notes := map[string]string{aboutSerial: strconv.FormatUint(base.Serial, 10), aboutLineage: url.QueryEscape(base.Lineage)}
	if who != "" {
		notes[aboutWho] = url.QueryEscape(who)
	}
	return notes
}

// kept is a version of the state's object.
type kept struct {
	state.Version
	// id is nil for the present one of a bucket without versioning, which not every store gives out by an id.
	id *string
}

// History implements [state.Historian]. A bucket without versioning keeps the present state only.
func (s *Store) History(ctx context.Context) ([]state.Version, error) {
	all, err := s.versions(ctx)
	versions := make([]state.Version, len(all))
	for i := range all {
		versions[i] = all[i].Version
	}
	return versions, err
}

// Version implements [state.Historian].
func (s *Store) Version(ctx context.Context, serial uint64) (*state.State, error) {
	b, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	all, err := s.versions(ctx)
	if err != nil {
		return nil, err
	}
	for _, k := range all {
		if k.Serial != serial {
			continue
		}
		o, err := b.version(ctx, s.config.Key, k.id)
		if err != nil || o == nil { // it may have been deleted meanwhile
			break
		}
		old, err := state.Decode(s.catalog, o.data)
		if err != nil {
			return nil, s.config.failed(fmt.Sprintf("serial %d: %v", serial, err), err)
		}
		return old, nil
	}
	return nil, &state.NotKeptError{Serial: serial}
}

// version returns a version of an object, nil where it is no longer there.
func (b *bucket) version(ctx context.Context, key string, id *string) (*object, error) {
	return b.read(ctx, &s3.GetObjectInput{Bucket: &b.config.Bucket, Key: &key, VersionId: id}, nil)
}

// versions lists the versions of the state's object, the newest first.
func (s *Store) versions(ctx context.Context) ([]kept, error) {
	b, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	listed, err := b.versions(ctx, s.config.Key)
	if err != nil {
		return nil, err
	}
	found := make([]kept, len(listed))
	all, ctx := errgroup.WithContext(ctx)
	all.SetLimit(atOnce)
	for i, v := range listed {
		all.Go(func() error {
			found[i].Size, found[i].At = aws.ToInt64(v.Size), aws.ToTime(v.LastModified).UTC()
			if !aws.ToBool(v.IsLatest) || aws.ToString(v.VersionId) != "null" {
				found[i].id = v.VersionId
			}
			return s.describe(ctx, b, &found[i])
		})
	}
	return found, all.Wait()
}

// describe says which state a version is, by what is noted about it, or else by itself.
func (s *Store) describe(ctx context.Context, b *bucket, k *kept) error {
	limited, cancel := context.WithTimeout(ctx, readLimit)
	defer cancel()
	out, err := b.api.HeadObject(limited, &s3.HeadObjectInput{Bucket: &b.config.Bucket, Key: &s.config.Key, VersionId: k.id})
	if err != nil {
		return b.explain("looking at the version of "+k.At.Format(time.RFC3339), err)
	}
	serial, err1 := strconv.ParseUint(out.Metadata[aboutSerial], 10, 64)
	lineage, err2 := url.QueryUnescape(out.Metadata[aboutLineage])
	if err1 == nil && err2 == nil && lineage != "" {
		k.Serial, k.Lineage = serial, lineage
		k.Who, _ = url.QueryUnescape(out.Metadata[aboutWho])
		return nil
	}
	o, err := b.version(ctx, s.config.Key, k.id)
	if err != nil || o == nil {
		return err
	}
	base, err := state.Peek(o.data)
	if err != nil {
		return s.config.failed(fmt.Sprintf("the version of %s: %v", k.At.Format(time.RFC3339), err), err)
	}
	k.Serial, k.Lineage = base.Serial, base.Lineage
	return nil
}

// versions lists the versions of an object, the newest first.
func (b *bucket) versions(ctx context.Context, key string) ([]types.ObjectVersion, error) {
	var found []types.ObjectVersion
	pages := s3.NewListObjectVersionsPaginator(b.api, &s3.ListObjectVersionsInput{Bucket: &b.config.Bucket, Prefix: &key})
	for pages.HasMorePages() {
		limited, cancel := context.WithTimeout(ctx, readLimit)
		page, err := pages.NextPage(limited)
		cancel()
		if statusOf(err) == http.StatusNotImplemented {
			return nil, b.config.failed("the store does not list versions of objects", err)
		}
		if err != nil {
			return nil, b.explain("listing the versions of "+key, err)
		}
		for _, v := range page.Versions {
			if aws.ToString(v.Key) != key {
				return found, nil // those of the lock and of the journal, which have longer names
			}
			found = append(found, v)
		}
	}
	return found, nil
}
