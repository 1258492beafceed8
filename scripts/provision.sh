#!/usr/bin/env bash
# Installs what the targets of the Makefile need, and prints each step; silent if nothing is missing.
# Downloads go to a cache shared by all checkouts; .cache/ in the checkout holds links to it.
# usage: provision.sh demo|test|image|kubernetes
set -euo pipefail
cd "$(dirname "$0")/.."

root=$PWD cache=${XDG_CACHE_HOME:-$HOME/.cache}/polaris-connector
node_version=$(<.nvmrc) npm_version=11.19.1 versitygw_version=1.8.0 moto_version=5.2.5
kafka_pom=$root/test/support/servers/kafka/pom.xml
kafka_version=${KAFKA_VERSION:-$(sed -n 's|.*<kafka.version>\(.*\)</kafka.version>.*|\1|p' "$kafka_pom")}

. scripts/provision/chart-tools.sh
. scripts/provision/kubernetes.sh
. scripts/provision/containers.sh
. scripts/provision/compose-images.sh
. scripts/provision/browser.sh
. scripts/provision/subscribers.sh

main() {
  mkdir -p "$cache" .cache
  # A second run waits for the first. Without flock, both may download the same.
  ! command -v flock >/dev/null || { exec 9>"$cache/lock" && flock 9; }
  PATH=$PWD/.cache/bin:$PATH
  case ${1:-} in
    demo) for_demo ;;
    image) for_tests; helm_binaries; promtool_binary; containers ;;
    test) for_tests ;;
    kubernetes) for_kubernetes ;;
    *) sed -n '2,4s/^# //p' "$0" >&2; exit 2 ;;
  esac
}

for_demo() {
  need npm npm
  need java default-jre-headless
  [ -d "$cache/kafka-$kafka_version" ] || need mvn maven
  install_needed
  node_runtime
  npm_dependencies
  cached "kafka-$kafka_version" kafka "fetching Apache Kafka $kafka_version from Maven Central" kafka_jars
}

for_tests() {
  need openssl openssl
  need_venv
  need javac default-jdk-headless
  for_demo
  kafka_class_archive
  s3_server
  browser
  python_packages python-client $(<contract/consumers/python/requirements.txt)
  subscribers
}

for_kubernetes() {
  need npm npm
  need openssl openssl
  need python3 python3
  install_needed
  node_runtime
  npm_dependencies
  helm_binaries
  kubernetes
}

say() { echo "provision: $*"; }
fail() { echo "provision: $*" >&2; exit 1; }

missing=() packages=()

# need COMMAND PACKAGE: marks the Debian package for install_needed if the command is missing.
need() { command -v "$1" >/dev/null || miss "$1" "$2"; }
miss() { missing+=("$1") packages+=("$2"); }

# The venv module needs ensurepip, which Debian's python3 package lacks.
need_venv() { python3 -c 'import ensurepip, venv' 2>/dev/null || miss 'Python with its venv module' python3-venv; }

# Installs the marked packages with apt-get; without permission, fails with a line that lists them.
install_needed() {
  if [ ${#packages[@]} = 0 ]; then return; fi
  may_install || fail "install $(printf '%s, ' "${missing[@]}")then try again (Debian: apt-get install ${packages[*]})"
  say "installing ${packages[*]} with apt-get"
  install_packages "${packages[@]}"
  missing=() packages=()
}

may_install() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }

install_packages() {
  [ -n "${lists_are_new:-}" ] || apt-get update -qq >/dev/null
  lists_are_new=yes
  DEBIAN_FRONTEND=noninteractive DEBCONF_NOWARNINGS=yes apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# cached FOLDER NAME WHAT COMMAND...: if the cache lacks FOLDER, says WHAT and runs COMMAND in a new folder, which takes
# its place when complete. Makes .cache/NAME a link to it.
cached() {
  if [ ! -d "$cache/$1" ]; then
    say "$3"
    new_folder
    (
      cd "$new"
      "${@:4}"
    )
    mv "$new" "$cache/$1"
  fi
  link "$cache/$1" "$2"
}

new_folder() {
  new=$(mktemp -d "$cache/new-XXXXXX")
  trap 'rm -rf "$new"' EXIT
}

# link FOLDER NAME: makes .cache/NAME a link to FOLDER.
link() { [ "$(readlink ".cache/$2" || true)" = "$1" ] || ln -sfn "$1" ".cache/$2"; }

# npm_package NAME@VERSION [SHA512]: unpacks a package into the folder package, if it has this checksum.
npm_package() {
  npm pack --silent "$1" >/dev/null
  [ -z "${2:-}" ] || [ "$(openssl dgst -sha512 -binary ./*.tgz | openssl base64 -A)" = "$2" ] || fail "$1 does not match the pinned checksum"
  tar -xzf ./*.tgz --no-same-owner
  rm ./*.tgz
}

node_is_recent() {
  node -e 'const [major, minor] = process.versions.node.split(".").map(Number); process.exit(major > 22 || (major === 22 && minor >= 22) ? 0 : 1)' 2>/dev/null
}

# Uses the machine's Node if it is recent enough. Otherwise installs Node
# and npm to .cache/bin; Debian's npm works with Debian's Node only.
node_runtime() {
  if node_is_recent; then return; fi
  own_node
  link "$cache/node-$node_version/bin" bin
  hash -r # forget the path of the old Node
}

own_node() { cached "node-$node_version" node "fetching Node $node_version from the npm registry" node_with_npm; }

node_with_npm() {
  case $(uname -s)-$(uname -m) in
    Linux-x86_64 | Linux-amd64) platform=linux-x64 ;;
    Linux-aarch64 | Linux-arm64) platform=linux-arm64 ;;
    *) fail "needs Node 22.22 or newer, which npm does not provide for $(uname -sm): install it" ;;
  esac
  npm_package "node-$platform@$node_version"
  mv package/* .
  npm_package "npm@$npm_version"
  mkdir -p lib/node_modules
  mv package lib/node_modules/npm
  ln -s ../lib/node_modules/npm/bin/npm-cli.js bin/npm
}

npm_dependencies() {
  if cmp -s package-lock.json node_modules/.installed-package-lock.json; then return; fi
  say 'installing the locked npm dependencies'
  npm ci --no-audit --no-fund --loglevel=error >/dev/null
  cp package-lock.json node_modules/.installed-package-lock.json
}

kafka_jars() {
  maven_jars "$kafka_pom"
  java_is_recent || fail "Kafka needs Java 17 or newer: $(java -version 2>&1 | head -1)"
}

# maven_jars POM: the jars that it lists.
maven_jars() {
  mvn -q -B -Dstyle.color=never -f "$1" -Dkafka.version="$kafka_version" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$new"
}

java_is_recent() { [ "$(java -XshowSettings:properties -version 2>&1 | sed -n 's/.*java.specification.version = \([0-9]*\).*/\1/p')" -ge 17 ]; }

# A class archive halves the start-up time of a broker.
kafka_class_archive() {
  if [ -f "$cache/kafka-$kafka_version/classes.jsa" ]; then return; fi
  say 'archiving the classes of Kafka for a faster start'
  node scripts/provision/archive-kafka-classes.ts "$cache/kafka-$kafka_version/classes.jsa"
}

# python_packages NAME PACKAGE...: a virtual environment with these packages.
python_packages() { cached "$1-$(tr -cd '[:alnum:].' <<<"${*:2}")" "$1" "installing ${*:2} with pip" virtual_environment "${@:2}"; }

virtual_environment() {
  python3 -m venv .
  bin/python3 -m pip install --quiet --disable-pip-version-check "$@"
}

# Builds versitygw if Go is installed; otherwise, or if the build fails, installs moto, which needs Python.
s3_server() {
  if [ -d "$cache/versitygw-$versitygw_version" ] || versitygw; then link "$cache/versitygw-$versitygw_version" versitygw; return; fi
  python_packages moto "moto[s3]==$moto_version" flask flask-cors
}

versitygw() {
  command -v go >/dev/null || return
  say "building the S3 server versitygw $versitygw_version with Go, which takes a few minutes"
  new_folder
  if GOBIN=$new CGO_ENABLED=0 go install -trimpath -ldflags '-s -w' "github.com/versity/versitygw/cmd/versitygw@v$versitygw_version" 2>"$new/log"; then
    mv "$new" "$cache/versitygw-$versitygw_version"
  else
    say "cannot build versitygw: $(tail -1 "$new/log")"
    rm -r "$new"
    return 1
  fi
}

main "$@"
