import {
  clientIdPlaceholder,
  clientSecretPlaceholder,
  quoted,
  type SampleCall,
} from './sample-call.ts'

export function csharpSample(call: SampleCall): string {
  const scope = call.scope === '' ? '' : `\n        ["scope"] = ${quoted(call.scope)},`
  const content =
    call.body === undefined
      ? ''
      : `\nrequest.Content = new StringContent(\n    ${bodyLiteral(call.body)},\n    Encoding.UTF8, ${quoted(call.mediaType)});`
  const headers = Object.entries(call.headers).map(
    ([name, value]) =>
      `\nrequest.Headers.TryAddWithoutValidation(${quoted(name)}, ${quoted(value)});`,
  )
  return `// Program.cs of a console project: dotnet new console, then dotnet run (.NET 8 or newer)
using System;
using System.Collections.Generic;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

var clientId = ${quoted(clientIdPlaceholder)};
var clientSecret = ${quoted(clientSecretPlaceholder)};
using var http = new HttpClient();

// 1. the token
var basic = Convert.ToBase64String(Encoding.UTF8.GetBytes($"{clientId}:{clientSecret}"));
using var tokenRequest = new HttpRequestMessage(HttpMethod.Post, ${quoted(call.tokenUrl)})
{
    Headers = { Authorization = new AuthenticationHeaderValue("Basic", basic) },
    Content = new FormUrlEncodedContent(new Dictionary<string, string>
    {
        ["grant_type"] = "client_credentials",${scope}
    }),
};
using var tokenAnswer = await http.SendAsync(tokenRequest);
tokenAnswer.EnsureSuccessStatusCode();
using var json = JsonDocument.Parse(await tokenAnswer.Content.ReadAsStringAsync());
var token = json.RootElement.GetProperty("access_token").GetString();

// 2. the call
using var request = new HttpRequestMessage(new HttpMethod(${quoted(call.method)}), ${quoted(call.url)});
request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);${headers.join('')}${content}
using var answer = await http.SendAsync(request);
Console.WriteLine($"{(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()}");
`
}

/** A raw string (C# 11), unless the text has the mark that ends one. */
function bodyLiteral(body: unknown): string {
  const text = JSON.stringify(body, null, 2)
  if (text.includes('"""')) return quoted(text)
  const lines = text.split('\n').map((line) => `    ${line}`)
  return `"""\n${lines.join('\n')}\n    """`
}
