#!/bin/sh
#
# Copyright (C) the ngx_http_push_module authors
#
# Makes `perl -MTest::Nginx -e1` work, which the suites in t/ need.
#
# In order: nothing to do; the distribution's own package; on a Debian that
# does not have it yet, the two pure Perl packages of sid, fetched through
# private package lists (the machine's own lists and preferences stay as they
# are, and nothing else is upgraded); CPAN.  Says what is missing otherwise.
#
# Works as root, or as a user with sudo.  A second run needs no network.

set -u

have() {
    perl -MTest::Nginx -MTest::Nginx::Socket -e1 >/dev/null 2>&1
}

say() {
    echo "install-test-nginx: $*" >&2
}

if have; then
    exit 0
fi

if ! command -v perl >/dev/null 2>&1; then
    say "perl is missing (Debian: the package \"perl\")"
    exit 1
fi

if [ "$(id -u)" = 0 ]; then
    root=
elif command -v sudo >/dev/null 2>&1; then
    root=sudo
else
    root=none
fi

as_root() {
    $root env DEBIAN_FRONTEND=noninteractive "$@"
}

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# apt-get gives downloads to a user of its own, who must be able to look in
chmod 755 "$work"

log=$work/log
: > "$log"


from_distribution() {
    apt-cache policy libtest-nginx-perl 2>/dev/null \
        | grep 'Candidate: [0-9]' >/dev/null || return 1
    as_root apt-get install -y --no-install-recommends libtest-nginx-perl \
        >>"$log" 2>&1
}


# the mirrors that this machine's apt already uses for its main archive

mirrors() {
    apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT)' \
        'Created-By: Packages' 2>/dev/null \
        | awk '$3 == "main" && $2 !~ /security/ { print $1 }' | sort -u
}


# apt-get with lists and cache in the scratch folder, and no preferences

private_apt() {
    apt-get -o Dir::Etc::SourceList="$work/sources.list" \
            -o Dir::Etc::SourceParts=- \
            -o Dir::Etc::Preferences=/dev/null \
            -o Dir::Etc::PreferencesParts=- \
            -o Dir::State::Lists="$work/lists" \
            -o Dir::Cache="$work/cache" \
            -o APT::Sandbox::User="$(id -un)" \
            -o APT::Get::List-Cleanup=0 \
            -o Acquire::Languages=none \
            -o Acquire::Check-Valid-Until=false \
            "$@"
}


from_sid() {
    command -v apt-get >/dev/null 2>&1 || return 1

    for uri in $(mirrors); do
        mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
        echo "deb $uri sid main" > "$work/sources.list"

        private_apt update >>"$log" 2>&1 || continue

        ( cd "$work" && private_apt download libtest-nginx-perl \
                            libprotocol-websocket-perl ) \
            >>"$log" 2>&1 || continue

        as_root apt-get install -y --no-install-recommends \
            "$work"/libtest-nginx-perl_*.deb \
            "$work"/libprotocol-websocket-perl_*.deb >>"$log" 2>&1 && return 0

        # the other dependencies come from the machine's own lists, which
        # a fresh machine may not have fetched yet

        as_root apt-get update >>"$log" 2>&1
        as_root apt-get install -y --no-install-recommends \
            "$work"/libtest-nginx-perl_*.deb \
            "$work"/libprotocol-websocket-perl_*.deb >>"$log" 2>&1 && return 0
    done

    return 1
}


from_cpan() {
    command -v cpanm >/dev/null 2>&1 || return 1
    as_root cpanm --notest Test::Nginx >>"$log" 2>&1
}


if [ "$root" = none ]; then
    say "Test::Nginx is missing, and installing it needs root or sudo"
    exit 1
fi

for way in from_distribution from_sid from_cpan; do
    if $way && have; then
        exit 0
    fi
done

cat "$log" >&2
say "cannot install Test::Nginx: neither this distribution's packages, nor"
say "Debian sid's libtest-nginx-perl through apt, nor \"cpanm Test::Nginx\""
say "worked (their output is above); install it by hand and run this again"
exit 1
