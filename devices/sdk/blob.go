package sdk

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/lab"
)

// spool keeps raw data on the disk until the laboratory has it, over restarts
// too, and uploads it.
type spool struct {
	d      *Device
	dir    string
	client *http.Client

	chunking chan struct{} // holds one: a blob at a time goes in chunks

	mu      sync.Mutex
	waiting map[string]*upload // by SHA-256
}

// upload is what is known of a blob on its way, written beside it.
type upload struct {
	ID     string `json:"id"` // of the command
	Href   string `json:"href"`
	Token  string `json:"token"`
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`

	also   []string     // other commands with the same content
	missed chan []int64 // what the laboratory answers to chunks, the last only
	next   int          // the chunk to go on with
}

const (
	inlineTotal  = 96 << 10               // of all blobs inside one event
	uploadFirst  = 200 * time.Millisecond // before an upload is tried again, doubled up to
	uploadLast   = 5 * time.Second
	uploadPiece  = 8 << 20 // bytes of one request
	uploadRefuse = "blob_refused"
	blobLost     = "blob_lost"
)

// transport is of all devices of the process: that nobody is there is to be known soon.
var transport = &http.Transport{
	Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: dialMax}).DialContext, TLSHandshakeTimeout: dialMax,
	ForceAttemptHTTP2: true, MaxIdleConns: 100, IdleConnTimeout: time.Minute,
}

func newSpool(d *Device) *spool {
	return &spool{
		d: d, dir: d.cfg.Journal + ".blobs", client: &http.Client{Timeout: 5 * time.Minute, Transport: transport},
		chunking: make(chan struct{}, 1), waiting: map[string]*upload{},
	}
}

// Attach adds raw data to the command's end, under a name that [Blobs] has
// declared. Little data goes inside the event; more is written to the disk and
// uploaded, also after the device's process has died: by HTTP, or in chunks
// over the broker where the command has no upload or nobody is reached there.
func (c *Ctx) Attach(name, mediaType string, data []byte) error {
	inside := 0
	for _, b := range c.blobs {
		inside += len(b.Data)
	}
	if len(data) > devices.InlineMax || inside+len(data) > inlineTotal {
		return c.AttachFrom(name, mediaType, bytes.NewReader(data))
	}
	sum := sha256.Sum256(data)
	if data == nil {
		data = []byte{}
	}
	return c.attach(devices.Blob{Name: name, MediaType: mediaType, Size: int64(len(data)), SHA256: hex.EncodeToString(sum[:]), Data: data})
}

// AttachFrom is Attach for what need not fit into memory.
func (c *Ctx) AttachFrom(name, mediaType string, r io.Reader) error {
	s := c.d.spool
	u := &upload{ID: c.cmd.ID}
	if c.cmd.Upload != nil {
		u.Href, u.Token = c.cmd.Upload.Href, c.cmd.Upload.Token
	}
	if err := s.store(u, r); err != nil {
		return fmt.Errorf("attach %s: %w", name, err)
	}
	return c.attach(devices.Blob{Name: name, MediaType: mediaType, Size: u.Size, SHA256: u.SHA256})
}

func (c *Ctx) attach(b devices.Blob) error {
	a := c.d.actions[c.cmd.Name]
	if !slices.Contains(a.Blobs, b.Name) {
		return fmt.Errorf("attach %q: command %s declares the blobs %v", b.Name, c.cmd.Name, a.Blobs)
	}
	c.blobs = append(slices.DeleteFunc(c.blobs, func(x devices.Blob) bool { return x.Name == b.Name }), b)
	return nil
}

func (s *spool) path(sum string) string { return filepath.Join(s.dir, sum) }

// store writes a blob to the disk, and beside it where it is to go, and begins
// to upload it.
func (s *spool) store(u *upload, r io.Reader) error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(s.dir, "new-*")
	if err != nil {
		return err
	}
	hash := sha256.New()
	u.Size, err = io.Copy(io.MultiWriter(f, hash), r)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	u.SHA256 = hex.EncodeToString(hash.Sum(nil))
	if err == nil && u.Href == "" && u.Size > devices.MaxChunked {
		err = fmt.Errorf("%d bytes are more than go over the broker (%d), and the command says nowhere to upload them to", u.Size, devices.MaxChunked)
	}
	s.mu.Lock() // so that the same content of an earlier command is not removed meanwhile
	defer s.mu.Unlock()
	if err == nil {
		err = os.Rename(f.Name(), s.path(u.SHA256))
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	note, err := json.Marshal(u)
	if err == nil {
		err = writeWhole(s.path(u.SHA256)+".json", note)
	}
	if err == nil {
		s.begin(u)
	}
	return err
}

// writeWhole puts content into a file, all or nothing.
func writeWhole(path string, content []byte) error {
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(path+".new", path)
	}
	if err == nil {
		err = syncDir(path)
	}
	return err
}

// revive goes on with the uploads that the last process left.
func (s *spool) revive() {
	notes, _ := filepath.Glob(filepath.Join(s.dir, "*.json")) // the pattern is well formed
	for _, note := range notes {
		u := &upload{}
		b, err := os.ReadFile(note)
		if err == nil {
			err = json.Unmarshal(b, u)
		}
		if err != nil {
			s.d.log.Warn("upload forgotten: its note cannot be read", "note", note, "err", err)
			continue
		}
		u.next = devices.ChunksMax // by the last chunk it is heard what is there
		s.mu.Lock()
		s.begin(u)
		s.mu.Unlock()
	}
}

// begin uploads a blob beside everything else; s.mu is held. When that is under
// way for another command, it goes on to where this one says.
func (s *spool) begin(u *upload) {
	if was := s.waiting[u.SHA256]; was != nil {
		was.Href, was.Token = u.Href, u.Token
		if u.ID != was.ID && !slices.Contains(was.also, u.ID) {
			was.also = append(was.also, u.ID)
		}
		return
	}
	u.missed = make(chan []int64, 1)
	s.waiting[u.SHA256] = u
	go s.run(u)
}

// run uploads one blob. When it has arrived the end of its command is said
// again: the laboratory waits for both.
func (s *spool) run(u *upload) {
	end := func() []string { // s.mu is held
		delete(s.waiting, u.SHA256)
		return append(u.also, u.ID)
	}
	away := 0 // tries in a row that reached nobody
	for wait := uploadFirst; s.d.root.Err() == nil; wait = min(2*wait, uploadLast) {
		s.mu.Lock()
		now := *u
		s.mu.Unlock()
		err := errAway
		if now.Href != "" {
			err = s.send(s.d.root, &now)
		}
		if away++; !unreachable(err) {
			away = 0
		}
		chunked := (now.Href == "" || away >= awayMax) && now.Size <= devices.MaxChunked
		if chunked {
			err = s.sendChunks(s.d.root, &now)
		}
		s.mu.Lock()
		u.next = now.next
		moved := !chunked && (now.Href != u.Href || now.Token != u.Token)
		var ids []string
		if !moved && err == nil {
			_ = os.Remove(s.path(u.SHA256) + ".json")
			_ = os.Remove(s.path(u.SHA256))
		}
		if !moved && (err == nil || lab.KindOf(err) == lab.Invalid) {
			ids = end()
		}
		s.mu.Unlock()
		if moved {
			continue
		}
		if err == nil {
			for _, id := range ids {
				s.d.arrived(id)
			}
			return
		}
		if lab.KindOf(err) == lab.Invalid {
			s.d.log.Error("blob refused", "sha256", u.SHA256, "command_id", u.ID, "err", err)
			_ = s.d.raise(devices.Alarm{Code: uploadRefuse, Level: "error", Command: u.ID, Text: err.Error()})
			return
		}
		s.d.log.Debug("blob not uploaded; trying again", "sha256", u.SHA256, "err", err)
		_ = wall{}.Sleep(s.d.root, wait)
	}
}

// send puts a blob where it is to go, from where the last try ended.
func (s *spool) send(ctx context.Context, u *upload) error {
	f, err := os.Open(s.path(u.SHA256))
	if err != nil {
		return lab.Errorf(lab.Invalid, "read the blob: %w", err)
	}
	defer f.Close()
	offset, whole, err := s.request(ctx, http.MethodHead, u, 0, nil)
	for err == nil && !whole {
		if offset < 0 || offset > u.Size {
			return lab.Errorf(lab.Invalid, "upload: the other side has %d bytes of %d", offset, u.Size)
		}
		piece := min(uploadPiece, u.Size-offset)
		offset, whole, err = s.request(ctx, http.MethodPut, u, offset, io.NewSectionReader(f, offset, piece))
	}
	return err
}

// request sends one piece, or asks with HEAD, and returns how much is there.
func (s *spool) request(ctx context.Context, method string, u *upload, offset int64, piece *io.SectionReader) (int64, bool, error) {
	var body io.Reader
	if piece != nil {
		body = piece
	}
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(u.Href, "/")+"/"+u.SHA256, body)
	if err != nil {
		return 0, false, lab.Errorf(lab.Invalid, "upload: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+u.Token)
	if piece != nil {
		req.ContentLength = piece.Size()
		req.Header.Set("Upload-Offset", strconv.FormatInt(offset, 10))
		req.Header.Set("Upload-Length", strconv.FormatInt(u.Size, 10))
		req.Header.Set("Content-Type", "application/octet-stream")
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return 0, false, lab.Errorf(lab.Unavailable, "upload: %w", err)
	}
	defer resp.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(resp.Body, 1000))
	switch at, notSaid := strconv.ParseInt(resp.Header.Get("Upload-Offset"), 10, 64); {
	case resp.StatusCode == http.StatusOK || resp.StatusCode == http.StatusCreated:
		return u.Size, true, nil
	case (resp.StatusCode == http.StatusNoContent || resp.StatusCode == http.StatusConflict) && notSaid == nil:
		return at, false, nil
	case resp.StatusCode == http.StatusUnprocessableEntity || resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests:
		return 0, false, lab.Errorf(lab.Unavailable, "upload: %s: %s", resp.Status, devices.Clean(string(said)))
	default:
		return 0, false, lab.Errorf(lab.Invalid, "upload: %s: %s", resp.Status, devices.Clean(string(said)))
	}
}

// arrived says again how a command ended whose raw data the laboratory now has.
func (d *Device) arrived(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if e := d.entries[id]; e != nil && e.event.State.Terminal() && d.root.Err() == nil {
		d.repeat(e)
	}
}

// onMissing uploads a blob that the laboratory lacks, if it is still here.
func (d *Device) onMissing(ctl devices.Ctl) {
	if d.spool.answer(ctl.SHA256, ctl.Missing) || ctl.Missing != nil && len(ctl.Missing) == 0 {
		return // it is at it, or it was told twice
	}
	u := &upload{}
	note, err := os.ReadFile(d.spool.path(ctl.SHA256) + ".json")
	if err == nil {
		err = json.Unmarshal(note, u)
	}
	if err == nil {
		d.spool.mu.Lock()
		d.spool.begin(u)
		d.spool.mu.Unlock()
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	e := d.entries[ctl.Target]
	if e == nil {
		d.log.Warn("blob_missing ignored: the command is not known", "command_id", ctl.Target)
		return
	}
	if slices.ContainsFunc(e.event.Blobs, func(b devices.Blob) bool { return b.SHA256 == ctl.SHA256 && b.Data == nil }) {
		_ = d.raiseHeld(devices.Alarm{Code: blobLost, Level: "error", Command: e.id, Text: "the laboratory lacks raw data that the device no longer has: " + ctl.SHA256})
	}
	d.repeat(e)
}
