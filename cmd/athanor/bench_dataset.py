"""What others make of the bench's table. One line of JSON in, one out.

Loads the table from CSV into DuckDB's memory, writes it as Parquet as often as
it is asked, and compares Parquet files with it by DuckDB, pyarrow and polars.
"""
import json, os, resource, sys, time

def cpu():
    r = resource.getrusage(resource.RUSAGE_SELF)
    return r.ru_utime + r.ru_stime

def answer(**fields):
    print(json.dumps(fields), flush=True)

def module(name):
    try:
        return __import__(name)
    except ImportError:
        return None

duckdb, pyarrow, polars = module("duckdb"), module("pyarrow"), module("polars")
answer(**{m.__name__: m.__version__ for m in (duckdb, pyarrow, polars) if m})
if duckdb is None:
    sys.exit(0)
con = duckdb.connect()
con.execute("SET threads = 1; SET enable_progress_bar = false")

def differing(relation):
    """Rows of one that the other has not, counted with their repetitions."""
    con.register("other", relation) if not isinstance(relation, str) else None
    name = relation if isinstance(relation, str) else "other"
    columns = ", ".join(c[0] for c in con.execute("DESCRIBE t").fetchall())
    q = "SELECT count(*) FROM (SELECT %s FROM %s EXCEPT ALL SELECT %s FROM %s)"
    n = sum(con.execute(q % (columns, a, columns, b)).fetchall()[0][0] for a, b in ((name, "t"), ("t", name)))
    return n

for line in sys.stdin:
    ask = json.loads(line)
    if ask["do"] == "load":
        columns = ", ".join("'%s': '%s'" % tuple(c) for c in ask["columns"])
        con.execute("CREATE TABLE t AS SELECT * FROM read_csv('%s', header = true, nullstr = '', columns = {%s})" % (ask["path"], columns))
        answer(rows=con.execute("SELECT count(*) FROM t").fetchall()[0][0])
    elif ask["do"] == "write":
        began, used = time.time(), cpu()
        con.execute("COPY t TO '%s' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 3)" % ask["path"])
        answer(cpu_s=cpu() - used, wall_s=time.time() - began, bytes=os.path.getsize(ask["path"]))
    elif ask["do"] == "compare":
        out = {"duckdb": differing("read_parquet('%s')" % ask["path"])}
        if pyarrow:
            import pyarrow.parquet
            out["pyarrow"] = differing(pyarrow.parquet.read_table(ask["path"]))
        if polars and pyarrow:
            out["polars"] = differing(polars.read_parquet(ask["path"]).to_arrow())
        answer(differing=out)
