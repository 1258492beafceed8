# In place of the start script of apache/kafka. What turns KAFKA_* into server.properties and formats the folder is Kafka's own, as there.
set -euo pipefail
# shellcheck disable=SC2206
java=(java ${KAFKA_HEAP_OPTS:-} -XX:+UseSerialGC -XX:TieredStopAtLevel=1 "-Dlog4j2.configurationFile=/etc/kafka/docker/log4j2.properties" -cp '/opt/kafka/libs/*')
folders=(--default-configs-dir /etc/kafka/docker --mounted-configs-dir /mnt/shared/config --final-configs-dir /opt/kafka/config)
said=$("${java[@]}" kafka.docker.KafkaDockerWrapper setup "${folders[@]}" 2>&1) || grep -qi 'already formatted' <<<"$said" || { echo "$said"; exit 1; }
exec "${java[@]}" kafka.Kafka /opt/kafka/config/server.properties
