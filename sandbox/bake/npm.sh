# FOLDER yes|no PROGRAM PACKAGE SPEC…: installs the SPECs into FOLDER, makes FOLDER/run
# start PROGRAM, or the program of PACKAGE that npx would start, and writes FOLDER as
# a tar to standard output. What is said goes to standard error.
set -eu
exec 3>&1 >&2 </dev/null
umask 022
folder=$1 scripts=$2 program=$3 package=$4
shift 4
quiet=true
[ "$scripts" = yes ] && quiet=false
cd "$folder"
npm install --prefix="$folder" --cache=/tmp/npm --ignore-scripts="$quiet" --omit=dev \
  --audit=false --fund=false --update-notifier=false --progress=false --logs-max=0 --loglevel=error \
  --fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=10000 -- "$@"
node -e '
const fs = require("fs"), path = require("path");
const [folder, program, name] = process.argv.slice(1);
const bins = path.join(folder, "node_modules", ".bin");
const fail = (why) => { console.error(why); process.exit(1); };
let start = program;
if (!start) {
  const made = JSON.parse(fs.readFileSync(path.join(folder, "node_modules", name, "package.json"), "utf8"));
  const short = name.replace(/^@[^/]+\//, "");
  const bin = typeof made.bin === "string" ? { [short]: made.bin } : made.bin || {};
  const names = Object.keys(bin);
  if (new Set(Object.values(bin)).size === 1) start = path.basename(names[0]);
  else if (Object.hasOwn(bin, short)) start = short;
  else fail(`package ${name} has ${names.length ? "several programs: " + names.join(", ") : "no program"}`);
}
if (!/^[A-Za-z0-9_][A-Za-z0-9._-]*$/.test(start)) fail(`the program ${JSON.stringify(start)} has no proper name`);
if (!fs.existsSync(path.join(bins, start))) fail(`there is no program ${start} in what was installed`);
fs.writeFileSync(path.join(folder, "run"), `#!/bin/sh
export PATH="${bins}:$PATH"
exec "${bins}/${start}" "$@"
`, { mode: 0o755 });
' "$folder" "$program" "$package"
tar -cf - -C / "${folder#/}" >&3
