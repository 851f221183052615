#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
set -eu
# shellcheck source=tools/test/expect
. "$(dirname "$0")/expect"

# stand-ins: a system that has gcc alone, and the apt-get that is asked
put bin/dpkg-query <<'END'
#!/bin/sh
case $4 in
gcc) printf installed ;;
*) exit 1 ;;
esac
END
put bin/apt-get <<'END'
#!/bin/sh
echo "$*" >>"$APT_CALLS"
END
put bin/id <<'END'
#!/bin/sh
echo 0
END
chmod +x "$tree"/bin/*
export APT_CALLS="$tree/calls"
PATH=$tree/bin:$PATH

"$tools/install-deps" build >"$tree/said"
grep -q 'Installing Debian packages needed to build: .*ninja-build' \
	"$tree/said" || fails 'Installing' cat "$tree/said"
grep -q 'install --no-install-recommends.* cmake' "$APT_CALLS" ||
	fails 'cmake' cat "$APT_CALLS"
if grep -w gcc "$APT_CALLS"; then
	echo "FAILED: it installs what is there"
	failures=$((failures + 1))
fi

# all there: silent, and apt-get is left alone
printf '#!/bin/sh\nprintf installed\n' >"$tree/bin/dpkg-query"
rm "$APT_CALLS"
passes "$tools/install-deps" build test lint
passes test ! -e "$APT_CALLS"

fails 'no group extra' "$tools/install-deps" extra
done_expecting
