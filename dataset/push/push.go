// Package push copies the folder of a snapshot or an export to where others get
// it: a directory, or a bucket of an S3-compatible store.
//
// A copy that was broken off goes on where it was: what is there already with
// the hash that the manifest says is not sent again. The manifest goes last, so
// that a copy which has one is whole.
package push

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/athanor-lab/athanor/lab"
)

// File is a file to copy, by its path in the folder and the hash of its bytes.
type File struct{ Path, SHA256 string }

// Report says what a copy did.
type Report struct {
	Sent  int   `json:"sent"`
	There int   `json:"there"` // with the right hash, before
	Bytes int64 `json:"bytes"` // sent
}

// Store takes files.
type Store interface {
	// Has reports whether a file is there with a hash.
	Has(ctx context.Context, path, sum string) (bool, error)
	// Put stores a file of a size under a path, whole or not at all.
	Put(ctx context.Context, path, sum string, r io.Reader, size int64) error
}

// Open returns the store that a URL names: file:///DIR, s3://HOST/BUCKET/PREFIX,
// or s3+http://… without TLS. getenv gives the keys of a bucket.
func Open(where string, getenv func(string) string) (Store, error) {
	u, err := url.Parse(where)
	if err != nil {
		return nil, lab.Errorf(lab.Invalid, "push to %q: %w", where, err)
	}
	switch u.Scheme {
	case "file":
		if u.Path == "" || u.Host != "" {
			return nil, lab.Errorf(lab.Invalid, "push to %q: a directory is file:///with/its/whole/path", where)
		}
		return directory(filepath.FromSlash(u.Path)), nil
	case "s3", "s3+http":
		bucket, prefix, _ := strings.Cut(strings.Trim(u.Path, "/"), "/")
		if u.Host == "" || bucket == "" {
			return nil, lab.Errorf(lab.Invalid, "push to %q: a bucket is s3://HOST/BUCKET/PREFIX", where)
		}
		region := getenv("AWS_REGION")
		if region == "" {
			region = "us-east-1"
		}
		c, err := minio.New(u.Host, &minio.Options{
			Creds:  credentials.NewStaticV4(getenv("AWS_ACCESS_KEY_ID"), getenv("AWS_SECRET_ACCESS_KEY"), getenv("AWS_SESSION_TOKEN")),
			Secure: u.Scheme == "s3", Region: region, BucketLookup: minio.BucketLookupPath,
		})
		if err != nil {
			return nil, lab.Errorf(lab.Invalid, "push to %q: %w", where, err)
		}
		return bucketStore{c, bucket, prefix}, nil
	default:
		return nil, lab.Errorf(lab.Invalid, "push to %q: want file:///DIR or s3://HOST/BUCKET/PREFIX", where)
	}
}

// Copy copies the files of a folder; last are those that say that it is whole.
func Copy(ctx context.Context, to Store, dir string, files []File, last ...string) (Report, error) {
	var r Report
	for _, name := range last {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return r, fmt.Errorf("push %s: %w", dir, err)
		}
		sum := sha256.Sum256(b)
		files = append(files, File{name, hex.EncodeToString(sum[:])})
	}
	for _, f := range files {
		there, err := to.Has(ctx, f.Path, f.SHA256)
		if err != nil {
			return r, fmt.Errorf("push %s: look for %s: %w", dir, f.Path, err)
		}
		if there {
			r.There++
			continue
		}
		n, err := send(ctx, to, dir, f)
		if err != nil {
			return r, fmt.Errorf("push %s: send %s: %w; pushing again goes on from here", dir, f.Path, err)
		}
		r.Sent, r.Bytes = r.Sent+1, r.Bytes+n
	}
	return r, nil
}

func send(ctx context.Context, to Store, dir string, f File) (int64, error) {
	in, err := os.Open(filepath.Join(dir, filepath.FromSlash(f.Path)))
	if err != nil {
		return 0, err
	}
	defer in.Close()
	st, err := in.Stat()
	if err != nil {
		return 0, err
	}
	return st.Size(), to.Put(ctx, f.Path, f.SHA256, in, st.Size())
}

type directory string

// Has implements [Store].
func (d directory) Has(_ context.Context, path, sum string) (bool, error) {
	f, err := os.Open(filepath.Join(string(d), filepath.FromSlash(path)))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	return err == nil && hex.EncodeToString(h.Sum(nil)) == sum, err
}

// Put implements [Store].
func (d directory) Put(_ context.Context, path, sum string, r io.Reader, _ int64) error {
	full := filepath.Join(string(d), filepath.FromSlash(path))
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(full), ".part-*")
	if err != nil {
		return err
	}
	h := sha256.New()
	_, err = io.Copy(f, io.TeeReader(r, h))
	if got := hex.EncodeToString(h.Sum(nil)); err == nil && got != sum {
		err = lab.Errorf(lab.Conflict, "it has the hash %s and its manifest says %s", got, sum)
	}
	if err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), full)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// bucketStore keeps the hash of an object beside it: the store's own tag of an
// object in parts is none of its bytes.
type bucketStore struct {
	c              *minio.Client
	bucket, prefix string
}

const sumKey = "Sha256"

// Has implements [Store].
func (b bucketStore) Has(ctx context.Context, name, sum string) (bool, error) {
	info, err := b.c.StatObject(ctx, b.bucket, path.Join(b.prefix, name), minio.StatObjectOptions{})
	if err != nil {
		switch minio.ToErrorResponse(err).StatusCode {
		case http.StatusNotFound:
			return false, nil
		case http.StatusForbidden:
			return false, lab.Errorf(lab.Invalid, "the store refuses us; are AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY those of bucket %s? %w", b.bucket, err)
		}
		return false, lab.Errorf(lab.Unavailable, "%w", err)
	}
	return info.UserMetadata[sumKey] == sum, nil
}

// Put implements [Store].
func (b bucketStore) Put(ctx context.Context, name, sum string, r io.Reader, size int64) error {
	_, err := b.c.PutObject(ctx, b.bucket, path.Join(b.prefix, name), r, size, minio.PutObjectOptions{UserMetadata: map[string]string{sumKey: sum}})
	if err != nil {
		return lab.Errorf(lab.Unavailable, "%w", err)
	}
	return nil
}
