import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Writes an address label for every client to another topic, exactly once, also if it is killed at any moment. usage:
 * java -cp 'lib/*' Labels.java BROKERS TOPIC LABELS INSTANCE (INSTANCE: a name that survives a restart, as of a
 * StatefulSet's pod)
 */
public class Labels {
  private static final Set<String> TYPES = Set.of("client.modified", "client.removed", "client.erased");
  private final JsonMapper json = new JsonMapper();
  private final String topic;
  private final String labels;

  Labels(String topic, String labels) {
    this.topic = topic;
    this.labels = labels;
  }

  /** After any error, the process exits: its successor ends the transaction and begins at the committed offsets. */
  public static void main(String[] args) {
    try {
      new Labels(args[1], args[2]).run(args[0], args[3]);
    } catch (Exception error) {
      System.err.println("labels: " + error);
      Runtime.getRuntime().halt(1); // all is closed; exit() would wait for this thread
    }
  }

  private void run(String brokers, String instance) throws Exception {
    var text = new StringDeserializer();
    try (var consumer = new KafkaConsumer<>(consumerSettings(brokers, instance), text, text);
        var producer = new KafkaProducer<>(producerSettings(brokers, instance), new StringSerializer(), new StringSerializer())) {
      stopOnSignal(consumer);
      producer.initTransactions(); // stops a predecessor and ends its transaction
      consumer.subscribe(List.of(topic));
      while (true) deliverNext(consumer, producer);
    } catch (WakeupException stopped) {
      System.err.println("stopped");
    }
  }

  /** Labels and offsets become visible together, or neither does. */
  private void deliverNext(KafkaConsumer<String, String> consumer, KafkaProducer<String, String> producer) throws Exception {
    var records = consumer.poll(Duration.ofSeconds(1));
    if (records.isEmpty()) return;
    producer.beginTransaction();
    for (var record : records) writeLabel(record, producer);
    producer.sendOffsetsToTransaction(records.nextOffsets(), consumer.groupMetadata());
    producer.commitTransaction(); // throws if a send has failed
  }

  private void writeLabel(ConsumerRecord<String, String> record, KafkaProducer<String, String> producer) throws Exception {
    var data = record.value() == null ? null : json.readTree(record.value());
    // An event of either mode, or a tombstone. The headers tell which one, never the value.
    var isBinary = header(record, "ce_specversion") != null;
    var type = isBinary ? header(record, "ce_type") : data == null ? "client.erased" : data.get("type").asText();
    var id = isBinary ? header(record, "ce_id") : data == null ? "" : data.get("id").asText();
    if (!TYPES.contains(type)) return; // a later version may add types
    // A tombstone for a client that was erased or removed.
    var value = type.equals("client.modified") ? label(isBinary ? data : data.get("data")) : null;
    var made = new ProducerRecord<>(labels, record.key(), value); // in the same partition: same key, as many partitions
    made.headers().add("cause", id.getBytes(StandardCharsets.UTF_8));
    producer.send(made);
  }

  private String label(JsonNode client) throws Exception {
    var label = json.createObjectNode();
    for (var field : List.of("No", "Nom", "ChiffreAffaires", "NoVersion")) label.set(field, client.get(field));
    label.set("Ville", client.path("Adresse").get("Ville"));
    return json.writeValueAsString(label);
  }

  private static String header(ConsumerRecord<String, String> record, String name) {
    var header = record.headers().lastHeader(name);
    return header == null ? null : new String(header.value(), StandardCharsets.UTF_8);
  }

  private static Map<String, Object> consumerSettings(String brokers, String instance) {
    return Map.of(
        "bootstrap.servers", brokers,
        "group.id", "labels",
        "group.instance.id", instance, // a restart takes its partitions back at once
        "isolation.level", "read_committed",
        "enable.auto.commit", false,
        "auto.offset.reset", "earliest",
        "max.poll.records", 100);
  }

  private static Map<String, Object> producerSettings(String brokers, String instance) {
    return Map.of("bootstrap.servers", brokers, "transactional.id", "labels-" + instance);
  }

  private static void stopOnSignal(KafkaConsumer<String, String> consumer) {
    var main = Thread.currentThread();
    Runtime.getRuntime().addShutdownHook(new Thread(() -> {
      consumer.wakeup();
      try {
        main.join();
      } catch (InterruptedException impossible) {
        Thread.currentThread().interrupt();
      }
    }));
  }
}
