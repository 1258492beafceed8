import com.fasterxml.jackson.databind.json.JsonMapper;
import io.cloudevents.kafka.KafkaMessageFactory;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.kafka.common.header.internals.RecordHeaders;

/** Reads records (one JSON line each: key, headers, value) with the CloudEvents SDK, and prints their events. */
public class Read {
  public static void main(String[] args) throws Exception {
    var json = new JsonMapper();
    var out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    for (var line : Files.readAllLines(Path.of(args[0]))) {
      var record = json.readTree(line);
      var headers = new RecordHeaders();
      for (var header : record.get("headers").properties())
        headers.add(header.getKey(), header.getValue().asText().getBytes(StandardCharsets.UTF_8));
      var value = record.get("value").isNull() ? null : record.get("value").asText().getBytes(StandardCharsets.UTF_8);
      var event = KafkaMessageFactory.createReader(headers, value).toEvent();
      var shown = json.createObjectNode();
      for (var name : event.getAttributeNames()) shown.put(name, String.valueOf(event.getAttribute(name)));
      for (var name : event.getExtensionNames()) shown.put(name, String.valueOf(event.getExtension(name)));
      if (event.getData() != null) shown.set("data", json.readTree(event.getData().toBytes()));
      out.println(shown);
    }
  }
}
