#!/bin/sh
# Installs what some tests run, from Debian's (or Ubuntu's) packages:
#
#   chromium      opens the report of a simulation, as its reader would
#   prometheus    promtool, which reads the alerts and the metrics as Prometheus would
#   buildah       builds and runs the image, without a Docker engine
#   mmdebstrap    makes the base of that image, without a registry
#
# It changes nothing when they are there already, and never fails: tests whose tool is missing are skipped and say so.
set -u

wanted=""
command -v chromium >/dev/null 2>&1 || wanted="$wanted chromium"
command -v promtool >/dev/null 2>&1 || wanted="$wanted prometheus"
command -v buildah >/dev/null 2>&1 || wanted="$wanted buildah"
command -v mmdebstrap >/dev/null 2>&1 || wanted="$wanted mmdebstrap"
[ -z "$wanted" ] && exit 0

skip() {
    echo "not installed:$wanted ($1); the tests that want them are skipped"
    exit 0
}

command -v apt-get >/dev/null 2>&1 || skip "no apt-get here"
if [ "$(id -u)" -eq 0 ]; then
    as_root=""
elif sudo -n true 2>/dev/null; then
    as_root="sudo -n"
else
    skip "this needs root"
fi

echo "installing$wanted for the tests"
export DEBIAN_FRONTEND=noninteractive
log="$(mktemp)"
# The service that comes with Debian's prometheus is not wanted: only promtool is.
# shellcheck disable=SC2086
if $as_root apt-get update -qq >"$log" 2>&1 \
    && $as_root env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends $wanted >>"$log" 2>&1; then
    rm -f "$log"
else
    skip "apt-get failed; see $log"
fi
