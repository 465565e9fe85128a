"""A file of JSON lines that only grows, until it is compacted.

A line counts when it is whole: a torn one at the end was never relied upon, and
is cut off. Damage anywhere else keeps the device from starting.
"""
import fcntl
import json
import os
import threading

from .errors import JournalDamaged, Misuse

SWELL = 64 << 20  # bytes that a journal may grow before it is compacted


class Journal:
    """Appends records and waits for the disk; whoever comes first writes for all who wait."""

    def __init__(self, path):
        self.path = os.fspath(path)
        self.broken = None  # the first failure; nothing is written after it
        self._cond = threading.Condition()
        self._buffer, self._wrote, self._synced, self._busy = [], 0, 0, False
        self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            self._lock(self._fd)
            self.records, whole = self._read()
            os.ftruncate(self._fd, whole)
            os.lseek(self._fd, whole, os.SEEK_SET)
            self._sync_dir()
        except BaseException:
            os.close(self._fd)
            raise
        self._size = self._base = whole

    def _lock(self, fd):
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Misuse(f"open journal: another process has {self.path}; a device runs once") from None

    @staticmethod
    def _unlock(fd):
        # Closing alone is not enough: a program that is being started has a copy of the open file until its exec.
        fcntl.flock(fd, fcntl.LOCK_UN)
        os.close(fd)

    def _read(self):
        with open(self.path, "rb") as f:
            content = f.read()
        records, whole = [], 0
        while (end := content.find(b"\n", whole)) >= 0:
            try:
                record = json.loads(content[whole:end])
                if not isinstance(record, dict) or not record.get("t"):
                    raise ValueError("no record")
            except ValueError:
                if content.find(b"\n", end + 1) < 0:
                    break
                raise JournalDamaged(
                    f"read journal {self.path}: line {len(records) + 1} is damaged, and lines follow it; look at it, and move the file "
                    "away only when no command that it holds can be sent again") from None
            records.append(record)
            whole = end + 1
        return records, whole

    def append(self, **record):
        """Adds a record and returns its place, for `sync` to wait for."""
        line = json.dumps(record, separators=(",", ":")).encode() + b"\n"
        with self._cond:
            self._buffer.append(line)
            self._wrote += 1
            return self._wrote

    def sync(self, place):
        """Waits until the record at `place`, and all before it, are on the disk. Raises OSError when they will not be."""
        with self._cond:
            while self.broken is None and self._synced < place:
                if self._busy:
                    self._cond.wait()
                    continue
                self._busy = True
                content, upto, self._buffer = b"".join(self._buffer), self._wrote, []
                self._cond.release()
                failure = None
                try:
                    self._write(self._fd, content)
                except OSError as err:
                    failure = err
                finally:
                    self._cond.acquire()
                    self._busy = False
                if failure is None:
                    self._synced, self._size = upto, self._size + len(content)
                elif self.broken is None:
                    self.broken = OSError(f"write journal {self.path}: {failure}")
                self._cond.notify_all()
            if self.broken is not None:
                raise self.broken

    def put(self, **record):
        """Adds a record and waits until it is on the disk."""
        self.sync(self.append(**record))

    @staticmethod
    def _write(fd, content):
        while content:
            content = content[os.write(fd, content):]
        os.fsync(fd)

    @property
    def swollen(self):
        """Whether the file is worth compacting for its length alone."""
        return self._size > SWELL + 2 * self._base

    def rewrite(self, records):
        """Replaces the journal by records, all or nothing. The caller keeps others from appending."""
        content = b"".join(json.dumps(r, separators=(",", ":")).encode() + b"\n" for r in records)
        with self._cond:
            while self._busy:
                self._cond.wait()
            if self.broken is not None:
                raise self.broken
            fd = os.open(self.path + ".new", os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            try:
                self._lock(fd)
                self._write(fd, content)
                os.rename(self.path + ".new", self.path)
                self._sync_dir()
            except BaseException:
                os.close(fd)
                raise
            self._unlock(self._fd)
            self._fd, self._buffer, self._synced = fd, [], self._wrote
            self._size = self._base = len(content)
            self._cond.notify_all()

    def _sync_dir(self):
        fd = os.open(os.path.dirname(os.path.abspath(self.path)), os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def close(self):
        """Ends the journal. What was appended and not waited for is lost, as when the process dies."""
        with self._cond:
            if self.broken is None:
                self.broken = OSError("the device is shutting down")
            self._cond.notify_all()
            while self._busy:
                self._cond.wait()
            self._unlock(self._fd)
