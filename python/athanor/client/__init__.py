"""The laboratory's data in one line.

    from athanor import client

    client.frame("http://127.0.0.1:8080")                            # a row to an experiment
    client.frame("http://127.0.0.1:8080", "measurements")            # any table of the export
    client.frame("http://127.0.0.1:8080", campaign="cmp_0199c0de-…")  # a typed column to each parameter and objective
    client.frame("exports/today")                                    # an export on disk

A frame is polars' when polars is installed, else pandas'; engine="pandas" asks for one. `rows` needs neither: it gives dictionaries.

From a laboratory, a snapshot is made first and kept in a cache by its hash: the same record is downloaded once, every file is held
to the hash that the snapshot's manifest says, and a download that was broken off goes on. `frame(…).attrs["snapshot"]` (pandas), and
`export(…).snapshot`, name what was read: with that name anybody can get the same bytes again.
"""
import hashlib
import json
import os
import pathlib
import time
import urllib.error
import urllib.parse
import urllib.request

__all__ = ["Export", "LaboratoryError", "export", "frame", "rows"]

TIMEOUT_S = 60


class LaboratoryError(Exception):
    """What the laboratory answered when it said no."""


class Export:
    """A folder of an export: its files are those of its manifest."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        try:
            self.manifest = json.loads((self.folder / "manifest.json").read_text())
        except FileNotFoundError:
            raise LaboratoryError(f"{folder} is no export: it has no manifest.json") from None
        self.format = self.manifest.get("format", "")
        self.snapshot = self.manifest.get("of", "")

    def tables(self):
        """The names of the tables that it has rows of."""
        return sorted(pathlib.PurePosixPath(f["path"]).stem for f in self.manifest["files"] if f["path"].startswith("tables/") and f["rows"])

    def path(self, table="experiments", campaign=None):
        """The file of a table, or of a campaign's rows."""
        want = f"campaigns/{campaign}.parquet" if campaign else f"tables/{table}.{self.format}"
        if not any(f["path"] == want for f in self.manifest["files"]):
            raise LaboratoryError(f"{self.folder} has no {want}; its tables are {', '.join(self.tables())}")
        return self.folder / want


def frame(source, table="experiments", *, campaign=None, engine=None, **selection):
    """A table as a frame. source is a laboratory's address or the folder of an export; selection is that of `export`."""
    polars, pandas = _engine(engine)
    e = _open(source, "parquet", **({"campaigns": [campaign]} if campaign else {}), **selection)
    path = e.path(table, campaign)
    if e.format == "parquet":
        f = polars.read_parquet(path) if polars else pandas.read_parquet(path)
    elif e.format == "jsonl":
        f = polars.read_ndjson(path) if polars else pandas.read_json(path, lines=True)
    else:
        f = polars.read_csv(path) if polars else pandas.read_csv(path)
    if not polars:
        f.attrs["snapshot"] = e.snapshot
    return f


def rows(source, table="experiments", **selection):
    """A table as dictionaries, by nothing but Python itself."""
    e = _open(source, "jsonl", **selection)
    if e.format != "jsonl":
        raise LaboratoryError(f"{source} is an export as {e.format}; rows are read from one as jsonl")
    with e.path(table).open() as f:
        return [json.loads(line) for line in f]


def export(url, format="parquet", *, campaigns=None, as_of=None, access="internal", only_licenses=None, distinct=False, cache=None):
    """Has the laboratory at url make a snapshot and write it in a format, downloads it into the cache and returns it as an `Export`."""
    ask = {"access": access, "exports": [format], "distinct": distinct}
    ask.update({k: v for k, v in {"campaigns": campaigns, "as_of": as_of, "only_licenses": only_licenses}.items() if v})
    work = _json(url, "/snapshots", ask)
    while work["state"] != "done":
        time.sleep(0.2)
        work = _json(url, "/snapshots/work/" + work["id"])
    folder = pathlib.Path(cache or _cache()) / f"{work['snapshot']}-{format}"
    return _download(url, work["snapshot"], format, folder)


def _open(source, format, **selection):
    if str(source).startswith(("http://", "https://")):
        return export(source, format, **selection)
    if selection.pop("campaigns", None) and selection:
        raise LaboratoryError("an export on disk is what it is: a selection is made when it is exported")
    return Export(source)


def _engine(name):
    polars = pandas = None
    if name in (None, "polars"):
        try:
            import polars
        except ImportError:
            if name:
                raise
    if polars is None:
        try:
            import pandas
        except ImportError:
            raise LaboratoryError("a frame needs polars, or pandas with pyarrow: install one, or use rows()") from None
    return polars, pandas


def _cache():
    return pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "athanor"


def _send(url, path, body=None, headers=None):
    request = urllib.request.Request(url.rstrip("/") + "/api/v1" + path, headers=headers or {})
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("Content-Type", "application/json")
    token = os.environ.get("ATHANOR_TOKEN")
    if token:
        request.add_header("Authorization", "Bearer " + token)
    try:
        return urllib.request.urlopen(request, timeout=TIMEOUT_S)
    except urllib.error.HTTPError as e:
        try:
            problem = json.loads(e.read())
            said = problem.get("detail") or problem.get("title")
            said += "".join(f"; {x.get('path', '')} {x.get('wrong', x.get('message', ''))}" for x in problem.get("errors") or [])
        except ValueError:
            said = f"{e.code} {e.reason}"
        raise LaboratoryError(said) from None
    except urllib.error.URLError as e:
        raise LaboratoryError(f"no laboratory answers at {url} ({e.reason}); start one with athanor up") from None


def _json(url, path, body=None):
    with _send(url, path, body) as answer:
        return json.load(answer)


def _download(url, snapshot, format, folder):
    if (folder / "manifest.json").exists():
        return Export(folder)
    with _send(url, f"/snapshots/{snapshot}/file?format={format}") as answer:
        manifest = answer.read()
    for f in json.loads(manifest)["files"]:
        path = pathlib.PurePosixPath(f["path"])
        if path.is_absolute() or ".." in path.parts:
            raise LaboratoryError(f"the manifest names {f['path']}, which is not inside the folder")
        _fetch(url, snapshot, format, f, folder / path)
    (folder / "manifest.json.part").write_bytes(manifest)
    (folder / "manifest.json.part").rename(folder / "manifest.json")  # last: what has one is whole
    return Export(folder)


def _fetch(url, snapshot, format, f, to):
    """One file, from where an earlier try got to; what does not have its hash in the end is removed."""
    to.parent.mkdir(parents=True, exist_ok=True)
    have = to.stat().st_size if to.exists() else 0
    if have > f["bytes"]:
        to.unlink()
        have = 0
    if have < f["bytes"] or not to.exists():
        query = urllib.parse.urlencode({"format": format, "path": f["path"]})
        headers = {"Range": f"bytes={have}-"} if have else {}
        with _send(url, f"/snapshots/{snapshot}/file?{query}", headers=headers) as answer, to.open("ab" if answer.status == 206 else "wb") as out:
            while block := answer.read(1 << 20):
                out.write(block)
    got = hashlib.sha256(to.read_bytes()).hexdigest()
    if got != f["sha256"]:
        to.unlink()
        raise LaboratoryError(f"{f['path']} arrived with the hash {got}, its manifest says {f['sha256']}: try again")
