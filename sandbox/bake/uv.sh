# FOLDER yes|no PROGRAM WORD…: has uv install a tool into FOLDER, makes FOLDER/run start
# its PROGRAM, and writes FOLDER as a tar to standard output. What is said goes to
# standard error.
set -eu
exec 3>&1 >&2 </dev/null
umask 022
folder=$1 scripts=$2 program=$3
shift 3
export UV_TOOL_DIR="$folder/tools" UV_TOOL_BIN_DIR="$folder/bin" UV_CACHE_DIR=/tmp/uv
export UV_PYTHON_INSTALL_DIR="$folder/python" UV_PYTHON_DOWNLOADS=never UV_PYTHON_PREFERENCE=system
# At the end the folder can only be read: Python's own cache must be there before.
export UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1 UV_NO_PROGRESS=1
[ "$scripts" = yes ] || export UV_NO_BUILD=1
cd "$folder"
uv tool install "$@"
if ! [ -x "$folder/bin/$program" ]; then
  echo "there is no program $program in what was installed:" && ls "$folder/bin"
  exit 1
fi
cat >"$folder/run" <<END
#!/bin/sh
export PATH="$folder/bin:\$PATH"
exec "$folder/bin/$program" "\$@"
END
chmod 755 "$folder/run"
tar -cf - -C / "${folder#/}" >&3
