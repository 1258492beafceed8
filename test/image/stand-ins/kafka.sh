# Replaces the start script of apache/kafka. Like that script, it uses Kafka's own wrapper to turn KAFKA_* into
# server.properties and to format the data folder.
set -euo pipefail
# shellcheck disable=SC2206
java=(java ${KAFKA_HEAP_OPTS:-} -XX:+UseSerialGC -XX:TieredStopAtLevel=1 "-Dlog4j2.configurationFile=/etc/kafka/docker/log4j2.properties" -cp '/opt/kafka/libs/*')
folders=(--default-configs-dir /etc/kafka/docker --mounted-configs-dir /mnt/shared/config --final-configs-dir /opt/kafka/config)
output=$("${java[@]}" kafka.docker.KafkaDockerWrapper setup "${folders[@]}" 2>&1) || grep -qi 'already formatted' <<<"$output" || { echo "$output"; exit 1; }
exec "${java[@]}" kafka.Kafka /opt/kafka/config/server.properties
