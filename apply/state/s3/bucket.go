package s3

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // Content-MD5 is what the protocol asks for
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"

	"mercator/apply/state"
)

// How long a request may take, in all its attempts: a write and the reading back after it together stay within a
// call's limit, or a lease could run out over a renewal. A store that does not begin to answer is asked again.
const (
	writeLimit  = state.CallLimit * 2 / 3
	readLimit   = state.CallLimit
	backLimit   = state.CallLimit - writeLimit
	answerLimit = 8 * time.Second
)

// bucket makes the requests.
type bucket struct {
	api    *s3.Client
	config Config
}

// object is an object that is in the bucket.
type object struct {
	data []byte
	etag string
	// skew is how far the store's clock was ahead of this machine's when the object was read, if known.
	skew time.Duration
}

// conflict says that the condition of a write did not hold.
type conflict struct {
	key string
	// there is what is in the place, nil for nothing.
	there *object
}

// Error names the object.
func (c *conflict) Error() string { return c.key + " was changed by somebody else meanwhile" }

func isConflict(err error) bool {
	var c *conflict
	return errors.As(err, &c)
}

// connect returns the bucket, having found credentials and region.
func (s *Store) connect(ctx context.Context) (*bucket, error) {
	s.opening.Lock()
	defer s.opening.Unlock()
	if s.opened != nil {
		return s.opened, nil
	}
	c := s.config
	if err := c.check(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, readLimit)
	defer cancel()
	loaded, err := config.LoadDefaultConfig(ctx, s.options()...)
	if err != nil {
		return nil, c.failed("the settings of AWS cannot be read: "+describe(err), err)
	}
	if _, err := loaded.Credentials.Retrieve(ctx); err != nil {
		return nil, c.failed("no credentials for it were found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or give the machine a role", err)
	}
	b := &bucket{config: c, api: s3.NewFromConfig(loaded, func(o *s3.Options) {
		if c.Endpoint != "" {
			o.BaseEndpoint = aws.String(c.Endpoint)
		}
		o.UsePathStyle = o.BaseEndpoint != nil
		if c.PathStyle != nil {
			o.UsePathStyle = *c.PathStyle
		}
		if o.Region == "" && o.BaseEndpoint != nil {
			o.Region = "us-east-1" // one that does not care still wants a name in the signature
		}
	})}
	if b.api.Options().Region == "" {
		return nil, c.failed("its region is not known; set region in the state block, or AWS_REGION", nil)
	}
	s.opened = b
	return b, nil
}

// options are what is different from Amazon's defaults.
func (s *Store) options() []func(*config.LoadOptions) error {
	c := s.config
	options := []func(*config.LoadOptions) error{
		config.WithHTTPClient(awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
			t.ResponseHeaderTimeout = answerLimit
		})),
		config.WithRetryer(s.retryer),
		// Checksums after the body, the SDK's default, are beyond many stores that are not Amazon's.
		config.WithRequestChecksumCalculation(aws.RequestChecksumCalculationWhenRequired),
		config.WithResponseChecksumValidation(aws.ResponseChecksumValidationWhenRequired),
		config.WithLogger(logging.Nop{}), // what matters is in errors
		config.WithAppID(strings.TrimSuffix("mercator-"+c.Version, "-")),
	}
	if c.Region != "" {
		options = append(options, config.WithRegion(c.Region))
	}
	if c.Profile != "" {
		options = append(options, config.WithSharedConfigProfile(c.Profile))
	}
	if c.Credentials != nil {
		options = append(options, config.WithCredentialsProvider(c.Credentials))
	}
	return options
}

// retryer tries again what may pass, a write that collided with another one among it.
func (s *Store) retryer() aws.Retryer {
	standard := retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = s.attempts
		o.MaxBackoff = s.pause
		o.Retryables = append(o.Retryables, retry.IsErrorRetryableFunc(func(err error) aws.Ternary {
			if d := (*smithy.DeserializationError)(nil); errors.As(err, &d) { // an answer that broke off
				return aws.TrueTernary
			}
			return aws.UnknownTernary
		}))
	})
	return retry.AddWithErrorCodes(standard, "ConditionalRequestConflict", "OperationAborted")
}

// get returns an object, nil where there is none. A known one that is unchanged is not transferred.
func (b *bucket) get(ctx context.Context, key string, known *object) (*object, error) {
	in := &s3.GetObjectInput{Bucket: &b.config.Bucket, Key: &key}
	if known != nil {
		in.IfNoneMatch = &known.etag
	}
	return b.read(ctx, in, known)
}

func (b *bucket) read(ctx context.Context, in *s3.GetObjectInput, known *object) (*object, error) {
	ctx, cancel := context.WithTimeout(ctx, readLimit)
	defer cancel()
	for range readTries - 1 {
		o, err := b.fetch(ctx, in, known)
		if !errors.Is(err, errBroken) {
			return o, err
		}
	}
	return b.fetch(ctx, in, known)
}

// readTries is how often an object is read whose answer breaks off, which the SDK does not see to.
const readTries = 3

// errBroken says that an answer ended before its end.
var errBroken = errors.New("the answer broke off")

func (b *bucket) fetch(ctx context.Context, in *s3.GetObjectInput, known *object) (*object, error) {
	out, err := b.api.GetObject(ctx, in)
	switch {
	case statusOf(err) == http.StatusNotModified:
		return known, nil
	case isAbsence(err):
		return nil, nil
	case err != nil:
		return nil, b.explain("reading "+*in.Key, err)
	}
	defer func() { _ = out.Body.Close() }()
	data, err := io.ReadAll(out.Body)
	if err != nil {
		return nil, b.explain("reading "+*in.Key, fmt.Errorf("%w: %w", errBroken, err))
	}
	skew, _ := middleware.GetAttemptSkew(out.ResultMetadata)
	return &object{data: data, etag: aws.ToString(out.ETag), skew: skew}, nil
}

// put writes an object in the place of over, or where there is none if that is nil, with what is noted about it. It
// returns a *conflict, not saying what is there, where that is something else.
func (b *bucket) put(ctx context.Context, key string, data []byte, over *object, about map[string]string) (*object, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeLimit) // one under way ends (R29)
	defer cancel()
	sum := md5.Sum(data) //nolint:gosec // see above
	in := &s3.PutObjectInput{
		Bucket: &b.config.Bucket, Key: &key, Body: bytes.NewReader(data), ContentType: aws.String("application/json"),
		ContentMD5:           aws.String(base64.StdEncoding.EncodeToString(sum[:])),
		Metadata:             about,
		ServerSideEncryption: types.ServerSideEncryption(b.config.Encryption),
	}
	if b.config.KMSKey != "" {
		in.SSEKMSKeyId = &b.config.KMSKey
	}
	if over == nil {
		in.IfNoneMatch = aws.String("*")
	} else {
		in.IfMatch = &over.etag
	}
	out, err := b.api.PutObject(ctx, in)
	switch status := statusOf(err); {
	case status == http.StatusPreconditionFailed, status == http.StatusConflict, isAbsence(err):
		return nil, &conflict{key: key}
	case err != nil:
		return nil, b.explain("writing "+key, err)
	}
	return &object{data: data, etag: aws.ToString(out.ETag)}, nil
}

// place is put, where data is such as nobody else writes. It finds out what became of a write whose answer was lost,
// and says in its *conflict what is there.
func (b *bucket) place(ctx context.Context, key string, data []byte, over *object, about map[string]string) (*object, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	wrote, err := b.put(ctx, key, data, over, about)
	if err == nil || isRefusal(err) {
		return wrote, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), backLimit)
	defer cancel()
	there, readErr := b.get(ctx, key, nil)
	c := (*conflict)(nil)
	switch known := errors.As(err, &c); {
	case readErr != nil && known:
		return nil, readErr
	case readErr == nil && there != nil && bytes.Equal(there.data, data):
		return there, nil
	case known:
		c.there = there
	}
	return nil, err
}

// entry is an object in a list.
type entry struct {
	key      string
	modified time.Time
}

// list returns the objects whose names begin with prefix, in their order, and the time by the store's clock.
func (b *bucket) list(ctx context.Context, prefix string) ([]entry, time.Time, error) {
	var entries []entry
	var now time.Time
	pages := s3.NewListObjectsV2Paginator(b.api, &s3.ListObjectsV2Input{Bucket: &b.config.Bucket, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := b.page(ctx, pages)
		if err != nil {
			return nil, now, b.explain("listing "+prefix, err)
		}
		for i := range page.Contents {
			o := &page.Contents[i]
			if key := aws.ToString(o.Key); !strings.HasSuffix(key, "/") { // what some tools make to show a folder
				entries = append(entries, entry{key, aws.ToTime(o.LastModified)})
			}
		}
		now, _ = middleware.GetServerTime(page.ResultMetadata)
	}
	return entries, now, nil
}

func (b *bucket) page(ctx context.Context, pages *s3.ListObjectsV2Paginator) (*s3.ListObjectsV2Output, error) {
	ctx, cancel := context.WithTimeout(ctx, readLimit)
	defer cancel()
	return pages.NextPage(ctx)
}

// batch is how many objects one request may delete.
const batch = 1000

// remove deletes objects, whether they are there or not.
func (b *bucket) remove(ctx context.Context, keys []string) error {
	for len(keys) > 0 {
		n := min(batch, len(keys))
		if err := b.removeBatch(ctx, keys[:n]); err != nil {
			return err
		}
		keys = keys[n:]
	}
	return nil
}

func (b *bucket) removeBatch(ctx context.Context, keys []string) error {
	if len(keys) == 1 {
		return b.removeOne(ctx, keys[0])
	}
	list := make([]types.ObjectIdentifier, len(keys))
	for i := range keys {
		list[i].Key = &keys[i]
	}
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeLimit)
	defer cancel()
	out, err := b.api.DeleteObjects(limited, &s3.DeleteObjectsInput{
		Bucket: &b.config.Bucket, Delete: &types.Delete{Objects: list, Quiet: aws.Bool(true)},
	})
	if status := statusOf(err); status == http.StatusBadRequest || status == http.StatusNotImplemented {
		// Some stores have no such request, or want another checksum with it.
		for _, key := range keys {
			if err := b.removeOne(ctx, key); err != nil {
				return err
			}
		}
		return nil
	}
	if err != nil {
		return b.explain("deleting what the state now holds from its journal", err)
	}
	for _, e := range out.Errors {
		return b.explain("deleting "+aws.ToString(e.Key), &coded{aws.ToString(e.Code), aws.ToString(e.Message)})
	}
	return nil
}

func (b *bucket) removeOne(ctx context.Context, key string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeLimit)
	defer cancel()
	_, err := b.api.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b.config.Bucket, Key: &key})
	if err != nil && !isAbsence(err) {
		return b.explain("deleting "+key, err)
	}
	return nil
}
