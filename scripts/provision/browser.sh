# Sourced by provision.sh. Provides .cache/chromium/chromium, a headless Chromium for the test of the status page.

chromium_version=153.0.0
chromium_sha512=jiGWqSvPMdu4+P9TilYqAR7yEGPEHINx+lCvE/NqNO/EHYzF/x1hUiI5T6ioVIt7dEy7n88byyT0vk+dnsgQwA==

# On Linux x86-64 it comes from an npm package that needs no root: MIT, with fonts, and the libraries that a bare system
# lacks. Elsewhere, Debian's is used.
browser() {
  if [ "$(uname -sm)" != 'Linux x86_64' ]; then debian_chromium; return; fi
  folder=chromium-$chromium_version
  if [ ! -x "$cache/$folder/chromium" ]; then
    say "fetching Chromium from the npm registry"
    need openssl openssl
    install_needed
    new_folder
    (
      cd "$new"
      npm pack --silent "@sparticuz/chromium@$chromium_version" >/dev/null
      [ "$(openssl dgst -sha512 -binary ./*.tgz | openssl base64 -A)" = "$chromium_sha512" ] || fail "@sparticuz/chromium@$chromium_version does not match the pinned checksum"
      tar -xzf ./*.tgz --no-same-owner package/bin
      unbrotli package/bin/chromium.br >headless-shell
      unbrotli package/bin/fonts.tar.br | tar -x --no-same-owner
      unbrotli package/bin/al2023.tar.br | tar -x --no-same-owner
      rm -r package ./*.tgz
      chmod +x headless-shell
      chromium_start >chromium
      chmod +x chromium
    )
    in_place "$folder"
  fi
  chromium_fonts "$cache/$folder" >"$cache/$folder/fonts.conf"
  link "$folder" chromium
}

debian_chromium() {
  need chromium chromium
  install_needed
  link_to "$(dirname "$(type -P chromium)")" chromium
}

unbrotli() { node -e 'const fs = require("node:fs"); process.stdout.write(require("node:zlib").brotliDecompressSync(fs.readFileSync(process.argv[1])))' "$1"; }

# Only these fonts, so that screenshots are the same everywhere.
chromium_fonts() { printf '<?xml version="1.0"?>\n<fontconfig><dir>%s</dir><cachedir>%s</cachedir></fontconfig>\n' "$1/fonts" "$1/font-cache"; }

chromium_start() {
  cat <<'END'
#!/bin/sh
# Starts Chromium with its own fonts, and with its own libraries where the system lacks them.
here=$(dirname "$(readlink -f "$0")")
if ldd "$here/headless-shell" | grep -q 'not found'; then export LD_LIBRARY_PATH="$here/lib"; fi
FONTCONFIG_FILE="$here/fonts.conf" exec "$here/headless-shell" "$@"
END
}
