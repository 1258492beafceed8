# Sourced by provision.sh. Provides .cache/chromium/chromium, a headless Chromium for the test of the status page.

chromium_version=153.0.0
chromium_sha512=jiGWqSvPMdu4+P9TilYqAR7yEGPEHINx+lCvE/NqNO/EHYzF/x1hUiI5T6ioVIt7dEy7n88byyT0vk+dnsgQwA==

# On Linux x86-64 it comes from an npm package that needs no root: MIT, with fonts, and the libraries that a bare system
# lacks. Elsewhere, Debian's is used.
browser() {
  if [ "$(uname -sm)" = 'Linux x86_64' ]; then
    cached "chromium-$chromium_version" chromium 'fetching Chromium from the npm registry' chromium_files
  else
    need chromium chromium
    install_needed
    link "$(dirname "$(type -P chromium)")" chromium
  fi
}

chromium_files() {
  npm_package "@sparticuz/chromium@$chromium_version" "$chromium_sha512"
  unbrotli chromium.br >headless-shell
  unbrotli fonts.tar.br | tar -x --no-same-owner
  unbrotli al2023.tar.br | tar -x --no-same-owner
  rm -r package
  # Only these fonts, so that screenshots are the same everywhere.
  printf '<?xml version="1.0"?>\n<fontconfig><dir>%s</dir><cachedir>%s</cachedir></fontconfig>\n' \
    "$cache/chromium-$chromium_version"/{fonts,font-cache} >fonts.conf
  cat >chromium <<'START'
#!/bin/sh
# Starts Chromium with its own fonts, and with its own libraries where the system lacks them.
here=$(dirname "$(readlink -f "$0")")
if ldd "$here/headless-shell" | grep -q 'not found'; then export LD_LIBRARY_PATH="$here/lib"; fi
FONTCONFIG_FILE="$here/fonts.conf" exec "$here/headless-shell" "$@"
START
  chmod +x headless-shell chromium
}

unbrotli() { node -e 'const fs = require("node:fs"); process.stdout.write(require("node:zlib").brotliDecompressSync(fs.readFileSync(process.argv[1])))' "package/bin/$1"; }
