# Sourced by provision.sh. Provides .cache/kubernetes: the API server and etcd, built with Go, and the definitions of the
# Prometheus operator's resources. All of it is Apache-2.0.

kubernetes_version=1.35.4 prometheus_operator_version=0.85.0

kubernetes() {
  command -v go >/dev/null || fail 'the API server of Kubernetes is built with Go 1.25 or newer: install it'
  cached "kubernetes-$kubernetes_version" kubernetes \
    "building the API server of Kubernetes $kubernetes_version with Go, which takes up to 15 minutes" kubernetes_files
}

kubernetes_files() {
  { api_server && operator_definitions; } >"$cache/kubernetes.log" 2>&1 ||
    fail "cannot build Kubernetes, see $cache/kubernetes.log: $(tail -1 "$cache/kubernetes.log")"
}

# `go install` rejects a module that replaces others with local folders, as Kubernetes does. So this generates a module
# that replaces them with their published versions.
api_server() {
  published=$(go_module "k8s.io/kubernetes@v$kubernetes_version" GoMod) &&
    printf 'module api-server\n\ngo 1.25.0\n\nrequire k8s.io/kubernetes v%s\n\n' "$kubernetes_version" >go.mod &&
    sed -n "s#^\t\(k8s.io/[a-z-]*\) => ./staging.*#replace \1 => \1 v0.${kubernetes_version#1.}#p" "$published" >>go.mod &&
    CGO_ENABLED=0 go build -mod=mod -trimpath -ldflags "-s -w -X k8s.io/component-base/version.gitVersion=v$kubernetes_version" \
      -o . k8s.io/kubernetes/cmd/kube-apiserver go.etcd.io/etcd/server/v3 &&
    mv server etcd
}

operator_definitions() {
  module=$(go_module "github.com/prometheus-operator/prometheus-operator@v$prometheus_operator_version" Dir) && mkdir definitions &&
    install -m 644 "$module"/example/prometheus-operator-crd/monitoring.coreos.com_{podmonitors,prometheusrules}.yaml definitions
}

# go_module MODULE FIELD: downloads the module and prints the field GoMod or Dir.
go_module() { (cd / && go mod download -json "$1") | sed -n "s/^\t\"$2\": \"\(.*\)\",*$/\1/p"; }
