# Sourced by scripts/provision.sh. What subscribers use: the SDKs of CloudEvents, and Kafka Connect with a sink.

cloudevents_version=10.0.0
subscribers_pom=$root/test/support/consumers/pom.xml

subscribers() {
  python_packages cloudevents-1 $(<test/support/consumers/requirements-1.txt)
  python_packages cloudevents-2 $(<test/support/consumers/requirements-2.txt)
  cached "cloudevents-$cloudevents_version" cloudevents "installing cloudevents $cloudevents_version with npm" npm_folder "cloudevents@$cloudevents_version"
  cached "subscribers-$kafka_version-$(cksum <"$subscribers_pom" | cut -d ' ' -f 1)" subscribers 'fetching the CloudEvents SDK and Kafka Connect from Maven Central' maven_jars "$subscribers_pom"
}

# npm_folder PACKAGE: the package with its dependencies.
npm_folder() { npm install --prefix . --no-audit --no-fund --loglevel=error "$1" >/dev/null; }
