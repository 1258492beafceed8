import com.fasterxml.jackson.databind.json.JsonMapper;
import io.cloudevents.kafka.KafkaMessageFactory;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.apache.kafka.common.header.internals.RecordHeaders;

/** Reads records as the SDK of CloudEvents does: a record a line on standard input, an event a line on output. */
public class SdkEvents {
  public static void main(String[] args) throws Exception {
    var json = new JsonMapper();
    var out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    for (var line : new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8)).lines().toList()) {
      var record = json.readTree(line);
      var headers = new RecordHeaders();
      record.get("headers").fields().forEachRemaining(header ->
        headers.add(header.getKey(), header.getValue().asText().getBytes(StandardCharsets.UTF_8)));
      var value = record.get("value").asText().getBytes(StandardCharsets.UTF_8);
      var event = KafkaMessageFactory.createReader(headers, value).toEvent();
      var shown = json.createObjectNode();
      for (var name : event.getAttributeNames()) shown.put(name, String.valueOf(event.getAttribute(name)));
      for (var name : event.getExtensionNames()) shown.put(name, String.valueOf(event.getExtension(name)));
      out.println(shown.set("data", json.readTree(event.getData().toBytes())));
    }
  }
}
