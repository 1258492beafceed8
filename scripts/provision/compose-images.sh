# Sourced by provision.sh. Pulls the third-party images of compose.yaml; if that fails, builds stand-ins
# (test/image/stand-ins). Result: .cache/containers/compose-images, the variables that compose.yaml reads.

compose_images() {
  if grep -qsxF "# for $(named_images)" "$containers/compose-images"; then return; fi
  read -r kafka_image s3_image <<<"$(named_images)"
  if ! { podman pull -q "$kafka_image" && podman pull -q "$s3_image"; } >/dev/null 2>&1; then
    [ -x "$cache/versitygw-$versitygw_version/versitygw" ] || { say 'cannot make a stand-in for the S3 image of compose.yaml: versitygw was not built'; return; }
    say 'cannot pull the images of compose.yaml: building stand-ins'
    kafka_image=$stand_in/kafka:$kafka_version s3_image=$stand_in/versitygw:v$versitygw_version
    stand_in_image kafka "$kafka_image" && stand_in_image s3 "$s3_image" || fail "cannot build stand-ins for compose.yaml: $(tail -1 "$containers/compose-images.log")"
  fi
  printf '# for %s\nKAFKA_IMAGE=%s\nS3_IMAGE=%s\n' "$(named_images)" "$kafka_image" "$s3_image" >"$containers/compose-images"
}

named_images() { sed -n 's/^ *image: ${\(KAFKA\|S3\)_IMAGE:-\(.*\)}$/\2/p' compose.yaml | xargs; }

stand_in_image() {
  # shellcheck disable=SC1091
  . "$containers/bases"
  buildah bud --quiet --layers --isolation chroot --network host --pull=never --format docker --build-arg "DEBIAN_IMAGE=$NODE_IMAGE" \
    --build-context "jars=$cache/kafka-$kafka_version" --build-context "binary=$cache/versitygw-$versitygw_version" \
    --target "$1" -t "$2" test/image/stand-ins >"$containers/compose-images.log" 2>&1
}
