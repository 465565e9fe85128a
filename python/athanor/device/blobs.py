"""Raw data on its way to the laboratory: on the disk until it has arrived, over restarts too."""
import base64
import glob
import hashlib
import http.client
import json
import logging
import os
import threading
import urllib.error
import urllib.request

from .errors import Misuse

log = logging.getLogger("athanor.device")

INLINE, INLINE_TOTAL = 32 << 10, 96 << 10  # bytes inside an event
PIECE = 8 << 20  # bytes of one request


class Refused(Exception):
    """The laboratory will never take it."""


class Spool:
    """Uploads what is in a folder. device.on_arrived(id) and device.raise_alarm are called from its threads."""

    def __init__(self, folder, device):
        self._folder, self._device = folder, device
        self._lock, self._waiting, self._end = threading.Lock(), {}, threading.Event()  # notes by SHA-256

    def revive(self):
        """Goes on with the uploads that the last process left."""
        for note in glob.glob(os.path.join(glob.escape(self._folder), "*.json")):
            self.again(os.path.basename(note)[:-5])

    def again(self, total):
        """Uploads a blob that is in the folder. Returns whether it is."""
        try:
            with open(self._path(total) + ".json", encoding="utf-8") as f:
                note = json.load(f)
        except (OSError, ValueError):
            return False
        with self._lock:
            self._begin(note)
        return True

    def put(self, data, command, upload):
        """Writes data to the disk, begins to upload it, and returns its SHA-256."""
        total = hashlib.sha256(data).hexdigest()
        os.makedirs(self._folder, mode=0o700, exist_ok=True)
        note = {"id": command, "href": upload["href"], "token": upload.get("token", ""), "sha256": total, "size": len(data)}
        with self._lock:  # so that the same content of an earlier command is not removed meanwhile
            self._write(self._path(total), data)
            self._write(self._path(total) + ".json", json.dumps(note).encode())
            self._begin(note)
        return total

    def close(self):
        self._end.set()

    def _path(self, total):
        return os.path.join(self._folder, total)

    @staticmethod
    def _write(path, data):
        with open(path + ".new", "wb") as f:
            f.write(data)
            f.flush()
            os.fsync(f.fileno())
        os.rename(path + ".new", path)
        fd = os.open(os.path.dirname(os.path.abspath(path)), os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def _begin(self, note):
        """Uploads beside everything else; the lock is held. What is under way for another command goes on to where this one says."""
        was = self._waiting.get(note["sha256"])
        if was is not None:
            was.update(href=note["href"], token=note["token"])
            was["also"].append(note["id"])
            return
        note = {**note, "also": []}
        self._waiting[note["sha256"]] = note
        threading.Thread(target=self._run, args=(note,), daemon=True).start()

    def _run(self, note):
        wait, total = 0.2, note["sha256"]
        while not self._end.is_set():
            with self._lock:
                now, failure, refused = dict(note), None, False
            try:
                self._send(now)
            except Refused as err:
                failure, refused = err, True
            except (OSError, ValueError, http.client.HTTPException) as err:  # unreachable, cut, an answer that is none
                failure = err
            with self._lock:
                moved = (now["href"], now["token"]) != (note["href"], note["token"])
                over = not moved and (failure is None or refused)
                if over and failure is None:
                    for path in (self._path(total) + ".json", self._path(total)):
                        os.unlink(path)
                if over:
                    del self._waiting[total]
            if over and failure is None:
                for ident in [note["id"], *note["also"]]:
                    self._device.on_arrived(ident)
            elif over:
                log.error("blob %s refused: %s", total, failure)
                self._device.raise_alarm("blob_refused", "error", str(failure), note["id"])
            if over:
                return
            if not moved:
                log.debug("blob %s not uploaded; trying again: %s", total, failure)
                self._end.wait(wait)
                wait = min(2 * wait, 5)

    def _send(self, note):
        """Puts a blob where it is to go, from where the last try ended."""
        at, whole = self._request("HEAD", note)
        with open(self._path(note["sha256"]), "rb") as f:
            while not whole:
                if not 0 <= at <= note["size"]:
                    raise Refused(f"the other side has {at} bytes of {note['size']}")
                f.seek(at)
                at, whole = self._request("PUT", note, f.read(PIECE), at)

    def _request(self, method, note, piece=None, at=0):
        """(how much is there, whether that is all)."""
        headers = {"Authorization": "Bearer " + note["token"]}
        if piece is not None:
            headers.update({"Upload-Offset": str(at), "Upload-Length": str(note["size"]), "Content-Type": "application/octet-stream"})
        request = urllib.request.Request(note["href"].rstrip("/") + "/" + note["sha256"], data=piece, headers=headers, method=method)
        if request.type not in ("http", "https"):
            raise Refused(f"{request.type} is not a way to upload")
        try:
            with urllib.request.urlopen(request, timeout=300) as answer:
                status, said = answer.status, answer.headers.get("Upload-Offset")
        except urllib.error.HTTPError as err:
            status, said = err.code, err.headers.get("Upload-Offset")
            err.close()
        if status in (200, 201):
            return note["size"], True
        if status in (204, 409) and said is not None:
            return int(said), False
        if status in (422, 429) or status >= 500:
            raise OSError(f"the answer is {status}")
        raise Refused(f"the answer is {status}")


def attach(ctx, spool, blobs, declared, name, data, media_type):
    """Adds raw data to a command's end: inside it when it is little, by an upload otherwise."""
    if name not in declared:
        raise Misuse(f"attach {name!r}: command {ctx.name} declares the blobs {', '.join(declared) or 'none'}")
    blob = {"name": name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    if media_type:
        blob["media_type"] = media_type
    if len(data) <= INLINE and sum(b["size"] for b in blobs if "data" in b) + len(data) <= INLINE_TOTAL:
        blob["data"] = base64.b64encode(data).decode()
    elif not ctx.upload.get("href"):
        raise Misuse(f"attach {name}: it is more than an event holds, and the command says nowhere to upload it to")
    else:
        spool.put(data, ctx.command_id, ctx.upload)
    blobs[:] = [b for b in blobs if b["name"] != name] + [blob]
