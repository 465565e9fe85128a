"""The messages of the contract are read strictly, and random ones never break the reader."""
import json
import random
import unittest

from athanor.device import wire

CMD = {"id": "a", "name": "heat", "epoch": 1, "params": {}}


def read(**with_):
    return wire.read_cmd(json.dumps({**CMD, **with_}).encode())


class Wire(unittest.TestCase):
    def test_good_commands(self):
        for m in ({}, {"expires": "2026-01-02T03:04:05Z"}, {"expires": "2026-01-02T03:04:05.25+02:00"}, {"timeout_s": 1}, {"after": ["b"]},
                  {"samples": [{"id": "S", "slot": "A1"}]}, {"upload": {"href": "x"}}, {"sig": ""}):
            with self.subTest(m):
                self.assertEqual(read(**m)["id"], "a")

    def test_bad_commands_are_refused_with_their_id(self):
        for m in ({"name": 7}, {"name": ""}, {"epoch": 0}, {"epoch": 1.5}, {"epoch": True}, {"epoch": 2**63}, {"params": []}, {"params": None}, {"expires": None},
                  {"expires": "2026-13-01T00:00:00Z"}, {"expires": "2026-01-01"}, {"timeout_s": 0}, {"after": ["x"] * 65}, {"after": ["/"]}, {"samples": [{}]},
                  {"force": True}, {"traceparent": "x"}, {"samples": [{"id": "S"}] * 257}):
            with self.subTest(m), self.assertRaises(wire.Bad) as caught:
                read(**m)
            self.assertEqual(caught.exception.id, "a")

    def test_what_json_would_pass_over(self):
        for body in (b'{"id":"a","id":"a","name":"x","epoch":1,"params":{}}', b'{"id":"a","name":"x","epoch":1,"params":{"x":1e999}}',
                     b'{"id":"a","name":"x","epoch":1,"params":{"x":NaN}}', b'{"id":"a","name":"x","epoch":1,"params":{"x":"\xff"}}',
                     b'{"id":"a","name":"x","epoch":1,"params":{"x":' + b"[" * 70 + b"]" * 70 + b"}}", b'{"id":"a","name":"x","epoch":1,"params":{}} {}',
                     b'{"id":"a\\n","name":"x","epoch":1,"params":{}}', b"[" * 100000, b"null", b"", b"{}" + b" " * wire.MAX_MESSAGE):
            with self.subTest(body[:60]), self.assertRaises(wire.Bad):
                wire.read_cmd(body)

    def test_operations(self):
        def ctl(**m):
            return wire.read_ctl(json.dumps({"id": "c", **m}).encode())
        self.assertEqual(ctl(op="lease", epoch=1, holder="h", ttl_s=1)["ttl_s"], 1)
        self.assertEqual(ctl(op="blob_missing", sha256="ab" * 32, missing=[])["missing"], [])
        for m in ({"op": "explode"}, {"op": "blob_missing", "sha256": "ab" * 32}, {"op": "blob_missing", "sha256": "ab" * 32, "missing": [-1]},
                  {"op": "blob_missing", "sha256": "ab" * 32, "missing": [wire.CHUNKS]}, {"op": "blob_missing", "missing": [0]}, {"op": "lease"}, {"op": "lease", "epoch": 1, "holder": "h", "ttl_s": 1e9}, {"op": "release"}, {"op": "cancel"},
                  {"op": "resolve", "target": "a", "outcome": "maybe", "by": "x"}, {"op": "stop", "force": 1}, {"op": "cancel", "target": "/"}, {}):
            with self.subTest(m), self.assertRaises(wire.Bad):
                ctl(**m)

    def test_random_bytes_never_break_the_reader(self):
        seed = 1
        rng = random.Random(seed)
        start = json.dumps({**CMD, "expires": "2026-01-02T03:04:05Z", "after": ["b"], "timeout_s": 1.5}).encode()
        for i in range(5000):
            body = bytearray(start)
            for _ in range(rng.randint(1, 6)):
                body[rng.randrange(len(body))] = rng.randrange(256)
            for reader in (wire.read_cmd, wire.read_ctl, wire.read_beat, wire.read_stop):
                try:
                    reader(bytes(body))
                except wire.Bad:
                    pass
                except Exception as err:
                    self.fail(f"seed {seed}, message {i}, {bytes(body)!r}: {err!r}")

    def test_times(self):
        self.assertEqual(wire.read_time("1970-01-01T00:00:01.5Z"), 1.5)
        self.assertEqual(wire.read_time("1970-01-01T01:00:00+01:00"), 0)
        self.assertEqual(wire.write_time(1.5), "1970-01-01T00:00:01.500Z")
        self.assertIsNone(wire.read_time("2026-02-30T00:00:00Z"))

    def test_texts_are_cleaned(self):
        self.assertEqual(wire.clean("a\x1b[1m\u202eb"), "a [1m b")
        self.assertEqual(len(wire.clean("x" * 5000)), 2000)
