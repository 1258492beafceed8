import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;

/**
 * Rebuilds the current state of every client from the topic and prints it: one event a line. Needs kafka-clients and
 * jackson-databind. usage: java -cp 'lib/*' Clients.java BROKERS TOPIC
 */
public class Clients {
  private final Map<String, JsonNode> newest = new TreeMap<>(); // client id to its newest event
  private final JsonMapper json = new JsonMapper();
  private String firstLoad = "not known to be complete";

  public static void main(String[] args) throws Exception {
    new Clients().rebuild(args[0], args[1]);
  }

  void rebuild(String brokers, String topic) throws Exception {
    // Without a consumer group: no offsets are stored.
    var settings = Map.<String, Object>of("bootstrap.servers", brokers, "isolation.level", "read_committed");
    try (var consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
      var partitions = consumer.partitionsFor(topic).stream().map(p -> new TopicPartition(topic, p.partition())).toList();
      if (partitions.isEmpty()) throw new IllegalArgumentException("no topic " + topic);
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      var ends = consumer.endOffsets(partitions);
      // A service switches to its new table when these ends are reached, and continues to read.
      while (partitions.stream().anyMatch(p -> consumer.position(p) < ends.get(p))) {
        for (var record : consumer.poll(Duration.ofSeconds(1))) apply(record);
      }
    }
    var out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    newest.values().forEach(out::println);
    System.err.println(newest.size() + " clients; first load " + firstLoad);
  }

  private void apply(ConsumerRecord<String, String> record) throws Exception {
    var headers = new TreeMap<String, String>();
    for (var header : record.headers()) headers.put(header.key(), new String(header.value(), StandardCharsets.UTF_8));
    if (record.value() == null) { // a tombstone: the client was erased
      newest.remove(record.key());
      return;
    }
    var event = eventOf(headers, record.value());
    // Every client of the first load was committed before this event, so below the ends listed at the start.
    if (event.has("historycomplete")) firstLoad = "complete";
    // A later version may add types: they are ignored.
    if ("client.modified".equals(event.path("type").asText())) newest.put(record.key(), event);
  }

  /** The headers tell the mode, never the value: a topic may hold both. */
  private JsonNode eventOf(Map<String, String> headers, String value) throws Exception {
    var contentType = headers.getOrDefault("content-type", "");
    if (contentType.startsWith("application/cloudevents+json")) return json.readTree(value);
    var event = json.createObjectNode().put("datacontenttype", contentType);
    headers.forEach((name, text) -> { if (name.startsWith("ce_")) event.put(name.substring(3), text); });
    return event.has("specversion") ? event.set("data", json.readTree(value)) : event;
  }
}
