import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;
import org.apache.flink.types.Row;
import org.apache.flink.types.RowKind;

/**
 * Executes the statements of a file, then queries, in a Flink of its own. Prints the rows that a query has left when the
 * topic ends. usage: java -cp 'lib/*' RunSql.java BROKERS FILE QUERY...
 */
public class RunSql {
  public static void main(String[] args) throws Exception {
    var flink = TableEnvironment.create(EnvironmentSettings.inStreamingMode());
    flink.getConfig().set("parallelism.default", "2");
    var sql = Files.readString(Path.of(args[1])).replaceAll("(?m)--.*$", "").replace("${BROKERS}", args[0]);
    for (var statement : sql.split(";")) if (!statement.isBlank()) flink.executeSql(statement);
    for (var at = 2; at < args.length; at++) print(flink, args[at]);
  }

  private static void print(TableEnvironment flink, String query) throws Exception {
    Map<Row, Integer> rows = new HashMap<>();
    try (var changes = flink.executeSql(query).collect()) {
      while (changes.hasNext()) {
        var row = changes.next();
        var isAdded = row.getKind() == RowKind.INSERT || row.getKind() == RowKind.UPDATE_AFTER;
        row.setKind(RowKind.INSERT);
        rows.merge(row, isAdded ? 1 : -1, (one, other) -> one + other == 0 ? null : one + other);
      }
    }
    for (var row : rows.keySet()) System.out.println(row.getField(0));
  }
}
