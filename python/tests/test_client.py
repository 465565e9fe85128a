"""The client downloads what the manifest says, goes on where it was broken off, and serves models by the protocol."""
import hashlib
import json
import os
import pathlib
import re
import tempfile
import threading
import unittest
import urllib.error
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from athanor import client
from athanor.client import serving

ROWS = "".join(json.dumps({"number": i, "yield": i / 2}) + "\n" for i in range(2000)).encode()


class Laboratory(BaseHTTPRequestHandler):
    """As much of a laboratory as the client asks for."""

    spoil = False
    sent = []
    name = "tables/experiments.jsonl"

    def log_message(self, *_):
        pass

    def answer(self, status, body, headers=()):
        self.send_response(status)
        for k, v in headers:
            self.send_header(k, v)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        ask = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if ask.get("campaigns") == ["cmp_none"]:
            return self.answer(404, json.dumps({"title": "Not Found", "detail": "there is no campaign cmp_none"}).encode())
        self.answer(202, json.dumps({"id": "snapshot-1", "state": "reading"}).encode())

    def do_GET(self):
        url = urllib.parse.urlparse(self.path)
        query = urllib.parse.parse_qs(url.query)
        if url.path.endswith("/work/snapshot-1"):
            return self.answer(200, json.dumps({"id": "snapshot-1", "state": "done", "snapshot": "ab"}).encode())
        if "path" not in query:
            files = [{"path": self.name, "sha256": hashlib.sha256(ROWS).hexdigest(), "bytes": len(ROWS), "rows": 2000}]
            return self.answer(200, json.dumps({"of": "ab", "format": "jsonl", "files": files}).encode())
        at = int((re.match(r"bytes=(\d+)-", self.headers.get("Range", "")) or [0, 0])[1])
        body = ROWS[at:]
        type(self).sent.append(len(body))
        if self.spoil:
            body = body[:-2] + b"X\n"
        self.answer(206 if at else 200, body)


class Download(unittest.TestCase):
    def setUp(self):
        self.lab = type("Lab", (Laboratory,), {"sent": []})
        server = ThreadingHTTPServer(("127.0.0.1", 0), self.lab)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.cache = pathlib.Path(folder.name)

    def test_once(self):
        for _ in range(2):
            rows = client.rows(self.url, cache=self.cache)
            self.assertEqual((len(rows), rows[3]["yield"]), (2000, 1.5))
        self.assertEqual(self.lab.sent, [len(ROWS)])

    def test_goes_on(self):
        part = self.cache / "ab-jsonl" / "tables" / "experiments.jsonl"
        part.parent.mkdir(parents=True)
        part.write_bytes(ROWS[:1000])
        self.assertEqual(len(client.rows(self.url, cache=self.cache)), 2000)
        self.assertEqual(self.lab.sent, [len(ROWS) - 1000])

    def test_spoilt(self):
        self.lab.spoil = True
        with self.assertRaisesRegex(client.LaboratoryError, "hash"):
            client.rows(self.url, cache=self.cache)
        self.lab.spoil = False
        self.assertEqual(len(client.rows(self.url, cache=self.cache)), 2000)

    def test_outside(self):
        self.lab.name = "../../outside"
        with self.assertRaisesRegex(client.LaboratoryError, "not inside"):
            client.rows(self.url, cache=self.cache)

    def test_says_why(self):
        with self.assertRaisesRegex(client.LaboratoryError, "no campaign cmp_none"):
            client.rows(self.url, campaigns=["cmp_none"], cache=self.cache)
        with self.assertRaisesRegex(client.LaboratoryError, "no table|has no"):
            client.rows(self.url, "nonsense", cache=self.cache)
        with self.assertRaisesRegex(client.LaboratoryError, "athanor up"):
            client.rows("http://127.0.0.1:1", cache=self.cache)
        with self.assertRaisesRegex(client.LaboratoryError, "no export"):
            client.rows(os.devnull + "x")


class Serving(unittest.TestCase):
    def setUp(self):
        self.server = serving.start("m", lambda x: {"y": [a + len(b) + sum(c) for a, b, c in zip(x["t"], x["base"], x["parts"])]})
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)

    def ask(self, body, path="/v2/models/m/infer"):
        request = urllib.request.Request(f"http://127.0.0.1:{self.server.server_address[1]}{path}", json.dumps(body).encode())
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as e:
            with e:
                return e.code, json.load(e)

    GOOD = {"inputs": [
        {"name": "t", "shape": [2, 1], "datatype": "FP64", "data": [1, 2]},
        {"name": "base", "shape": [2, 1], "datatype": "BYTES", "data": ["a", "bb"]},
        {"name": "parts", "shape": [2, 2], "datatype": "FP64", "data": [0.25, 0.5, 1, 1]},
    ]}

    def test_answers(self):
        status, body = self.ask(self.GOOD)
        self.assertEqual((status, body["outputs"]), (200, [{"name": "y", "shape": [2, 1], "datatype": "FP64", "data": [2.75, 6.0]}]))

    def test_refuses(self):
        for bad in ({}, {"inputs": []}, {"inputs": [{"name": "t"}]}, {"inputs": [{"name": "t", "shape": [3], "data": [1]}]}, [], {"inputs": [{"name": "t", "shape": [1], "data": 1}]},
                    {"inputs": [{"name": "other", "shape": [1], "data": [1]}]}):
            with self.subTest(bad):
                self.assertEqual(self.ask(bad)[0], 400)
        self.assertEqual(self.ask(self.GOOD, "/v2/models/other/infer")[0], 404)


if __name__ == "__main__":
    unittest.main()
