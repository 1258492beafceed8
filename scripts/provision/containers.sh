# Sourced by provision.sh. Building and running images without Docker: buildah, podman and runc from Debian, and the two base images of the Dockerfile.
# Where no registry answers, stand-ins of the base images are made from Debian's packages and npm's Node, under names that say so.
# Result: .cache/containers/{storage.conf,containers.conf,bases}, or .cache/no-containers, a line that says why there are none.

container_packages=(buildah podman podman-compose runc netavark aardvark-dns iptables nftables catatonit debootstrap)
containers=$cache/containers-bookworm
stand_in=localhost/stand-in

containers() {
  why=$(why_no_containers)
  if [ -n "$why" ]; then no_containers "$why"; return; fi
  container_tools || { no_containers "apt-get cannot install ${missing[*]}"; return; }
  container_settings
  link containers-bookworm containers
  export CONTAINERS_STORAGE_CONF=$containers/storage.conf CONTAINERS_CONF=$containers/containers.conf
  grep -qsxF "# for $(pinned_images)" "$containers/bases" || base_images
  compose_images
  rm -f .cache/no-containers
  runs_a_container || no_containers "no container can be started here: $(tail -1 "$containers/trial.log")"
}

why_no_containers() {
  if [ "$(id -u)" != 0 ]; then echo 'podman, buildah and debootstrap need root'
  elif ! command -v apt-get >/dev/null; then echo 'podman and buildah are installed with apt-get, which is missing'
  fi
}

# The tests that need containers report this as the reason why they did not run.
no_containers() {
  say "NO CONTAINERS: $1"
  echo "$1" >.cache/no-containers
}

container_tools() {
  missing=()
  for package in "${container_packages[@]}"; do
    dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null | grep -q '^ii' || missing+=("$package")
  done
  [ ${#missing[@]} = 0 ] || { say "installing ${missing[*]} with apt-get"; install_packages "${missing[@]}"; }
}

# Works without systemd, on hybrid cgroups, and where limits may not be raised: runc, and the limits that the machine has.
# With a runroot of more than 50 characters podman cannot clean up, and waits for 20 s at the end of every container.
container_settings() {
  mkdir -p "$containers"
  files=$(ulimit -Hn) processes=$(ulimit -Hu) most=$(cat /proc/sys/kernel/pid_max)
  if [ "$processes" = unlimited ] || [ "$processes" -gt "$most" ]; then processes=$most; fi
  cat >"$containers/containers.conf" <<END
[containers]
default_ulimits = ["nofile=$files:$files", "nproc=$processes:$processes"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
END
  cat >"$containers/storage.conf" <<END
[storage]
driver = "overlay"
graphroot = "$containers/storage"
runroot = "/run/polaris-connector-$(cksum <<<"$containers" | cut -d ' ' -f 1)"
END
}

base_images() {
  read -r node_image runtime_image <<<"$(pinned_images)"
  if ! { podman pull -q "$node_image" && podman pull -q "$runtime_image"; } >/dev/null 2>&1; then
    say 'no registry answers: making stand-ins of the base images from Debian packages, which takes a minute'
    node_image=$stand_in/node:$node_version-bookworm-slim runtime_image=$stand_in/cc-debian12:nonroot
    debian_files
    node_stand_in "$node_image"
    runtime_stand_in "$runtime_image"
    rm -rf "$containers/rootfs"
  fi
  printf '# for %s\nNODE_IMAGE=%s\nRUNTIME_IMAGE=%s\n' "$(pinned_images)" "$node_image" "$runtime_image" >"$containers/bases"
}

pinned_images() { sed -n 's/^ARG [A-Z]*_IMAGE=//p' Dockerfile | xargs; }

debian_files() {
  rm -rf "$containers/rootfs"
  debootstrap --variant=minbase --include=ca-certificates,netbase bookworm "$containers/rootfs" >"$containers/debootstrap.log" ||
    fail "debootstrap: $(tail -1 "$containers/debootstrap.log")"
}

# A small Debian with Node and npm. It trusts what this machine trusts, so that npm in a build finds the registry that npm finds here.
node_stand_in() {
  own_node
  image=$(buildah from scratch)
  files=$(buildah mount "$image")
  cp -a "$containers/rootfs/." "$files"
  rm -rf "$files"/var/cache/apt/archives/*.deb
  cp -a "$cache/node-$node_version/bin/." "$files/usr/local/bin"
  mkdir -p "$files/usr/local/lib/node_modules" "$files/usr/local/etc"
  cp -a "$cache/node-$node_version/lib/node_modules/npm" "$files/usr/local/lib/node_modules"
  cp "$cache/node-$node_version/LICENSE" "$files/usr/local"
  cp /etc/ssl/certs/ca-certificates.crt "$files/etc/ssl/certs/ca-certificates.crt"
  echo 'cafile=/etc/ssl/certs/ca-certificates.crt' >"$files/usr/local/etc/npmrc"
  buildah config --env PATH=/usr/local/bin:/usr/bin:/bin --env "NODE_VERSION=$node_version" --cmd node "$image"
  commit_image "$image" "$1"
}

# The C and C++ runtimes, certificates and time zones, and no shell; the user that the real one has.
runtime_stand_in() {
  image=$(buildah from scratch)
  files=$(buildah mount "$image")
  for package in base-files gcc-12-base libc6 libgcc-s1 'libstdc++6' netbase tzdata; do
    dpkg-deb --fsys-tarfile "$containers/rootfs/var/cache/apt/archives/${package}"_*.deb | tar -x -C "$files"
  done
  rm -rf "$files"/usr/share/{doc,lintian,man,locale} "$files"/{boot,home,media,mnt,opt,srv}
  mkdir -p "$files/etc/ssl/certs" "$files/home/nonroot"
  cp "$containers/rootfs/etc/ssl/certs/ca-certificates.crt" "$files/etc/ssl/certs"
  printf '%s\n' root:x:0:0:root:/root:/sbin/nologin nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin >"$files/etc/passwd"
  printf '%s\n' root:x:0: nogroup:x:65534: nonroot:x:65532: >"$files/etc/group"
  chown 65532:65532 "$files/home/nonroot"
  chmod 1777 "$files/tmp"
  buildah config --env PATH=/usr/local/bin:/usr/bin:/bin --env SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt --user 65532 --workingdir /home/nonroot "$image"
  commit_image "$image" "$1"
}

commit_image() {
  buildah umount "$1" >/dev/null
  buildah commit -q --rm "$1" "$2" >/dev/null
}

runs_a_container() {
  # shellcheck disable=SC1091
  . "$containers/bases"
  podman run --rm --pull never --network host --read-only --cap-drop all --memory 256m "$NODE_IMAGE" node --version >"$containers/trial.log" 2>&1
}
