import com.mongodb.client.MongoClients;

/** Prints each document of the sink as JSON, one a line. usage: java -cp 'lib/*' Documents.java URI */
public class Documents {
  public static void main(String[] args) {
    try (var client = MongoClients.create(args[0])) {
      for (var document : client.getDatabase("shops").getCollection("clients").find()) System.out.println(document.toJson());
    }
  }
}
