# run.sh WORK PROGRAM: simulate PROGRAM. GVSoC works in WORK and finds data/ there.
mkdir -p "$1"
ln -sfn "$PWD/data" "$1/data"
gvsoc --target=pulp-open --work-dir="$1" --binary="$PWD/$2" image flash run 2> "$1/errors"
status=$?
cat "$1/errors" >&2
# its own status is 1 whatever the program's was; the program's is in its message
said=$(sed -n 's/.*(exitcode: \([0-9]*\)).*/\1/p' "$1/errors")
exit "${said:-$status}"
