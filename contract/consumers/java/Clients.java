import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;

/**
 * Rebuilds the current state of every client from the topic and prints it: one event a line. Needs kafka-clients and
 * jackson-databind. With a progress topic, it does so once the first load is complete.
 * usage: java -cp 'lib/*' Clients.java BROKERS TOPIC [PROGRESS_TOPIC]
 */
public class Clients {
  private final Map<String, JsonNode> newest = new TreeMap<>(); // client id to its newest event
  private final Set<String> seen = latest(100_000); // to recognise duplicates
  private final JsonMapper json = new JsonMapper();
  private int duplicates = 0;

  public static void main(String[] args) throws Exception {
    var clients = new Clients();
    clients.rebuild(args[0], args[1], args.length < 3 ? null : clients.completedScan(args[0], args[1], args[2]));
  }

  /** `scan`: the end offsets of a completed scan, if there are any. */
  void rebuild(String brokers, String topic, JsonNode scan) throws Exception {
    try (var consumer = read(brokers, topic)) {
      var ends = new HashMap<>(consumer.endOffsets(consumer.assignment()));
      // Compaction may have moved clients behind the end of an older scan, so the present end counts too.
      if (scan != null) ends.replaceAll((p, end) -> Math.max(end, scan.path(p.partition()).asLong()));
      // A service switches to the new table when the ends are reached, and continues to read.
      while (ends.entrySet().stream().anyMatch(end -> consumer.position(end.getKey()) < end.getValue())) {
        for (var record : consumer.poll(Duration.ofSeconds(1))) apply(record);
      }
    }
    var out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    newest.values().forEach(out::println);
    System.err.println(newest.size() + " clients, " + duplicates + " duplicates");
  }

  /** Reads a topic from its beginning, without a consumer group: no offsets are stored. */
  private static KafkaConsumer<String, String> read(String brokers, String topic) {
    var settings = Map.<String, Object>of("bootstrap.servers", brokers, "isolation.level", "read_committed");
    var consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer());
    var partitions = consumer.partitionsFor(topic).stream().map(p -> new TopicPartition(topic, p.partition())).toList();
    if (partitions.isEmpty()) throw new IllegalArgumentException("no topic " + topic);
    consumer.assign(partitions);
    consumer.seekToBeginning(partitions);
    return consumer;
  }

  /** Waits until a scan has read all clients; returns the end offset of each partition of the events topic. */
  private JsonNode completedScan(String brokers, String topic, String progressTopic) throws Exception {
    try (var consumer = read(brokers, progressTopic)) {
      while (true) {
        for (var record : consumer.poll(Duration.ofSeconds(1))) {
          var event = json.readTree(record.value());
          var data = event.path("data");
          var isOfTopic = data.path("topic").asText().equals(topic);
          if (event.path("type").asText().equals("scan.completed") && isOfTopic) return data.path("endOffsets");
        }
      }
    }
  }

  private void apply(ConsumerRecord<String, String> record) throws Exception {
    var client = record.key();
    if (record.value() == null) { // a tombstone: the client was erased or removed
      newest.remove(client);
      return;
    }
    var event = eventOf(record);
    var type = event.path("type").asText();
    if (!Set.of("client.modified", "client.removed").contains(type)) return; // a later version may add types
    if (!seen.add(event.get("source").asText() + event.get("id").asText())) duplicates++;
    else if (type.equals("client.removed")) newest.remove(client);
    else newest.put(client, event);
  }

  /** The headers tell the mode, never the value: a topic may hold both. */
  private JsonNode eventOf(ConsumerRecord<String, String> record) throws Exception {
    var headers = new TreeMap<String, String>();
    for (var header : record.headers()) headers.put(header.key(), new String(header.value(), StandardCharsets.UTF_8));
    var contentType = headers.getOrDefault("content-type", "");
    if (contentType.startsWith("application/cloudevents+json")) return json.readTree(record.value());
    var event = json.createObjectNode().put("datacontenttype", contentType);
    headers.forEach((name, text) -> { if (name.startsWith("ce_")) event.put(name.substring(3), text); });
    return event.has("specversion") ? event.set("data", json.readTree(record.value())) : event;
  }

  private static Set<String> latest(int size) {
    return Collections.newSetFromMap(new LinkedHashMap<>() {
      @Override
      protected boolean removeEldestEntry(Map.Entry<String, Boolean> eldest) {
        return size() > size;
      }
    });
  }
}
