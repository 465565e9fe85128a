"""Reads every export under a folder with the tools that people use, and fails where one complains.

    validate.py DIR [FORMAT …]
"""

import json
import pathlib
import random
import subprocess
import sys
import warnings

import datasets
import polars
import pyarrow.parquet
import yaml

root = pathlib.Path(sys.argv[1])
wanted = sys.argv[2:]
datasets.disable_progress_bars()


def head(folder):
    text = (folder / "README.md").read_text()
    return yaml.safe_load(text.split("---\n")[1])


def check(ok, *what):
    if not ok:
        sys.exit("validate: " + " ".join(map(str, what)))


def load_all(folder):
    """Every configuration of the card, and every JSON Lines or CSV file of it in any order of lines and files."""
    manifest = {f["path"]: f for f in json.loads((folder / "manifest.json").read_text())["files"]}
    n = 0
    for config in head(folder)["configs"]:
        data = datasets.load_dataset(str(folder), config["config_name"])
        rows = sum(manifest[f["path"]].get("rows", 0) for f in config["data_files"])
        check(sum(d.num_rows for d in data.values()) == rows, folder, config["config_name"], "rows")
        files = [folder / f["path"] for f in config["data_files"]]
        if files[0].suffix == ".jsonl":
            want = next(iter(data.values())).features
            for seed in range(3):
                shuffled = []
                for i, file in enumerate(files):
                    lines = file.read_text().splitlines()
                    random.Random(seed).shuffle(lines)
                    half = len(lines) // 2 or 1
                    for j, part in enumerate((lines[:half], lines[half:])):
                        if part:
                            to = root / "shuffled" / str(seed) / f"{folder.name}-{config['config_name']}-{i}-{j}.jsonl"
                            to.parent.mkdir(parents=True, exist_ok=True)
                            to.write_text("\n".join(part) + "\n")
                            shuffled.append(str(to))
                random.Random(seed).shuffle(shuffled)
                again = datasets.load_dataset("json", data_files=shuffled, split="train")
                check(again.num_rows == rows, folder, config["config_name"], "shuffled rows", again.num_rows, rows)
                check(set(again.features) == set(want), folder, config["config_name"], "features differ when shuffled")
        n += 1
    return n


def parquet(folder):
    for file in sorted(folder.rglob("*.parquet")):
        f = pyarrow.parquet.ParquetFile(file)
        check(b"units" in f.schema_arrow.metadata, file, "has no units in its metadata")
        a, p = f.read(), polars.read_parquet(file)
        check(a.num_rows == p.height, file, "pyarrow and polars disagree")
        for name in a.schema.names:
            if str(a.schema.field(name).type) == "double":
                left, right = a[name].to_pandas().sum(), p[name].sum()
                check(abs(left - right) <= 1e-9 * max(1.0, abs(left)), file, name, "sums differ")


def croissant(folder):
    import mlcroissant

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        data = mlcroissant.Dataset(jsonld=str(folder / "croissant.json"))
    report = data.metadata.ctx.issues.report()
    check(not report, "mlcroissant:", report)
    sizes = {t["@id"]: 0 for t in json.loads((folder / "croissant.json").read_text())["recordSet"]}
    for name in sizes:
        if name == "parts":
            continue
        for record in data.records(name):
            sizes[name] += 1
            if sizes[name] >= 10:
                break
    check(sizes["experiments"] == 10 and sizes["measurements"] == 10, "mlcroissant loads", sizes)
    # A changed byte must not go unseen.
    spoilt = root / "spoilt"
    subprocess.run(["cp", "-r", str(folder), str(spoilt)], check=True)
    file = spoilt / "tables" / "measurements.parquet"
    b = bytearray(file.read_bytes())
    b[len(b) // 2] ^= 1
    file.write_bytes(bytes(b))
    try:
        next(iter(mlcroissant.Dataset(jsonld=str(spoilt / "croissant.json")).records("measurements")))
    except Exception:
        return
    check(False, "mlcroissant did not see a changed byte")


class Library:
    """In the place of the network: the one document that the validator asks for, as the package rocrate has it."""

    def __init__(self):
        import rocrate

        self.text = (pathlib.Path(rocrate.__file__).parent / "data" / "ro-crate.jsonld").read_text()

    def get(self, url, **_):
        import requests

        answer = requests.Response()
        answer.url = url
        answer.status_code = 200 if url.rstrip("/") == "https://w3id.org/ro/crate/1.1/context" else 404
        answer._content = self.text.encode() if answer.status_code == 200 else b""
        answer.headers["Content-Type"] = "application/ld+json"
        return answer

    head = get


def crate(folder):
    from rocrate_validator import models, services
    from rocrate_validator.utils.http import HttpRequester

    for profile in ("ro-crate-1.1", "process-run-crate-0.5"):
        settings = services.ValidationSettings(
            rocrate_uri=str(folder), profile_identifier=profile, requirement_severity=models.Severity.RECOMMENDED, offline=True,
        )
        HttpRequester().session = Library()
        result = services.validate(settings)
        issues = [f"{i.check.identifier}: {i.message}" for i in result.get_issues()]
        check(not issues, "rocrate-validator", profile, "\n".join(issues[:20]))


def notebook(folder):
    """Runs the example, cell by cell, on an export: with polars and with pandas."""
    import os

    house = pathlib.Path(__file__).resolve().parents[3]
    sys.path.insert(0, str(house / "python"))
    from athanor import client

    for engine in ("polars", "pandas"):
        check(len(client.frame(folder, engine=engine)) == len(client.frame(folder, "experiments")), engine)
    os.environ.update(ATHANOR_SOURCE=str(folder), ATHANOR_PORT="0")
    cells = json.loads((house / "examples/notebooks/train-and-serve.ipynb").read_text())["cells"]
    names = {}
    for cell in cells:
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), "train-and-serve.ipynb", "exec"), names)
    y, got = names["seen"][names["best"]], names["answer"]["outputs"][0]["data"][0]
    check(abs(y - got) < 60, "the notebook's model predicts", got, "where", y, "was seen")
    names["server"].shutdown()


for folder in sorted(p for p in root.iterdir() if p.is_dir() and (not wanted or p.name in wanted)):
    if not (folder / "manifest.json").exists():
        continue
    print(folder.name, load_all(folder), "configurations", flush=True)
    if folder.name in ("parquet", "hf", "croissant"):
        parquet(folder)
    if folder.name == "parquet":
        notebook(folder)
    if folder.name == "croissant":
        croissant(folder)
    if folder.name == "rocrate":
        crate(folder)
print("all read")
