import com.amazonaws.services.dynamodbv2.local.main.ServerRunner;
import com.amazonaws.services.dynamodbv2.local.server.DynamoDBProxyServer;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;

/**
 * DynamoDB Local on a free port of this machine alone, which it prints. As it comes it listens on every address, and
 * has no option against that.
 */
class LoopbackDynamoDB {
    public static void main(String[] arguments) throws Exception {
        DynamoDBProxyServer engine = ServerRunner.createServerFromCommandLineArgs(arguments);
        var field = DynamoDBProxyServer.class.getDeclaredField("server");
        field.setAccessible(true);
        var connector = (ServerConnector) ((Server) field.get(engine)).getConnectors()[0];
        connector.setHost("127.0.0.1");
        connector.setPort(0);
        engine.start();
        System.out.println("listening on port " + connector.getLocalPort());
    }
}
