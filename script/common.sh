# What the scripts share. Sourced, never run; it leaves the caller in the repository root.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Another clone, or another build folder of this one, finds what was compiled before.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1

say() { printf '\n== %s\n' "$*"; }
die() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 2
}

# Prints the comment at the head of the script that was called.
usage() { sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$1" | sed '/^set -/d'; }

# How many compilers at once: one a core, but only as many as memory holds. A file
# that includes Asio takes up to 1.5 GB.
jobs_that_fit() {
  local cores memory
  cores=$(nproc)
  memory=$(awk '/^MemAvailable:/ {print int($2 / 1572864)}' /proc/meminfo)
  if ((memory < 1)); then memory=1; fi
  if ((memory < cores)); then echo "$memory"; else echo "$cores"; fi
}
