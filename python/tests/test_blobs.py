"""Raw data in chunks, without a broker: the laboratory is the test."""
import hashlib
import os
import queue
import socket
import unittest
from unittest import mock

from athanor.device import Misuse, blobs, wire

from . import test_device

COUNT = 6
DATA = bytes(i * i >> 7 & 255 for i in range(COUNT * wire.CHUNK - 7))
SUM = hashlib.sha256(DATA).hexdigest()


class Bench(test_device.Bench):
    """A device whose link takes chunks, while it is up."""

    def __init__(self, *args):
        self.chunks, self.up = queue.Queue(), True
        super().__init__(*args)

    def aside(self, topic, payload):
        if self.up:
            self.chunks.put((topic, payload))
        return self.up


class Chunks(unittest.TestCase):
    def setUp(self):
        folder = test_device.tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.got = bytearray(len(DATA))

    def start(self):
        def register(b):
            @b.device.command(recovery="repeat", blobs=["trace.bin"])
            def scan(ctx):
                ctx.attach("trace.bin", DATA)
        b = Bench(self.folder, register)
        self.addCleanup(b.device.close)
        b.lease()
        return b

    def take(self, b):
        topic, payload = b.chunks.get(timeout=20)
        self.assertEqual(topic, "ldp/1/lab/dut/blob/" + SUM)
        self.assertEqual(payload[:32].hex(), SUM)
        self.assertLessEqual(len(payload), wire.MAX_CHUNK)
        index, count = int.from_bytes(payload[32:36], "big"), int.from_bytes(payload[36:40], "big")
        self.assertEqual(count, COUNT)
        at, data = index * wire.CHUNK, payload[40:]
        self.got[at:at + len(data)] = data
        return index

    def answer(self, b, *missing):
        b.send("ctl", id="m", op="blob_missing", sha256=SUM, missing=list(missing))

    def test_all_the_way(self):
        b = self.start()
        b.cmd("a", "scan", {})
        self.assertEqual([self.take(b) for _ in range(COUNT)], list(range(COUNT)))
        self.assertEqual(bytes(self.got), DATA)
        end = b.wait("a", "done")
        self.assertEqual((end["blobs"][0]["sha256"], "data" in end["blobs"][0]), (SUM, False))
        self.answer(b, 4)
        self.assertEqual([self.take(b), self.take(b)], [4, 5])
        self.assertNotIn("done dup", b.said("a"))
        self.answer(b)
        b.wait("a", "done dup")
        self.answer(b)  # by another gateway
        self.assertEqual(os.listdir(b.device.journal_path + ".blobs"), [])
        self.assertEqual(b.alarms, [])

    def test_silence_and_restart(self):
        with mock.patch.object(blobs, "ANSWER_S", 0.05):
            b = self.start()
            b.cmd("a", "scan", {})
            self.assertEqual([self.take(b) for _ in range(COUNT + 1)], [*range(COUNT), COUNT - 1])  # the last again
            b.wait("a", "done")
            b.device.close()
        b = self.start()
        self.assertEqual(self.take(b), COUNT - 1)  # by which it hears what is there
        self.answer(b, 1)
        self.assertEqual([self.take(b) for _ in range(COUNT - 1)], list(range(1, COUNT)))
        self.answer(b)
        b.wait("a", "done dup")

    def test_link_that_is_lost(self):
        b = self.start()
        b.up = False
        b.cmd("a", "scan", {})
        b.wait("a", "done")
        b.up = True
        self.assertEqual([self.take(b) for _ in range(COUNT)], list(range(COUNT)))
        self.answer(b)
        b.wait("a", "done dup")

    def test_http_that_is_away(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        b = self.start()
        b.cmd("a", "scan", {}, upload={"href": f"http://127.0.0.1:{port}/up", "token": "t"})
        self.assertEqual([self.take(b) for _ in range(COUNT)], list(range(COUNT)))
        self.answer(b)
        b.wait("a", "done dup")

    def test_too_much(self):
        with mock.patch.object(blobs, "CHUNKS", 2), self.assertRaises(Misuse):
            blobs.attach(mock.Mock(upload={}), None, [], ["trace.bin"], "trace.bin", DATA, "")

    def test_bounds(self):
        self.assertEqual(len(wire.write_chunk(SUM, 0, 2, b"x" * wire.CHUNK)), wire.MAX_CHUNK)
        for index, count, size in ((0, 1, 0), (1, 1, 1), (-1, 1, 1), (0, 2, 1), (0, 1, wire.CHUNK + 1), (0, wire.CHUNKS + 1, wire.CHUNK)):
            with self.subTest((index, count, size)), self.assertRaises(ValueError):
                wire.write_chunk(SUM, index, count, b"x" * size)


if __name__ == "__main__":
    unittest.main()
