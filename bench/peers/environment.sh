# Sourced by the scripts beside it: makes the virtual environment of
# requirements.txt where it is missing or old, and has packages use one thread.
# `unpack FOLDER` and `pack FOLDER` are for traces, which are kept compressed.
venv=${PEERS_VENV:-$here/.venv}
athanor=${ATHANOR:-$here/../../bin/athanor}

if [ ! -x "$venv/bin/python" ] || ! cmp -s "$here/requirements.txt" "$venv/requirements.txt"; then
	python3 -m venv "$venv"
	"$venv/bin/pip" install --quiet --only-binary :all: --no-deps -r "$here/requirements.txt"
	cp "$here/requirements.txt" "$venv/requirements.txt"
fi
export OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1

# Runs share the folder and packing has it alone, also that of a run that was
# killed: what it had begun goes on, and holds the lock.
unpack() {
	mkdir -p "$1"
	exec 9>"$1/.lock"
	flock 9
	for packed in "$1"/*.jsonl.gz; do
		# A plain file beside it is of a run that was stopped, and has more.
		[ ! -e "$packed" ] || [ -e "${packed%.gz}" ] || gunzip --keep "$packed"
	done
	flock --shared 9
}

pack() {
	flock 9
	for plain in "$1"/*.jsonl; do
		[ ! -e "$plain" ] || gzip --force --best --no-name "$plain"
	done
}
