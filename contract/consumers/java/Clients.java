import com.fasterxml.jackson.core.StreamWriteFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;

/**
 * Keeps a table of all clients in memory and prints it: the newest event of each client, one a line. Needs kafka-clients
 * and jackson-databind. usage: java -cp 'lib/*' Clients.java BROKERS TOPIC
 */
public class Clients {
  record Row(JsonNode event, int partition) {}

  private final Map<String, Map<String, Row>> clients = new TreeMap<>(); // client id to source to its row
  private final JsonMapper json = JsonMapper.builder() // a number keeps all its digits
    .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
    .disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
    .enable(StreamWriteFeature.WRITE_BIGDECIMAL_AS_PLAIN)
    .build();

  public static void main(String[] args) throws Exception {
    var table = new Clients();
    table.read(args[0], args[1]);
    var out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    for (var event : table.events()) out.println(table.text(event));
    // Every client of the first load was committed before such an event, so below the ends listed at the start.
    var isComplete = table.events().stream().anyMatch(event -> event.has("historycomplete"));
    System.err.println(table.events().size() + " clients; first load " + (isComplete ? "complete" : "not known to be complete"));
  }

  List<JsonNode> events() {
    return clients.values().stream().flatMap(rows -> rows.values().stream()).map(Row::event).toList();
  }

  String text(JsonNode node) throws Exception {
    return json.writeValueAsString(node);
  }

  /** Applies all records up to the end offsets at the start. A service then switches to the table, and continues to read. */
  void read(String brokers, String topic) throws Exception {
    // Without a consumer group: no offsets are stored.
    var settings = Map.<String, Object>of("bootstrap.servers", brokers, "isolation.level", "read_committed");
    try (var consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
      var partitions = consumer.partitionsFor(topic).stream().map(p -> new TopicPartition(topic, p.partition())).toList();
      if (partitions.isEmpty()) throw new IllegalArgumentException("no topic " + topic);
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      var ends = consumer.endOffsets(partitions);
      // The position, not the last record: the last offset of a partition is usually that of a transaction marker.
      while (partitions.stream().anyMatch(p -> consumer.position(p) < ends.get(p))) {
        for (var record : consumer.poll(Duration.ofSeconds(1))) apply(record);
      }
    }
  }

  /**
   * The partitions of a topic are read in any order, and a topic may have grown. So of two events of a client with the
   * same source, the one with the higher sequence stays, and a tombstone deletes only what came from its own partition.
   */
  void apply(ConsumerRecord<String, String> record) throws Exception {
    var rows = clients.computeIfAbsent(record.key(), client -> new TreeMap<>());
    if (record.value() == null) {
      rows.values().removeIf(row -> row.partition() == record.partition());
      return;
    }
    var event = eventOf(record);
    if (!"client.modified".equals(event.path("type").asText())) return; // a later version may add types
    rows.merge(event.get("source").asText(), new Row(event, record.partition()), (known, row) ->
      sequenceOf(known).compareTo(sequenceOf(row)) >= 0 ? known : row);
  }

  private static String sequenceOf(Row row) {
    return row.event().get("sequence").asText();
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
}
