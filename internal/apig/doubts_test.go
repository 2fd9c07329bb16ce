package apig_test

import (
	"strings"
	"testing"

	"fgbootstrap/internal/apig"
)

func TestAResultThatIsNearlyAnEnvelopeIsDoubted(t *testing.T) {
	const good = `{"statusCode":200,"headers":{},"body":"it's"}`
	for result, want := range map[string]string{
		good:                          "",
		"\n" + good + "\r\n":          "",
		`{"total":7}`:                 "",
		"<p>statusCode</p>":           "",
		`{"code":404}`:                "",
		`{"data":{"statusCode":404}}`: "",
		`The statusCode was {404}`:    "",
		"":                            "",

		"\ufeff" + good:                                     "byte order mark",
		"loading model\n" + good:                            "other text",
		"loading {model}\n" + good:                          "other text",
		"Content-Type: json\n\n{\n\"statusCode\": 200\n}\n": "other text",
		good + "\nbye":                                      "other text",
		good + "\n" + good:                                  "other text",
		"result: " + good:                                   "other text",
		`{"statusCode":"404","body":""}`:                    "is a string",
		`{"statusCode":99}`:                                 "100 to 999",
		`{"statusCode":1000}`:                               "100 to 999",
		`{"statusCode":200.0}`:                              "100 to 999",
		`{"statusCode":2e2}`:                                "100 to 999",
		`{"statusCode":null}`:                               "100 to 999",
		`{"StatusCode":200}`:                                "spelt",
		`{"status_code":200}`:                               "spelt",
		`{"statuscode":200}`:                                "spelt",
		`{'statusCode': 200, 'body': 'x'}`:                  "json.dumps",
		`{"statusCode":200,}`:                               "no JSON",
		`{"statusCode":200`:                                 "no JSON",
		`"{\"statusCode\":200}"`:                            "encoded twice",
		`{"statusCode":200,"multiValueHeaders":{"a":["b"]},"cookies":["c=d"]}`: "multiValueHeaders and cookies",
		`{"statusCode":200,"cookies":["c=d"]}`:                                 "has cookies,",
		`{"statusCode":200,"body":{"a":1}}`:                                    "body is no JSON string",
		`{"statusCode":200,"body":null}`:                                       "",
		`{"statusCode":200,"cookies":7}`:                                       "",
		`{"statusCode":200,"body":"\"cookies\""}`:                              "",
	} {
		got := apig.Doubts([]byte(result))
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%q: %q", result, got)
		}
	}
}

func TestAnEventThatIsNearlyACallIsToldWhatItLacks(t *testing.T) {
	for event, want := range map[string]string{
		`{"httpMethod":"GET","path":"/","requestContext":{}}`:                       "",
		`{"httpMethod":"GET","path":"/"}`:                                           "lacks requestContext (an object)",
		`{"httpMethod":"GET","path":"/","requestContext":"r"}`:                      "lacks requestContext (an object)",
		`{"httpMethod":"GET","requestContext":{}}`:                                  "lacks path (a string)",
		`{"path":"/","requestContext":{},"headers":{}}`:                             "lacks httpMethod (a string)",
		`{"version":"2.0","rawPath":"/","headers":{},"requestContext":{"http":{}}}`: "httpMethod (a string) and path (a string)",
		`{"httpMethod":"GET","headers":{}}`:                                         "lacks path (a string) and requestContext (an object)",
		`{"httpMethod":"GET"}`:                                                      "",
		`{"requestContext":{}}`:                                                     "",
		`{"path":"/","headers":{}}`:                                                 "",
		`{"httpMethod":"GET","path":"/"`:                                            "",
		`["httpMethod","path"]`:                                                     "",
		`{}`:                                                                        "",
	} {
		got := apig.Lacks([]byte(event))
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: %q", event, got)
		}
	}
}
