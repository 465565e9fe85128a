"""The journal keeps what it was told to keep, whatever a crash tears off."""
import json
import os
import tempfile
import threading
import unittest
from unittest import mock

from athanor.device import JournalDamaged, Misuse
from athanor.device.journal import Journal


class Journals(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "journal")

    def records(self):
        j = Journal(self.path)
        j.close()
        return j.records

    def test_torn_at_every_byte(self):
        j = Journal(self.path)
        for n in range(3):
            j.put(t="boot", n=n)
        j.close()
        with open(self.path, "rb") as f:
            whole = f.read()
        for cut in range(len(whole) + 1):
            with open(self.path, "wb") as f:
                f.write(whole[:cut])
            self.assertEqual([r["n"] for r in self.records()], list(range(whole[:cut].count(b"\n"))), f"cut at {cut}")
            self.assertEqual(os.path.getsize(self.path), whole.rfind(b"\n", 0, cut) + 1)

    def test_damage_in_the_middle_stops_the_start(self):
        with open(self.path, "wb") as f:
            f.write(b'{"t":"boot","n":1}\n{"t":\x00}\n{"t":"boot","n":2}\n')
        with self.assertRaises(JournalDamaged):
            Journal(self.path)

    def test_one_process_has_it(self):
        j = Journal(self.path)
        with self.assertRaises(Misuse):
            Journal(self.path)
        j.close()

    def test_sync_waits_for_the_disk_and_groups_writers(self):
        j, real, synced = Journal(self.path), os.fsync, []
        with mock.patch("os.fsync", side_effect=lambda fd: (real(fd), synced.append(fd))):
            threads = [threading.Thread(target=j.put, kwargs={"t": "boot", "n": n}) for n in range(50)]
            for t in threads:
                t.start()
            for t in threads:
                t.join()
        j.close()
        self.assertEqual(sorted(r["n"] for r in self.records()), list(range(50)))
        self.assertTrue(1 <= len(synced) <= 50, len(synced))

    def test_a_full_disk_is_told_and_nothing_is_written_after_it(self):
        j = Journal(self.path)
        with mock.patch("os.fsync", side_effect=OSError("no space")), self.assertRaises(OSError):
            j.put(t="boot", n=1)
        with self.assertRaises(OSError):
            j.put(t="boot", n=2)
        self.assertIn("no space", str(j.broken))
        j.close()

    def test_rewrite(self):
        j = Journal(self.path)
        for n in range(100):
            j.put(t="boot", n=n)
        j.rewrite([{"t": "boot", "n": 100}])
        j.put(t="epoch", n=7)
        j.close()
        with open(self.path) as f:
            self.assertEqual([json.loads(line) for line in f], [{"t": "boot", "n": 100}, {"t": "epoch", "n": 7}])
