import {
  clientIdPlaceholder,
  clientSecretPlaceholder,
  quoted,
  type SampleCall,
} from './sample-call.ts'

/** A text block (Java 15): what all lines are indented by is not part of the text. */
const textBlock = (body: unknown): string => {
  const text = JSON.stringify(body, null, 2).replaceAll('\\', '\\\\').replaceAll('"""', '\\"""')
  const lines = text.split('\n').map((line) => ' '.repeat(20) + line)
  return `"""\n${lines.join('\n')}"""`
}

export function javaSample(call: SampleCall): string {
  const form = call.scope === '' ? '' : `\n            + "&scope=" + encode(${quoted(call.scope)})`
  const publisher =
    call.body === undefined
      ? 'HttpRequest.BodyPublishers.noBody()'
      : `HttpRequest.BodyPublishers.ofString(${textBlock(call.body)})`
  const headers = [
    '.header("Authorization", "Bearer " + token)',
    ...(call.body === undefined ? [] : [`.header("Content-Type", ${quoted(call.mediaType)})`]),
    ...Object.entries(call.headers).map(
      ([name, value]) => `.header(${quoted(name)}, ${quoted(value)})`,
    ),
  ]
  return `// Call.java, run with: java Call.java (Java 17 or newer)
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

public class Call {
    public static void main(String[] args) throws Exception {
        String clientId = ${quoted(clientIdPlaceholder)};
        String clientSecret = ${quoted(clientSecretPlaceholder)};
        HttpClient http = HttpClient.newHttpClient();

        // 1. the token
        String basic = Base64.getEncoder()
            .encodeToString((clientId + ":" + clientSecret).getBytes(StandardCharsets.UTF_8));
        String form = "grant_type=client_credentials"${form};
        HttpResponse<String> tokenAnswer = http.send(
            HttpRequest.newBuilder(URI.create(${quoted(call.tokenUrl)}))
                .header("Authorization", "Basic " + basic)
                .header("Content-Type", "application/x-www-form-urlencoded")
                .POST(HttpRequest.BodyPublishers.ofString(form))
                .build(),
            HttpResponse.BodyHandlers.ofString());
        Matcher found = Pattern.compile("\\"access_token\\"\\\\s*:\\\\s*\\"([^\\"]+)\\"")
            .matcher(tokenAnswer.body());
        if (!found.find()) throw new IllegalStateException(tokenAnswer.body());
        String token = found.group(1);

        // 2. the call
        HttpResponse<String> answer = http.send(
            HttpRequest.newBuilder(URI.create(${quoted(call.url)}))
                ${headers.join('\n                ')}
                .method(${quoted(call.method)}, ${publisher})
                .build(),
            HttpResponse.BodyHandlers.ofString());
        System.out.println(answer.statusCode() + " " + answer.body());
    }

    private static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }
}
`
}
