package s3

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"mercator/apply/state"
)

// storeError is what a request came to, in words of ours: those of the SDK hold what nobody needs.
type storeError struct {
	text  string
	cause error
	// refused says that the store has understood the request, and has done nothing.
	refused bool
}

// Error says what failed, why, and what helps.
func (e *storeError) Error() string { return e.text }

// Unwrap returns the SDK's error.
func (e *storeError) Unwrap() error { return e.cause }

// coded is an error of one object out of several.
type coded struct{ code, message string }

// Error implements error.
func (c *coded) Error() string { return c.code + ": " + c.message }

// ErrorCode implements smithy.APIError.
func (c *coded) ErrorCode() string { return c.code }

// ErrorMessage implements smithy.APIError.
func (c *coded) ErrorMessage() string { return c.message }

// ErrorFault implements smithy.APIError.
func (c *coded) ErrorFault() smithy.ErrorFault { return smithy.FaultUnknown }

// statusOf returns the HTTP status that an error came with, 0 for none.
func statusOf(err error) int {
	var response *awshttp.ResponseError
	if errors.As(err, &response) {
		return response.HTTPStatusCode()
	}
	return 0
}

// codeOf returns the protocol's error code, "" for none.
func codeOf(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// isAbsence reports whether a request failed because there is no such object.
func isAbsence(err error) bool {
	return statusOf(err) == http.StatusNotFound && slices.Contains([]string{"", "NoSuchKey", "NotFound"}, codeOf(err))
}

// isRefusal reports whether a request certainly did nothing, and never will.
func isRefusal(err error) bool {
	var e *storeError
	return errors.As(err, &e) && e.refused
}

// remedies say what helps against an error code.
var remedies = map[string]string{
	"NoSuchBucket": "there is no such bucket; create it, or correct bucket in the state block",
	"AccessDenied": "access is denied; the credentials need s3:GetObject, s3:PutObject and s3:DeleteObject on the key and " +
		"what begins with it, s3:ListBucket on the bucket, with aws:kms the use of its key, and to look at earlier states " +
		"s3:GetObjectVersion and s3:ListBucketVersions",
	"InvalidAccessKeyId":    "the access key is not known to the store; is it of another account or store?",
	"SignatureDoesNotMatch": "the secret key does not belong to the access key; set both anew",
	"ExpiredToken":          "the credentials have expired; get new ones, for example by signing in again",
	"RequestTimeTooSkewed":  "this machine's clock is wrong; set it, for example from a time server",
	"NotImplemented":        unconditional,
	"SlowDown":              "the store asks for fewer requests; wait a little and run the command again",
}

// unconditional says what a store lacks that can't be used.
const unconditional = "the store does not honour conditional writes (If-Match and If-None-Match), without which two applies " +
	"could overwrite each other; use a release of it that does, or Amazon S3, or another kind of state"

const wrongRegion = "the bucket is in another region; correct region in the state block, or AWS_REGION"

// explain says what a failed request means.
func (b *bucket) explain(doing string, err error) error {
	if errors.Is(err, context.Canceled) {
		return context.Canceled
	}
	status, code := statusOf(err), codeOf(err)
	remedy := remedies[code]
	switch {
	case remedy != "":
	case status == http.StatusMovedPermanently || status == http.StatusTemporaryRedirect || code == "AuthorizationHeaderMalformed" || code == "IllegalLocationConstraintException":
		remedy = wrongRegion
		if region := regionOf(err); region != "" {
			remedy += "; it is " + region
		}
	case status == http.StatusForbidden:
		remedy = remedies["AccessDenied"]
	case status != 0:
		remedy = fmt.Sprintf("the store answers %d %s", status, describe(err))
	case errors.Is(err, context.DeadlineExceeded):
		remedy = fmt.Sprintf("it took longer than %s; is the store reachable from here?", state.CallLimit)
	default:
		remedy = fmt.Sprintf("no answer came: %s; is the store reachable from here, and endpoint right?", describe(err))
	}
	e := b.config.failed(doing+": "+remedy, err)
	e.refused = status >= 400 && status < 500 && status != http.StatusRequestTimeout && status != http.StatusTooManyRequests
	return e
}

// failed returns an error about the store.
func (c Config) failed(text string, cause error) *storeError {
	return &storeError{text: fmt.Sprintf("the state in s3://%s/%s: %s", c.Bucket, c.Key, text), cause: cause}
}

// describe returns the innermost words about an error: the protocol's code and message, or the network's.
func describe(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return fmt.Sprintf("%s: %s", api.ErrorCode(), api.ErrorMessage())
	}
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err.Error()
	}
	var op *smithy.OperationError
	if errors.As(err, &op) {
		return op.Err.Error()
	}
	return err.Error()
}

// regionOf returns the region that an answer names as the bucket's, "" for none.
func regionOf(err error) string {
	var response *awshttp.ResponseError
	if errors.As(err, &response) && response.Response != nil {
		return response.Response.Header.Get("X-Amz-Bucket-Region")
	}
	return ""
}
