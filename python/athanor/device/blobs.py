"""Raw data on its way to the laboratory: on the disk until it has arrived, over restarts too.

It goes by HTTP, or in chunks over the broker where the command says nowhere to
upload it to, or nobody is reached there.
"""
import base64
import glob
import hashlib
import http.client
import json
import logging
import os
import queue
import socket
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

from .errors import Misuse
from .wire import CHUNK, CHUNKS, write_chunk

log = logging.getLogger("athanor.device")

INLINE, INLINE_TOTAL = 32 << 10, 96 << 10  # bytes inside an event
PIECE = 8 << 20  # bytes of one request
DIAL_S = 5  # to reach who takes uploads
AWAY = 3  # tries that reached nobody, before chunks
CHUNK_EVERY_S = 1 / 64
AHEAD = 16  # chunks that may be on their way when the laboratory says what it lacks
ANSWER_S, ANSWER_LAST_S, ANSWERS = 2, 10, 4  # for an answer to the last chunk, doubled up to; in a row that are missing or bring nothing forward


class Refused(Exception):
    """The laboratory will never take it."""


class Away(OSError):
    """Nobody is there who takes uploads."""


def reach(href):
    """Raises Away when nobody is there, which a request would wait for much longer. Who a proxy reaches is not known here."""
    url = urllib.parse.urlsplit(href)
    if not url.hostname or url.scheme in urllib.request.getproxies() and not urllib.request.proxy_bypass(url.hostname):
        return
    try:
        socket.create_connection((url.hostname, url.port or (443 if url.scheme == "https" else 80)), DIAL_S).close()
    except OSError as err:
        raise Away(str(err)) from err


class Spool:
    """Uploads what is in a folder. device.on_arrived(id), on_chunk and raise_alarm are called from its threads."""

    def __init__(self, folder, device):
        self._folder, self._device = folder, device
        self._lock, self._waiting, self._end = threading.Lock(), {}, threading.Event()  # notes by SHA-256
        self._answers, self._chunking = {}, threading.Lock()  # what the laboratory says to chunks, by SHA-256; a blob at a time goes in chunks

    def revive(self):
        """Goes on with the uploads that the last process left."""
        for note in glob.glob(os.path.join(glob.escape(self._folder), "*.json")):
            self.again(os.path.basename(note)[:-5], CHUNKS)  # by the last chunk it is heard what is there

    def again(self, total, at=0):
        """Uploads a blob that is in the folder. Returns whether it is."""
        try:
            with open(self._path(total) + ".json", encoding="utf-8") as f:
                note = json.load(f)
        except (OSError, ValueError):
            return False
        with self._lock:
            self._begin({**note, "next": at})
        return True

    def answer(self, total, missing):
        """Takes what the laboratory says to chunks. Returns whether the blob is on its way."""
        with self._lock:
            if missing is None or total not in self._waiting:
                return False
            self._answers[total].put(missing)
        return True

    def put(self, data, command, upload):
        """Writes data to the disk, begins to upload it, and returns its SHA-256."""
        total = hashlib.sha256(data).hexdigest()
        os.makedirs(self._folder, mode=0o700, exist_ok=True)
        note = {"id": command, "href": upload.get("href", ""), "token": upload.get("token", ""), "sha256": total, "size": len(data)}
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
            if note["id"] not in (was["id"], *was["also"]):
                was["also"].append(note["id"])
            return
        note = {"next": 0, **note, "also": []}
        self._waiting[note["sha256"]], self._answers[note["sha256"]] = note, queue.SimpleQueue()
        threading.Thread(target=self._run, args=(note,), daemon=True).start()

    def _run(self, note):
        wait, total, away = 0.2, note["sha256"], 0  # tries in a row that reached nobody
        while not self._end.is_set():
            with self._lock:
                now = dict(note)
            failure = self._try(self._send, now) if now["href"] else Away("the command says nowhere to upload to")
            away = away + 1 if isinstance(failure, Away) else 0
            chunked = (not now["href"] or away >= AWAY) and now["size"] <= CHUNK * CHUNKS
            if chunked:
                failure = self._try(self._send_chunks, now)
            refused = isinstance(failure, Refused)
            with self._lock:
                note["next"] = now["next"]
                moved = not chunked and (now["href"], now["token"]) != (note["href"], note["token"])
                over = not moved and (failure is None or refused)
                if over and failure is None:
                    for path in (self._path(total) + ".json", self._path(total)):
                        os.unlink(path)
                if over:
                    del self._waiting[total], self._answers[total]
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

    @staticmethod
    def _try(send, note):
        """What went wrong, or None."""
        try:
            send(note)
        except (Refused, OSError, ValueError, http.client.HTTPException) as err:  # never; unreachable, cut, an answer that is none
            return err
        return None

    def _send_chunks(self, note):
        """Says a blob in chunks, until the laboratory has it.

        It goes on from where the laboratory says. When it hears nothing it says
        the last chunk again, which the laboratory always answers.
        """
        total, count = note["sha256"], -(-note["size"] // CHUNK)
        if count == 0:
            return  # the end says all of it
        with self._chunking, open(self._path(total), "rb") as f:
            note["next"] = min(note["next"], count - 1)
            furthest, vain, wait = -1, 0, ANSWER_S
            while vain < ANSWERS:
                if note["next"] < count:
                    self._say_chunk(f, note, count)
                    note["next"] += 1
                midway = note["next"] < count
                missing = self._heard(total, 0 if midway else wait)
                if missing == []:
                    return
                if missing is None and not midway:
                    note["next"], vain, wait = count - 1, vain + 1, min(2 * wait, ANSWER_LAST_S)
                elif missing is not None and not (midway and note["next"] - AHEAD < missing[0] <= note["next"]):
                    vain += 1
                    if missing[0] > furthest:
                        furthest, vain, wait = missing[0], 0, ANSWER_S
                    note["next"] = min(missing[0], count - 1)
        raise OSError("the laboratory does not take it in chunks")

    def _heard(self, total, wait):
        """What the laboratory said last, by now or within a while; None is nothing."""
        answers, missing = self._answers[total], None
        try:
            missing = answers.get(timeout=wait) if wait else answers.get_nowait()
            while True:
                missing = answers.get_nowait()
        except queue.Empty:
            return missing

    def _say_chunk(self, f, note, count):
        """Says one chunk. At most one is on its way, and at least half of the time none: what the device says of commands does not wait behind more."""
        index = note["next"]
        f.seek(index * CHUNK)
        payload = write_chunk(note["sha256"], index, count, f.read(CHUNK))
        began = time.monotonic()
        if self._end.is_set() or not self._device.on_chunk(note["sha256"], payload):
            raise OSError("there is no link to the broker")
        self._end.wait(max(CHUNK_EVERY_S, time.monotonic() - began))

    def _send(self, note):
        """Puts a blob where it is to go, from where the last try ended."""
        reach(note["href"])
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
    elif not ctx.upload.get("href") and len(data) > CHUNK * CHUNKS:
        raise Misuse(f"attach {name}: {len(data)} bytes are more than go over the broker ({CHUNK * CHUNKS}), and the command says nowhere to upload them to")
    else:
        spool.put(data, ctx.command_id, ctx.upload)
    blobs[:] = [b for b in blobs if b["name"] != name] + [blob]
