import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.mongodb.client.model.DeleteOneModel;
import com.mongodb.client.model.ReplaceOneModel;
import com.mongodb.kafka.connect.sink.MongoSinkConfig;
import java.io.BufferedReader;
import java.io.FileReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.function.UnaryOperator;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.header.ConnectHeaders;
import org.apache.kafka.connect.json.JsonConverter;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.storage.SimpleHeaderConverter;
import org.apache.kafka.connect.storage.StringConverter;
import org.apache.kafka.connect.transforms.Transformation;
import org.apache.kafka.connect.transforms.predicates.Predicate;

/**
 * Converts and transforms records with the classes of Kafka Connect, as a worker does, and prints what the sink of MongoDB
 * would write: a record a line on standard input, a write a line on output. usage: ConnectSink FILE.properties
 */
public class ConnectSink {
  private static final Map<String, String> settings = new HashMap<>();

  public static void main(String[] args) throws Exception {
    var file = new Properties();
    file.load(new FileReader(args[0], StandardCharsets.UTF_8));
    file.forEach((name, value) -> settings.put(name.toString(), value.toString()));
    var topic = settings.get("topics");
    var transformations = transformations();
    var sink = new MongoSinkConfig(settings);
    var keys = new StringConverter();
    var headers = new SimpleHeaderConverter();
    var values = jsonConverter(false);
    var json = new JsonMapper();
    var out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    for (var line : new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8)).lines().toList()) {
      var read = json.readTree(line);
      var key = keys.toConnectData(topic, bytes(read.get("key").asText()));
      var value = values.toConnectData(topic, read.get("value").isNull() ? null : bytes(read.get("value").asText()));
      var found = new ConnectHeaders();
      read.get("headers").fields().forEachRemaining(header ->
        found.add(header.getKey(), headers.toConnectHeader(topic, header.getKey(), bytes(header.getValue().asText()))));
      var record = new SinkRecord(topic, 0, key.schema(), key.value(), value.schema(), value.value(), 0, 0L,
        TimestampType.CREATE_TIME, found);
      for (var transformation : transformations) record = transformation.apply(record);
      var shown = new HashMap<String, Object>(Map.of("write", write(record, sink), "hasSchema", record.valueSchema() != null));
      if (!read.get("value").isNull()) shown.put("withSchemas", withSchemas(topic, bytes(read.get("value").asText())));
      out.println(json.writeValueAsString(shown));
    }
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static JsonConverter jsonConverter(boolean hasSchemas) {
    var converter = new JsonConverter();
    converter.configure(Map.of("schemas.enable", hasSchemas), false);
    return converter;
  }

  /** What a sink that needs a schema gets. */
  private static String withSchemas(String topic, byte[] value) {
    try {
      return jsonConverter(true).toConnectData(topic, value).toString();
    } catch (DataException error) {
      return error.getClass().getSimpleName();
    }
  }

  private static List<UnaryOperator<SinkRecord>> transformations() throws Exception {
    var chain = new ArrayList<UnaryOperator<SinkRecord>>();
    for (var name : settings.get("transforms").split(",")) {
      var own = below("transforms." + name + ".");
      Transformation<SinkRecord> transformation = instance(own);
      transformation.configure(own);
      var predicateName = own.get("predicate");
      if (predicateName == null) {
        chain.add(transformation::apply);
        continue;
      }
      var ofPredicate = below("predicates." + predicateName + ".");
      Predicate<SinkRecord> predicate = instance(ofPredicate);
      predicate.configure(ofPredicate);
      var isNegated = "true".equals(own.get("negate"));
      chain.add(record -> predicate.test(record) != isNegated ? transformation.apply(record) : record);
    }
    return chain;
  }

  private static Map<String, String> below(String prefix) {
    var found = new HashMap<String, String>();
    settings.forEach((name, value) -> { if (name.startsWith(prefix)) found.put(name.substring(prefix.length()), value); });
    return found;
  }

  @SuppressWarnings("unchecked")
  private static <T> T instance(Map<String, String> of) throws Exception {
    return (T) Class.forName(of.get("type")).getConstructor().newInstance();
  }

  /** The sink's own processing, which needs no server. */
  private static JsonNode write(SinkRecord record, MongoSinkConfig sink) throws Exception {
    var type = Class.forName("com.mongodb.kafka.connect.sink.MongoProcessedSinkRecordData");
    var made = type.getDeclaredConstructor(SinkRecord.class, MongoSinkConfig.class);
    made.setAccessible(true);
    var getWriteModel = type.getMethod("getWriteModel");
    getWriteModel.setAccessible(true);
    var model = getWriteModel.invoke(made.newInstance(record, sink));
    var json = new JsonMapper();
    var shown = json.createObjectNode();
    if (model instanceof DeleteOneModel<?> delete) {
      return shown.set("delete", json.readTree(delete.getFilter().toBsonDocument().toJson()));
    }
    var replacement = (ReplaceOneModel<?>) model;
    shown.set("replace", json.readTree(replacement.getFilter().toBsonDocument().toJson()));
    return shown.set("by", json.readTree(String.valueOf(replacement.getReplacement())));
  }
}
