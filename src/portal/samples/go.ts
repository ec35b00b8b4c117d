import {
  clientIdPlaceholder,
  clientSecretPlaceholder,
  quoted,
  type SampleCall,
} from './sample-call.ts'

/** A raw string, unless the text has the character that ends one. */
const raw = (text: string): string => (text.includes('`') ? quoted(text) : `\`${text}\``)

export function goSample(call: SampleCall): string {
  const scope = call.scope === '' ? '' : `, "scope": {${quoted(call.scope)}}`
  const body =
    call.body === undefined
      ? 'nil'
      : `strings.NewReader(${raw(JSON.stringify(call.body, null, 2))})`
  const headers = [
    'request.Header.Set("Authorization", "Bearer "+token.AccessToken)',
    ...(call.body === undefined
      ? []
      : [`request.Header.Set("Content-Type", ${quoted(call.mediaType)})`]),
    ...Object.entries(call.headers).map(
      ([name, value]) => `request.Header.Set(${quoted(name)}, ${quoted(value)})`,
    ),
  ]
  return `// call.go, run with: go run call.go
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"strings"
)

func main() {
	clientID := ${quoted(clientIdPlaceholder)}
	clientSecret := ${quoted(clientSecretPlaceholder)}

	// 1. the token
	form := url.Values{"grant_type": {"client_credentials"}${scope}}
	tokenRequest, err := http.NewRequest("POST", ${quoted(call.tokenUrl)}, strings.NewReader(form.Encode()))
	if err != nil {
		log.Fatal(err)
	}
	tokenRequest.SetBasicAuth(clientID, clientSecret)
	tokenRequest.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	status, text := send(tokenRequest)
	if status != http.StatusOK {
		log.Fatal(text)
	}
	var token struct {
		AccessToken string \`json:"access_token"\`
	}
	if err := json.Unmarshal([]byte(text), &token); err != nil {
		log.Fatal(err)
	}

	// 2. the call
	request, err := http.NewRequest(${quoted(call.method)}, ${quoted(call.url)}, ${body})
	if err != nil {
		log.Fatal(err)
	}
	${headers.join('\n\t')}
	fmt.Println(send(request))
}

func send(request *http.Request) (int, string) {
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		log.Fatal(err)
	}
	return response.StatusCode, string(text)
}
`
}
