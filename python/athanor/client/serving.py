"""A model of one's own, answering by the Open Inference Protocol v2 (REST).

    from athanor.client import serving

    serving.serve("yields", predict, port=8000)

predict takes a dictionary with a list to each input tensor (numbers, texts, or lists for a composition) and returns one with a list of
numbers to each objective, an element to a point. A campaign asks it under http://127.0.0.1:8000 and the model's name.
"""
import json
import math
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

__all__ = ["serve", "start"]

MAX_BYTES = 16 << 20


class BadRequest(Exception):
    """What is wrong with a request."""


def start(name, predict, host="127.0.0.1", port=0):
    """Serves in a thread and returns the server: `server_address` says where, `shutdown()` ends it. Port 0 takes a free one."""
    server = ThreadingHTTPServer((host, port), _handler(name, predict))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def serve(name, predict, host="127.0.0.1", port=8000):
    """Serves until it is interrupted."""
    server = ThreadingHTTPServer((host, port), _handler(name, predict))
    try:
        server.serve_forever()
    finally:
        server.server_close()


def _points(request):
    """The inputs of a request, by name, and how many points it asks for."""
    inputs, n = {}, None
    if not isinstance(request, dict) or not isinstance(request.get("inputs"), list) or not request["inputs"]:
        raise BadRequest("a request has a list of inputs")
    for t in request["inputs"]:
        try:
            name, shape, data = t["name"], [int(d) for d in t["shape"]], t["data"]
        except (TypeError, KeyError, ValueError):
            raise BadRequest("an input has a name, a shape and data") from None
        flat = _flat(data)
        if not shape or math.prod(shape) != len(flat) or n not in (None, shape[0]):
            raise BadRequest(f"input {name!r} has {len(flat)} elements and the shape {shape}; all inputs have a row to a point")
        n = shape[0]
        width = len(flat) // n if n else 1
        inputs[name] = flat if width == 1 else [flat[i * width:(i + 1) * width] for i in range(n)]
    return inputs, n


def _flat(data):
    if not isinstance(data, list):
        raise BadRequest("data is a list")
    return [x for row in data for x in _flat(row)] if data and isinstance(data[0], list) else data


def _handler(name, predict):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def answer(self, status, body):
            b = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(b)))
            self.end_headers()
            self.wfile.write(b)

        def do_GET(self):
            if self.path in ("/v2/health/live", "/v2/health/ready", f"/v2/models/{name}/ready"):
                self.answer(200, {"ready": True, "live": True})
            elif self.path == f"/v2/models/{name}":
                self.answer(200, {"name": name, "versions": ["1"], "platform": "athanor", "inputs": [], "outputs": []})
            else:
                self.answer(404, {"error": f"there is no {self.path}; this server has the model {name}"})

        def do_POST(self):
            length = int(self.headers.get("Content-Length") or 0)
            if length > MAX_BYTES:
                self.close_connection = True
                return self.answer(413, {"error": f"a request has at most {MAX_BYTES} bytes"})
            body = self.rfile.read(length)
            if self.path not in (f"/v2/models/{name}/infer", f"/v2/models/{name}/versions/1/infer"):
                return self.answer(404, {"error": f"there is no {self.path}; this server has the model {name}"})
            try:
                request = json.loads(body)
                inputs, n = _points(request)
                outputs = []
                for objective, values in predict(inputs).items():
                    values = [float(v) for v in values]
                    if len(values) != n or not all(map(math.isfinite, values)):
                        return self.answer(500, {"error": f"the model gave {len(values)} numbers for {n} points, or one that is not finite"})
                    outputs.append({"name": objective, "shape": [n, 1], "datatype": "FP64", "data": values})
            except (BadRequest, ValueError, KeyError) as e:
                return self.answer(400, {"error": f"{type(e).__name__}: {e}"})
            self.answer(200, {"model_name": name, "model_version": "1", "id": request.get("id", ""), "outputs": outputs})

    return Handler
