#!/bin/bash
# tests/fresh_machine.sh: makes a new Debian in a temporary folder, puts the repository's files there (what is committed
# or could be: nothing that git ignores), and runs the two commands of the README in it, word for word. This finds a
# missing install step. It needs root, git and a Debian mirror, changes nothing outside its folder, and takes a minute.
set -euo pipefail
cd "$(dirname "$0")/.."
suite=bookworm

git() { # also in a clone that belongs to somebody else, as it does in containers
    command git -c safe.directory='*' "$@"
}
skip() {
    echo "SKIPPED: the fresh machine: $*"
    exit 0
}
fenced() { # the first line of the README's code blocks that matches
    awk -v pattern="$1" '/^```/ { within = !within; next } within && $0 ~ pattern { print; exit }' README.md
}

[ "$(id -u)" -eq 0 ] || skip "only root can make one"
git rev-parse --is-inside-work-tree > /dev/null 2>&1 || skip "not a git repository"
command -v apt-get > /dev/null || skip "no apt here"
if ! command -v debootstrap > /dev/null; then
    { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
        debootstrap debian-archive-keyring; } > /dev/null || skip "debootstrap cannot be installed"
fi

# The mirror and the proxy are the ones that this machine's apt uses.
mirror=$(apt-get indextargets --format '$(SITE)' "Codename: $suite" 'Component: main' 2> /dev/null | head -n 1)
mirror=${mirror:-http://deb.debian.org/debian}
proxy=$(apt-config dump --format '%v' Acquire::http::Proxy)
[ -z "$proxy" ] || export http_proxy=$proxy

demo=$(fenced '^apt-get .*make demo$')
tests=$(fenced '^make test$')
[ -n "$demo" ] && [ -n "$tests" ] || { echo "FAILED: README.md lacks the two commands"; exit 1; }

work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
machine=$work/debian
/usr/lib/apt/apt-helper download-file "$mirror/dists/$suite/Release" "$work/Release" > /dev/null 2>&1 ||
    skip "no mirror at $mirror"

run() { # run WHAT COMMAND...: the whole output only where it fails
    echo "== $1"
    shift
    local began=$SECONDS
    if ! "$@" > "$work/log" 2>&1 < /dev/null; then
        tail -n 100 "$work/log"
        echo "FAILED on the fresh machine: $*"
        exit 1
    fi
    tail -n 12 "$work/log"
    echo "== $((SECONDS - began)) s"
}
inside() { # what a user at the root prompt of the new machine would type
    chroot "$machine" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin ${http_proxy:+http_proxy="$http_proxy"} \
        bash -c "cd /srv/lstm_ext && $1"
}

run "debootstrap $suite from $mirror" debootstrap --variant=minbase "$suite" "$machine" "$mirror"
apt-config dump | grep '^Acquire::\(http\|https\|Check\|Retries\)' > "$machine/etc/apt/apt.conf.d/90host" || true
cp /etc/resolv.conf /etc/hosts "$machine/etc/"
mkdir -p "$machine/srv/lstm_ext"
git ls-files -z --cached --others --exclude-standard | tar -c --null --files-from=- | tar -x -C "$machine/srv/lstm_ext"

run "$demo" inside "$demo"
run "$tests" inside "$tests"
echo "fresh machine: both commands passed"
