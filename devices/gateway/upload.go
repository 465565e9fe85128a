package gateway

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/lab"
)

// Uploads says where devices put raw data, and lets those in who were told: a
// command carries a token of its own.
type Uploads struct {
	Href   string // of [Uploads.Handler], as devices reach it
	Secret []byte // the same in every process that dispatches or receives
	Max    int64  // bytes of a blob; 0 is 1 GiB
}

const (
	uploadMax = 1 << 30
	// uploadGrace is how long after a command's deadline its raw data may come.
	uploadGrace = 7 * 24 * time.Hour
)

// of returns what a command says of uploads. It is the same each time.
func (u *Uploads) of(e Entry) *devices.Upload {
	if u == nil || u.Href == "" {
		return nil
	}
	return &devices.Upload{Href: u.Href, Token: u.token(e.ID(), e.Command.Deadline.Add(uploadGrace))}
}

// TokenOf returns the token that a command of the ledger is sent with.
func TokenOf(u *Uploads, e Entry) string { return u.of(e).Token }

// token is the command's id and the end of its time, signed.
func (u *Uploads) token(id string, until time.Time) string {
	said := id + "." + strconv.FormatInt(until.Unix(), 10)
	return said + "." + u.sign(said)
}

func (u *Uploads) sign(said string) string {
	mac := hmac.New(sha256.New, u.Secret)
	mac.Write([]byte("ldp/1 upload " + said))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// check reports whether a token lets its bearer upload at an instant.
func (u *Uploads) check(token string, now time.Time) bool {
	end := strings.LastIndexByte(token, '.')
	if end < 0 || !hmac.Equal([]byte(token[end+1:]), []byte(u.sign(token[:end]))) {
		return false
	}
	said := token[:end]
	until, err := strconv.ParseInt(said[strings.LastIndexByte(said, '.')+1:], 10, 64)
	return err == nil && now.Unix() <= until
}

// Handler receives raw data at /{sha256}, in pieces.
//
//	HEAD  how much is there: Upload-Offset; 200 when all is
//	PUT   a piece at Upload-Offset of a blob of Upload-Length bytes: 204 with the new
//	      Upload-Offset, 201 when all is there and its hash is right, 409 with the
//	      Upload-Offset that would be right, 422 when the hash is wrong: begin again
//	GET   the whole blob
//
// HEAD and PUT want the command's token as a bearer.
func (u *Uploads) Handler(store Blobs, logger *slog.Logger) http.Handler {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	h := &receiver{u, store, logger}
	mux := http.NewServeMux()
	mux.HandleFunc("HEAD /{sum}", h.status)
	mux.HandleFunc("PUT /{sum}", h.put)
	mux.HandleFunc("GET /{sum}", h.get)
	return mux
}

type receiver struct {
	uploads *Uploads
	store   Blobs
	logger  *slog.Logger
}

// enter lets a device in, and returns the blob that it means.
func (h *receiver) enter(w http.ResponseWriter, r *http.Request) (sum string, ok bool) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok || !h.uploads.check(token, time.Now()) {
		w.Header().Set("WWW-Authenticate", "Bearer")
		http.Error(w, "the token of a command is missing, wrong or too old", http.StatusUnauthorized)
		return "", false
	}
	if sum = r.PathValue("sum"); !devices.ValidSHA256(sum) {
		http.Error(w, "a blob is named by its SHA-256 in small hexadecimal letters", http.StatusNotFound)
		return "", false
	}
	return sum, true
}

func (h *receiver) status(w http.ResponseWriter, r *http.Request) {
	sum, ok := h.enter(w, r)
	if !ok {
		return
	}
	at, whole, err := h.store.Status(r.Context(), sum)
	h.answer(w, at, whole, err, http.StatusOK)
}

func (h *receiver) put(w http.ResponseWriter, r *http.Request) {
	sum, ok := h.enter(w, r)
	if !ok {
		return
	}
	limit := h.uploads.Max
	if limit <= 0 {
		limit = uploadMax
	}
	offset, err1 := strconv.ParseInt(r.Header.Get("Upload-Offset"), 10, 64)
	size, err2 := strconv.ParseInt(r.Header.Get("Upload-Length"), 10, 64)
	switch {
	case errors.Join(err1, err2) != nil || offset < 0 || size < offset:
		http.Error(w, "Upload-Offset and Upload-Length are numbers of bytes, the first not above the second", http.StatusBadRequest)
		return
	case size > limit:
		http.Error(w, fmt.Sprintf("%d bytes are too many; at most %d are taken", size, limit), http.StatusRequestEntityTooLarge)
		return
	}
	at, whole, err := h.store.Append(r.Context(), sum, offset, size, http.MaxBytesReader(w, r.Body, size-offset))
	h.answer(w, at, whole, err, http.StatusCreated)
}

func (h *receiver) answer(w http.ResponseWriter, at int64, whole bool, err error, all int) {
	w.Header().Set("Upload-Offset", strconv.FormatInt(at, 10))
	switch kind := lab.KindOf(err); {
	case err == nil && whole:
		w.WriteHeader(all)
	case err == nil:
		w.WriteHeader(http.StatusNoContent)
	case kind == lab.Conflict:
		http.Error(w, err.Error(), http.StatusConflict)
	case kind == lab.Invalid:
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
	default:
		h.logger.Error("blob not received", "err", err)
		http.Error(w, "the blob could not be stored; try again", http.StatusServiceUnavailable)
	}
}

func (h *receiver) get(w http.ResponseWriter, r *http.Request) {
	sum := r.PathValue("sum")
	f, err := h.store.Get(r.Context(), sum)
	switch lab.KindOf(err) {
	case lab.NotFound, lab.Invalid:
		http.Error(w, "there is no such blob", http.StatusNotFound)
		return
	default: // as any error
	}
	if err != nil {
		h.logger.ErrorContext(r.Context(), "blob not read", "sha256", sum, "err", err)
		http.Error(w, "the blob could not be read; try again", http.StatusServiceUnavailable)
		return
	}
	defer f.Close()
	// It is what a device said: nothing that a browser should look into.
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", `attachment; filename="`+sum+`"`)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("ETag", `"`+sum+`"`)
	http.ServeContent(w, r, "", time.Time{}, f)
}
