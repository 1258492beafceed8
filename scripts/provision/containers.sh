# Sourced by provision.sh. Builds and runs images without Docker: installs buildah, podman and runc from Debian, and
# pulls the two base images of the Dockerfile. If that fails, builds stand-ins for them, named localhost/stand-in, from
# Debian packages and npm's Node. Also builds localhost/bare-debian, in which tests simulate a fresh machine.
# Result: .cache/containers/{storage.conf,containers.conf,bases}, or the reason for failure in .cache/no-containers.

container_packages=(buildah podman podman-compose runc netavark aardvark-dns iptables nftables catatonit debootstrap debian-archive-keyring)
containers=$cache/containers-bookworm
stand_in=localhost/stand-in
bare_debian=localhost/bare-debian:bookworm

containers() {
  may_install || { no_containers 'podman, buildah and debootstrap need root and apt-get'; return; }
  container_tools || { no_containers "apt-get cannot install ${missing[*]}"; return; }
  container_settings
  link "$containers" containers
  export CONTAINERS_STORAGE_CONF=$containers/storage.conf CONTAINERS_CONF=$containers/containers.conf
  rm -rf "$containers/rootfs" # left by an interrupted run
  podman image exists "$bare_debian" || bare_machine
  grep -qsxF "# for $(pinned_images)" "$containers/bases" || base_images
  compose_images
  rm -rf "$containers/rootfs"
  rm -f .cache/no-containers
  runs_a_container || no_containers "cannot start a container on this machine: $(tail -1 "$containers/trial.log")"
}

# Tests that need containers report this as the reason for being skipped.
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

# runc and the machine's own limits work without systemd, on hybrid cgroups, and where limits may not be raised.
# With a runroot of more than 50 characters, podman cannot clean up and waits 20 s at the end of every container.
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
    say 'cannot pull the base images: building stand-ins from Debian packages'
    node_image=$stand_in/node:$node_version-bookworm-slim runtime_image=$stand_in/cc-debian12:nonroot
    node_stand_in "$node_image"
    runtime_stand_in "$runtime_image"
  fi
  printf '# for %s\nNODE_IMAGE=%s\nRUNTIME_IMAGE=%s\n' "$(pinned_images)" "$node_image" "$runtime_image" >"$containers/bases"
}

pinned_images() { sed -n 's/^ARG [A-Z]*_IMAGE=//p' Dockerfile | xargs; }

debian_files() {
  if [ -d "$containers/rootfs" ]; then return; fi
  debootstrap --variant=minbase --include=ca-certificates,git,make,netbase bookworm "$containers/rootfs" >"$containers/debootstrap.log" ||
    fail "debootstrap: $(tail -1 "$containers/debootstrap.log")"
}

# minbase with certificates, git and make. dpkg skips fsync: no container has to survive a power failure.
bare_machine() {
  say 'building a bare Debian image for the fresh-machine test'
  debian_files
  new_image scratch
  cp -a "$containers/rootfs/." "$files"
  echo force-unsafe-io >"$files/etc/dpkg/dpkg.cfg.d/unsafe-io"
  chroot "$files" dpkg --purge netbase >/dev/null
  rm -rf "$files"/var/cache/apt/archives/*.deb "$files"/var/lib/apt/lists/*
  commit_image "$bare_debian"
}

# A small Debian with Node and npm. It trusts this machine's
# certificates, so that npm in a build reaches the same registry.
node_stand_in() {
  own_node
  new_image "$bare_debian"
  cp -a "$cache/node-$node_version"/{bin,lib,LICENSE} "$files/usr/local"
  mkdir -p "$files/usr/local/etc"
  cp /etc/ssl/certs/ca-certificates.crt "$files/etc/ssl/certs/ca-certificates.crt"
  echo 'cafile=/etc/ssl/certs/ca-certificates.crt' >"$files/usr/local/etc/npmrc"
  buildah config --env PATH=/usr/local/bin:/usr/bin:/bin --env "NODE_VERSION=$node_version" --cmd node "$image"
  commit_image "$1"
}

# Like the real image, the C and C++ runtimes, certificates, time zones and the
# same user, but no shell.
runtime_stand_in() {
  debian_files
  new_image scratch
  for package in base-files gcc-12-base libc6 libgcc-s1 'libstdc++6' netbase tzdata; do
    dpkg-deb --fsys-tarfile "$containers/rootfs/var/cache/apt/archives/$package"_*.deb | tar -x -C "$files"
  done
  rm -rf "$files"/usr/share/{doc,lintian,man,locale} "$files"/{boot,home,media,mnt,opt,srv}
  mkdir -p "$files/etc/ssl/certs" "$files/home/nonroot"
  cp "$containers/rootfs/etc/ssl/certs/ca-certificates.crt" "$files/etc/ssl/certs"
  echo nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin >"$files/etc/passwd"
  echo nonroot:x:65532: >"$files/etc/group"
  chown 65532:65532 "$files/home/nonroot"
  chmod 1777 "$files/tmp"
  buildah config --env PATH=/usr/local/bin:/usr/bin:/bin --env SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt --user 65532 --workingdir /home/nonroot "$image"
  commit_image "$1"
}

# new_image BASE: begins an image, whose files are in the folder $files.
new_image() {
  image=$(buildah from "$1")
  files=$(buildah mount "$image")
}

# commit_image NAME
commit_image() {
  buildah umount "$image" >/dev/null
  buildah commit -q --rm "$image" "$1" >/dev/null
}

runs_a_container() {
  # shellcheck disable=SC1091
  . "$containers/bases"
  podman run --rm --pull never --network host --read-only --cap-drop all --memory 256m "$NODE_IMAGE" node --version >"$containers/trial.log" 2>&1
}
