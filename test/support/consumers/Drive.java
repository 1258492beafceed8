import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.record.TimestampType;

/**
 * Applies records to the table of the sample: a record a line on standard input, or null after the last of a topic. Prints
 * the rows of a topic as a line.
 */
public class Drive {
  public static void main(String[] args) throws Exception {
    var json = new JsonMapper();
    var out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    var table = new Clients();
    for (var line : new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8)).lines().toList()) {
      var record = json.readTree(line);
      if (record.isNull()) {
        var rows = new ArrayList<List<String>>();
        for (var event : table.events()) {
          rows.add(List.of(event.get("source").asText(), event.get("subject").asText(), table.text(event.get("data"))));
        }
        out.println(json.writeValueAsString(rows));
        table = new Clients();
        continue;
      }
      var headers = new RecordHeaders();
      record.get("headers").fields().forEachRemaining(header ->
        headers.add(header.getKey(), header.getValue().asText().getBytes(StandardCharsets.UTF_8)));
      var value = record.get("value").textValue();
      table.apply(new ConsumerRecord<>("topic", record.get("partition").intValue(), 0, 0, TimestampType.CREATE_TIME, 0, 0,
        record.get("key").asText(), value, headers, Optional.empty()));
    }
    out.flush();
  }
}
